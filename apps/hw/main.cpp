// thimble-hw: checks, exports and proves integer networks for hardware.
#include "apps/hw/verbs.h"

int main(int argc, char** argv) {
  using namespace thimble::app;
  Program program;
  program.name = "hw";
  program.purpose = "Check, export and prove integer networks: interpreter, C and Verilog agree bit for bit.";
  program.try_first = "Try this first (an export of thimble-neurotrigger, or any FXIR file):";
  program.examples = {"thimble-hw verify build/expert0", "thimble-hw report build/expert0",
                      "thimble-hw export net.fxir.json --out build/net"};
  program.verbs = {hw_tool::check_verb(),  hw_tool::export_verb(),  hw_tool::vectors_verb(), hw_tool::verify_verb(),
                   hw_tool::report_verb(), hw_tool::explain_verb(), hw_tool::diff_verb()};
  program.synonyms = {{"simulate", "verify"}, {"test", "verify"}, {"synth", "report"}, {"area", "report"}};
  return run(argc, argv, program);
}

// The verb export: what becomes of a trained network.
#include "apps/common/cli/context.h"
#include "apps/fenet/verbs/verbs.h"

namespace thimble::fenet {
namespace {

int run_export(app::Context& context) {
  const std::string target = context.flag("--target");
  if (target == "weights") return export_weights(context);
  if (target == "ndt") return export_ndt(context);
  return export_chip(context, target == "hw");
}

}  // namespace

app::Verb export_verb() {
  app::Verb v;
  v.name = "export";
  v.group = "Hardware";
  v.summary = "integers, Verilog, C, memory images, test vectors and the text files of the chip, checked";
  v.run = run_export;
  v.operands = app::plain_operands("RUN|FILE|PRESET [key=value ...]", 1, 1);
  v.operands.overrides = true;
  v.flags = {{"--target",
              "KIND",
              "hw: everything; rtl: without the configuration bits and text files of the published chip; weights: a "
              "weights file, .h5 or .pt; ndt: arrays for the neural data transformer",
              "hw",
              {"hw", "rtl", "weights", "ndt"},
              0},
             {"--vectors", "N", "test windows, at most half of them recorded", "300", {}, 0},
             {"--day", "NAME", "day whose first segments the text files show", "", {}, 0},
             {"--what",
              "KIND",
              "ndt: features, reduced (by PLS) or predictions",
              "reduced",
              {"features", "normalised", "reduced", "predictions"},
              0}};
  v.examples = {"thimble-fenet export efficient --out build/efficient",
                "thimble-fenet export weights.h5 quant.word_length=10 quant.fraction=7 --out build/chip",
                "thimble-fenet export latest --target weights --out weights.pt",
                "thimble-fenet export latest --target ndt --what features --out ndt",
                "thimble-fenet verify build/efficient"};
  v.more =
      "The network is rounded to quant.word_length and quant.fraction (see the verb quantise for their cost). The "
      "Verilog takes one sample per clock, windows back to back. text/ holds the files of the published exporter in "
      "the code hw.code; they are computed again from themselves before the verb ends. report.md lists every register "
      "with the width that is safe. A network that does not fit the configuration of the chip is refused with the name "
      "of the field; --target rtl needs no such chip. ndt writes "
      "gitignoreme_outputs_day<i>.npy and gitignoreme_labels_day<i>.npy, float32, for every session of the train, dev "
      "and test days in order.";
  return v;
}

}  // namespace thimble::fenet

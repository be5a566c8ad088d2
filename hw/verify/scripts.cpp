#include "hw/verify/scripts.h"

#include "core/base/text.h"

namespace thimble::hw {

using text::cat;

std::string synthesis_commands(const std::string& module, const std::string& metric, const std::string& listing) {
  return cat("read_verilog ", module, ".v\nsynth_xilinx -family xc7 -top ", module, " -flatten",
             metric == "m1" ? " -nodsp" : "", " -nowidelut -noiopad -noclkbuf\ntee -a ", listing, " stat\n");
}

std::vector<std::string> icarus_arguments(const std::string& bench, const std::string& module,
                                          const std::string& output) {
  return {"-g2005", "-Wall", "-Wno-timescale", "-s", bench, "-o", output, bench + ".v", module + ".v"};
}

std::vector<std::string> verilator_arguments(const std::string& module, const std::string& driver,
                                             const std::string& build) {
  // the library of Verilator takes no time in these runs, but optimising it does: hence -O0 for it
  return {"--cc", "--exe",       "--build", "-j",    "2",   "-O3", "-Wno-fatal", "-Wno-lint",  "--top-module",
          module, module + ".v", driver,    "-Mdir", build, "-o",  "sim",        "-MAKEFLAGS", "OPT_GLOBAL=-O0"};
}

std::vector<std::string> c_arguments(const std::string& name, const std::string& output) {
  return {"-std=c99", "-O2", "-Wall", "-Wextra", "-o", output, cat("c/", name, ".c"), cat("c/", name, "_test.c")};
}

namespace {

/// A script that works in the export folder and leaves nothing behind.
std::string script(const std::string& usage, const std::string& body) {
  return cat("#!/bin/sh\n# usage: ", usage,
             "\nset -eu\ncd \"$(dirname \"$0\")/..\"\nbuild=$(mktemp -d)\ntrap 'rm -rf \"$build\"' EXIT\n", body);
}

std::string command(const std::string& program, const std::vector<std::string>& arguments) {
  std::string out = program;
  for (const std::string& argument : arguments) {
    out += argument.front() == '$' ? cat(" \"", argument, "\"") : " " + argument;
  }
  return out + "\n";
}

std::string icarus_script(const std::string& module) {
  std::string body = "cd rtl\n";
  for (const char* bench : {"tb", "tb_stress"}) {
    const std::string image = cat("$build/", bench, ".vvp");
    body += command("iverilog", icarus_arguments(bench, module, image)) +
            cat("vvp -n \"", image, "\" \"$@\" | tee \"$build/log\"\ngrep -q '^PASS' \"$build/log\"\n");
  }
  return script("run_icarus.sh [+vectors=N]", body);
}

}  // namespace

std::vector<VerilogFile> emit_scripts(const std::string& module, const std::string& c_name) {
  const std::string verilator =
      command("verilator", verilator_arguments(module, "$PWD/../scripts/drive.cpp", "$build"));
  std::vector<VerilogFile> out = {
      {"scripts/run_icarus.sh", icarus_script(module)},
      {"scripts/run_verilator.sh", script("run_verilator.sh", cat("cd rtl\n", verilator, "\"$build/sim\"\n"))},
      {"scripts/run_yosys.sh",
       script("run_yosys.sh [m1|dsp]", "cd rtl\nyosys -q -s \"../scripts/area_${1:-dsp}.ys\"\n")}};
  for (const char* metric : {"m1", "dsp"}) {
    out.push_back({cat("scripts/area_", metric, ".ys"), synthesis_commands(module, metric, "/dev/stdout")});
  }
  if (!c_name.empty()) {
    const std::string compile = command("cc", c_arguments(c_name, "$build/test"));
    out.push_back({"scripts/run_c.sh", script("run_c.sh", compile + "\"$build/test\"\n")});
  }
  return out;
}

}  // namespace thimble::hw

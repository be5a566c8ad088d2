// Targets hw and rtl of the verb export, and the verb verify.
#include "core/base/error.h"
#include "core/base/log.h"

#include "hw/verify/verify.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/hardware/hardware_export.h"
#include "apps/fenet/verbs/verbs.h"

namespace thimble::fenet {

using text::cat;

namespace {

namespace fs = std::filesystem;

void tell_registers(app::Result& result, const std::vector<RegisterRange>& registers) {
  int sums = 0, pools = 0;
  for (const RegisterRange& r : registers) (r.pool ? pools : sums) = std::max(r.pool ? pools : sums, r.safe_bits());
  result.metric("accumulator_safe_bits", sums);
  result.metric("pool_safe_bits", pools);
  for (const std::string& warning : register_warnings(registers)) log::warning(warning);
}

/// True if the text files say what was computed from them.
bool tell_bundle(app::Result& result, const BundleCheck& check) {
  result.metric("text_mismatches", static_cast<double>(check.mismatch_count));
  result.line(check.line());
  for (const std::string& line : check.mismatches) result.line("  " + line);
  return check.equal();
}

}  // namespace

int export_chip(app::Context& context, bool text) {
  const HardwareSubject subject = open_hardware_subject(context);
  HardwareExportOptions options;
  const std::int64_t vectors = context.flag_integer("--vectors", 300);
  THIMBLE_CHECK(vectors >= 4 && vectors <= 1'000'000, usage, "--vectors ", vectors, " is not within 4 to 1000000");
  options.vectors = static_cast<std::size_t>(vectors);
  options.day = context.flag("--day");
  options.text = text;
  const fs::path folder = context.flags().out.value_or(cat("build/", subject.name));
  if (context.flags().dry_run) {
    const QuantisedNetwork network = subject.quantised();
    context.result().line(cat("would write ", network.str(), " with ", vectors, " windows to ", folder.string()));
    return 0;
  }
  const HardwareExport made = export_hardware(subject, options, folder);
  app::Result& result = context.result();
  result.file("export", folder.string());
  result.line(cat(folder.string(), ": ", subject.quantised().str(), ", module ", made.summary.module, ", ",
                  made.summary.vectors, " windows (", made.recorded, " recorded ones offered), ", made.summary.files,
                  " files"));
  result.line(cat("Verilog: ", hw::name(made.summary.timing), ", one window every ", made.summary.interval,
                  " clocks, answer ", made.summary.latency, " clocks after its first sample"));
  result.metric("interval_cycles", made.summary.interval);
  result.metric("latency_cycles", made.summary.latency);
  tell_registers(result, made.registers);
  const bool equal = !made.bundle || tell_bundle(result, *made.bundle);
  result.line(cat("prove it: thimble-fenet verify ", folder.string()));
  return equal ? 0 : 1;
}

namespace {

int run_verify(app::Context& context) {
  const fs::path folder = context.word(0);
  app::Result& result = context.result();
  const bool bundled = fs::is_directory(folder / "text") && fs::exists(folder / "text" / "model_info.txt");
  const bool equal = !bundled || tell_bundle(result, check_bundle(folder / "text"));
  if (context.has("--text")) {
    THIMBLE_CHECK(bundled, data, folder.string(), " holds no text files");
    return equal ? 0 : 1;
  }
  hw::VerifyOptions options;
  if (const std::string list = context.flag("--sim"); !list.empty()) options.engines = text::split(list, ',');
  options.seconds = static_cast<double>(context.flag_integer("--time-limit", 600));
  options.ended = [](const hw::EngineResult& engine) {
    log::note(engine.engine, " ended after ", text::fixed(engine.seconds, 1), " s");
  };
  const hw::VerifyResult proof = hw::verify(folder, options);
  result.print(proof.text());
  for (const hw::EngineResult& engine : proof.engines)
    result.metric(engine.engine + ".mismatches", static_cast<double>(engine.mismatches));
  return equal && proof.proven() ? 0 : 1;
}

}  // namespace

app::Verb verify_verb() {
  app::Verb v;
  v.name = "verify";
  v.group = "Hardware";
  v.summary = "compute the text files of an export again from themselves, run its Verilog and C";
  v.run = run_verify;
  v.operands = app::plain_operands("DIR", 1, 1);
  v.flags = {{"--text", "", "the text files alone", "", {}, 0},
             {"--sim", "LIST", "interpreter, c, verilator, icarus; all that are installed", "", {}, 0},
             {"--time-limit", "S", "seconds for each outside program", "600", {}, 0}};
  v.examples = {"thimble-fenet verify build/efficient", "thimble-fenet verify build/efficient --text"};
  v.more =
      "The text files are read by code that shares nothing with what wrote them: configuration bits and words give the "
      "network, plain integer loops its values. The rest is thimble-hw verify.";
  return v;
}

}  // namespace thimble::fenet

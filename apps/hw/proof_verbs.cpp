// verify, report, explain: what runs simulators and the synthesiser on an export folder.
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/json.h"

#include "hw/verify/report.h"
#include "hw/verify/synthesis.h"
#include "hw/verify/verify.h"

#include "apps/common/cli/context.h"
#include "apps/hw/design_words.h"
#include "apps/hw/verbs.h"

#include <nlohmann/json.hpp>

namespace thimble::app::hw_tool {

namespace fs = std::filesystem;
using text::cat;

namespace {

void enter(const fs::path& folder, const hw::VerifyResult& result) {
  nlohmann::json lines = nlohmann::json::object();
  for (const hw::EngineResult& engine : result.engines) {
    if (engine.status == hw::EngineResult::Status::skipped) continue;
    lines[engine.engine] = engine.line().substr(engine.engine.size() + 2);
  }
  lines["verdict"] = result.proven() ? "proven" : "not proven";
  hw::update_report(folder, "verification", lines);
}

/// The counts as JSON for --json.
std::string engines_json(const hw::VerifyResult& result) {
  nlohmann::json list = nlohmann::json::array();
  for (const hw::EngineResult& engine : result.engines) {
    const bool ran =
        engine.status == hw::EngineResult::Status::equal || engine.status == hw::EngineResult::Status::different;
    list.push_back({{"engine", engine.engine},
                    {"ran", ran},
                    {"vectors", engine.vectors},
                    {"mismatches", engine.mismatches},
                    {"latency_cycles", engine.latency},
                    {"seconds", engine.seconds},
                    {"note", engine.note}});
  }
  return io::json_text(list);
}

hw::VerifyOptions verify_options(const Context& context) {
  hw::VerifyOptions options;
  if (const std::string list = context.flag("--sim"); !list.empty()) options.engines = text::split(list, ',');
  options.icarus_vectors = static_cast<std::size_t>(positive(context, "--icarus-vectors", 500));
  options.seconds = static_cast<double>(positive(context, "--time-limit", 300));
  options.ended = [](const hw::EngineResult& engine) {
    log::note(engine.engine, " ended after ", text::fixed(engine.seconds, 1), " s");
  };
  return options;
}

int run_verify(Context& context) {
  const fs::path folder = context.word(0);
  const hw::VerifyResult result = hw::verify(folder, verify_options(context));
  context.result().print(result.text());
  context.result().data("engines", engines_json(result));
  for (const hw::EngineResult& engine : result.engines) {
    context.result().metric(engine.engine + ".mismatches", static_cast<double>(engine.mismatches));
  }
  if (context.stop().requested()) return 1;  // half a verification is none
  try {
    enter(folder, result);
  } catch (const Error& error) {  // the verdict stands, whatever became of the report
    context.result().warning(cat("report.json was not updated: ", error.message()));
  }
  return result.proven() ? 0 : 1;
}

int run_report(Context& context) {
  const double seconds = static_cast<double>(positive(context, "--time-limit", 600));
  const std::string wanted = context.flag("--synth");
  std::vector<fs::path> folders(context.words().begin(), context.words().end());
  for (const fs::path& folder : folders) {
    const std::string usual = hw::usual_metric(folder);
    std::vector<std::string> metrics = {wanted};
    if (wanted == "auto") metrics = {usual};
    if (wanted == "all") metrics = {"dsp", "m1"};
    if (wanted == "none") metrics.clear();
    for (const std::string& metric : metrics) {
      log::note("Yosys maps ", folder.string(), " (", metric, ")");
      hw::measure_area(folder, metric, seconds);
    }
    const nlohmann::json report = hw::read_report(folder);
    context.result().print(hw::report_text(report));
    context.result().data("report", io::json_text(report));
    context.result().file("report", (folder / "report.md").string());
  }
  return 0;
}

int run_explain(Context& context) {
  const auto found = hw::explain(context.word(0), static_cast<std::size_t>(positive(context, "--vectors", 20)),
                                 static_cast<double>(positive(context, "--time-limit", 300)));
  context.result().line(found.text);
  return found.equal ? 0 : 1;
}

}  // namespace

Verb verify_verb() {
  Verb verb;
  verb.name = "verify";
  verb.group = "Work";
  verb.summary = "run interpreter, C, Verilator and Icarus on the same vectors";
  verb.run = run_verify;
  verb.stops_cleanly = true;  // ends the outside programs and removes what they built
  verb.operands = plain_operands("DIR", 1, 1);
  verb.flags = {{"--sim", "LIST", "engines: interpreter, c, verilator, icarus; empty: all found", "", {}, 0},
                {"--icarus-vectors", "N", "vectors for Icarus, which is slow on large designs", "500", {}, 0},
                {"--time-limit", "S", "seconds for each outside program", "300", {}, 0}};
  verb.examples = {"thimble-hw verify build/expert0", "thimble-hw verify build/expert0 --sim interpreter,icarus"};
  verb.more =
      "Exit 0 only if every engine that ran agrees on every vector and at least one of them simulated the Verilog. "
      "A missing, cut or changed file is never taken for equality. The scripts in DIR/scripts do the same by hand.";
  return verb;
}

Verb report_verb() {
  Verb verb;
  verb.name = "report";
  verb.group = "Look";
  verb.summary = "formats, ranges, bits saved, cycles, LUTs and FFs by Yosys";
  verb.run = run_report;
  verb.stops_cleanly = true;  // ends the outside programs and removes what they built
  verb.operands = plain_operands("DIR...", 1, 100);
  verb.flags = {{"--synth",
                 "KIND",
                 "m1: products in LUTs; dsp: in DSP blocks; auto: dsp for serial designs",
                 "auto",
                 {"auto", "m1", "dsp", "all", "none"},
                 0},
                {"--time-limit", "S", "seconds for the synthesis", "600", {}, 0}};
  verb.examples = {"thimble-hw report build/expert0", "thimble-hw report build/expert0 --synth none"};
  verb.more = "Written to DIR/report.json and DIR/report.md too.";
  return verb;
}

Verb explain_verb() {
  Verb verb;
  verb.name = "explain";
  verb.group = "Look";
  verb.summary = "name the first node whose value inside the Verilog is wrong";
  verb.run = run_explain;
  verb.stops_cleanly = true;  // ends the outside programs and removes what they built
  verb.operands = plain_operands("DIR", 1, 1);
  verb.flags = {{"--vectors", "N", "vectors to look at", "20", {}, 'n'},
                {"--time-limit", "S", "seconds for each outside program", "300", {}, 0}};
  verb.examples = {"thimble-hw explain build/expert0"};
  verb.more = "Runs the trace bench in Icarus and compares every node with the interpreter; exit 1 if one differs.";
  return verb;
}

}  // namespace thimble::app::hw_tool

#include "core/base/error.h"

#include "hw/ir/json.h"
#include "hw/verify/export_folder.h"

#include "apps/common/cli/context.h"
#include "apps/hw/design_words.h"
#include "apps/hw/verbs.h"

namespace thimble::app::hw_tool {

using text::cat;

namespace {

/// "auto", "parallel", "serial", "serial:R", "stream"
void read_schedule(const std::string& word, hw::VerilogOptions& options) {
  const std::string head = word.substr(0, word.find(':'));
  std::int64_t reuse = 0;
  const bool counted = head.size() < word.size();
  const bool number = counted && text::parse(std::string_view(word).substr(head.size() + 1), reuse);
  if (head == "auto") {
    options.timing = hw::Timing::automatic;
  } else if (head == "parallel") {
    options.timing = hw::Timing::parallel;
  } else if (head == "serial") {
    options.timing = hw::Timing::serial;
  } else if (head == "stream") {
    options.timing = hw::Timing::stream;
  }
  const bool known = head == "auto" || head == "parallel" || head == "serial" || head == "stream";
  if (!known || (counted && (head != "serial" || !number || reuse < 1 || reuse > 1'000'000))) {
    throw Error(ErrorKind::usage, cat("--schedule '", text::printable(word), "' is not known"), {},
                "auto, parallel, stream, serial, or serial:R with R clock cycles for each layer");
  }
  options.reuse = static_cast<int>(reuse);
}

void read_targets(const std::string& list, hw::ExportOptions& options) {
  options.rtl = options.c = false;
  for (const std::string& target : text::split(list, ',')) {
    if (target == "rtl") {
      options.rtl = true;
    } else if (target == "c") {
      options.c = true;
    } else {
      throw Error(ErrorKind::usage, cat("--target '", text::printable(target), "' is not known"), {},
                  "rtl, c or rtl,c");
    }
  }
}

int run_export(Context& context) {
  hw::ExportOptions options;
  read_targets(context.flag("--target"), options);
  read_schedule(context.flag("--schedule"), options.verilog);
  const std::int64_t levels = context.flag_integer("--pipeline", 6);
  THIMBLE_CHECK(levels >= 0 && levels <= 1000, usage, "--pipeline ", levels, " is not within 0 to 1000");
  options.verilog.levels_per_stage = static_cast<int>(levels);
  const std::filesystem::path folder = out_folder(context);
  const hw::Graph graph = hw::read_graph(graph_file(context.word(0)));
  const hw::Vectors stimulus = stimulus_of(context, graph);
  if (context.flags().dry_run) {
    context.result().line(cat("would write ", stimulus.rows(), " vectors and the design to ", folder.string()));
    return 0;
  }
  const hw::ExportSummary summary = hw::export_folder(graph, stimulus, options, folder);
  context.result().file("folder", folder.string());
  context.result().line(cat(folder.string(), ": ", summary.module, ", ", hw::name(summary.timing),
                            " schedule, latency ", summary.latency, " clock cycles, one vector every ",
                            summary.interval, ", ", summary.vectors, " vectors, ", summary.files, " files"));
  context.result().line(cat("next: thimble-hw verify ", folder.string()));
  return 0;
}

}  // namespace

Verb export_verb() {
  Verb verb;
  verb.name = "export";
  verb.group = "Work";
  verb.summary = "Verilog, C, benches, vectors and reports in --out DIR";
  verb.run = run_export;
  verb.operands = plain_operands("FXIR|DIR", 1, 1);
  verb.flags = {{"--target", "LIST", "what to write: rtl, c or both", "rtl,c", {}, 0},
                {"--schedule", "KIND", "auto, parallel, serial, serial:R or stream", "auto", {}, 0},
                {"--pipeline", "N", "logic levels between registers, 0 for none", "6", {}, 0}};
  for (Flag& flag : stimulus_flags()) verb.flags.push_back(flag);
  verb.examples = {"thimble-hw export net.fxir.json --out build/net",
                   "thimble-hw export net.fxir.json --schedule serial:8 --out build/small"};
  verb.more =
      "The same network, options and seed give the same bytes. An earlier export in DIR is replaced when the new one "
      "is "
      "complete; any other folder is refused. parallel takes a vector every clock; serial shares one multiplier per "
      "input of the first layer and one table; stream takes one sample of a window per clock.";
  return verb;
}

}  // namespace thimble::app::hw_tool

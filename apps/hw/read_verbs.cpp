// check, vectors, diff: what needs no outside program.
#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/file.h"

#include "hw/emit/stimulus.h"
#include "hw/emit/verilog.h"
#include "hw/ir/json.h"
#include "hw/sim/evaluate.h"
#include "hw/verify/report.h"

#include "apps/common/cli/context.h"
#include "apps/hw/design_words.h"
#include "apps/hw/verbs.h"

#include <algorithm>

namespace thimble::app::hw_tool {

namespace fs = std::filesystem;
using text::cat;

namespace {

constexpr std::uint64_t kTraceBytes = std::uint64_t{1} << 30;

int check(Context& context) {
  const hw::Graph graph = hw::read_graph(graph_file(context.word(0)));
  Result& result = context.result();
  result.print(hw::graph_text(graph));
  const std::string obstacle = hw::serial_obstacle(graph);
  result.line(cat("serial schedule: ", obstacle.empty() ? "possible" : cat("not possible, ", obstacle)));
  const std::string still = hw::stream_obstacle(graph);
  result.line(cat("stream schedule: ", still.empty() ? "possible" : cat("not possible, ", still)));
  result.line(cat("every width holds its exact range; FXIR sha256 ", hw::hash_of(graph)));
  return 0;
}

int vectors(Context& context) {
  const hw::Graph graph = hw::read_graph(graph_file(context.word(0)));
  const hw::Vectors stimulus = stimulus_of(context, graph);
  hw::Vectors expected;
  expected.width = graph.output_size();
  for (std::size_t v = 0; v < stimulus.rows(); ++v) {
    expected.push(hw::outputs_of(graph, hw::evaluate(graph, stimulus.row(v))));
  }
  const fs::path folder = out_folder(context);
  fs::create_directories(folder);
  const auto write = [&](const char* name, const std::string& bytes) {
    io::atomic_replace(folder / name, bytes);
    context.result().file(name, (folder / name).string());
  };
  write("stim.txt", hw::vectors_text(stimulus));
  write("expect.txt", hw::vectors_text(expected));
  write("stim.mem", hw::memory_text(stimulus, hw::input_types(graph)));
  write("expect.mem", hw::memory_text(expected, hw::output_types(graph)));
  context.result().line(cat(stimulus.rows(), " vectors in ", folder.string()));
  return 0;
}

/// Where a trace line says its values begin: "<vector> <node> <values...>".
std::string first_difference(const std::string& left, const std::string& right) {
  const auto a = text::split(left, '\n'), b = text::split(right, '\n');
  const std::size_t lines = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < lines; ++i) {
    if (a[i] == b[i]) continue;
    const auto x = text::split(a[i], ' '), y = text::split(b[i], ' ');
    std::size_t word = 0;
    while (word < x.size() && word < y.size() && x[word] == y[word]) ++word;
    const std::string got_left = word < x.size() ? x[word] : "nothing",
                      got_right = word < y.size() ? y[word] : "nothing";
    if (word < 2 || x.size() < 2) return cat("line ", i + 1, ": the traces follow different networks");
    return cat("vector ", text::printable(x[0]), ", node '", text::printable(x[1]), "'[", word - 2,
               "]: ", text::printable(got_left), " and ", text::printable(got_right));
  }
  return a.size() == b.size() ? "" : cat("one trace ends after ", lines, " lines");
}

int diff(Context& context) {
  const std::string left = io::read_file(context.word(0), kTraceBytes),
                    right = io::read_file(context.word(1), kTraceBytes);
  const std::string difference = first_difference(left, right);
  context.result().line(difference.empty() ? "no difference" : cat("first difference: ", difference));
  return difference.empty() ? 0 : 1;
}

}  // namespace

Verb check_verb() {
  Verb verb;
  verb.name = "check";
  verb.group = "Work";
  verb.summary = "formats, exact ranges and refusal reasons of a network";
  verb.run = check;
  verb.operands = plain_operands("FXIR|DIR", 1, 1);
  verb.examples = {"thimble-hw check net.fxir.json", "thimble-hw check build/expert0"};
  return verb;
}

Verb vectors_verb() {
  Verb verb;
  verb.name = "vectors";
  verb.group = "Work";
  verb.summary = "stimulus and expected vectors of a network, in --out DIR";
  verb.run = vectors;
  verb.operands = plain_operands("FXIR|DIR", 1, 1);
  verb.flags = stimulus_flags();
  verb.examples = {"thimble-hw vectors net.fxir.json --vectors 10000 --out vec"};
  return verb;
}

Verb diff_verb() {
  Verb verb;
  verb.name = "diff";
  verb.group = "Look";
  verb.summary = "first differing node of two traces; exit 1 if there is one";
  verb.run = diff;
  verb.operands = plain_operands("TRACE TRACE", 2, 2);
  verb.examples = {"thimble-hw diff a.trace b.trace"};
  return verb;
}

}  // namespace thimble::app::hw_tool

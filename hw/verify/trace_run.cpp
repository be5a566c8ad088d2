// Looks inside the Verilog: the trace bench prints every tapped value, which is compared with the interpreter.
#include "core/base/error.h"
#include "core/io/json.h"

#include "hw/sim/evaluate.h"
#include "hw/verify/engines.h"
#include "hw/verify/process.h"
#include "hw/verify/scripts.h"

#include <nlohmann/json.hpp>

#include <map>
#include <tuple>

namespace thimble::hw {

namespace fs = std::filesystem;
using text::cat;

namespace {

using Lane = std::pair<TensorId, std::size_t>;

/// How the clocks of a lane become elements.
struct LaneMap {
  std::size_t lanes = 1, groups = 1;
};

std::map<Lane, LaneMap> read_map(const fs::path& rtl) {
  std::map<Lane, LaneMap> out;
  const nlohmann::json file = io::read_json(rtl / "trace.json");
  for (const auto& tap : file.at("taps")) {
    out[{tap.at("number").get<TensorId>(), tap.at("lane").get<std::size_t>()}] = {tap.at("lanes").get<std::size_t>(),
                                                                                  tap.at("groups").get<std::size_t>()};
  }
  return out;
}

/// Collects the values of one simulation and compares each as soon as it is known where it belongs.
class Comparison {
 public:
  Comparison(const Export& design, std::size_t vectors) : design_(design), map_(read_map(design.folder / "rtl")) {
    for (std::size_t v = 0; v < vectors; ++v) truth_.push_back(evaluate(design.graph, design.stimulus.row(v)));
  }

  void take(TensorId tensor, std::size_t lane, const std::string& value) {
    const auto found = map_.find({tensor, lane});
    if (found == map_.end() || static_cast<std::size_t>(tensor) >= design_.graph.tensors.size()) return;
    const LaneMap& map = found->second;
    const std::size_t seen = seen_[found->first]++;
    const std::size_t vector = seen / map.groups, element = seen % map.groups * map.lanes + lane;
    if (vector >= truth_.size()) return;
    const auto& expected = truth_[vector][static_cast<std::size_t>(tensor)];
    if (element >= expected.size() || std::to_string(expected[element]) == value)
      return;  // beyond the end: padding of the last group
    const Found candidate{vector, tensor, element, expected[element], value};
    if (!first_ || candidate.before(*first_)) first_ = candidate;
  }

  std::optional<NodeDifference> first() const {
    if (!first_) return std::nullopt;
    return NodeDifference{design_.graph.tensor(first_->tensor).name, first_->vector, first_->element, first_->expected,
                          first_->got};
  }

 private:
  struct Found {
    std::size_t vector;
    TensorId tensor;
    std::size_t element;
    std::int64_t expected;
    std::string got;
    bool before(const Found& other) const {
      return std::tie(vector, tensor, element) < std::tie(other.vector, other.tensor, other.element);
    }
  };

  const Export& design_;
  std::map<Lane, LaneMap> map_;
  std::map<Lane, std::size_t> seen_;
  std::vector<Values> truth_;
  std::optional<Found> first_;
};

}  // namespace

std::optional<NodeDifference> trace_difference(const Export& design, std::size_t vectors, double seconds) {
  const TemporaryFolder build("thimble-hw");
  const fs::path rtl = design.folder / "rtl", image = build.path() / "trace.vvp";
  std::vector<std::string> argv = icarus_arguments("tb_trace", design.module, image.string());
  argv.insert(argv.begin(), program_path("iverilog"));
  const ProcessResult compiled = run_process(argv, {rtl, seconds});
  THIMBLE_CHECK(compiled.ok(), failed, "iverilog: ", compiled.how_it_ended());
  ProcessOptions options{rtl, seconds};
  options.output_bytes = std::size_t{1} << 28;
  const ProcessResult run =
      run_process({program_path("vvp"), "-n", image.string(), cat("+vectors=", vectors)}, options);
  const bool finished = run.output.find("RESULT vectors=") != std::string::npos;
  THIMBLE_CHECK(finished, failed, "the trace bench did not reach its end: ", run.how_it_ended());
  Comparison comparison(design, vectors);
  for (const std::string& line : text::split(run.output, '\n')) {
    const std::vector<std::string> words = text::split(line, ' ');
    std::int64_t tensor = 0, lane = 0;
    const bool trace = words.size() == 4 && words[0] == "TRACE" && text::parse(words[1], tensor) &&
                       text::parse(words[2], lane) && tensor >= 0 && lane >= 0;
    if (trace) comparison.take(static_cast<TensorId>(tensor), static_cast<std::size_t>(lane), words[3]);
  }
  return comparison.first();
}

}  // namespace thimble::hw

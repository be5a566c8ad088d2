#include "hw/verify/firmware.h"

#include "hw/emit/identifiers.h"
#include "hw/sim/evaluate.h"

#include <algorithm>

namespace thimble::hw {

using text::cat;

std::vector<WordArray> vector_words(const Graph& graph, const Vectors& stimulus, std::size_t count) {
  Identifiers ids(40);
  std::vector<WordArray> arrays;
  std::vector<TensorId> tensors;
  for (const Node& node : graph.nodes) {
    if (node.output < 0 || graph.tensor(node.output).size() == 0) continue;
    const TensorInfo& info = graph.tensor(node.output);
    WordArray array;
    array.name = ids.unique(info.name, "node") + "_values";
    array.shape = {static_cast<std::int64_t>(std::min(count, stimulus.rows())), static_cast<std::int64_t>(info.size())};
    array.type = fixed::type_of(hull(info.interval(), {-1, 0}), info.format.at(0).f, "a value");
    array.meaning = cat("values, vector by vector; ", comment_text(info.name));
    arrays.push_back(std::move(array));
    tensors.push_back(node.output);
  }
  for (std::size_t row = 0; row < std::min(count, stimulus.rows()); ++row) {
    const Values values = evaluate(graph, stimulus.row(row));
    for (std::size_t a = 0; a < arrays.size(); ++a) {
      const auto& from = values[static_cast<std::size_t>(tensors[a])];
      arrays[a].data.insert(arrays[a].data.end(), from.begin(), from.end());
    }
  }
  return arrays;
}

std::vector<WordFile> firmware_files(const Graph& graph, const Vectors& stimulus, const FirmwareOptions& options) {
  const std::string name = Identifiers(40).unique(graph.name, "net");
  std::vector<WordFile> files;
  const auto add = [&](const std::string& folder, const std::string& package, const std::vector<WordArray>& arrays) {
    for (WordFile& file : word_files(package, arrays))
      files.push_back({cat("firmware/", folder, "/", file.path), std::move(file.text)});
  };
  add("words", name + "_words", design_words(graph, options.weight_bits));
  add("vectors", name + "_vectors", vector_words(graph, stimulus, options.vectors));
  return files;
}

}  // namespace thimble::hw

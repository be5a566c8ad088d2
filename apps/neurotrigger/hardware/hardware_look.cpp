#include "apps/neurotrigger/hardware/hardware_look.h"

#include "core/base/error.h"

#include "apps/neurotrigger/data/preprocess.h"
#include "apps/neurotrigger/data/scaling.h"

#include <algorithm>

namespace thimble::neurotrigger {

std::map<int, nn::Graph> seen_by(const std::string& target, std::map<int, nn::Graph> models,
                                 const RunSettings& settings) {
  if (target == "float") return models;
  for (auto& [expert, model] : models) {
    const Settings& own = settings.own.at(expert);
    if (is_hardware(own.quant) && own.quant != target)
      throw Error(ErrorKind::config, text::cat("expert ", expert, " was trained with the integers of ", own.quant),
                  {"", 0, 0, "--target"}, text::cat("use --target ", own.quant));
    std::optional<nn::Graph> form = hardware_form(model, hardware_model(target, own.hw));
    if (!form)
      throw Error(ErrorKind::config,
                  text::cat("the hardware has tables of tanh and tanh/2 alone; expert ", expert, " uses ", own.act),
                  {"", 0, 0, "--target"}, "leave --target out");
    model = std::move(*form);
  }
  return models;
}

Dataset with_hardware_words(const Dataset& data, const std::map<int, nn::Graph>& networks) {
  Dataset out = data;
  out.words = Tensor::zeros({data.rows(), 2});
  out.old = Tensor::zeros({data.rows(), 2});
  out.has_old = true;
  for (const auto& [expert, network] : networks) {
    const std::vector<std::int64_t> rows = data.rows_of(expert);
    const hw::Graph graph = hardware_graph(network, "net", false);
    const hw::Vectors values = hardware_outputs(graph, input_format(network), gather_rows(data.inputs, rows));
    const hw::Vectors words = output_words(values, graph.tensor(graph.outputs().front()).format.type.f);
    const std::size_t columns = std::min<std::size_t>(2, words.width);
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t k = 0; k < columns; ++k) {
        const std::int64_t word = words.data[i * words.width + k];
        const auto at = 2 * rows[i] + static_cast<std::int64_t>(k);
        out.words.mut<float>()[at] = static_cast<float>(word);
        out.old.mut<float>()[at] = static_cast<float>(word_to_scaled(static_cast<double>(word)));
      }
  }
  return out;
}

void apply_quirk(Dataset& data, const std::string& quirk) {
  if (quirk != "id_shuffle" || data.rows() == 0) return;
  data.inputs = data.inputs.clone();
  shuffle_ids(data.inputs);
}

}  // namespace thimble::neurotrigger

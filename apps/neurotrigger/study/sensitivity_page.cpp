// What sensitivity_study shows: sentences, tables, figures, files.

#include "core/io/json.h"

#include "apps/neurotrigger/look/figure_parts.h"
#include "apps/neurotrigger/study/sensitivity.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>

namespace thimble::neurotrigger {
namespace {

using SensitivityJson = nlohmann::ordered_json;

constexpr std::size_t kSensitivityRows = 20'000;
constexpr std::size_t kStrongest = 3;

/// One network with what was found.
struct NetworkLook {
  int expert = 0;
  InputSensitivity inputs;
  std::vector<NeuronReport> neurons;
};

std::vector<NetworkLook> look_at(const RunResult& run, const Splits& splits, Split split) {
  std::vector<NetworkLook> looks;
  for (const ExpertResult& expert : run.experts) {
    std::vector<std::int64_t> rows = expert.outputs[static_cast<std::size_t>(split)].rows;
    if (rows.empty() || expert.outcome.model.nodes().empty()) continue;
    rows.resize(std::min(rows.size(), kSensitivityRows));
    const Tensor inputs = gather_rows(splits[split].inputs, rows);
    looks.push_back({expert.outcome.expert, input_sensitivity(expert.outcome.model, inputs),
                     neuron_reports(expert.outcome.model, inputs)});
  }
  return looks;
}

std::int64_t count_of(const NetworkLook& look, NeuronState state) {
  return std::count_if(look.neurons.begin(), look.neurons.end(),
                       [state](const NeuronReport& n) { return n.state == state; });
}

report::Table input_table(const std::vector<NetworkLook>& looks) {
  report::Table table;
  table.title = "Share of the inputs in z";
  table.note =
      "mean over tracks of |x dz/dx|: how far z would move, to first order, if the input were 0; 0 where a network "
      "never "
      "has the hit";
  table.columns = {{"input", "", true, false}};
  for (const NetworkLook& look : looks) table.columns.push_back({network_name(look.expert), "cm", false, false});
  const std::size_t inputs = looks.front().inputs.product_cm.size();
  for (std::size_t i = 0; i < inputs; ++i) {
    std::vector<report::Cell> row{input_name(i)};
    for (const NetworkLook& look : looks) {
      const std::vector<double>& all = look.inputs.product_cm;
      row.push_back(report::number(all[i], 2, all[i] == *std::max_element(all.begin(), all.end())));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

report::Table neuron_table(const std::vector<NetworkLook>& looks) {
  report::Table table;
  table.title = "Hidden neurons that do little";
  table.note =
      "constant: output hardly moves from track to track; saturated: at its end for 99 % of the tracks; dead: 0 for "
      "99.9 % of the tracks (relu). Such neurons can be cut away or replaced by a bias, which saves multipliers";
  table.columns = {{"network", "", true, false},   {"neurons", "", false, false},   {"alive", "", false, false},
                   {"constant", "", false, false}, {"saturated", "", false, false}, {"dead", "", false, false},
                   {"named", "", true, false}};
  for (const NetworkLook& look : looks) {
    std::vector<std::string> names;
    for (const NeuronReport& n : look.neurons)
      if (n.state != NeuronState::alive && names.size() < 12) names.push_back(text::cat(n.layer, ":", n.neuron));
    table.rows.push_back({network_name(look.expert), report::number(static_cast<double>(look.neurons.size()), 0),
                          report::number(static_cast<double>(count_of(look, NeuronState::alive)), 0),
                          report::number(static_cast<double>(count_of(look, NeuronState::constant)), 0),
                          report::number(static_cast<double>(count_of(look, NeuronState::saturated)), 0),
                          report::number(static_cast<double>(count_of(look, NeuronState::dead)), 0),
                          text::join(names, " ")});
  }
  return table;
}

report::Figure sensitivity_map(const std::vector<NetworkLook>& looks) {
  const std::size_t inputs = looks.front().inputs.product_cm.size();
  report::Figure f = plain_figure("sensitivity", "What z is made of",
                                  "Mean |x dz/dx| of every input (columns; SL0 relID, driftT, alpha, then SL1 ...) for "
                                  "every network (rows). Stereo "
                                  "super layers are 1, 3, 5 and 7: they carry z, so their columns should be bright.",
                                  figure_axis("input number", "", -0.5, static_cast<double>(inputs) - 0.5),
                                  figure_axis("network", "", -0.5, static_cast<double>(looks.size()) - 0.5));
  report::Grid grid;
  grid.x = {-0.5, static_cast<double>(inputs) - 0.5};
  grid.y = {-0.5, static_cast<double>(looks.size()) - 0.5};
  grid.columns = inputs;
  grid.rows = looks.size();
  grid.label = "cm";
  for (const NetworkLook& look : looks)
    grid.values.insert(grid.values.end(), look.inputs.product_cm.begin(), look.inputs.product_cm.end());
  f.grid = std::move(grid);
  return f;
}

report::Figure neuron_figure(const std::vector<NetworkLook>& looks) {
  report::Figure f =
      plain_figure("neurons", "How much the hidden neurons move",
                   "Standard deviation of every neuron's output over the tracks, sorted; a curve that falls "
                   "to 0 on the right has neurons that can be left out.",
                   figure_axis("neuron, sorted"), figure_axis("standard deviation of the output"));
  for (const NetworkLook& look : looks) {
    report::Series s = line_series(network_name(look.expert), {}, {});
    for (const NeuronReport& n : look.neurons) s.y.push_back(n.deviation);
    std::sort(s.y.rbegin(), s.y.rend());
    for (std::size_t i = 0; i < s.y.size(); ++i) s.x.push_back(static_cast<double>(i + 1));
    if (!s.x.empty()) f.series.push_back(std::move(s));
  }
  f.y.low = 0.0;
  return f;
}

std::string strongest_sentence(const NetworkLook& look) {
  std::vector<std::size_t> order(look.inputs.product_cm.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return look.inputs.product_cm[a] > look.inputs.product_cm[b]; });
  order.resize(std::min(order.size(), kStrongest));
  std::vector<std::string> names;
  for (const std::size_t i : order)
    names.push_back(text::cat(input_name(i), " (", text::fixed(look.inputs.product_cm[i], 1), " cm)"));
  const auto idle = static_cast<std::int64_t>(look.neurons.size()) - count_of(look, NeuronState::alive);
  return text::cat(network_name(look.expert), ": z comes mostly from ", text::join(names, ", "), "; ", idle, " of ",
                   look.neurons.size(), " hidden neurons do little.");
}

SensitivityJson json_of_look(const NetworkLook& look) {
  SensitivityJson out = {{"network", look.expert}, {"tracks", look.inputs.tracks}};
  for (std::size_t i = 0; i < look.inputs.product_cm.size(); ++i)
    out["inputs"].push_back({{"name", input_name(i)},
                             {"mean_abs_x_dzdx_cm", look.inputs.product_cm[i]},
                             {"mean_abs_dzdx_cm", look.inputs.gradient_cm[i]},
                             {"mean_dzdx_cm", look.inputs.mean_cm[i]}});
  for (const NeuronReport& n : look.neurons)
    out["neurons"].push_back({{"layer", n.layer},
                              {"neuron", n.neuron},
                              {"state", name_of(n.state)},
                              {"mean", n.mean},
                              {"std", n.deviation},
                              {"saturated", n.saturated},
                              {"zero", n.zero},
                              {"reach", n.reach}});
  return out;
}

std::string neuron_csv(const std::vector<NetworkLook>& looks) {
  std::string out = "network,layer,neuron,state,mean,std,saturated,zero,reach\n";
  for (const NetworkLook& look : looks)
    for (const NeuronReport& n : look.neurons)
      out += text::cat(look.expert, ',', n.layer, ',', n.neuron, ',', name_of(n.state), ',', text::shortest(n.mean),
                       ',', text::shortest(n.deviation), ',', text::shortest(n.saturated), ',', text::shortest(n.zero),
                       ',', text::shortest(n.reach), '\n');
  return out;
}

}  // namespace

Study sensitivity_study(const RunSettings&, const RunResult& run, const Splits& splits, Split split) {
  Study study;
  const std::vector<NetworkLook> looks = look_at(run, splits, split);
  if (looks.empty()) return study;
  study.section.heading = text::cat("Sensitivity, ", name_of(split), " tracks");
  for (const NetworkLook& look : looks) study.section.text.push_back(strongest_sentence(look));
  study.section.tables = {input_table(looks), neuron_table(looks)};
  study.section.figures = {sensitivity_map(looks), neuron_figure(looks)};
  std::erase_if(study.section.figures, [](const report::Figure& f) { return f.series.empty() && !f.grid; });
  SensitivityJson json = {{"split", name_of(split)}};
  for (const NetworkLook& look : looks) json["networks"].push_back(json_of_look(look));
  study.files = {{"sensitivity.json", io::json_text(json, 2) + "\n"},
                 {"sensitivity.csv", report::csv(study.section.tables[0])},
                 {"neurons.csv", neuron_csv(looks)}};
  return study;
}

}  // namespace thimble::neurotrigger

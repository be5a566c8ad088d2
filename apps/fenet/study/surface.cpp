#include "apps/fenet/study/surface.h"

#include "core/base/error.h"
#include "core/io/json.h"
#include "core/random/philox.h"

#include "apps/fenet/study/study.h"
#include "apps/fenet/train/session_step.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

using SurfaceJson = nlohmann::ordered_json;

double norm_of(const Tensor& t) {
  double sum = 0;
  for (const double v : t.to_vector()) sum += v * v;
  return std::sqrt(sum);
}

std::vector<Tensor> moved(const std::vector<Tensor>& weights, const std::vector<Tensor>& u,
                          const std::vector<Tensor>& v, double a, double b) {
  std::vector<Tensor> out;
  for (std::size_t f = 0; f < weights.size(); ++f) {
    out.push_back(weights[f].clone());
    float* to = out.back().mut<float>();
    for (std::int64_t i = 0; i < out.back().numel(); ++i)
      to[i] += static_cast<float>(a * static_cast<double>(u[f].data<float>()[i]) +
                                  b * static_cast<double>(v[f].data<float>()[i]));
  }
  return out;
}

report::Figure surface_figure(const Surface& s) {
  report::Figure f = report::plain_figure(
      "surface-" + s.name, text::cat("Loss around ", s.name),
      text::cat("The network is the middle; 1 is a step as long as each filter. Loss there ",
                text::significant(s.centre(), 4), ", second difference ", text::significant(s.curvature(), 3), "."),
      report::figure_axis("direction u", "", -s.reach, s.reach),
      report::figure_axis("direction v", "", -s.reach, s.reach));
  f.square = true;
  report::Grid grid;
  grid.x = grid.y = {-s.reach, s.reach};
  grid.columns = grid.rows = static_cast<std::size_t>(s.grid);
  grid.label = "loss";
  grid.values = s.losses;
  f.grid = std::move(grid);
  return f;
}

std::string surface_csv(const Surface& s) {
  std::string out = "v\\u";
  const auto place = [&](std::int64_t i) {
    return s.reach * (2.0 * static_cast<double>(i) / static_cast<double>(s.grid - 1) - 1.0);
  };
  for (std::int64_t u = 0; u < s.grid; ++u) out += text::cat(',', text::shortest(place(u)));
  for (std::int64_t v = 0; v < s.grid; ++v) {
    out += text::cat('\n', text::shortest(place(v)));
    for (std::int64_t u = 0; u < s.grid; ++u) out += text::cat(',', text::shortest(s.at(u, v)));
  }
  return out + "\n";
}

report::Table surface_table(const std::vector<Surface>& all) {
  report::Table table;
  table.title = "Loss surfaces";
  table.note = "second difference: how fast the loss rises around the network, mean of both directions";
  table.columns = {{"network", "", true, false},
                   {"loss", "", false, false},
                   {"least on the grid", "", false, false},
                   {"largest", "", false, false},
                   {"second difference", "", false, false}};
  for (const Surface& s : all) {
    const auto [least, largest] = std::minmax_element(s.losses.begin(), s.losses.end());
    table.rows.push_back({s.name, report::number(s.centre(), 5), report::number(*least, 5), report::number(*largest, 5),
                          report::number(s.curvature(), 5)});
  }
  return table;
}

}  // namespace

double Surface::curvature() const {
  const std::int64_t m = grid / 2;
  const double h = 2 * reach / static_cast<double>(grid - 1);
  const double along_u = at(m + 1, m) - 2 * centre() + at(m - 1, m),
               along_v = at(m, m + 1) - 2 * centre() + at(m, m - 1);
  return (along_u + along_v) / (2 * h * h);
}

std::vector<Tensor> filter_direction(const std::vector<Tensor>& weights, std::uint64_t seed, const std::string& name) {
  const Stream random = Rng(seed).stream("surface").stream(name);
  std::vector<Tensor> out;
  for (std::size_t f = 0; f < weights.size(); ++f) {
    std::vector<double> numbers;
    double sum = 0;
    for (std::int64_t i = 0; i < weights[f].numel(); ++i) {
      numbers.push_back(random.normal(f, static_cast<std::uint64_t>(i)));
      sum += numbers.back() * numbers.back();
    }
    const double factor = sum > 0 ? norm_of(weights[f]) / std::sqrt(sum) : 0.0;
    for (double& number : numbers) number *= factor;
    out.push_back(Tensor::from(numbers).to(DType::f32));
  }
  return out;
}

Surface loss_surface(const std::string& name, const Settings& settings, const Architecture& architecture,
                     const std::vector<Tensor>& weights, const Session& session, std::int64_t grid, double reach) {
  THIMBLE_CHECK(grid >= 3 && grid % 2 == 1, usage, "a surface needs an odd number of points from 3 on, not ", grid);
  const auto seed = static_cast<std::uint64_t>(settings.seed);
  const std::vector<Tensor> u = filter_direction(weights, seed, "u"), v = filter_direction(weights, seed, "v");
  const LossKeys keys{settings.model.normalize_at_end, pls_options(settings.pls), protocol_of(settings).apply};
  LossKeys own = keys;
  own.pls.components = std::min(own.pls.components, architecture.features());
  Surface out{name, reach, grid, {}};
  Network network(architecture, session.segments->samples());
  for (std::int64_t row = 0; row < grid; ++row)
    for (std::int64_t column = 0; column < grid; ++column) {
      const auto place = [&](std::int64_t i) {
        return reach * (2.0 * static_cast<double>(i) / static_cast<double>(grid - 1) - 1.0);
      };
      network.set_weights(moved(weights, u, v, place(column), place(row)));
      own.learned = network.reduction.value;
      out.losses.push_back(
          decoder_loss(extract_features(network, *session.segments), session.segments->channels(), session.labels, own)
              .loss);
    }
  return out;
}

Look surface_study(const View& view, const StudyOptions& options) {
  const Session session = first_segments(view.days().front().sessions.front(), options.segments);
  const double total = static_cast<double>(options.presets.size() + 1);
  std::vector<Surface> all;
  options.tell(0, total, view.name);
  all.push_back(loss_surface(view.name, view.settings, view.network.architecture, view.network.all_weights(), session,
                             options.grid, options.reach));
  for (const std::string& name : options.presets) {
    options.tell(static_cast<double>(all.size()), total, name);
    Network network(preset(name), session.segments->samples());
    initialise(network.graph, network.architecture);
    all.push_back(loss_surface(name, view.settings, network.architecture, network.weights(), session, options.grid,
                               options.reach));
  }
  Look look;
  look.section.heading = "Loss surface";
  look.section.text = {text::cat("Loss on ", session.name, ", ", session.labels.size(0),
                                 " segments, along two random directions with the norms of the filters")};
  look.section.tables = {surface_table(all)};
  SurfaceJson json = SurfaceJson::array();
  for (const Surface& s : all) {
    look.section.figures.push_back(surface_figure(s));
    look.files.emplace_back(report::file_stem("surface-data-" + s.name) + ".csv", surface_csv(s));
    json.push_back({{"network", s.name},
                    {"loss", s.centre()},
                    {"second_difference", s.curvature()},
                    {"reach", s.reach},
                    {"grid", s.grid},
                    {"losses", s.losses}});
  }
  look.files.emplace_back("surface.json", io::json_text(json, 2) + "\n");
  return look;
}

}  // namespace thimble::fenet

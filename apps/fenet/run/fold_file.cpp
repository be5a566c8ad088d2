#include "apps/fenet/run/fold_file.h"

#include "core/io/sealed.h"

#include "apps/fenet/train/fold_training.h"

#include <cmath>
#include <limits>
#include <set>

namespace thimble::fenet {
namespace {

constexpr double kNone = -1;                               // a metric without a value; none is negative
constexpr const char* kMetrics = "/evaluations/metrics/";  // names may hold slashes themselves
constexpr const char* kFoldFormat = "thimble-fenet-fold";

struct WeightsGroup {
  const char* name;
  std::vector<Tensor> FoldResult::*member;
};
constexpr std::array<WeightsGroup, 3> kGroups{
    {{"start", &FoldResult::start_weights}, {"best", &FoldResult::best_weights}, {"last", &FoldResult::weights}}};

double stored(double value) {
  return std::isfinite(value) ? value : kNone;
}

double restored(double value) {
  return value == kNone ? std::numeric_limits<double>::quiet_NaN() : value;
}

void add_evaluations(io::SealedWriter& out, const std::vector<Evaluation>& evaluations) {
  std::vector<double> epoch, step, loss;
  std::set<std::string> names;
  for (const Evaluation& e : evaluations) {
    epoch.push_back(static_cast<double>(e.epoch));
    step.push_back(static_cast<double>(e.step));
    loss.push_back(e.loss);
    for (const auto& [name, value] : e.metrics) names.insert(name);
  }
  if (evaluations.empty()) return;
  out.dataset("/evaluations/epoch", epoch);
  out.dataset("/evaluations/step", step);
  out.dataset("/evaluations/loss", loss);
  for (const std::string& name : names) {
    std::vector<double> values;
    for (const Evaluation& e : evaluations) {
      const auto found = e.metrics.find(name);
      values.push_back(found == e.metrics.end() ? kNone : stored(found->second));
    }
    out.dataset(kMetrics + name, values);
  }
}

std::vector<Evaluation> evaluations_of(const io::SealedFile& file) {
  std::vector<Evaluation> out;
  if (!file.has("/evaluations/step")) return out;
  const auto values = [&file](const std::string& name) { return file.array(name).doubles(); };
  const std::vector<double> epoch = values("/evaluations/epoch"), step = values("/evaluations/step"),
                            loss = values("/evaluations/loss");
  out.resize(step.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].epoch = static_cast<std::int64_t>(epoch.at(i));
    out[i].step = static_cast<std::int64_t>(step[i]);
    out[i].loss = loss.at(i);
  }
  for (const std::string& path : file.names("/evaluations/metrics")) {
    const std::vector<double> metric = values(path);
    const std::string name = path.substr(std::string_view(kMetrics).size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i].metrics[name] = restored(metric.at(i));
  }
  return out;
}

}  // namespace

void write_fold(const std::filesystem::path& file, const FoldResult& fold) {
  io::SealedWriter out;
  out.attribute("/", "format", kFoldFormat);
  out.attribute("/", "version", 1);
  out.attribute("/", "fold", fold.fold);
  out.attribute("/", "status", name_of(fold.status));
  out.attribute("/", "reason", fold.reason);
  out.attribute("/", "best", stored(fold.best));
  out.attribute("/", "best_step", fold.best_step);
  out.attribute("/", "invalid", fold.invalid);
  if (!fold.losses.empty()) out.dataset("/losses", fold.losses);
  add_evaluations(out, fold.evaluations);
  for (const WeightsGroup& group : kGroups) {
    const std::vector<Tensor>& weights = fold.*group.member;
    for (std::size_t i = 0; i < weights.size(); ++i)
      out.dataset(text::cat("/weights/", group.name, "/", i), weights[i]);
  }
  out.save(file);
}

FoldResult read_fold(const std::filesystem::path& path) {
  const io::SealedFile file = io::SealedFile::open(path);
  THIMBLE_CHECK(file.has_attribute("/", "format") && file.text_attribute("/", "format") == kFoldFormat, data,
                path.string(), ": not the result of a fold");
  FoldResult fold;
  fold.fold = file.integer_attribute("/", "fold");
  const std::string status = file.text_attribute("/", "status");
  for (const FoldStatus s : {FoldStatus::trained, FoldStatus::stopped, FoldStatus::failed, FoldStatus::interrupted})
    if (status == name_of(s)) fold.status = s;
  fold.reason = file.text_attribute("/", "reason");
  fold.best = restored(file.number_attribute("/", "best"));
  fold.best_step = file.integer_attribute("/", "best_step");
  fold.invalid = file.integer_attribute("/", "invalid");
  if (file.has("/losses")) fold.losses = file.array("/losses").doubles();
  fold.evaluations = evaluations_of(file);
  for (const WeightsGroup& group : kGroups)
    for (std::size_t i = 0; file.has(text::cat("/weights/", group.name, "/", i)); ++i)
      (fold.*group.member).push_back(file.read(text::cat("/weights/", group.name, "/", i)));
  return fold;
}

}  // namespace thimble::fenet

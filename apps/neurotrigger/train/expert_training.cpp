#include "apps/neurotrigger/train/expert_training.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/report/plotter.h"

#include "nn/train/csv_log.h"
#include "nn/train/keep_best.h"
#include "nn/train/predictor.h"
#include "nn/train/progress.h"
#include "nn/train/tensorboard.h"
#include "nn/train/trainer.h"

#include "apps/neurotrigger/hardware/hardware_model.h"
#include "apps/neurotrigger/look/plots.h"
#include "apps/neurotrigger/train/mean_log.h"
#include "apps/neurotrigger/train/training_loss.h"
#include "apps/neurotrigger/train/uncertainty.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>

namespace thimble::neurotrigger {
namespace {

/// Stands in checkpoints, which hold finite numbers alone, for a metric without a value; no metric is negative.
constexpr double kNone = -1;

/// Metrics of every finished epoch; part of checkpoints, so that a resumed run has them all.
class History : public nn::Callback {
 public:
  explicit History(EpochTable& table, std::function<void(const EpochTable&)> told = {})
      : table_(table), told_(std::move(told)) {
    table_.columns.resize(epoch_columns().size());
  }
  void on_start(const nn::TrainingView&) override { tell(); }
  void on_epoch(const nn::TrainingView& view) override {
    table_.epoch.push_back(static_cast<double>(view.at.epoch));
    table_.step.push_back(static_cast<double>(view.at.step));
    for (std::size_t c = 0; c < table_.columns.size(); ++c)
      table_.columns[c].push_back(view.metrics.at(epoch_columns()[c]));
    tell();
  }
  std::string state_name() const override { return "history"; }
  void save(nn::State& state) override {
    visit([&state](const std::string& name, const std::vector<double>& values) {
      std::vector<double> kept = values;
      for (double& v : kept) v = std::isfinite(v) ? v : kNone;
      if (!kept.empty()) state.tensors[name] = Tensor::from(kept);
    });
    if (std::isfinite(table_.start_val_loss)) state.set("start_val_loss", table_.start_val_loss);
  }
  void restore(const nn::State& state) override {
    visit([&state](const std::string& name, std::vector<double>& values) {
      values = state.tensors.count(name) != 0 ? state.tensor(name).to_vector() : std::vector<double>();
      for (double& v : values) v = v == kNone ? std::numeric_limits<double>::quiet_NaN() : v;
    });
    if (state.facts.count("start_val_loss") != 0) table_.start_val_loss = state.number("start_val_loss");
    tell();
  }

 private:
  template <class F>
  void visit(const F& f) {
    f("epoch", table_.epoch);
    f("step", table_.step);
    for (std::size_t c = 0; c < table_.columns.size(); ++c) f(epoch_columns()[c], table_.columns[c]);
  }
  void tell() const {
    if (told_) told_(table_);
  }
  EpochTable& table_;
  std::function<void(const EpochTable&)> told_;
};

double or_nan(Maybe value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

nn::Schedule schedule_of(const Settings& settings) {
  std::vector<std::pair<std::int64_t, double>> stages{{0, settings.learning_rate}};
  for (std::size_t i = 0; i < settings.learning_rate_stages.epochs.size(); ++i)
    stages.emplace_back(settings.learning_rate_stages.epochs[i], settings.learning_rate_stages.rates[i]);
  return nn::epoch_stages(std::move(stages));
}

nn::TrainOptions options_of(const ExpertTask& task) {
  const Settings& s = *task.settings;
  nn::TrainOptions options;
  options.epochs = s.epochs;
  options.batch = s.batch_size;
  options.save_every_epochs = s.checkpoint.every_epochs;
  options.save_every_seconds = s.checkpoint.every_seconds;
  options.interrupt = task.interrupt;
  const int expert = task.expert;
  options.warn = [expert](const std::string& message) { log::warning("expert ", expert, ": ", message); };
  return options;
}

nn::Sampler sampler_of(const ExpertTask& task) {
  const DistKeys& dist = task.settings->dist;
  if (dist.n_buckets == 0) return nn::Shuffle{};
  nn::BucketTarget target;
  target.buckets = dist.n_buckets;
  target.inf_bounds = dist.inf_bounds;
  if (dist.uniform.lower && !dist.norm.std)
    target.shape = nn::BucketTarget::Uniform{*dist.uniform.lower, dist.uniform.upper.value_or(1.0)};
  else
    target.shape = nn::BucketTarget::Norm{dist.norm.mean.value_or(0.0), dist.norm.std.value_or(0.4)};
  std::vector<float> z;
  const std::int64_t width = task.train->y.size(1);
  for (const std::int64_t row : task.train_rows) z.push_back(task.train->y.data<float>()[row * width]);
  const int expert = task.expert;
  return nn::make_buckets(target, task.train_rows, z,
                          [expert](const std::string& message) { log::warning("expert ", expert, ": ", message); });
}

/// Validation after every epoch: batch means as the original trainer reports them. The outputs stay in `compared`.
std::function<nn::Metrics()> validator(const ExpertTask& task, const nn::Graph& model,
                                       const std::shared_ptr<Compared>& compared) {
  auto data = std::make_shared<nn::Dataset>();
  data->x = task.validation.inputs;
  auto view = std::make_shared<nn::View>(data);
  auto predictor = std::make_shared<nn::Predictor>([&model](const Var& x) { return model(x); });
  *compared = {task.validation.targets, Tensor(), task.validation.old, task.validation.has_old};
  const std::int64_t batch = task.settings->batch_size, estimates = task.settings->out_size;
  return [=] {
    compared->y_hat = columns_of((*predictor)(*view), 0, estimates);
    const EpochValues v = validation_epoch(*compared, batch);
    return nn::Metrics{{"val_loss", or_nan(v.val_loss)},
                       {"val_loss_vs_old_loss", or_nan(v.val_loss_vs_old_loss)},
                       {"val_z_diff_std", or_nan(v.val_z_diff_std)},
                       {"val_z_diff_std_vs_old", or_nan(v.val_z_diff_std_vs_old)}};
  };
}

std::map<std::string, std::string> about(const ExpertTask& task) {
  return {{"app", "neurotrigger"},
          {"expert", std::to_string(task.expert)},
          {"seed", std::to_string(task.settings->seed)},
          {"program", task.program}};
}

nn::TrainTask train_task(const ExpertTask& task, nn::Graph& model, std::function<nn::Metrics()> validate) {
  nn::TrainTask out;
  out.model = nn::parts_of(model);
  out.loss = training_loss(model, *task.settings);
  out.train = nn::View(task.train, task.train_rows);
  out.sampler = sampler_of(task);
  out.validate = std::move(validate);
  out.arch = io::canonical_json(nn::to_json(model));
  return out;
}

/// Restores the newest checkpoint; returns true if the training it belongs to is already over.
bool resume_from(nn::CheckpointStore& store, nn::Trainer& trainer, std::int64_t epochs) {
  const nn::CheckpointStore::Found found = store.newest();
  for (const std::string& line : found.damaged) log::warning(line);
  if (found.file.empty()) return false;
  trainer.restore(found.checkpoint, found.file.string());
  const nn::State& at = found.checkpoint.groups.at("trainer");
  return at.facts.count("stop") != 0 || at.integer("epoch") >= epochs;
}

/// Draws the images of an epoch while drawing has taken no more than its share of the time; the first set always.
class ImagePainter {
 public:
  ImagePainter(double share, std::shared_ptr<const Compared> compared, std::string title)
      : share_(share), compared_(std::move(compared)), title_(std::move(title)) {}
  std::vector<nn::TensorBoard::Image> operator()(const nn::TrainingView&) {
    if (spent_ > share_ * seconds_since(start_)) return {};
    return draw(network_plots);
  }
  /// What stays the same from epoch to epoch: the old network and the targets.
  std::vector<nn::TensorBoard::Image> baseline() { return draw(baseline_plots); }

 private:
  std::vector<nn::TensorBoard::Image> draw(std::vector<Plot> (*plots)(const Compared&, const std::string&)) {
    report::Plotter& plotter = report::Plotter::shared();
    if (!plotter.available() || compared_->rows() < 2) return {};
    const auto begin = std::chrono::steady_clock::now();
    std::vector<nn::TensorBoard::Image> images;
    for (const Plot& plot : plots(*compared_, title_)) images.push_back({plot.figure.name, plotter.png(plot.figure)});
    spent_ += seconds_since(begin);
    return images;
  }
  static double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  double share_;
  std::shared_ptr<const Compared> compared_;
  std::string title_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double spent_ = 0;
};

std::unique_ptr<nn::TensorBoard> tensorboard(const ExpertTask& task, const std::filesystem::path& folder,
                                             const std::shared_ptr<Compared>& compared) {
  nn::TensorBoard::Options options;
  options.first_scalars = {{"hp_metric", -1.0F}};  // as the original's logger begins
  options.epoch_tag = "epoch";
  options.histograms_every = task.settings->plots.every;
  options.images_every = task.settings->plots.budget > 0 ? task.settings->plots.every : 0;
  const auto painter =
      std::make_shared<ImagePainter>(task.settings->plots.budget, compared, text::cat("expert ", task.expert));
  options.images = [painter](const nn::TrainingView& view) { return (*painter)(view); };
  if (options.images_every > 0) options.first_images = [painter] { return painter->baseline(); };
  return std::make_unique<nn::TensorBoard>(folder, std::move(options));
}

void add_stop_rule(const Settings& s, nn::Trainer& trainer) {
  if (s.stop_rule == "fann")
    trainer.add(std::make_unique<nn::StopWhenWorse>("val_loss", nn::Goal::min, s.stop_window));
  else if (s.patience > 0)
    trainer.add(std::make_unique<nn::EarlyStop>("val_loss", nn::Goal::min, s.patience));
}

/// Logs and checkpoints go below the expert's folder. True if an earlier process has finished this training.
bool open_folder(const ExpertTask& task, nn::Trainer& trainer, const std::shared_ptr<Compared>& compared,
                 const nn::KeepBest& best, std::optional<nn::CheckpointStore>& store) {
  const std::filesystem::path folder = task.folder, log = folder / "csv/version_0", saved = folder / "checkpoints";
  std::filesystem::create_directories(log);
  std::filesystem::create_directories(saved);
  trainer.add(std::make_unique<nn::MetricsCsv>(log / "metrics.csv", epoch_columns()));
  trainer.add(tensorboard(task, folder / "tb/version_0", compared));
  store.emplace(saved);
  trainer.save_to(*store, about(task), &best);
  return task.resume && resume_from(*store, trainer, task.settings->epochs);
}

/// For the log: what this expert is trained on and how. The settings are the expert's own.
void tell_plan(const ExpertTask& task) {
  const Settings& s = *task.settings;
  log::debug("expert ", task.expert, ": ", task.train_rows.size(), " tracks to train on, ", task.validation.rows(),
             " to validate with; ", s.model, ", ", s.act, ", ", s.loss, ", ", s.optim, ", learning rate ",
             text::shortest(s.learning_rate), ", batches of ", s.batch_size, ", up to ", s.epochs, " epochs, ",
             s.dist.n_buckets > 0 ? text::cat("rows drawn by z in ", s.dist.n_buckets, " buckets") : "every row once",
             s.filter ? ", filter " + *s.filter : "");
}

void tell_outcome(const ExpertOutcome& out) {
  log::debug("expert ", out.expert, ": ", name_of(out.status), " after ", out.epochs, " epochs",
             out.reason.empty() ? "" : " (" + out.reason + ")", "; validation loss ",
             text::shortest(out.table.start_val_loss), " before training, best ", text::shortest(out.best_loss),
             " after epoch ", out.best_epoch);
}

/// The step is repeated for it, which moves the weights: only when training is over and they are in the checkpoint.
void write_profile(const ExpertTask& task, nn::Trainer& trainer) {
  constexpr int kRepeats = 50;
  const std::string profile = trainer.profile(kRepeats);
  if (!profile.empty()) io::atomic_replace(std::filesystem::path(task.folder) / "profile.txt", profile);
}

}  // namespace

const char* name_of(ExpertStatus status) {
  switch (status) {
    case ExpertStatus::trained:
      return "trained";
    case ExpertStatus::skipped:
      return "skipped";
    case ExpertStatus::failed:
      return "failed";
    case ExpertStatus::interrupted:
      return "interrupted";
  }
  return "?";
}

const std::vector<std::string>& epoch_columns() {
  static const std::vector<std::string> names{"train_loss", "val_loss", "val_loss_vs_old_loss", "val_z_diff_std",
                                              "val_z_diff_std_vs_old"};
  return names;
}

nn::Graph model_of(const Settings& s) {
  const std::int64_t outputs = s.out_size + extra_outputs(uncertainty_from_name(s.uncertainty));
  return build_model({s.model, s.act, s.quant, s.in_size, outputs, s.hw, s.hidden, s.layer_acts});
}

Stream expert_stream(const Settings& settings, int expert, std::int64_t restart) {
  const Stream first = Rng(static_cast<std::uint64_t>(settings.seed)).stream(text::cat("expert/", expert));
  return restart == 0 ? first : first.stream(text::cat("restart/", restart));
}

nn::Graph start_model(const Settings& settings, int expert, std::int64_t restart) {
  nn::Graph model = model_of(settings);
  start_weights(model, settings.init, expert_stream(settings, expert, restart).stream("init"));
  if (!settings.load_pre_trained_weights) return model;
  const std::string& path = *settings.load_pre_trained_weights;
  const Networks networks = read_weights(path);
  const auto found = networks.find(expert);
  if (found == networks.end())
    throw Error(ErrorKind::data, text::cat("no weights of expert ", expert, " in the file"),
                {path, 0, 0, "load_pre_trained_weights"});
  load_state(model, found->second, path);
  return model;
}

ExpertOutcome outcome_of(const nn::Checkpoint& checkpoint) {
  ExpertOutcome out;
  out.status = ExpertStatus::trained;
  History history(out.table);
  const auto found = checkpoint.groups.find("callbacks/" + history.state_name());
  if (found == checkpoint.groups.end()) return out;
  history.restore(found->second);
  out.epochs = out.table.rows();
  const std::vector<double>& loss = out.table.columns[1];
  if (loss.empty()) return out;
  const auto best = std::min_element(loss.begin(), loss.end());
  out.best_loss = *best;
  out.best_epoch = best - loss.begin() + 1;
  return out;
}

ExpertOutcome train_expert(const ExpertTask& task) {
  const Settings& s = *task.settings;
  ExpertOutcome out;
  out.expert = task.expert;
  out.rows_trained = static_cast<std::int64_t>(task.train_rows.size());
  tell_plan(task);
  nn::Graph model = start_model(s, task.expert, task.restart);
  const auto compared = std::make_shared<Compared>();
  const std::function<nn::Metrics()> validate = validator(task, model, compared);
  nn::Trainer trainer(train_task(task, model, validate), options_of(task), nn::parse_rule(s.optim, s.weight_decay),
                      schedule_of(s), expert_stream(s, task.expert, task.restart).stream("train"));
  if (s.clip_grad > 0) trainer.optimizer().set_clip({s.clip_grad, 0});
  if (is_hardware(s.quant)) limit_weights(model, hardware_model(s.quant, s.hw), trainer.optimizer());
  if (s.weight_limit > 0) {
    nn::QuantRecipe limit;
    limit.weight_limit = s.weight_limit;
    nn::limit_weights(trainer.optimizer(), model, limit);
  }
  trainer.add(std::make_unique<History>(out.table, [&task](const EpochTable& table) {
    if (task.mean != nullptr) task.mean->report(task.expert, table);
  }));
  auto& best = trainer.add(std::make_unique<nn::KeepBest>("val_loss"));
  add_stop_rule(s, trainer);
  if (task.progress) trainer.add(std::make_unique<nn::ProgressLine>(*task.progress, task.member));
  std::optional<nn::CheckpointStore> store;
  const bool over = !task.folder.empty() && open_folder(task, trainer, compared, best, store);
  const std::int64_t before = out.table.rows();
  if (before == 0) out.table.start_val_loss = validate().at("val_loss");
  const auto begin = std::chrono::steady_clock::now();
  out.status = ExpertStatus::trained;
  if (!over) {
    const nn::TrainResult result = trainer.fit();
    if (result.interrupted) out.status = ExpertStatus::interrupted;
    out.reason = result.stop_reason;
  }
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (task.profile && !task.folder.empty()) write_profile(task, trainer);
  out.epochs = out.table.rows();
  out.epochs_here = out.epochs - before;
  if (!best.empty()) {
    best.best().weights.restore(nn::parts_of(model));
    out.best_epoch = best.best().at.epoch;
    out.best_loss = best.best().value;
  }
  out.model = std::move(model);
  tell_outcome(out);
  return out;
}

}  // namespace thimble::neurotrigger

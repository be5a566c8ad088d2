#include "apps/fenet/train/fold_training.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/json.h"
#include "core/random/philox.h"

#include "nn/data/split.h"
#include "nn/optim/optimizer.h"
#include "nn/train/checkpoint.h"
#include "nn/train/csv_log.h"
#include "nn/train/tensorboard.h"

#include "apps/fenet/evaluate/protocol.h"
#include "apps/fenet/hardware/quantise_sweep.h"
#include "apps/fenet/train/cross_validation.h"
#include "apps/fenet/train/weights_average.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>

namespace thimble::fenet {
namespace {

/// Stands in checkpoints, which hold finite numbers alone, for a metric without a value; no metric is negative.
constexpr double kNoValue = -1;

nn::Rule rule_of(const OptimKeys& keys) {
  nn::Adam adam;
  adam.beta1 = keys.beta1;
  adam.beta2 = keys.beta2;
  adam.eps = keys.adamw_eps;
  adam.decay = kernels::Decay::decoupled;
  adam.decay_rate = keys.adamw_wd;
  return adam;
}

constexpr const char* kReduction = "reduction";

/// Filters and, with a learned reduction, its map.
nn::Parts trained_parts(Network& network) {
  nn::Parts parts = nn::parts_of(network.graph);
  if (network.reduces()) parts.parameters.push_back({kReduction, &network.reduction});
  return parts;
}

std::vector<nn::Parameter*> filters_of(const nn::Parts& parts) {
  std::vector<nn::Parameter*> out;
  for (const nn::NamedParameter& p : parts.parameters)
    if (p.path != kReduction) out.push_back(p.parameter);
  return out;
}

double finite_or(double value, double instead) {
  return std::isfinite(value) ? value : instead;
}

std::vector<std::string> metric_columns(const Settings& settings) {
  std::vector<std::string> names{"pearsonr2-x", "pearsonr2-y", kHeadline, "decoder-MSE"};
  if (settings.quant.evaluate)
    for (std::string& key : quantisation_keys(settings.quant)) names.push_back(std::move(key));
  return names;
}

}  // namespace

double headline_of(const Evaluation& at) {
  const auto found = at.metrics.find(kHeadline);
  return found == at.metrics.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

const char* name_of(FoldStatus status) {
  switch (status) {
    case FoldStatus::trained:
      return "trained";
    case FoldStatus::stopped:
      return "stopped";
    case FoldStatus::failed:
      return "failed";
    case FoldStatus::interrupted:
      return "interrupted";
  }
  return "?";
}

StepOptions step_options(const Settings& settings, const Stream& stream) {
  StepOptions options;
  const Architecture architecture = architecture_of(settings);
  options.chain = architecture.chain();
  options.grid = architecture.grid;
  const Protocol protocol = protocol_of(settings);
  options.loss = {protocol.normalise, protocol.pls, protocol.apply};
  options.dropout = settings.model.dropout;
  options.random = stream;
  options.weight_penalty = settings.train.weight_penalty;
  options.range_penalty = settings.train.range_penalty;
  options.range_limit = settings.train.range_limit;
  return options;
}

Stream fold_stream(const Settings& settings, std::int64_t) {
  // every fold begins with the same seed, as the generators of the original are seeded anew for each
  return Rng(static_cast<std::uint64_t>(settings.seed)).stream("fold");
}

Evaluation evaluate_sessions(const Network& network, const std::vector<Session>& sessions, const Protocol& protocol,
                             std::int64_t* invalid) {
  const Protocol own = with_reduction(protocol, network);
  std::map<std::string, std::pair<double, int>> sums;
  std::int64_t lost = 0;
  for (const Session& session : sessions) {
    const Tensor features = extract_features(network, *session.segments);
    check_features(features, "session " + session.name);
    const Scores scores = judge(features, session.segments->channels(), session.labels, own);
    lost += scores.invalid_folds;
    for (const auto& [name, value] : scores.metrics) {
      auto& sum = sums[name];
      if (!std::isfinite(value)) continue;
      sum.first += value;
      ++sum.second;
    }
  }
  Evaluation out;
  for (const auto& [name, sum] : sums)
    out.metrics[name] = sum.second > 0 ? sum.first / sum.second : std::numeric_limits<double>::quiet_NaN();
  if (invalid != nullptr) *invalid = lost;
  return out;
}

FoldTraining::FoldTraining(const Settings& settings, std::int64_t fold, const std::vector<Session>& training,
                           const std::vector<Session>& held_out, const TrainPlan& plan)
    : settings_(settings),
      training_(training),
      held_out_(held_out),
      plan_(plan),
      network_(start_network(settings, training.front().segments->samples(), training.front().segments->channels())),
      parts_(trained_parts(network_)),
      flat_(parts_.parameters),
      optimizer_(rule_of(settings.optim), flat_),
      step_(step_options(settings, fold_stream(settings, fold).stream("dropout")), filters_of(parts_),
            network_.reduces() ? &network_.reduction : nullptr),
      saver_(saver_folder(fold), saver_label(fold), static_cast<std::size_t>(settings.train.n_saves)),
      protocol_(protocol_of(settings)),
      average_(settings.train.average_from, settings.train.average_every) {
  optimizer_.set_rate(settings.optim.lr);
  result_.fold = fold;
  result_.best = std::numeric_limits<double>::quiet_NaN();
  for (const Tensor& w : network_.all_weights()) result_.start_weights.push_back(w.clone());
  view_.epochs = settings.train.epochs;
  view_.rate = settings.optim.lr;
  view_.model = &parts_;
  for (const Session& session : training) view_.rows += session.segments->segments();
  open_folder();
}

std::string FoldTraining::fold_folder(std::int64_t fold) const {
  return plan_.folder.empty() ? "" : text::cat(plan_.folder, "/fold_", fold);
}

std::filesystem::path FoldTraining::saver_folder(std::int64_t fold) const {
  if (plan_.folder.empty()) return {};
  return settings_.run.model_save_dir.empty() ? std::filesystem::path(fold_folder(fold)) / "saved"
                                              : std::filesystem::path(settings_.run.model_save_dir);
}

std::string FoldTraining::saver_label(std::int64_t fold) const {
  const std::filesystem::path run(plan_.folder);
  return text::cat(run.filename().string(), "-", run.parent_path().filename().string(), "-fold", fold, "-step{step}");
}

void FoldTraining::open_folder() {
  if (plan_.folder.empty()) return;
  const std::filesystem::path folder = fold_folder(result_.fold);
  std::filesystem::create_directories(folder / "checkpoints");
  callbacks_.push_back(std::make_unique<nn::MetricsCsv>(folder / "metrics.csv", metric_columns(settings_), 1));
  nn::TensorBoard::Options options;
  options.log_every = 1;
  callbacks_.push_back(std::make_unique<nn::TensorBoard>(folder / "tb", options));
  store_.emplace(folder / "checkpoints");
  if (!plan_.resume) return;
  const nn::CheckpointStore::Found found = store_->newest();
  for (const std::string& line : found.damaged) log::warning("fold ", result_.fold, ": ", line);
  if (!found.file.empty()) restore(found.checkpoint, found.file.string());
}

/// Judges the held-out sessions with the weights of now.
Evaluation FoldTraining::look() {
  Evaluation at = evaluate_sessions(network_, held_out_, protocol_, &result_.invalid);
  if (settings_.quant.evaluate)
    at.metrics.merge(quantisation_criterion(network_.architecture, network_.weights(), held_out_,
                                            with_reduction(protocol_, network_), settings_.quant));
  at.epoch = view_.at.epoch;
  at.step = view_.at.step - 1;
  at.loss = view_.loss;
  view_.metrics = {};
  std::map<std::string, double> kept;  // those that checkpoints keep too, so that a resumed run tells the same
  for (const std::string& name : metric_columns(settings_))
    if (const auto found = at.metrics.find(name); found != at.metrics.end()) {
      view_.metrics.set(name, found->second);
      kept.insert(*found);
    }
  at.metrics = std::move(kept);
  result_.evaluations.push_back(at);
  for (const auto& callback : callbacks_) callback->on_epoch(view_);
  return at;
}

void FoldTraining::keep(const Evaluation& at) {
  const auto found = at.metrics.find(kHeadline);
  if (found == at.metrics.end()) return;
  saver_.offer(found->second, at.step, [&](const std::filesystem::path& file) {
    save_weights(file, network_, settings_, result_.fold, &optimizer_);
  });
  const std::optional<Saver::Kept> best = saver_.best();
  if (!best || best->step != at.step) return;
  result_.best = best->metric;
  result_.best_step = best->step;
  result_.best_weights.clear();
  for (const Tensor& w : network_.all_weights()) result_.best_weights.push_back(w.clone());
}

void FoldTraining::one_step() {
  const std::int64_t step = view_.at.step;
  const Session& session = training_[static_cast<std::size_t>(step) % training_.size()];
  const std::int64_t mini = settings_.train.batch;
  if (mini > 0) {
    view_.loss = step_.decoupled(*session.segments, session.labels, static_cast<std::uint64_t>(step), mini,
                                 [this] { optimizer_.step(); });
  } else {
    view_.loss = step_(*session.segments, session.labels, static_cast<std::uint64_t>(step));
    THIMBLE_CHECK(std::isfinite(view_.loss), failed, "training: step ", step, ": the loss is not finite");
    optimizer_.step();
  }
  result_.losses.push_back(view_.loss);
  ++view_.at.step;
  view_.rows_seen += session.segments->segments();
  for (const auto& callback : callbacks_) callback->on_step(view_);
  average_.offer(view_.at, network_.all_weights());
}

bool FoldTraining::interrupted() const {
  return plan_.interrupt != nullptr && plan_.interrupt->load(std::memory_order_relaxed);
}

/// One pass over the sessions, or the rest of one.
void FoldTraining::epoch() {
  const auto sessions = static_cast<std::int64_t>(training_.size());
  do {
    one_step();
    const std::int64_t step = view_.at.step - 1;
    if (step % settings_.train.eval_steps == 0) {
      const Evaluation at = look();
      keep(at);
      if (plan_.watch && !plan_.watch(result_.fold, at)) result_.status = FoldStatus::stopped;
    }
    if (view_.at.step % sessions == 0) {
      ++view_.at.epoch;
      view_.rows_seen = 0;
    }
    tell();
    if (interrupted()) result_.status = FoldStatus::interrupted;
    save_if_due();
  } while (view_.at.step % sessions != 0 && result_.status == FoldStatus::trained);
}

void FoldTraining::tell() {
  if (!told_) return;
  report::TrainState state;
  state.epoch = static_cast<int>(view_.at.epoch);
  state.epochs = static_cast<int>(view_.epochs);
  state.loss = view_.loss;
  for (const Session& session : training_) state.samples += static_cast<double>(session.segments->segments());
  state.samples *= static_cast<double>(view_.at.step) / static_cast<double>(training_.size());
  if (!result_.evaluations.empty()) state.val_loss = finite_or(headline_of(result_.evaluations.back()), 0);
  if (result_.best_step >= 0) {
    state.best = result_.best;
    state.best_epoch = static_cast<int>(result_.best_step / static_cast<std::int64_t>(training_.size()));
  }
  state.ended = view_.at.epoch >= view_.epochs || result_.status != FoldStatus::trained;
  told_->report(member_, state);
}

void FoldTraining::save_if_due() {
  if (!store_) return;
  const auto now = std::chrono::steady_clock::now();
  const bool epoch_end = view_.rows_seen == 0;
  const bool by_epochs =
      settings_.checkpoint.every_epochs > 0 && epoch_end && view_.at.epoch % settings_.checkpoint.every_epochs == 0;
  const std::chrono::duration<double> since = now - saved_at_;
  const bool by_time = settings_.checkpoint.every_seconds > 0 && since.count() >= settings_.checkpoint.every_seconds;
  if (!by_epochs && !by_time) return;
  store_->save(checkpoint());
  saved_at_ = now;
}

FoldResult FoldTraining::run(std::optional<report::TrainProgress> told, int member) {
  told_ = std::move(told);
  member_ = member;
  const auto begin = std::chrono::steady_clock::now();
  saved_at_ = begin;
  for (const auto& callback : callbacks_) callback->on_start(view_);
  while (view_.at.epoch < settings_.train.epochs && result_.status == FoldStatus::trained) epoch();
  if (store_) store_->save(checkpoint());  // before the last look, which is not part of a longer training
  if (result_.status != FoldStatus::interrupted) finish();
  for (const auto& callback : callbacks_) callback->on_end(view_);
  for (const Tensor& w : network_.all_weights()) result_.weights.push_back(w.clone());
  result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  log::debug("fold ", result_.fold, ": ", name_of(result_.status), " after ", view_.at.epoch, " epochs, best ",
             kHeadline, " ", text::shortest(result_.best), " after step ", result_.best_step);
  return std::move(result_);
}

/// The last weights are judged too; with averaging these are the averaged ones.
void FoldTraining::finish() {
  const bool averaged = average_.apply(network_);
  const bool judged = !result_.evaluations.empty() && result_.evaluations.back().step == view_.at.step - 1;
  if (!held_out_.empty() && (averaged || !judged)) look();
}

nn::Checkpoint FoldTraining::checkpoint() {
  nn::Checkpoint made;
  made.about = {{"app", "fenet"},
                {"fold", std::to_string(result_.fold)},
                {"seed", std::to_string(settings_.seed)},
                {"epoch", std::to_string(view_.at.epoch)},
                {"step", std::to_string(view_.at.step)}};
  made.arch = io::canonical_json(nn::to_json(network_.graph));
  nn::store_model(made, parts_);
  optimizer_.save(made.groups["optim"]);
  nn::State& trainer = made.groups["trainer"];
  trainer.set("epoch", view_.at.epoch);
  trainer.set("step", view_.at.step);
  trainer.set("rows_seen", view_.rows_seen);
  trainer.set("loss", view_.loss);
  trainer.set("sessions", static_cast<std::int64_t>(training_.size()));
  trainer.set("rows", view_.rows);
  save_history(made);
  average_.save(made.groups["app/average"]);
  for (const auto& callback : callbacks_) callback->save(made.groups["callbacks/" + callback->state_name()]);
  return made;
}

void FoldTraining::save_history(nn::Checkpoint& made) const {
  nn::State& state = made.groups["app/history"];
  if (!result_.losses.empty()) state.tensors["losses"] = Tensor::from(result_.losses);
  std::vector<double> looks;
  for (const Evaluation& e : result_.evaluations) {
    looks.insert(looks.end(), {static_cast<double>(e.epoch), static_cast<double>(e.step), e.loss});
    for (const std::string& name : metric_columns(settings_)) {
      const auto found = e.metrics.find(name);
      looks.push_back(found == e.metrics.end() ? kNoValue : finite_or(found->second, kNoValue));
    }
  }
  if (!looks.empty()) state.tensors["evaluations"] = Tensor::from(looks);
  std::vector<double> kept;
  for (const Saver::Kept& entry : saver_.kept()) kept.insert(kept.end(), {entry.metric, double(entry.step)});
  if (!kept.empty()) state.tensors["kept"] = Tensor::from(kept);
  state.set("invalid", result_.invalid);
  for (std::size_t i = 0; i < result_.best_weights.size(); ++i)
    state.tensors[text::cat("best.", i)] = result_.best_weights[i];
}

void FoldTraining::restore_history(const nn::State& state) {
  const auto values = [&state](const char* name) {
    return state.tensors.count(name) != 0 ? state.tensor(name).to_vector() : std::vector<double>();
  };
  result_.losses = values("losses");
  const std::vector<double> looks = values("evaluations");
  const std::vector<std::string> columns = metric_columns(settings_);
  const std::size_t width = 3 + columns.size();
  for (std::size_t i = 0; i + width <= looks.size(); i += width) {
    Evaluation e;
    e.epoch = static_cast<std::int64_t>(looks[i]);
    e.step = static_cast<std::int64_t>(looks[i + 1]);
    e.loss = looks[i + 2];
    for (std::size_t m = 0; m < columns.size(); ++m) {
      const double v = looks[i + 3 + m];
      e.metrics[columns[m]] = v == kNoValue ? std::numeric_limits<double>::quiet_NaN() : v;
    }
    result_.evaluations.push_back(std::move(e));
  }
  std::vector<Saver::Kept> kept;
  const std::vector<double> pairs = values("kept");
  for (std::size_t i = 0; i + 2 <= pairs.size(); i += 2)
    kept.push_back({pairs[i], static_cast<std::int64_t>(pairs[i + 1]), {}});
  saver_.restore(std::move(kept));
  if (const std::optional<Saver::Kept> best = saver_.best()) {
    result_.best = best->metric;
    result_.best_step = best->step;
  }
  result_.invalid = state.integer("invalid");
  for (std::size_t i = 0; state.tensors.count(text::cat("best.", i)) != 0; ++i)
    result_.best_weights.push_back(state.tensor(text::cat("best.", i)));
}

void FoldTraining::restore(const nn::Checkpoint& from, const std::string& file) {
  const auto group = [&](const std::string& name) -> const nn::State& {
    const auto found = from.groups.find(name);
    THIMBLE_CHECK(found != from.groups.end(), data, file, ": the part '", name, "' is missing");
    return found->second;
  };
  const nn::State& trainer = group("trainer");
  THIMBLE_CHECK(trainer.integer("sessions") == static_cast<std::int64_t>(training_.size()) &&
                    trainer.integer("rows") == view_.rows,
                data, file, ": saved by a training on other sessions");
  nn::load_model(from, parts_, file);
  optimizer_.restore(group("optim"));
  view_.at = {trainer.integer("step"), trainer.integer("epoch")};
  view_.rows_seen = trainer.integer("rows_seen");
  view_.loss = trainer.number("loss");
  restore_history(group("app/history"));
  average_.restore(group("app/average"));
  for (const auto& callback : callbacks_) callback->restore(group("callbacks/" + callback->state_name()));
}

FoldResult train_fold(const Settings& settings, std::int64_t fold, const std::vector<Session>& training,
                      const std::vector<Session>& held_out, const TrainPlan& plan) {
  return train_fold(settings, fold, training, held_out, plan, std::nullopt, 0);
}

FoldResult train_fold(const Settings& settings, std::int64_t fold, const std::vector<Session>& training,
                      const std::vector<Session>& held_out, const TrainPlan& plan,
                      std::optional<report::TrainProgress> told, int member) {
  THIMBLE_CHECK(!training.empty(), data, "fold ", fold, " has no session to train on");
  try {
    return FoldTraining(settings, fold, training, held_out, plan).run(std::move(told), member);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::failed) throw;
    log::warning("fold ", fold, " failed: ", e.what());
    FoldResult failed;
    failed.fold = fold;
    failed.status = FoldStatus::failed;
    failed.reason = e.what();
    failed.best = std::numeric_limits<double>::quiet_NaN();
    return failed;
  }
}

}  // namespace thimble::fenet

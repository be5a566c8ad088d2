#include "nn/train/trainer.h"

#include "core/base/error.h"

#include "autograd/tape.h"

#include <algorithm>

namespace thimble::nn {
namespace {

constexpr std::size_t kPrograms = 4;
constexpr int kFailedSaves = 3;
constexpr const char* kInterrupted = "interrupted";

Shape with_batch(std::int64_t rows, const Shape& table) {
  Shape shape = table;
  shape.set(0, rows);
  return shape;
}

Tensor input_like(const Tensor& table, std::int64_t rows, Layout layout) {
  return table.defined() ? Tensor::zeros(with_batch(rows, table.shape()), table.dtype(), layout) : Tensor();
}

/// Thrown inside a step whose loss is not finite.
struct NotFinite {};

void check(const TrainOptions& options, const TrainTask& task) {
  THIMBLE_CHECK(options.epochs >= 0, config, "epochs is ", options.epochs, ", it must be 0 or more");
  THIMBLE_CHECK(options.batch >= 1, config, "batch size is ", options.batch, ", it must be 1 or more");
  THIMBLE_CHECK(!task.train.empty(), data, "there is no row to train on");
  check_finite(task.train.data->x, "inputs");
  check_finite(task.train.data->y, "targets");
  if (task.train.data->weight.defined()) check_finite(task.train.data->weight, "weights");
}

}  // namespace

/// Everything that belongs to one batch size. The address is fixed: captured programs point here.
struct Trainer::Slot {
  std::int64_t rows;
  Tensor x, y, weight;
  Tensor loss;
  Tape tape;
  std::optional<Program> program;
};

Trainer::Trainer(TrainTask task, TrainOptions options, Rule rule, Schedule schedule, Stream stream)
    : task_(std::move(task)), options_(std::move(options)), schedule_(std::move(schedule)), stream_(stream) {
  check(options_, task_);
  flat_ = FlatParameters(task_.model.parameters);
  optimizer_ = std::make_unique<Optimizer>(rule, flat_);
  view_.epochs = options_.epochs;
  view_.rows = task_.train.size();
  view_.model = &task_.model;
}

Trainer::~Trainer() = default;

void Trainer::save_to(CheckpointStore& store, std::map<std::string, std::string> about, const KeepBest* best) {
  store_ = &store;
  about_ = std::move(about);
  best_ = best;
}

Trainer::Slot& Trainer::slot_for(std::int64_t rows) {
  for (auto slot = slots_.begin(); slot != slots_.end(); ++slot) {
    if ((*slot)->rows != rows) continue;
    std::rotate(slots_.begin(), slot, slot + 1);
    return *slots_.front();
  }
  if (slots_.size() == kPrograms) slots_.pop_back();
  auto slot = std::make_unique<Slot>();
  const Dataset& data = *task_.train.data;
  slot->rows = rows;
  slot->x = input_like(data.x, rows, options_.layout);
  slot->y = input_like(data.y, rows, options_.layout);
  slot->weight = input_like(data.weight, rows, options_.layout);
  slots_.insert(slots_.begin(), std::move(slot));
  return *slots_.front();
}

void Trainer::load(Slot& slot, std::span<const std::int64_t> rows) const {
  const Dataset& data = *task_.train.data;
  gather_rows(data.x, rows, slot.x);
  gather_rows(data.y, rows, slot.y);
  if (slot.weight.defined()) gather_rows(data.weight, rows, slot.weight);
}

/// Loss of the loaded batch, noted in slot.loss.
Var Trainer::forward(Slot& slot) {
  const Pass pass{&state_, stream_.stream("dropout")};
  const Var weight = slot.weight.defined() ? constant(slot.weight) : Var();
  Var loss = task_.loss(Batch{constant(slot.x), constant(slot.y), weight, pass});
  THIMBLE_CHECK(loss.value().numel() == 1, shape, "the loss has shape ", loss.shape(), ", one element is wanted");
  slot.loss = loss.value();
  return loss;
}

/// The whole step: what a captured program repeats. A loss that is not finite ends it before the weights change.
void Trainer::compute(Slot& slot) {
  const Var loss = forward(slot);
  effect("guard", [at = &slot](const Run&) {
    if (!all_finite(at->loss)) throw NotFinite{};
  });
  backward(loss);
  optimizer_->step();
}

void Trainer::step(std::span<const std::int64_t> rows) {
  Slot& slot = slot_for(static_cast<std::int64_t>(rows.size()));
  load(slot, rows);
  state_.step = static_cast<std::uint64_t>(view_.at.step);
  view_.rate = schedule_(view_.at);
  optimizer_->set_rate(view_.rate);
  try {
    if (slot.program) {
      slot.program->run();
    } else if (options_.replay) {
      slot.program.emplace(Program::capture([&] { compute(slot); }));
    } else {
      slot.tape.clear();
      const TapeScope scope(slot.tape);
      compute(slot);
    }
  } catch (const NotFinite&) {
    explain_nan(slot);
  }
  view_.loss = slot.loss.item();
  ++view_.at.step;
  view_.rows_seen += slot.rows;
  loss_sum_ += view_.loss * static_cast<double>(slot.rows);
}

/// Repeats the forward pass of the loaded batch with a check behind every operation.
void Trainer::explain_nan(Slot& slot) {
  const std::string where = text::cat("training: epoch ", view_.at.epoch + 1, ", step ", view_.at.step + 1, ": ");
  const std::string hint = "lower the learning rate, or clip the gradients";
  for (const NamedParameter& p : task_.model.parameters)
    if (!all_finite(p.parameter->value))
      throw Error(ErrorKind::failed, text::cat(where, "parameter ", p.path, " is no longer finite"), {}, hint);
  Tape tape;
  tape.check_finite(true);
  const TapeScope scope(tape);
  try {
    forward(slot);
  } catch (const Error& e) {
    throw Error(ErrorKind::failed, where + e.message(), e.place(), hint);
  }
  throw Error(ErrorKind::failed, where + "the loss is not finite", {}, hint);
}

std::string Trainer::profile(int repeats) {
  return slots_.empty() || !slots_.front()->program ? std::string() : slots_.front()->program->profile(repeats);
}

void Trainer::begin_epoch() {
  const auto epoch = static_cast<std::uint64_t>(view_.at.epoch);
  walk_ = EpochWalk(epoch_plan(task_.sampler, task_.train.rows, stream_.stream("plan"), epoch));
  view_.rows_seen = 0;
  loss_sum_ = 0;
  in_epoch_ = true;
}

void Trainer::end_epoch() {
  in_epoch_ = false;
  ++view_.at.epoch;
  view_.metrics = Metrics{{"train_loss", loss_sum_ / static_cast<double>(view_.rows_seen)}};
  if (task_.validate) view_.metrics.append(task_.validate());
  for (const auto& callback : callbacks_) callback->on_epoch(view_);
}

TrainResult Trainer::fit() {
  saved_at_ = std::chrono::steady_clock::now();
  for (const auto& callback : callbacks_) callback->on_start(view_);
  bool interrupted = false;
  while (view_.at.epoch < options_.epochs && !stopped()) {
    if (!in_epoch_) begin_epoch();
    while (!walk_.done() && !stopped()) {
      step(walk_.next(options_.batch));
      for (const auto& callback : callbacks_) callback->on_step(view_);
      interrupted = options_.interrupt && options_.interrupt->load(std::memory_order_relaxed);
      if (interrupted) view_.request_stop(kInterrupted);
    }
    if (!walk_.done()) break;
    end_epoch();
    save_if_due();
  }
  if (store_) save();
  for (const auto& callback : callbacks_) callback->on_end(view_);
  return {view_.at, view_.stop_reason, interrupted, view_.metrics};
}

/// A failed periodic save warns through the callbacks' log and is tried again; three in a row end the training.
void Trainer::save_if_due() {
  if (!store_ || stopped()) return;
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - saved_at_;
  const bool by_epochs = options_.save_every_epochs > 0 && view_.at.epoch % options_.save_every_epochs == 0;
  const bool by_time = options_.save_every_seconds > 0 && since.count() >= options_.save_every_seconds;
  if (!by_epochs && !by_time) return;
  try {
    save();
    failed_saves_ = 0;
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::io || ++failed_saves_ >= kFailedSaves) throw;
    if (options_.warn) options_.warn(text::cat("checkpoint not saved, trying again at the next one: ", e.what()));
  }
}

void Trainer::save() {
  store_->save(checkpoint());
  save_best();
  saved_at_ = std::chrono::steady_clock::now();
}

void Trainer::save_best() {
  if (!best_ || best_->empty() || best_->best().at.step == best_step_) return;
  const KeepBest::Entry& entry = best_->best();
  Checkpoint made{about_, task_.arch, {}};
  made.about["epoch"] = std::to_string(entry.at.epoch);
  made.about["step"] = std::to_string(entry.at.step);
  store_snapshot(made, task_.model, entry.weights);
  store_->save_best(made);
  best_step_ = entry.at.step;
}

Checkpoint Trainer::checkpoint() {
  Checkpoint made;
  made.about = about_;
  made.about["epoch"] = std::to_string(view_.at.epoch);
  made.about["step"] = std::to_string(view_.at.step);
  made.arch = task_.arch;
  store_model(made, task_.model);
  optimizer_->save(made.groups["optim"]);
  State& trainer = made.groups["trainer"];
  trainer.set("epoch", view_.at.epoch);
  trainer.set("step", view_.at.step);
  if (stopped() && view_.stop_reason != kInterrupted) trainer.set("stop", view_.stop_reason);
  State& loader = made.groups["loader"];
  loader.set("stream", stream_.key());
  loader.set("rows", view_.rows);
  loader.set("in_epoch", in_epoch_ ? 1 : 0);
  if (in_epoch_) {
    loader.set("position", walk_.position());
    loader.set("loss_sum", loss_sum_);
  }
  for (const auto& callback : callbacks_)
    if (!callback->state_name().empty()) callback->save(made.groups["callbacks/" + callback->state_name()]);
  return made;
}

void Trainer::restore(const Checkpoint& from, const std::string& file) {
  const auto group = [&](const std::string& name) -> const State& {
    const auto found = from.groups.find(name);
    THIMBLE_CHECK(found != from.groups.end(), data, file, ": the part '", name, "' is missing");
    return found->second;
  };
  const State& loader = group("loader");
  THIMBLE_CHECK(loader.text("stream") == std::to_string(stream_.key()), data, file,
                ": saved by a training with another seed");
  THIMBLE_CHECK(loader.integer("rows") == view_.rows, data, file, ": saved by a training on ", loader.integer("rows"),
                " rows, there are ", view_.rows, " now");
  load_model(from, task_.model, file);
  optimizer_->restore(group("optim"));
  const State& trainer = group("trainer");
  view_.at = {trainer.integer("step"), trainer.integer("epoch")};
  view_.stop_reason = trainer.facts.count("stop") ? trainer.text("stop") : "";
  if (loader.integer("in_epoch") != 0) {
    begin_epoch();
    walk_.next(loader.integer("position"));
    view_.rows_seen = walk_.position();
    loss_sum_ = loader.number("loss_sum");
  }
  for (const auto& callback : callbacks_)
    if (!callback->state_name().empty()) callback->restore(group("callbacks/" + callback->state_name()));
}

}  // namespace thimble::nn

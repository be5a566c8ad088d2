// Trainings of folds: same bits for any number of threads, in blocks or whole, interrupted or not.

#include "core/parallel/blocks.h"

#include "apps/fenet/data/simulator.h"
#include "apps/fenet/train/cross_validation.h"
#include "apps/fenet/train/fold_training.h"
#include "apps/fenet/train/session_step.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

/// Two small sessions of one day, in memory.
std::vector<Day> small_days(std::int64_t sessions = 2) {
  SimulateKeys keys;
  keys.sessions = sessions;
  keys.segments = 60;
  keys.channels = 5;
  keys.samples = 128;
  std::vector<Day> days = simulate_days(keys, 5);
  for (Session& session : days.front().sessions) {
    const SegmentSource& source = *session.raw;
    const Tensor x = Tensor::empty({source.segments(), source.channels(), source.samples()});
    source.read(0, x);
    session.segments = in_memory(x);
  }
  return days;
}

Settings small_settings() {
  Settings s;
  s.model.kernels = {8, 6};
  s.model.strides = {3, 2};
  s.model.normalize_at_end = true;
  s.train.folds = 2;
  s.train.epochs = 3;
  s.train.eval_steps = 2;
  s.eval.folds = 4;
  s.optim.lr = 0.01;
  return s;
}

std::vector<double> numbers_of(const CrossValidation& run) {
  std::vector<double> out{run.score, run.last};
  for (const FoldResult& fold : run.folds) {
    out.insert(out.end(), fold.losses.begin(), fold.losses.end());
    for (const Tensor& w : fold.weights)
      for (const double v : w.to_vector()) out.push_back(v);
  }
  return out;
}

struct Threads {
  explicit Threads(int count) : before(threads()) { set_threads(count); }
  ~Threads() { set_threads(before); }
  int before;
};

/// The same segments, read a few at a time.
class OnDemand : public SegmentSource {
 public:
  explicit OnDemand(std::shared_ptr<const SegmentSource> whole) : whole_(std::move(whole)) {}
  std::int64_t segments() const override { return whole_->segments(); }
  std::int64_t channels() const override { return whole_->channels(); }
  std::int64_t samples() const override { return whole_->samples(); }
  void read(std::int64_t first, const Tensor& block) const override { whole_->read(first, block); }

 private:
  std::shared_ptr<const SegmentSource> whole_;
};

/// Interrupted after the first look and resumed: the numbers of a training that was not.
void check_interrupted(Settings settings) {
  const std::vector<Day> days = small_days();
  settings.train.fold = 1;
  settings.train.average_from = 1;
  const test::TempFolder whole_folder, cut_folder;
  TrainPlan plan;
  plan.folder = whole_folder.path().string();
  const std::vector<double> whole = numbers_of(cross_validate(settings, days, plan));
  std::atomic<bool> stop{false};
  plan.folder = cut_folder.path().string();
  plan.interrupt = &stop;
  plan.watch = [&stop](std::int64_t, const Evaluation&) {
    stop = true;
    return true;
  };
  const CrossValidation cut = cross_validate(settings, days, plan);
  CHECK(cut.interrupted);
  CHECK(cut.folds[0].losses.size() == 1);
  stop = false;
  plan.watch = {};
  plan.resume = true;
  CHECK(numbers_of(cross_validate(settings, days, plan)) == whole);
}

}  // namespace

TEST_CASE("folds trained on one, two or four threads have the same bits [FN N12] [FN F10]") {
  const std::vector<Day> days = small_days();
  const Settings settings = small_settings();
  std::vector<double> first;
  for (const int count : {1, 2, 4}) {
    const Threads threads(count);
    const CrossValidation run = cross_validate(settings, days);
    REQUIRE(run.folds.size() == 2);
    CHECK(run.folds[0].losses.size() == 3);
    CHECK(run.folds[0].status == FoldStatus::trained);
    if (first.empty()) first = numbers_of(run);
    CHECK(numbers_of(run) == first);
  }
}

TEST_CASE("evaluations come after step 0 and every eval_steps, and once more at the end [FN F10]") {
  const CrossValidation run = cross_validate(small_settings(), small_days(4));
  std::vector<std::int64_t> steps;
  for (const Evaluation& e : run.folds[0].evaluations) steps.push_back(e.step);
  CHECK(steps == std::vector<std::int64_t>{0, 2, 4, 5});
  CHECK(run.folds[0].best_step % 2 == 0);
  CHECK(run.score == doctest::Approx((run.folds[0].best + run.folds[1].best) / 2));
}

TEST_CASE("sessions read in blocks train to the bits of sessions in memory [FN F09] [FN N12]") {
  std::vector<Day> days = small_days();
  Settings settings = small_settings();
  settings.model.dropout = 0.3;
  const std::vector<double> whole = numbers_of(cross_validate(settings, days));
  for (Session& session : days.front().sessions) session.segments = std::make_shared<OnDemand>(session.segments);
  CHECK(numbers_of(cross_validate(settings, days)) == whole);
}

TEST_CASE("blocks of a session end where sums of gradients may be cut [FN N12]") {
  for (const std::int64_t channels : {1, 12, 40, 95, 192}) {
    const std::int64_t size = aligned_block_segments(channels, 900);
    CHECK(size * channels % kernels::kWaveletBlock == 0);
  }
}

TEST_CASE("the seed decides the dropout and nothing else [FN F10]") {
  const std::vector<Day> days = small_days();
  Settings settings = small_settings();
  const std::vector<double> first = numbers_of(cross_validate(settings, days));
  settings.seed = 4;
  CHECK(numbers_of(cross_validate(settings, days)) != first);
  settings.model.dropout = 0;
  const std::vector<double> still = numbers_of(cross_validate(settings, days));
  settings.seed = 9;
  CHECK(numbers_of(cross_validate(settings, days)) == still);
}

TEST_CASE("a training that was interrupted goes on to the same bits [FN N12] [FN F18]") {
  check_interrupted(small_settings());
}

TEST_CASE("the gradients of a learned reduction and of the features before it are those of the loss [FN T5]") {
  const std::int64_t rows = 40, channels = 3, width = 4;
  const Stream random = Rng(8).stream("learned");
  const auto normal = [&random](Shape shape, std::uint64_t part) {
    const Tensor t = Tensor::empty(shape, DType::f64);
    for (std::int64_t i = 0; i < t.numel(); ++i)
      t.mut<double>()[i] = random.normal(part, static_cast<std::uint64_t>(i));
    return t;
  };
  const Tensor x = normal({rows, channels * width}, 0), y = normal({rows, 2}, 1);
  for (const Shape& shape : {Shape{width, 2}, Shape{channels, width, 2}}) {
    LossKeys keys;
    keys.normalise = true;
    keys.learned = normal(shape, 2);
    const auto loss = [&] { return decoder_loss(x, channels, y, keys).loss; };
    const LossResult made = decoder_loss(x, channels, y, keys);
    CHECK(made.d_learned.shape() == shape);
    // the decoder is fitted anew, but where it is best its change does not count
    const auto compare = [&](const Tensor& moved, const Tensor& gradient) {
      for (std::int64_t i = 0; i < moved.numel(); i += 5) {
        const double step = 1e-5, value = moved.data<double>()[i];
        moved.mut<double>()[i] = value + step;
        const double above = loss();
        moved.mut<double>()[i] = value - step;
        const double slope = (above - loss()) / (2 * step);
        moved.mut<double>()[i] = value;
        CHECK(std::fabs(slope - gradient.data<double>()[i]) <= 1e-8);
      }
    };
    compare(keys.learned, made.d_learned);
    compare(x, made.d_features);
  }
}

TEST_CASE("a learned reduction trains with the filters to the same bits on any number of threads [FN T5] [FN N12]") {
  const std::vector<Day> days = small_days();
  for (const char* kind : {"shared", "per_channel"}) {
    CAPTURE(kind);
    Settings settings = small_settings();
    settings.pls.learned = kind;
    settings.model.dropout = 0;
    settings.train.epochs = 30;
    std::vector<double> first;
    for (const int count : {1, 2}) {
      const Threads threads(count);
      const CrossValidation run = cross_validate(settings, days);
      const FoldResult& fold = run.folds.at(0);
      CHECK(fold.losses.back() < fold.losses.front());
      REQUIRE(fold.weights.size() == 5);  // two levels and the map
      CHECK(fold.weights[4].rank() == (settings.pls.learned == "shared" ? 2 : 3));
      CHECK(fold.weights[4].to_vector() != fold.start_weights.at(4).to_vector());
      if (first.empty()) first = numbers_of(run);
      CHECK(numbers_of(run) == first);
    }
    settings.train.batch = 20;
    settings.train.epochs = 3;
    CHECK(numbers_of(cross_validate(settings, days)) != first);
  }
}

TEST_CASE("a training with a learned reduction that was interrupted goes on to the same bits [FN T5] [FN F18]") {
  Settings settings = small_settings();
  settings.pls.learned = "per_channel";
  check_interrupted(settings);
}

TEST_CASE("a watcher ends a fold early [FN N4]") {
  TrainPlan plan;
  plan.watch = [](std::int64_t fold, const Evaluation& e) { return fold != 0 || e.step < 1; };
  Settings settings = small_settings();
  settings.train.eval_steps = 1;
  const CrossValidation run = cross_validate(settings, small_days(), plan);
  CHECK(run.folds[0].status == FoldStatus::stopped);
  CHECK(run.folds[0].losses.size() == 2);
  CHECK(run.folds[1].status == FoldStatus::trained);
}

TEST_CASE("penalties of large weights shrink them [FN T2]") {
  const std::vector<Day> days = small_days();
  Settings settings = small_settings();
  settings.train.fold = 0;
  settings.train.epochs = 10;
  const auto largest = [&] {
    double out = 0;
    const CrossValidation run = cross_validate(settings, days);
    for (const Tensor& w : run.folds[0].weights)
      for (const double v : w.to_vector()) out = std::max(out, std::fabs(v));
    return out;
  };
  const double free = largest();
  settings.train.weight_penalty = 10;
  CHECK(largest() < free - 0.02);
  settings.train.weight_penalty = 0;
  settings.train.range_penalty = 100;
  settings.train.range_limit = 0.5;
  CHECK(largest() < free - 0.02);
}

TEST_CASE("the gradient of the penalties is that of their formula [FN T2]") {
  const std::vector<Day> days = small_days(1);
  const Session& session = days.front().sessions.front();
  Settings settings = small_settings();
  settings.model.dropout = 0;
  Network network = start_network(settings, 128);
  nn::Parts parts = nn::parts_of(network.graph);
  std::vector<nn::Parameter*> filters;
  for (const auto& p : parts.parameters) filters.push_back(p.parameter);
  const auto run = [&](double weight, double range) {
    settings.train.weight_penalty = weight;
    settings.train.range_penalty = range;
    settings.train.range_limit = 0.3;
    SessionStep step(step_options(settings, Stream(1)), filters);
    const double loss = step(*session.segments, session.labels, 0);
    return std::pair{loss, filters[0]->grad.to_vector()};
  };
  const auto [plain_loss, plain] = run(0, 0);
  const auto [loss, gradient] = run(0.5, 0.25);
  double sum = 0;
  for (const nn::Parameter* f : filters)
    for (const double w : f->value.to_vector()) {
      const double over = std::max(0.0, std::fabs(w) - 0.3);
      sum += 0.5 * w * w + 0.25 * over * over;
    }
  CHECK(loss - plain_loss == doctest::Approx(sum).epsilon(1e-6));
  const std::vector<double> w = filters[0]->value.to_vector();
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double over = std::copysign(std::max(0.0, std::fabs(w[i]) - 0.3), w[i]);
    CHECK(gradient[i] - plain[i] == doctest::Approx(w[i] + 0.5 * over).epsilon(1e-4));
  }
}

TEST_CASE("averaged weights are the mean of the steps that count [FN T4]") {
  nn::State state;
  WeightsAverage average(1, 2);
  const auto weights = [](float v) { return std::vector<Tensor>{Tensor::full({2}, static_cast<double>(v))}; };
  average.offer({2, 0}, weights(100));  // too early
  average.offer({4, 1}, weights(1));
  average.offer({5, 1}, weights(100));  // between two that count
  average.offer({6, 2}, weights(3));
  CHECK(average.count() == 2);
  average.save(state);
  WeightsAverage again(1, 2);
  again.restore(state);
  CHECK(again.count() == 2);
  CHECK(state.tensor("sum.0").to_vector() == std::vector<double>{4, 4});
}

TEST_CASE("random mini-batches train the filters while the decoder is fitted on the session [FN T7]") {
  const std::vector<Day> days = small_days();
  Settings settings = small_settings();
  settings.train.batch = 16;
  settings.train.epochs = 6;
  const std::vector<double> first = numbers_of(cross_validate(settings, days));
  const CrossValidation run = cross_validate(settings, days);
  CHECK(numbers_of(run) == first);
  CHECK(run.folds[0].losses.back() < run.folds[0].losses.front());
}

TEST_CASE("more folds than sessions are refused before training [FN F10]") {
  Settings settings = small_settings();
  settings.train.folds = 3;
  const std::vector<Day> days = small_days();
  const auto error = test::error_of([&] { cross_validate(settings, days); });
  CHECK(test::says(error, "there are 2 sessions"));
}

TEST_CASE("a training whose weights explode ends as a failed fold [FN F10]") {
  Settings settings = small_settings();
  settings.train.fold = 0;
  settings.optim.lr = 1e30;
  const CrossValidation run = cross_validate(settings, small_days());
  CHECK(run.folds[0].status == FoldStatus::failed);
  CHECK(run.folds[0].reason.find("finite") != std::string::npos);
}

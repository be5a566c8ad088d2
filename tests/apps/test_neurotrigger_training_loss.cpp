// Losses of training: Huber, share of z, weights of rows.

#include "core/random/philox.h"

#include "apps/neurotrigger/train/expert_training.h"
#include "apps/neurotrigger/train/training_loss.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/apps/neurotrigger_program.h"

using namespace thimble;
using namespace thimble::neurotrigger;
namespace program = thimble::test::neurotrigger_program;

namespace {

constexpr std::int64_t kLossRows = 37, kLossInputs = 27;

Tensor uniform_table(std::int64_t rows, std::int64_t columns, const char* name) {
  const Stream stream = Rng(2024).stream(name);
  Tensor out = Tensor::empty({rows, columns});
  for (std::int64_t i = 0; i < out.numel(); ++i)
    out.mut<float>()[i] = static_cast<float>(2 * stream.uniform(static_cast<std::uint64_t>(i), 0) - 1);
  return out;
}

double huber(double e, double delta) {
  return std::abs(e) <= delta ? e * e / 2 : delta * (std::abs(e) - delta / 2);
}

/// The formula of training_loss in plain double, from the outputs of the model.
double plain_loss(const Tensor& y_hat, const Tensor& y, const Settings& s, const std::vector<float>& weights) {
  double sum = 0;
  for (std::int64_t row = 0; row < y.size(0); ++row) {
    double own = 0;
    for (std::int64_t c = 0; c < s.out_size; ++c) {
      const double e = static_cast<double>(y_hat.data<float>()[row * s.out_size + c]) -
                       static_cast<double>(y.data<float>()[row * s.out_size + c]);
      const double share = s.out_size == 1 ? 1.0 : c == 0 ? s.z_weight : 1 - s.z_weight;
      own += share * (s.loss == "HuberLoss" ? huber(e, s.huber_delta) : e * e);
    }
    sum += own * (weights.empty() ? 1.0 : static_cast<double>(weights[static_cast<std::size_t>(row)]));
  }
  return sum / static_cast<double>(y.size(0));
}

}  // namespace

TEST_CASE("The training loss is the formula of its settings: Huber, share of z, weights of rows [NT F32]") {
  const Tensor x = uniform_table(kLossRows, kLossInputs, "x");
  const Tensor drawn = uniform_table(kLossRows, 1, "w");
  const std::vector<float> weights(drawn.data<float>(), drawn.data<float>() + kLossRows);
  for (const char* loss : {"MSELoss", "HuberLoss"})
    for (const double z_weight : {0.5, 0.9})
      for (const std::int64_t outputs : {1, 2})
        for (const bool weighted : {false, true}) {
          Settings s;
          s.loss = loss;
          s.huber_delta = 0.3;
          s.out_size = outputs;
          s.z_weight = outputs == 1 ? 0.5 : z_weight;
          s.act = "tanh";
          const nn::Graph model = start_model(s, 0);
          const Tensor y = uniform_table(kLossRows, outputs, "y");
          nn::Batch batch{constant(x.to(Layout::lanes)), constant(y.to(Layout::lanes)), {}, {}};
          if (weighted) batch.weight = constant(Tensor::from(weights).to(Layout::lanes));
          const double got = static_cast<double>(training_loss(model, s)(batch).value().item());
          CAPTURE(loss);
          CAPTURE(z_weight);
          CAPTURE(outputs);
          CAPTURE(weighted);
          CHECK(got == doctest::Approx(plain_loss(predict(model, x), y, s, weighted ? weights : std::vector<float>()))
                           .epsilon(1e-5));
        }
}

TEST_CASE("Weights of inverse density give every occupied bucket of z the same share and have mean 1 [NT F32]") {
  // four rows in bucket 0, one in bucket 2, none in bucket 1
  const std::vector<float> z{-1.0F, -0.9F, -0.8F, -0.5F, 1.0F};
  const std::vector<float> weights = inverse_density(z, 3);
  const std::vector<float> expected{0.625F, 0.625F, 0.625F, 0.625F, 2.5F};  // 5 rows / (2 buckets * rows in the bucket)
  CHECK(weights == expected);
}

TEST_CASE("Share of z, Huber loss and row weights act on the training and leave the validation loss a mean square") {
  const test::TempFolder folder;
  using program::Words;
  const std::vector<Words> variants{{},
                                    {"z_weight=0.95"},
                                    {"loss=HuberLoss", "huber_delta=0.05"},
                                    {"sample_weight=inverse_density"},
                                    {"expert_3.sample_weight=inverse_density"},
                                    {"clip_grad=1e-6"}};
  std::vector<std::string> weights;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    program::run_well(program::training(variants[i]), folder);
    weights.push_back(test::read_text(program::run_folder(folder, "demo", static_cast<int>(i)) / "weights.json"));
    CAPTURE(i);
    const bool changed = i == 0 || weights[i] != weights[0];
    CHECK(changed);
  }
  const auto loss = [&](int version, const char* key) {
    return program::result_of(program::run_folder(folder, "demo", version), "expert_0").at(key).get<double>();
  };
  CHECK(loss(1, "z_diff_std") < loss(0, "z_diff_std"));  // z is given nearly all of the loss
  CHECK(loss(4, "loss") == loss(0, "loss"));             // weights of expert 3 alone
  CHECK(loss(5, "loss") > 1.2 * loss(0, "loss"));        // [NT F31] clipped to next to nothing
}

TEST_CASE("Settings of the loss that contradict each other are refused before anything is written") {
  const test::TempFolder folder;
  const std::vector<std::pair<program::Words, std::string>> bad{
      {{"out_size=1", "z_weight=0.7"}, "z_weight"},
      {{"sample_weight=inverse_density", "dist={n_buckets: 11, norm: {mean: 0, std: 0.4}}"}, "sample_weight"},
      {{"loss=HuberLoss", "huber_delta=0"}, "huber_delta"},
      {{"loss=Huber"}, "HuberLoss"}};
  for (const auto& [words, named] : bad) {
    const test::Ended ended = test::run_program(program::kProgram, program::training(words), folder.path());
    CHECK(ended.code == 2);
    CHECK_MESSAGE(program::contains(ended.err, named), ended.err);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "runs"));
  }
}

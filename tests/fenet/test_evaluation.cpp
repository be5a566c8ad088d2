// The evaluation protocol against the reference, and what it must not look at.

#include "core/io/hdf5_foreign.h"

#include "apps/fenet/evaluate/protocol.h"
#include "apps/fenet/model/network.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

/// Smooth random tables: features [n, c] and labels [n, 2] that depend on them.
struct Tables {
  Tensor features, labels;
};
Tables random_tables(std::int64_t rows, std::int64_t columns) {
  const Stream stream = Rng(11).stream("tables");
  Tables t{Tensor::empty({rows, columns}), Tensor::empty({rows, 2})};
  for (std::int64_t i = 0; i < rows * columns; ++i)
    t.features.mut<float>()[i] = static_cast<float>(3 + 2 * stream.normal(0, static_cast<std::uint64_t>(i)));
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t d = 0; d < 2; ++d)
      t.labels.mut<float>()[2 * r + d] = t.features.data<float>()[r * columns + d] +
                                         static_cast<float>(stream.normal(1, static_cast<std::uint64_t>(2 * r + d)));
  return t;
}

Protocol protocol_with(bool normalise, bool leak_free) {
  Protocol p;
  p.normalise = normalise;
  p.leak_free = leak_free;
  return p;
}

}  // namespace

TEST_CASE("ten folds of the evaluation give metrics and predictions of the reference [FN F11]") {
  THIMBLE_SHARED(file, "data/fenet/evaluation_case.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(file);
  const auto array = [&](const std::string& name) -> const io::Array& { return tree.datasets.at(name).numbers; };
  const auto fact = [&](const std::string& name) { return tree.attributes.at("/").at(name).numbers.doubles().at(0); };
  const Scores scores =
      judge(array("/features_f64").tensor(), 4, array("/labels").tensor(), protocol_with(false, false));
  const std::vector<double> predictions = scores.predictions.to_vector(),
                            wanted = array("/fold_predictions_f64").doubles();
  REQUIRE(predictions.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(std::fabs(predictions[i] - wanted[i]) <= 1e-9);
  for (const char* name : {"pearsonr2-x", "pearsonr2-y", "pearsonr2-xy-normed", "decoder-MSE"}) {
    CAPTURE(name);
    CHECK(std::fabs(scores.metrics.at(name) - fact(std::string("f64_") + name)) <= 1e-9);
    const std::vector<double> folds = array(std::string("/per_fold/") + name).doubles();
    for (std::size_t i = 0; i < folds.size(); ++i) CHECK(std::fabs(scores.folds.at(i).at(name) - folds[i]) <= 1e-9);
  }
  CHECK(scores.invalid_folds == 0);
}

TEST_CASE("features in single precision give the metrics of the reference to 1e-4 [FN F11]") {
  THIMBLE_SHARED(file, "data/fenet/evaluation_case.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(file);
  const auto fact = [&](const std::string& name) { return tree.attributes.at("/").at(name).numbers.doubles().at(0); };
  const Scores scores = judge(tree.datasets.at("/features_f64").numbers.tensor(DType::f32), 4,
                              tree.datasets.at("/labels").numbers.tensor(), protocol_with(false, false));
  for (const char* name : {"pearsonr2-x", "pearsonr2-y", "pearsonr2-xy-normed", "decoder-MSE"})
    CHECK(std::fabs(scores.metrics.at(name) - fact(std::string("f64_") + name)) <= 1e-4);
}

TEST_CASE("a fold with a constant axis has no value and is counted [FN F11]") {
  const Tables t = random_tables(60, 8);
  for (std::int64_t row = 18; row < 24; ++row) t.labels.mut<float>()[2 * row] = 0.25F;
  const Scores scores = judge(t.features, 2, t.labels, protocol_with(true, false));
  CHECK(scores.invalid_folds == 1);
  CHECK(std::isnan(scores.folds[3].at("pearsonr2-xy-normed")));
  CHECK(std::isfinite(scores.metrics.at("pearsonr2-xy-normed")));
}

TEST_CASE("without leaks nothing of a fold reaches its own normalisation [FN N9]") {
  const Tables t = random_tables(80, 8);
  const Scores before = judge(t.features, 2, t.labels, protocol_with(true, true));
  const Tensor changed = t.features.clone();
  for (std::int64_t i = 0; i < 4 * 8; ++i) changed.mut<float>()[i] += 1000;  // half of the first fold
  const Scores after = judge(changed, 2, t.labels, protocol_with(true, true));
  const Scores leaky = judge(changed, 2, t.labels, protocol_with(true, false));
  const auto same = [](const Scores& a, const Scores& b) {
    std::int64_t equal = 0;
    for (std::int64_t i = 4 * 2; i < 8 * 2; ++i)
      equal += a.predictions.data<double>()[i] == b.predictions.data<double>()[i] ? 1 : 0;
    return equal;
  };
  CHECK(same(before, after) == 8);
  CHECK(same(before, leaky) == 0);
}

TEST_CASE("columns are normalised with the population variance and 1e-5 under the root [FN F04]") {
  const Tensor x = Tensor::from(std::vector<double>{1, 5, 3, 5, 5, 5}, {3, 2});
  const Tensor z = normalise_columns(x);
  const double s = 1 / std::sqrt(8.0 / 3 + 1e-5);
  const std::vector<double> wanted{-2 * s, 0, 0, 0, 2 * s, 0};
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(z.to_vector()[i] == doctest::Approx(wanted[i]).epsilon(1e-15));
  const auto error = test::error_of([&] { normalise_columns(x.rows(0, 1)); });
  CHECK(test::says(error, "cannot be normalised"));
}

TEST_CASE("decoders with a memory do not look across the fold that was cut out [FN N2] [FN F11]") {
  const Tables t = random_tables(60, 3);
  for (const char* kind : {"wiener", "kalman"}) {
    CAPTURE(kind);
    Protocol protocol = protocol_with(true, false);
    protocol.folds = 6;
    protocol.pls.components = 0;
    protocol.decoder.kind = kind;
    const Scores scores = judge(t.features, 1, t.labels, protocol);
    const Tensor z = normalise_columns(t.features);
    const auto without = [](const Tensor& x) {  // rows 20 .. 30 are the third fold
      const Tensor out = Tensor::empty({50, x.size(1)}, x.dtype());
      copy_into(x.rows(0, 20), out.rows(0, 20));
      copy_into(x.rows(30, 30), out.rows(20, 30));
      return out;
    };
    const auto predicted = [&](const std::vector<std::int64_t>& starts) {
      return fit_decoder(protocol.decoder, without(z), without(t.labels), starts)->predict(z.rows(20, 10)).to_vector();
    };
    CHECK(scores.predictions.rows(20, 10).to_vector() == predicted({20}));
    CHECK(predicted({20}) != predicted({}));
  }
}

TEST_CASE("fewer segments than folds are refused [FN F11]") {
  const Tables t = random_tables(9, 8);
  const auto error = test::error_of([&] { judge(t.features, 2, t.labels, protocol_with(false, false)); });
  CHECK(test::says(error, "9 segments"));
}

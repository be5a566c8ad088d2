#include "core/base/log.h"
#include "core/kernels/columns.h"
#include "core/linalg/least_squares.h"
#include "core/linalg/pls.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "tests/support/error_of.h"

using namespace thimble;

namespace {

constexpr std::uint64_t kColumnsSeed = 23;

/// Normal numbers about `mean`.
Tensor noise(std::int64_t rows, std::int64_t columns, DType dtype, double mean = 0) {
  const Stream stream = Rng(kColumnsSeed).stream("columns");
  std::vector<double> values;
  for (std::int64_t i = 0; i < rows * columns; ++i)
    values.push_back(mean + stream.normal(static_cast<std::uint64_t>(columns), static_cast<std::uint64_t>(i)));
  return Tensor::from(values, {rows, columns}).to(dtype);
}

/// Largest difference, as a share of the largest number.
double relative(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  return largest / size;
}

double largest_of(const Tensor& t) {
  double largest = 0;
  for (const double v : t.to_vector()) largest = std::max(largest, std::abs(v));
  return largest;
}

template <class T>
void check_kernels(std::int64_t rows, std::int64_t p, std::int64_t q, std::int64_t near, bool shifted, double allowed) {
  CAPTURE(rows);
  CAPTURE(p);
  CAPTURE(near);
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  const Tensor x = noise(rows, p, dtype_of<T>()), y = noise(rows, q, dtype_of<T>());
  std::vector<T> shift(at(p), T(0.5));
  const kernels::TallMatrix<T> matrix{x.data<T>(), rows, p, p, shifted ? shift.data() : nullptr};
  std::vector<double> sums(at(p)), gram(at(near * p)), with_y(at(q * p)), full(at(p * p));
  kernels::column_products(matrix, {y.data<T>(), q, near, sums.data(), gram.data(), with_y.data()});
  kernels::full_gram(matrix, full.data());
  std::vector<T> weights(at(p)), t(at(rows));
  for (std::int64_t j = 0; j < p; ++j) weights[at(j)] = static_cast<T>(std::cos(double(j)));
  std::vector<double> back(at(p));
  kernels::project_back(matrix, weights.data(), 0.25, t.data(), back.data());
  std::vector<double> sums0(at(p)), gram0(at(near * p)), with_y0(at(q * p)), full0(at(p * p)), back0(at(p));
  for (std::int64_t i = 0; i < rows; ++i) {
    std::vector<double> v(at(p));
    double score = -0.25;
    for (std::int64_t j = 0; j < p; ++j) {
      v[at(j)] = double(x.data<T>()[i * p + j]) - (shifted ? 0.5 : 0.0);
      score += v[at(j)] * double(weights[at(j)]);
    }
    for (std::int64_t j = 0; j < p; ++j) {
      sums0[at(j)] += v[at(j)];
      back0[at(j)] += v[at(j)] * score;
      for (std::int64_t d = 0; d < near && j + d < p; ++d) gram0[at(d * p + j)] += v[at(j)] * v[at(j + d)];
      for (std::int64_t k = 0; k < q; ++k) with_y0[at(k * p + j)] += v[at(j)] * double(y.data<T>()[i * q + k]);
      for (std::int64_t k = 0; k < p; ++k) full0[at(j * p + k)] += v[at(j)] * v[at(k)];
    }
  }
  CHECK(relative(sums, sums0) <= allowed);
  CHECK(relative(gram, gram0) <= allowed);
  if (q > 0) CHECK(relative(with_y, with_y0) <= allowed);
  CHECK(relative(back, back0) <= allowed);
  CHECK(relative(full, full0) <= 1e-6);
}

}  // namespace

TEST_CASE("[FN F07] sums over the rows of a tall matrix equal plain loops for any width, distance and type") {
  MESSAGE("seed ", kColumnsSeed);
  for (const bool shifted : {false, true}) {
    check_kernels<double>(3, 1, 0, 1, shifted, 1e-12);
    check_kernels<double>(130, 7, 1, 7, shifted, 1e-12);
    check_kernels<double>(600, 49, 2, 4, shifted, 1e-12);
    check_kernels<double>(70, 80, 3, 10, shifted, 1e-12);
    check_kernels<float>(5, 17, 2, 1, shifted, 2e-5);
    check_kernels<float>(600, 48, 2, 8, shifted, 2e-5);
    check_kernels<float>(131, 100, 3, 9, shifted, 2e-5);
    check_kernels<float>(520, 33, 1, 3, shifted, 2e-5);
  }
}

TEST_CASE("[FN F07] many floats give the fits of doubles to 1e-4, wherever their means lie, on any threads") {
  MESSAGE("seed ", kColumnsSeed);
  const std::int64_t n = 1700, channels = 80, width = 8;  // more than a million numbers
  const Tensor y = noise(n, 2, DType::f32);
  linalg::PlsOptions options;
  options.tolerance = 1e-12;
  for (const double mean : {0.0, 300.0}) {
    const Tensor x = noise(n, channels * width, DType::f32, mean);
    const linalg::ChannelPls wide = linalg::fit_channel_pls(x.to(DType::f64), channels, y, options);
    const linalg::ChannelPls narrow = linalg::fit_channel_pls(x, channels, y, options);
    CHECK(relative(narrow.rotations.to_vector(), wide.rotations.to_vector()) <= 1e-4);
    CHECK(relative(narrow.std.to_vector(), wide.std.to_vector()) <= 1e-5);
    const linalg::PlsModel big = linalg::fit_pls(x, y, options);
    const linalg::PlsModel exact = linalg::fit_pls(x.to(DType::f64), y, options);
    CHECK(relative(big.coefficients.to_vector(), exact.coefficients.to_vector()) <= 1e-4);
    const int before = threads();
    set_threads(3);
    CHECK(linalg::fit_channel_pls(x, channels, y, options).rotations.to_vector() == narrow.rotations.to_vector());
    CHECK(linalg::fit_pls(x, y, options).coefficients.to_vector() == big.coefficients.to_vector());
    set_threads(1);
    CHECK(linalg::fit_pls(x, y, options).coefficients.to_vector() == big.coefficients.to_vector());
    set_threads(before);
  }
}

TEST_CASE("[FN F08] least squares solves full rank, and gives the minimum norm for equal columns and few rows") {
  const Tensor x = noise(60, 30, DType::f64, 2), y = noise(60, 2, DType::f64);
  const linalg::LinearFit fit = linalg::fit_linear(x, y);
  const Tensor error = linalg::predict(fit, x);
  for (std::int64_t j = 0; j < 30; ++j) {  // residuals are orthogonal to every column
    double sum = 0;
    for (std::int64_t i = 0; i < 60; ++i)
      sum += x.data<double>()[i * 30 + j] * (error.data<double>()[i * 2] - y.data<double>()[i * 2]);
    CHECK(std::abs(sum) <= 1e-10);
  }
  Tensor twice = Tensor::zeros({60, 4}, DType::f64);  // a, b, a, constant
  for (std::int64_t i = 0; i < 60; ++i) {
    double* row = twice.mut<double>() + i * 4;
    row[0] = row[2] = x.data<double>()[i * 30];
    row[1] = x.data<double>()[i * 30 + 1];
    row[3] = 7;
  }
  const linalg::LinearFit shared = linalg::fit_linear(twice, y);
  const double* w = shared.coefficients.data<double>();
  CHECK(std::abs(w[0] - w[2]) <= 1e-10);
  CHECK(std::abs(w[3]) <= 1e-12);
  const Tensor few = noise(5, 30, DType::f64), few_y = noise(5, 2, DType::f64);
  CHECK(relative(linalg::predict(linalg::fit_linear(few, few_y), few).to_vector(), few_y.to_vector()) <= 1e-9);
}

TEST_CASE("[FN F07] PLS stops early when y or x is used up, warns, and refuses what cannot be fitted") {
  const auto warnings = std::make_shared<int>(0);
  const auto former = log::set_sink([warnings](log::Level, std::string_view) { ++*warnings; });
  const Tensor x = noise(40, 3, DType::f64);
  Tensor y = Tensor::zeros({40, 1}, DType::f64);
  linalg::PlsOptions options;
  const linalg::PlsModel nothing = linalg::fit_pls(x, y, options);  // constant y
  CHECK(nothing.found == 0);
  CHECK(*warnings == 1);
  CHECK(largest_of(nothing.x_rotations) == 0);
  Tensor line = Tensor::zeros({40, 3}, DType::f64);  // rank one
  for (std::int64_t i = 0; i < 120; ++i) line.mut<double>()[i] = x.data<double>()[i / 3 * 3] * double(1 + i % 3);
  CHECK(linalg::fit_pls(line, noise(40, 2, DType::f64), options).found == 1);
  log::set_sink(former);
  options.components = 4;
  CHECK(test::says(test::error_of([&] { linalg::fit_pls(x, noise(40, 2, DType::f64), options); }), "4 components"));
  CHECK(test::says(test::error_of([&] { linalg::fit_pls(x, noise(39, 2, DType::f64)); }), "equal rows"));
  CHECK(test::says(test::error_of([&] { linalg::fit_channel_pls(x, 2, noise(40, 2, DType::f64)); }), "2 channels"));
  Tensor broken = x.clone();
  broken.mut<double>()[5] = std::nan("");
  CHECK(test::says(test::error_of([&] { linalg::fit_pls(broken, noise(40, 2, DType::f64)); }), "not finite"));
}

#include "core/base/error.h"

#include "nn/data/dataset.h"
#include "nn/data/plan.h"
#include "nn/data/split.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::nn;

TEST_CASE("rows are gathered into the lanes layout and padding lanes are zero") {
  std::vector<float> values(40 * 3);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const Tensor table = Tensor::from(values, Shape{40, 3});
  const Rows rows{39, 0, 7, 7, 12, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 20, 30};
  const Tensor packed = Tensor::full(Shape{18, 3}, 5).to(Layout::lanes);
  gather_rows(table, rows, packed);
  const Tensor plain = Tensor::empty(Shape{18, 3});
  gather_rows(table, rows, plain);
  CHECK(packed.to_vector() == plain.to_vector());
  CHECK(plain.to_vector()[0] == 117);
  for (std::int64_t feature = 0; feature < 3; ++feature)
    for (std::int64_t lane = 2; lane < kLanes; ++lane) CHECK(packed.data<float>()[(3 + feature) * kLanes + lane] == 0);
}

TEST_CASE("gathering refuses rows that do not exist and shapes that do not fit") {
  const Tensor table = Tensor::zeros(Shape{4, 3});
  CHECK_THROWS_AS(gather_rows(table, Rows{4}, Tensor::zeros(Shape{1, 3})), Error);
  CHECK_THROWS_AS(gather_rows(table, Rows{-1}, Tensor::zeros(Shape{1, 3})), Error);
  CHECK_THROWS_AS(gather_rows(table, Rows{1}, Tensor::zeros(Shape{2, 3})), Error);
}

TEST_CASE("a number that is not finite is named by row and column") {
  const Tensor table = Tensor::zeros(Shape{4, 3});
  table.mut<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  try {
    check_finite(table, "inputs");
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.message().find("row 1, column 2") != std::string::npos);
  }
}

TEST_CASE("a shuffled epoch visits every row once, depends on seed and epoch and on nothing else") {
  const Rows rows = all_rows(1000);
  const Stream stream = Rng(1).stream("shuffle");
  const Rows first = epoch_plan(Shuffle{}, rows, stream, 0);
  CHECK(first == epoch_plan(Shuffle{}, rows, stream, 0));
  CHECK(first != epoch_plan(Shuffle{}, rows, stream, 1));
  CHECK(first != epoch_plan(Shuffle{}, rows, Rng(2).stream("shuffle"), 0));
  Rows sorted = first;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == rows);
  CHECK(epoch_plan(InOrder{}, rows, stream, 3) == rows);
}

TEST_CASE("an epoch is walked in batches and keeps its last partial one") {
  EpochWalk walk(all_rows(10));
  CHECK(walk.next(4).size() == 4);
  CHECK(walk.next(4).size() == 4);
  CHECK(walk.next(4).size() == 2);
  CHECK(walk.done());
  CHECK(walk.next(4).empty());
}

TEST_CASE("an epoch can be filtered under way and either goes on or begins anew") {
  const auto even = [](std::int64_t row) { return row % 2 == 0; };
  EpochWalk finish(all_rows(10));
  finish.next(4);
  finish.filter(even, OnFilter::finish);
  const auto rest = finish.next(10);
  CHECK(Rows(rest.begin(), rest.end()) == Rows{4, 6, 8});
  EpochWalk restart(all_rows(10));
  restart.next(4);
  restart.filter(even, OnFilter::restart);
  const auto all = restart.next(10);
  CHECK(Rows(all.begin(), all.end()) == Rows{0, 2, 4, 6, 8});
}

TEST_CASE("[NT F13] bucket bounds: examples of the specification, section 9.3") {
  CHECK(bucket_of(-1, 11) == 0);
  CHECK(bucket_of(static_cast<double>(-0.8181819F), 11) == 0);
  CHECK(bucket_of(static_cast<double>(-0.8181818F), 11) == 1);
  CHECK(bucket_of(static_cast<double>(0.0909090F), 11) == 5);
  CHECK(bucket_of(static_cast<double>(0.0909091F), 11) == 6);
  CHECK(bucket_of(1, 11) == 10);
  CHECK_THROWS_AS(bucket_of(1.01, 11), Error);
}

namespace {

BucketTarget target_of(const nlohmann::json& one) {
  BucketTarget target{one.at("n_buckets"), one.at("inf_bounds"), BucketTarget::Norm{}};
  const auto& dist = one.at("dist");
  if (dist.contains("norm"))
    target.shape = BucketTarget::Norm{dist["norm"].at("mean"), dist["norm"].at("std")};
  else
    target.shape = BucketTarget::Uniform{dist["uniform"].at("lower"), dist["uniform"].at("upper")};
  return target;
}

}  // namespace

TEST_CASE("[NT F13] bucket probabilities equal buckets.json") {
  const auto path = test::shared_data("data/neurotrigger/buckets.json");
  if (!path) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const auto file = nlohmann::json::parse(std::ifstream(*path));
  for (const auto& one : file.at("cases")) {
    CAPTURE(one.at("name").get<std::string>());
    const auto wanted = one.at("probs").get<std::vector<double>>();
    const auto given = bucket_probabilities(target_of(one));
    REQUIRE(given.size() == wanted.size());
    for (std::size_t b = 0; b < wanted.size(); ++b) CHECK(given[b] == doctest::Approx(wanted[b]).epsilon(1e-12));
  }
}

TEST_CASE("[NT F13] draws follow the probabilities (chi squared) and come from the right bucket") {
  const std::int64_t n = 11;
  std::vector<float> z;
  for (int i = 0; i < 20000; ++i)
    z.push_back(static_cast<float>(Rng(9).stream("z").uniform64(0, static_cast<std::uint64_t>(i)) * 2 - 1));
  const Rows rows = all_rows(static_cast<std::int64_t>(z.size()));
  const Buckets buckets = make_buckets(BucketTarget{n, false, BucketTarget::Norm{0, 0.4}}, rows, z);
  const Rows plan = epoch_plan(buckets, rows, Rng(4).stream("sampler"), 3);
  REQUIRE(plan.size() == rows.size());
  std::vector<double> counts(static_cast<std::size_t>(n));
  for (const std::int64_t row : plan)
    counts[static_cast<std::size_t>(bucket_of(static_cast<double>(z[static_cast<std::size_t>(row)]), n))] += 1;
  double chi2 = 0;
  for (std::size_t b = 0; b < counts.size(); ++b) {
    const double wanted = buckets.probability[b] * static_cast<double>(plan.size());
    chi2 += (counts[b] - wanted) * (counts[b] - wanted) / wanted;
  }
  CHECK(chi2 < 35.6);  // 10 degrees of freedom, p = 1e-4
}

TEST_CASE("[NT F13] an empty bucket gets probability 0, is told, and is never drawn, all empty is an error") {
  const std::vector<float> z{0.0F, 0.05F, 0.9F};
  std::string told;
  const Buckets buckets = make_buckets(BucketTarget{}, all_rows(3), z, [&](const std::string& text) { told = text; });
  CHECK(told.find("0, 1, 2, 3, 4, 6") != std::string::npos);
  double sum = 0;
  for (const double p : buckets.probability) sum += p;
  CHECK(sum == doctest::Approx(1));
  CHECK(epoch_plan(buckets, all_rows(3), Rng(1).stream("s"), 0).size() == 3);
  BucketTarget far{11, false, BucketTarget::Uniform{0.5, 0.6}};
  CHECK_THROWS_AS(make_buckets(far, all_rows(1), std::vector<float>{-1.0F}), Error);
}

TEST_CASE("contiguous folds differ by one row at most and cover all rows once") {
  const Rows rows = all_rows(11);
  CHECK(contiguous_fold(rows, 3, 0).valid == Rows{0, 1, 2, 3});
  CHECK(contiguous_fold(rows, 3, 1).valid == Rows{4, 5, 6, 7});
  CHECK(contiguous_fold(rows, 3, 2).valid == Rows{8, 9, 10});
  CHECK(contiguous_fold(rows, 3, 2).train.size() == 8);
  CHECK_THROWS_AS(contiguous_fold(rows, 1, 0), Error);
}

TEST_CASE("stratified folds keep the shares of the classes") {
  const std::vector<std::int64_t> label{0, 0, 0, 0, 1, 1, 0, 0, 1, 1};
  for (std::int64_t fold = 0; fold < 2; ++fold) {
    const Rows valid = stratified_fold(all_rows(10), label, 2, fold).valid;
    CHECK(valid.size() == 5);
    CHECK(std::count_if(valid.begin(), valid.end(), [&](auto r) { return label[static_cast<std::size_t>(r)] == 1; }) ==
          2);
  }
}

TEST_CASE("the head fraction rounds a half to even") {
  CHECK(head_fraction(all_rows(5), 0.5).valid.size() == 2);
  CHECK(head_fraction(all_rows(7), 0.5).valid.size() == 4);
  CHECK(head_fraction(all_rows(10), 0.2).valid == Rows{0, 1});
}

TEST_CASE("a split by group never parts a group") {
  std::vector<std::int64_t> group;
  for (std::int64_t i = 0; i < 3000; ++i) group.push_back(i / 3);
  const Split split = by_group(all_rows(3000), group, 0.25, Rng(1).stream("split"));
  CHECK(split.valid.size() + split.train.size() == 3000);
  CHECK(std::abs(static_cast<double>(split.valid.size()) - 750) < 5 * 3 * std::sqrt(1000 * 0.25 * 0.75));
  std::set<std::int64_t> valid_groups;
  for (const auto row : split.valid) valid_groups.insert(row / 3);
  for (const auto row : split.train) CHECK(!valid_groups.contains(row / 3));
}

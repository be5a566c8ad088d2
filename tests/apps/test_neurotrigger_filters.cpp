#include "core/base/error.h"
#include "core/io/hash.h"
#include "core/io/json.h"

#include "apps/neurotrigger/data/filters.h"
#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

std::int64_t count(const Mask& mask) {
  return std::accumulate(mask.begin(), mask.end(), std::int64_t{0});
}

}  // namespace

TEST_CASE("Row numbers make a mask [NT F12]") {
  // Golden: section 2.5 of the specification.
  CHECK(mask_of({1, 3, 8, 10}, 11) == Mask{0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1});
  CHECK(mask_of({2, 2}, 3) == Mask{0, 0, 1});
  CHECK(rows_of(Mask{0, 1, 1}) == std::vector<std::int64_t>{1, 2});
  CHECK_THROWS_AS(mask_of({3}, 3), Error);
  CHECK_THROWS_AS(mask_of({-1}, 3), Error);
}

TEST_CASE("Filters keep exactly the rows that the original keeps [NT F12]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const nlohmann::json cases = io::read_json(folder / "filters.json").at("cases");
  const Dataset all = read_tracks(folder / "test_data.csv.gz"), few = read_tracks(folder / "test_data_filter.csv");
  for (const auto& c : cases) {
    const std::string text = c.at("expr").get<std::string>();
    CAPTURE(text);
    const Dataset& data = c.at("file") == "test_data.csv" ? all : few;
    const Mask mask = apply_filter(text, data);
    CHECK(count(mask) == c.at("kept").get<std::int64_t>());
    std::string digits;
    for (const std::uint8_t keep : mask) digits += keep != 0 ? '1' : '0';
    CHECK(io::sha256_hex(digits) == c.at("sha256_mask").get<std::string>());
  }
}

TEST_CASE("Short names, names of arguments, spaces and by_run are part of the grammar [NT F12]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset all = read_tracks(folder / "test_data.csv.gz");
  CHECK(apply_filter("", all) == keep_all(all));
  CHECK(apply_filter(" ExpertFilter( expert = 4 ) ", all) == keep_expert(all, 4));
  CHECK(count(apply_filter("ConCatFilter(filters=[])", all)) == 4998);
  CHECK(apply_filter("RangeFilter([3, 5, 5])", all) == mask_of({3, 5}, 4998));
  // four event numbers occur in both runs, so looking at the run keeps more rows
  CHECK(count(apply_filter("Max2EventsFilter(by_run=true)", all)) >= 4231);
  CHECK(count(apply_filter("DuplicateEventsFilter(by_run=true)", all)) >= 2247);
}

TEST_CASE("Anything that is no filter is refused with its column [NT F12] [R16]") {
  const char* const bad[] = {"__import__('os').system('true')",
                             "ExpertFilter",
                             "ExpertFilter(0",
                             "ExpertFilter(0))",
                             "ExpertFilter(0.5)",
                             "ExpertFilter('0')",
                             "ExpertFilter(1, 2)",
                             "ExpertFilter(who=1)",
                             "ExpertFiltre(0)",
                             "ConCatFilter(IdentityFilter())",
                             "ConCatFilter([1])",
                             "IdentityFilter() or True",
                             "lambda: 0",
                             "RangeFilter(range(0, 9223372036854775807))",
                             "RangeFilter(range())",
                             "other.IdentityFilter()",
                             "IdentityFilter(); IdentityFilter()"};
  for (const char* text : bad) {
    CAPTURE(text);
    const auto error = test::error_of([&] { check_filter(text); });
    REQUIRE(error);
    CHECK(exit_code(error->kind()) == 2);
  }
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "ConCatFilter([";
  CHECK_THROWS_AS(check_filter(deep), Error);
  CHECK(test::says(test::error_of([] { check_filter("ExpertFiltre(0)"); }), "ExpertFilter"));
  const Dataset data = simulate_tracks(simulation_preset("ideal"), 1, "test", 20);
  CHECK_THROWS_AS(apply_filter("RangeFilter(range(0, 100000))", data), Error);
  CHECK_THROWS_AS(apply_filter("RangeFilter([-1])", data), Error);
  CHECK(apply_filter("RangeFilter(range(0, 10))", empty_dataset(0)).empty());  // a split without tracks
  CHECK_THROWS_AS(apply_filter("RangeFiltre([1])", empty_dataset(0)), Error);
}

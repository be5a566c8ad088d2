#include "core/fixed/csd.h"
#include "core/io/json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <limits>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::fixed;

TEST_CASE("[HW-06] canonical signed digits equal the reference for every listed number") {
  // origin: tests/data/hardware/csd_cases.json
  const auto cases = io::read_json(test::test_data("hardware/csd_cases.json"));
  int wrong = 0;
  for (const auto& row : cases["rows"]) {
    const auto n = row[0].get<std::int64_t>();
    wrong += csd_text(n) != row[1].get<std::string>();
    wrong += csd_weight(n) != row[2].get<int>();
  }
  CHECK(cases["rows"].size() > 380);
  CHECK(wrong == 0);
}

TEST_CASE("[HW-06] canonical signed digits add up to the number and have no non-zero neighbours, at the ends too") {
  std::vector<std::int64_t> numbers = {std::numeric_limits<std::int64_t>::min(),
                                       std::numeric_limits<std::int64_t>::max()};
  for (std::int64_t n = -5000; n <= 5000; ++n) numbers.push_back(n);
  int wrong = 0;
  for (const std::int64_t n : numbers) {
    const auto digits = csd(n);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
      sum += static_cast<std::uint64_t>(std::int64_t{digits[i]}) << i;  // 2^64 and beyond fall out, as they must
      wrong += i > 0 && digits[i] != 0 && digits[i - 1] != 0;
    }
    wrong += static_cast<std::int64_t>(sum) != n;
  }
  CHECK(wrong == 0);
}

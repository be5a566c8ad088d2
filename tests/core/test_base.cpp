#include "core/base/error.h"
#include "core/base/text.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"
#include "core/random/splitmix.h"
#include "core/tensor/tensor.h"

#include <doctest/doctest.h>

using namespace thimble;

TEST_CASE("philox gives the known answers of its authors") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) ==
        std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
        std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("splitmix64 gives the first numbers of seed 1") {
  SplitMix64 next(1);
  CHECK(next() == 10451216379200822465u);
  CHECK(next() == 13757245211066428519u);
  CHECK(next() == 17911839290282890590u);
}

TEST_CASE("numbers print in their shortest form and read back") {
  CHECK(text::shortest(0.1) == "0.1");
  CHECK(text::shortest(0.1f) == "0.1");
  CHECK(text::fixed(1822.0, 6) == "1822.000000");
  CHECK(text::grouped(-1234567) == "-1,234,567");
  double value = 0;
  CHECK(text::parse("1e-3", value));
  CHECK(value == 1e-3);
  CHECK_FALSE(text::parse("1e-3x", value));
  CHECK_FALSE(text::parse("", value));
  CHECK(text::parse("+2", value));
  CHECK_FALSE(text::parse("+-5", value));
}

TEST_CASE("user text is printed without control characters") {
  CHECK(text::printable("a\x1b[31mb") == "a\\x1b[31mb");
  CHECK(text::printable("caf\xC3\xA9") == "caf\xC3\xA9");
  CHECK(text::printable("\xff") == "\\xff");
}

TEST_CASE("a near word is suggested, a far one is not") {
  CHECK(text::nearest("lerning_rate", {"epochs", "learning_rate"}) == "learning_rate");
  CHECK(text::nearest("banana", {"epochs", "learning_rate"}).empty());
}

TEST_CASE("tensors share storage, lanes keep every number") {
  const Tensor rows = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, Shape{3, 2});
  const Tensor lanes = rows.to(Layout::lanes);
  CHECK(lanes.stored() == 32);
  CHECK(lanes.data<float>()[0] == 1);
  CHECK(lanes.data<float>()[16] == 2);
  CHECK(lanes.data<float>()[1] == 3);
  CHECK(lanes.to_vector() == rows.to_vector());
  CHECK(rows.reshape({2, 3}).raw() == rows.raw());
  CHECK_THROWS_AS(rows.reshape({4, 2}), Error);
  CHECK_THROWS_AS(rows.data<double>(), Error);
}

TEST_CASE("parallel blocks run each block once and pass on an exception") {
  std::vector<int> seen(1000, 0);
  parallel_blocks(1000, [&](std::int64_t b) { ++seen[static_cast<std::size_t>(b)]; });
  CHECK(seen == std::vector<int>(1000, 1));
  CHECK_THROWS_AS(parallel_blocks(8, [](std::int64_t b) { THIMBLE_CHECK(b != 5, value, "block 5"); }), Error);
}

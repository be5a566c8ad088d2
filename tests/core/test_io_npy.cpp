#include "core/io/file.h"
#include "core/io/npy.h"
#include "core/random/splitmix.h"

#include <doctest/doctest.h>

#include "tests/support/error_of.h"
#include "tests/support/hostile.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::io;
using test::error_of;
using test::says;
using test::TempFolder;

namespace {

std::string npy_file(const std::string& header, const std::string& data) {
  const std::string line = header + "\n";
  std::string out("\x93NUMPY\x01\0", 8);
  out += static_cast<char>(line.size() & 255);
  out += static_cast<char>(line.size() >> 8);
  return out + line + data;
}

}  // namespace

TEST_CASE("hostile NumPy files are refused, odd legal ones read [R13]") {
  int seen = 0;
  for (const auto& hostile : test::hostile_cases("npy")) {
    INFO(hostile.name, ": ", hostile.why);
    const auto error = error_of([&] { read_npy(hostile.file); });
    CHECK(error.has_value() != hostile.accept);
    if (error) CHECK(says(error, hostile.file.filename().string()));
    ++seen;
  }
  CHECK(seen == 15);
  const Array ok = read_npy(test::test_data("hostile/npy/ok.npy"));
  CHECK(ok.dims() == std::vector<std::int64_t>{2, 3});
  const Array columns = read_npy(test::test_data("hostile/npy/fortran.npy"));
  CHECK(columns.doubles().at(1) == 2);  // hostile/cases.json: element [0][1] is 2
}

TEST_CASE("NumPy files keep type, shape and values") {
  const TempFolder folder;
  const auto round_trip = [&](const Array& array) {
    write_npy(folder / "a.npy", array);
    CHECK(read_npy(folder / "a.npy") == array);
    CHECK(read_file(folder / "a.npy").find('\n') % 64 == 63);
  };
  round_trip(Array::from(std::vector<float>{1.5f, -2}));
  round_trip(Array::from(std::vector<double>{0.1}));
  round_trip(Array::from(std::vector<std::int8_t>{-128, 127}));
  round_trip(Array::from(std::vector<std::uint64_t>{~std::uint64_t{0}}));
  round_trip(Array(Element::i32, {2, 3, 4}));
  round_trip(Array(Element::u16, {}));
  round_trip(Array(Element::f32, {0, 5}));
}

TEST_CASE("half floats, big-endian integers and columns first are converted exactly") {
  const std::string half = npy_file("{'descr': '<f2', 'fortran_order': False, 'shape': (4,)}",
                                    std::string("\x00\x3c\x01\x00\xff\x7b\x00\x80", 8));
  CHECK(parse_npy(half, "h.npy").doubles() == std::vector<double>{1, 5.9604644775390625e-08, 65504, -0.0});
  const std::string big = npy_file("{'shape': (2,), 'descr': '>i4', 'fortran_order': False}",
                                   std::string("\x00\x00\x01\x02\xff\xff\xff\xfe", 8));
  CHECK(parse_npy(big, "b.npy").integers() == std::vector<std::int64_t>{258, -2});
  const std::string columns = npy_file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", "\1\2\3\4\5\6");
  CHECK(parse_npy(columns, "c.npy").integers() == std::vector<std::int64_t>{1, 3, 5, 2, 4, 6});
}

TEST_CASE("NumPy headers follow their grammar to the letter") {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  CHECK_FALSE(error_of([&] { parse_npy(npy_file(good, std::string(4, '\0')), "n.npy"); }));
  for (const char* bad : {"", "{}", "{'descr': '<f4', 'fortran_order': False}",
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
                          "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
                          "{'descr': '<f4', 'fortran_order': false, 'shape': (1,)}",
                          "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (+1,)}",
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (1L,)}",
                          "{'descr': '<f3', 'fortran_order': False, 'shape': (1,)}",
                          "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551617,)}"})
    CHECK_MESSAGE(error_of([&] { parse_npy(npy_file(bad, std::string(4, '\0')), "n.npy"); }), bad);
}

TEST_CASE("mutated NumPy files are refused or read back to the same bytes [R16]") {
  const std::uint64_t seed = 20266;
  MESSAGE("seed ", seed);
  SplitMix64 random(seed);
  const std::string good = npy_bytes(Array::from(std::vector<std::int16_t>{1, 2, 3, 4, 5, 6}));
  int wrong = 0;
  for (int trial = 0; trial < 10'000; ++trial) {
    std::string bad = good;
    for (std::uint64_t edits = 1 + random() % 3; edits > 0; --edits)
      bad[random() % bad.size()] = static_cast<char>(random());
    std::optional<Array> array;
    error_of([&] { array = parse_npy(bad, "n.npy"); });
    if (array && !(parse_npy(npy_bytes(*array), "n.npy") == *array)) ++wrong;
  }
  CHECK(wrong == 0);
}

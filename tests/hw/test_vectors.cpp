#include "core/io/hash.h"
#include "core/io/json.h"

#include "hw/emit/codes.h"
#include "hw/emit/stimulus.h"
#include "hw/ir/vectors.h"
#include "hw/sim/evaluate.h"

#include <doctest/doctest.h>

#include "tests/hw/reference_nets.h"
#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::hw;
using test::dense_net;
using test::error_of;
using test::hardware_data;
using test::Integers;
using test::says;

TEST_CASE("[HW-15] ten thousand random vectors of both reference networks have the published hashes") {
  for (const char* name : {"mlp_small.json", "jet_mlp.json"}) {
    CAPTURE(name);
    const auto file = hardware_data(name);
    const Graph graph = dense_net(file);
    const auto& bulk = file["bulk"];
    const Vectors in = random_vectors(graph, bulk["vectors"].get<std::size_t>(), bulk["seed"].get<std::uint64_t>());
    CHECK(io::sha256_hex(vectors_text(in)) == bulk["inputs_sha256"].get<std::string>());
    Vectors out{.width = graph.output_size()};
    for (std::size_t r = 0; r < in.rows(); ++r) out.push(outputs_of(graph, evaluate(graph, in.row(r))));
    CHECK(io::sha256_hex(vectors_text(out)) == bulk["outputs_sha256"].get<std::string>());
  }
}

TEST_CASE("vector texts and memory images read back to the same vectors") {
  const Graph graph = dense_net(hardware_data("mlp_small.json"));
  const Vectors in = random_vectors(graph, 50, 7);
  CHECK(parse_vectors(vectors_text(in), in.width, "stim.txt") == in);
  CHECK(parse_memory(memory_text(in, input_types(graph)), input_types(graph), "stim.mem") == in);
  const std::vector<FxType> odd = {{3, true, 0}, {62, true, 0}, {1, false, 0}};
  const Vectors edges{3, {-4, -(std::int64_t{1} << 61), 1, 3, (std::int64_t{1} << 61) - 1, 0}};
  CHECK(parse_memory(memory_text(edges, odd), odd, "m") == edges);
  // 1 | 1000...0 (62 bits) | 100, low element last, padded to 17 digits
  CHECK(memory_text(edges, odd).substr(0, 18) == "30000000000000004\n");
}

TEST_CASE("damaged vector files are refused with file and line") {
  const std::vector<FxType> types = {{5, true, 0}, {4, false, 0}};
  CHECK(says(error_of([] { parse_vectors("1 2\n3\n", 2, "s.txt"); }), "s.txt:2"));
  CHECK(says(error_of([] { parse_vectors("1 2\n3 4", 2, "s.txt"); }), "cut off"));
  CHECK(says(error_of([] { parse_vectors("1 2 \n", 2, "s.txt"); }), "not an integer"));
  CHECK(says(error_of([] { parse_vectors("1 0x2\n", 2, "s.txt"); }), "not an integer"));
  CHECK(says(error_of([&] { parse_memory("0ff\n0f\n", types, "s.mem"); }), "s.mem:2"));
  CHECK(says(error_of([&] { parse_memory("0fg\n", types, "s.mem"); }), "hexadecimal"));
  CHECK(says(error_of([&] { parse_memory("3ff\n", types, "s.mem"); }), "beyond the last element"));
}

TEST_CASE("stimulus begins with the corners, keeps to the intervals and is the same for the same seed") {
  const Graph graph = test::belle_net(hardware_data("belle_mlp.json"));
  Vectors data{.width = 27};
  data.push(Integers(27, 123));
  const Vectors all = stimulus(graph, 1000, 1, data);
  CHECK(all.rows() == 1000);
  CHECK(all == stimulus(graph, 1000, 1, data));
  CHECK_FALSE(all == stimulus(graph, 1000, 2, data));
  CHECK(all.row(0)[0] == -4096);
  CHECK(all.row(1)[26] == 4096);
  bool has_data = false;
  for (std::size_t r = 0; r < all.rows(); ++r) {
    check_input(graph, all.row(r), r);
    has_data = has_data || std::all_of(all.row(r).begin(), all.row(r).end(), [](auto v) { return v == 123; });
  }
  CHECK(has_data);
  CHECK(stimulus(graph, 3, 1).rows() == 3);
  data.data[4] = 5000;
  CHECK(says(error_of([&] { stimulus(graph, 1000, 1, data); }), "recorded vector 0 element 4 = 5000"));
}

TEST_CASE("directed vectors reach the lowest and highest value of every first-layer sum") {
  const Graph graph = dense_net(hardware_data("jet_mlp.json"));
  const TensorId acc = graph.find("acc0").value();
  const TensorInfo& info = graph.tensor(acc);
  Integers lowest = info.hi, highest = info.lo;
  const Vectors vectors = directed_vectors(graph);
  for (std::size_t r = 0; r < vectors.rows(); ++r) {
    const Values values = evaluate(graph, vectors.row(r));
    for (std::size_t j = 0; j < info.size(); ++j) {
      lowest[j] = std::min(lowest[j], values[static_cast<std::size_t>(acc)][j]);
      highest[j] = std::max(highest[j], values[static_cast<std::size_t>(acc)][j]);
    }
  }
  CHECK(lowest == info.lo);
  CHECK(highest == info.hi);
}

TEST_CASE("[HW-27] text codes in every radix, sign-magnitude and two's complement, read back") {
  CHECK(code_text(80, 9, Radix::hexadecimal, Sign::magnitude) == "050");
  CHECK(code_text(-80, 9, Radix::octal, Sign::magnitude) == "520");
  CHECK(code_text(-80, 9, Radix::hexadecimal, Sign::twos_complement) == "1B0");
  CHECK(encoded(-1.25, 9, 6, 16, Radix::hexadecimal, Sign::magnitude) == "A800");
  CHECK(encoded(-1.25, 9, 6, 16, Radix::hexadecimal, Sign::twos_complement) == "D800");
  CHECK(encoded(-1.0 / 64, 8, 5, 8, Radix::hexadecimal, Sign::magnitude) == "80");
  CHECK(encoded(-0.0, 8, 5, 8, Radix::hexadecimal, Sign::magnitude) == "00");
  int wrong = 0;
  for (const Radix radix : {Radix::binary, Radix::octal, Radix::hexadecimal})
    for (const Sign sign : {Sign::magnitude, Sign::twos_complement})
      for (std::int64_t q = -255; q <= 255; ++q) wrong += parse_code(code_text(q, 9, radix, sign), 9, radix, sign) != q;
  CHECK(wrong == 0);
  CHECK(says(error_of([] { code_text(-256, 9, Radix::binary, Sign::magnitude); }), "does not fit"));
  CHECK(code_text(-256, 9, Radix::binary, Sign::twos_complement) == "100000000");
  CHECK(error_of([] { parse_code("09", 5, Radix::octal, Sign::magnitude); }));
}

TEST_CASE("[HW-27] all text codes of the FENet export come out equal") {
  THIMBLE_SHARED(path, "data/fenet/text_encodings.json");
  const auto rows = io::read_json(path);
  int wrong = 0;
  for (const auto& row : rows) {
    const std::string code = row["code"].get<std::string>();
    const Radix radix = code == "hex" ? Radix::hexadecimal : code == "oct" ? Radix::octal : Radix::binary;
    wrong +=
        encoded(row["value"].get<double>(), row["wl"].get<int>(), row["fl"].get<int>(), row["total_length"].get<int>(),
                radix, row["sign_magnitude"].get<bool>() ? Sign::magnitude : Sign::twos_complement) !=
        row["text"].get<std::string>();
  }
  CHECK(rows.size() == 216);
  CHECK(wrong == 0);
}

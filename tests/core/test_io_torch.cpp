#include "core/io/bytes.h"
#include "core/io/file.h"
#include "core/io/hdf5_foreign.h"
#include "core/io/torch.h"
#include "core/io/zip.h"
#include "core/random/splitmix.h"

#include <doctest/doctest.h>

#include "tests/support/error_of.h"
#include "tests/support/program.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::io;
using test::error_of;
using test::says;

namespace {

/// A checkpoint around a pickle, with one storage of four floats.
std::string around(const std::string& program) {
  return zip_bytes({{"a/data.pkl", program}, {"a/data/0", std::string(16, '\0')}, {"a/version", "3\n"}});
}

std::string bytes_of(std::initializer_list<const char*> parts) {
  std::string out("\x80\x02", 2);
  for (const char* part : parts) out += part;
  return out;
}

/// A pickle text of up to 255 bytes.
std::string unicode(const std::string& text) {
  std::string out = "X";
  put(out, static_cast<std::uint32_t>(text.size()));
  return out + text;
}

/// The pickle of one tensor over that storage.
std::string tensor_pickle(const std::string& count, const std::string& offset, const std::string& shape,
                          const std::string& strides) {
  return text::cat(bytes_of({"ctorch._utils\n_rebuild_tensor_v2\n(("}), unicode("storage"), "ctorch\nFloatStorage\n",
                   unicode("0"), unicode("cpu"), count, "tQ", offset, shape, strides,
                   "\x89"
                   "ccollections\nOrderedDict\n)RtR.");
}

std::optional<Error> trouble_of(const std::string& program) {
  return error_of([&] { parse_torch(around(program), "x.pt"); });
}

/// Everything a checkpoint's tensors hold, by name.
std::map<std::string, std::vector<double>> tensors_below(const TorchValue& value, const std::string& prefix,
                                                         int depth) {
  std::map<std::string, std::vector<double>> out;
  if (depth == 0) return out;
  if (const auto* view = value.tensor()) out[prefix] = tensor_of(*view, prefix).to_vector();
  if (const auto* list = value.list())
    for (std::size_t i = 0; i < list->size(); ++i)
      out.merge(tensors_below(*(*list)[i], text::cat(prefix, '.', i), depth - 1));
  if (const auto* map = value.map())
    for (std::size_t i = 0; i < map->size(); ++i)
      out.merge(tensors_below(*(*map)[i].second, text::cat(prefix, '.', i), depth - 1));
  return out;
}

}  // namespace

TEST_CASE("the sample checkpoint of PyTorch gives the expected tensors without Python [FN N11]") {
  THIMBLE_SHARED(sample, "data/fenet/sample_pytorch_checkpoint.pt");
  THIMBLE_SHARED(answers, "data/fenet/sample_pytorch_checkpoint_expected.h5");
  const auto file = read_torch(sample);
  const Hdf5Tree expected = read_foreign_hdf5(answers);
  REQUIRE(file->root->list() != nullptr);
  const auto& parts = *file->root->list();
  REQUIRE(parts.size() == 4);
  double rate = 0;
  REQUIRE(parts[0]->find("optim.lr") != nullptr);
  CHECK(parts[0]->find("optim.lr")->number(rate));
  CHECK(rate == 0.00125);
  REQUIRE(parts[3]->text() != nullptr);
  CHECK(*parts[3]->text() == "no scheduler??");
  int seen = 0;
  for (const auto& [path, value] : expected.datasets) {
    if (path.substr(0, 9) != "/weights/") continue;
    const std::string key = text::cat("layers.", path.substr(9, 1), '.', path.substr(11), "_l.weight");
    const TorchValue* found = parts[1]->find(key);
    REQUIRE(found != nullptr);
    REQUIRE(found->tensor() != nullptr);
    CHECK(found->tensor()->shape.size() == 3);
    CHECK(tensor_of(*found->tensor(), key).to_vector() == value.numbers.doubles());
    ++seen;
  }
  CHECK(seen == 4);
}

TEST_CASE("a pickle with any other name or instruction is refused at its byte [FN N11] [R17]") {
  for (const char* name : {"cos\nsystem\n", "ctorch\nDoubleStorage\n", "cbuiltins\neval\n", "ccollections\ndeque\n",
                           "c__builtin__\ngetattr\n", "ctorch._utils\n_rebuild_tensor\n"}) {
    const auto error = trouble_of(bytes_of({"]", name, "a."}));
    CHECK_MESSAGE(says(error, "is not allowed in a checkpoint"), name);
    CHECK_MESSAGE(says(error, "byte 3"), name);
  }
  const std::string known =
      "\x80.(]})t\x85\x86\x87"
      "aesucRbQN\x88\x89KMJGXqrhj";
  for (int code = 0; code < 256; ++code) {
    const char letter = static_cast<char>(code);
    if (known.find(letter) != std::string::npos) continue;
    const auto error = trouble_of(text::cat(bytes_of({"]"}), letter, std::string(16, '.')));
    CHECK_MESSAGE(says(error, "has no place in a checkpoint"), code);
  }
}

TEST_CASE("hostile pickles end with an error, never with a call or a crash [FN N11] [R17]") {
  const std::string deep(65, '(');
  for (const std::string& program : {std::string(),
                                     bytes_of({}),
                                     bytes_of({"."}),
                                     bytes_of({"N"}),
                                     bytes_of({"NN."}),
                                     bytes_of({"N.N"}),
                                     bytes_of({"t."}),
                                     bytes_of({"(."}),
                                     bytes_of({"a."}),
                                     bytes_of({"NNa."}),
                                     bytes_of({"NNNs."}),
                                     bytes_of({"}(NNu."}),
                                     bytes_of({"}NNs."}),
                                     bytes_of({"h\5."}),
                                     bytes_of({"j\1\1\1\1."}),
                                     bytes_of({"R."}),
                                     bytes_of({"N)R."}),
                                     bytes_of({"ctorch\nFloatStorage\n)R."}),
                                     bytes_of({"ccollections\nOrderedDict\n(NtR."}),
                                     bytes_of({"NQ."}),
                                     bytes_of({"NNb."}),
                                     bytes_of({"ctorch\n"}),
                                     bytes_of({"X\xff\xff\xff\x7f"}),
                                     bytes_of({"X\2"}),
                                     text::cat(bytes_of({}), deep, "."),
                                     text::cat(bytes_of({"X"}), '\1', '\0', '\0', '\0', '\xff', '.'),
                                     bytes_of({"K"}),
                                     bytes_of({"G\1"}),
                                     std::string("\x80\x04N.", 4)})
    CHECK_MESSAGE(trouble_of(program), text::printable(program));
  // a list that holds itself is data: it is read and does nobody harm
  CHECK_FALSE(trouble_of(text::cat(bytes_of({"]q"}), '\0', 'h', '\0', "a.")));
}

TEST_CASE("tensors stay inside their storage [FN N11] [R17]") {
  const auto sizes = [](std::initializer_list<const char*> values) {
    std::string out = "(";
    for (const char* value : values) out += value;
    return out + "t";
  };
  const std::string k0("K\0", 2);
  const char *one = "K\1", *two = "K\2", *four = "K\4", *five = "K\5", *huge = "J\xff\xff\xff\x7f",
             *minus = "J\xff\xff\xff\xff";
  CHECK_FALSE(trouble_of(tensor_pickle(four, k0, sizes({four}), sizes({one}))));
  CHECK_FALSE(trouble_of(tensor_pickle(four, k0, sizes({two, two}), sizes({one, two}))));
  CHECK_FALSE(trouble_of(tensor_pickle(four, two, sizes({two}), sizes({one}))));
  CHECK(says(trouble_of(tensor_pickle(five, k0, sizes({four}), sizes({one}))), "has 16 bytes, not 5 floats"));
  CHECK(says(trouble_of(tensor_pickle(four, k0, sizes({five}), sizes({one}))), "leaves its storage"));
  CHECK(says(trouble_of(tensor_pickle(four, one, sizes({four}), sizes({one}))), "leaves its storage"));
  CHECK(says(trouble_of(tensor_pickle(four, k0, sizes({two}), sizes({four}))), "leaves its storage"));
  CHECK(says(trouble_of(tensor_pickle(four, k0, sizes({huge, huge, huge}), sizes({one, one, one}))), "leaves"));
  CHECK(says(trouble_of(tensor_pickle(four, k0, sizes({four}), sizes({minus}))), "not a whole number"));
  CHECK(says(trouble_of(tensor_pickle(four, minus, sizes({four}), sizes({one}))), "not a whole number"));
  CHECK(says(trouble_of(tensor_pickle(four, k0, sizes({four}), sizes({one, one}))), "differ in length"));
}

TEST_CASE("archives that are damaged, cut off, packed or nested wrongly are refused [FN N11] [R17]") {
  const std::string good = around(bytes_of({"N."}));
  CHECK_FALSE(error_of([&] { parse_torch(good, "x.pt"); }));
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK(error_of([&] { parse_torch(good.substr(0, length), "x.pt"); }));
  CHECK(error_of([&] { parse_torch(good + "x", "x.pt"); }));
  CHECK(says(error_of([&] {
               parse_torch(zip_bytes({{"a/data.pkl", bytes_of({"N."})}, {"b/data/0", ""}}), "x");
             }),
             "lies outside"));
  CHECK(says(error_of([&] { parse_torch(zip_bytes({{"a/version", "3"}}), "x"); }), "no data.pkl"));
  CHECK(says(error_of([&] { parse_zip(zip_bytes({{"a", "1"}, {"a", "2"}}), "x"); }), "twice"));
  CHECK(says(error_of([&] {
               parse_torch(zip_bytes({{"a/data.pkl", bytes_of({"N."})}, {"a/byteorder", "big"}}), "x");
             }),
             "little-endian"));
  std::string packed = good;
  packed[8] = '\x08';
  CHECK(error_of([&] { parse_zip(packed, "x"); }));
}

TEST_CASE("a checkpoint with any byte changed is refused or gives the same tensors [FN N11] [R17]") {
  THIMBLE_SHARED(sample, "data/fenet/sample_pytorch_checkpoint.pt");
  const std::string good = read_file(sample);
  const auto expected = tensors_below(*parse_torch(good, "s.pt")->root, "", 8);
  CHECK(expected.size() == 16);
  int wrong = 0, refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(~bad[at]);
    std::map<std::string, std::vector<double>> found;
    const auto error = error_of([&] { found = tensors_below(*parse_torch(bad, "s.pt")->root, "", 8); });
    refused += error ? 1 : 0;
    if (!error && found != expected) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(refused > 3000);
}

TEST_CASE("ten thousand mutated pickles never crash and keep tensors in their storages [FN N11] [R17]") {
  THIMBLE_SHARED(sample, "data/fenet/sample_pytorch_checkpoint.pt");
  const std::uint64_t seed = 2026;
  MESSAGE("seed ", seed);
  SplitMix64 random(seed);
  const std::string bytes = read_file(sample);
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& [name, content] : parse_zip(bytes, "s")) entries.emplace_back(name, std::string(content));
  const auto program = std::find_if(entries.begin(), entries.end(), [](const auto& entry) {
    return entry.first.find("data.pkl") != std::string::npos;
  });
  REQUIRE(program != entries.end());
  const std::string good = program->second;
  int read = 0;
  for (int trial = 0; trial < 10'000; ++trial) {
    std::string bad = good;
    for (std::uint64_t edits = 1 + random() % 3; edits > 0; --edits)
      bad[random() % bad.size()] = static_cast<char>(random());
    program->second = bad;
    const auto error = error_of([&] { tensors_below(*parse_torch(zip_bytes(entries), "s.pt")->root, "", 8); });
    read += error ? 0 : 1;
  }
  MESSAGE(read, " of 10000 were read");
  CHECK(read < 10'000);
}

TEST_CASE("a map of tensors written for PyTorch reads back to the same bits [FN N11]") {
  const Tensor a = Tensor::from(std::vector<float>{1, -2.5f, 3e-8f, 0, 5, 6}, {1, 2, 3}), b = Tensor::full({4}, 0.1);
  const std::string bytes = torch_bytes({{"a.weight", a}, {"b", b}});
  CHECK(bytes == torch_bytes({{"a.weight", a}, {"b", b}}));
  const auto file = parse_torch(bytes, "w.pt");
  REQUIRE(file->root->find("a.weight") != nullptr);
  const TorchTensor* view = file->root->find("a.weight")->tensor();
  REQUIRE(view != nullptr);
  CHECK(view->shape == std::vector<std::int64_t>{1, 2, 3});
  CHECK(tensor_of(*view, "a").to_vector() == a.to_vector());
  CHECK(tensor_of(*file->root->find("b")->tensor(), "b").to_vector() == b.to_vector());
}

TEST_SUITE("slow") {
  TEST_CASE("PyTorch loads what is written for it [FN N11]") {
    const test::TempFolder folder;
    if (test::run_program({"/usr/bin/python3", "-c", "import torch"}, folder.path()).exit_code != 0) {
      MESSAGE("skipped: no PyTorch");
      return;
    }
    std::ofstream(folder / "w.pt", std::ios::binary)
        << torch_bytes({{"a", Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 2})}});
    const auto result = test::run_program(
        {"/usr/bin/python3", "-c", "import torch; s = torch.load('w.pt'); print(list(s), s['a'].tolist())"},
        folder.path());
    CHECK(result.output == "['a'] [[1.0, 2.0], [3.0, 4.0]]\n");
  }
}

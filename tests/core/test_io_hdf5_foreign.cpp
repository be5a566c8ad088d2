#include "core/io/atomic_file.h"
#include "core/io/hdf5_foreign.h"
#include "core/io/hdf5_stream.h"
#include "core/io/sealed.h"
#include "core/random/splitmix.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>

#include "tests/support/error_of.h"
#include "tests/support/hostile.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::io;
using test::error_of;
using test::says;
using test::TempFolder;

namespace {

/// Hostile files name others relative to their own folder.
class InFolder {
 public:
  explicit InFolder(const std::filesystem::path& folder) : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder);
  }
  ~InFolder() { std::filesystem::current_path(before_); }
  InFolder(const InFolder&) = delete;
  InFolder& operator=(const InFolder&) = delete;

 private:
  std::filesystem::path before_;
};

std::filesystem::path hostile_hdf5(const std::string& name) {
  return test::test_data("hostile/hdf5") / name;
}

}  // namespace

TEST_CASE("hostile HDF5 files end in an error that names the file, legal ones are read [R13][R14]") {
  const InFolder inside(test::test_data("hostile/hdf5"));
  const std::string secret = read_file(test::test_data("hostile/secret.txt")).substr(0, 10);
  int seen = 0, fuzzed_refused = 0;
  for (const auto& hostile : test::hostile_cases("hdf5-foreign")) {
    INFO(hostile.name, ": ", hostile.why);
    const bool hangs = hostile.name.find("/hang_") != std::string::npos;
    const auto start = std::chrono::steady_clock::now();
    const auto error = error_of([&] { read_foreign_hdf5(hostile.file, {}, hangs ? 1 : 20); });
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    // whether a damaged file crashes the library, or is harmless, depends on the memory of the reader
    const bool fuzzed = hostile.name.rfind("hdf5_fuzzed/", 0) == 0;
    CHECK((fuzzed || error.has_value() != hostile.accept));
    fuzzed_refused += fuzzed && error ? 1 : 0;
    if (error) CHECK(says(error, hostile.file.filename().string()));
    if (error) CHECK(error->kind() == ErrorKind::data);
    if (error) CHECK_FALSE(says(error, secret));
    if (hangs) CHECK(took < 10);
    ++seen;
  }
  CHECK(seen == 22);
  CHECK(fuzzed_refused >= 4);
}

TEST_CASE("what is wrong with a hostile HDF5 file is said with the object's name [R13]") {
  const InFolder inside(test::test_data("hostile/hdf5"));
  const auto said = [](const std::string& name, const std::string& what, Hdf5Rules rules = {}) {
    const auto error = error_of([&] { read_foreign_hdf5(hostile_hdf5(name), rules, 5); });
    CHECK_MESSAGE(says(error, what), name, ": ", error ? error->what() : "accepted");
  };
  said("external_storage.h5", "another file");
  said("external_link.h5", "link to another file");
  said("virtual_dataset.h5", "virtual data set");
  said("soft_loop.h5", "in a circle");
  said("sparse_bomb.h5", "claims");
  said("deep_groups.h5", "deeper than 32");
  said("rank32.h5", "rank 32");
  said("zero_size.h5", "no elements");
  said("null_space.h5", "no data space");
  said("nan_weights.h5", "element 1 is not finite");
  said("string_weights.h5", "variable-length text where numbers are wanted");
  said("compound_weights.h5", "compound type");
  Hdf5Rules little;
  little.budget = 16 * limits::kMiB;
  said("deflate_bomb.h5", "budget of 16 MiB", little);
  Hdf5Rules missing;
  missing.numbers = {"/none"};
  said("float16_be.h5", "no such data set", missing);
}

TEST_CASE("legal but odd HDF5 files give the right values") {
  const Hdf5Tree half = read_foreign_hdf5(hostile_hdf5("float16_be.h5"));
  CHECK(half.datasets.at("/weight").numbers.element() == Element::f32);
  CHECK(half.datasets.at("/weight").numbers.numel() == 2);
  Hdf5Rules as_text;
  as_text.texts = {"/weight"};
  const Hdf5Tree words = read_foreign_hdf5(hostile_hdf5("string_weights.h5"), as_text);
  CHECK(words.datasets.at("/weight").texts.size() == 2);
  CHECK(read_foreign_hdf5(hostile_hdf5("name_tricks.h5")).datasets.size() == 4);
  const Hdf5Tree keras = read_foreign_hdf5(hostile_hdf5("keras_shape.h5"));
  CHECK(keras.attributes.at("/encoder").at("weight_names").texts == std::vector<std::string>{"conv2d_0_m/kernel:0"});
}

TEST_CASE("the reference arrays of the track application are read through the isolated reader") {
  THIMBLE_SHARED(reference, "data/neurotrigger/ntref.h5");
  const Hdf5Tree tree = read_foreign_hdf5(reference);
  CHECK(tree.datasets.at("/rows/x").numbers.dims() == std::vector<std::int64_t>{320, 27});
  CHECK(tree.datasets.at("/rows/x").numbers.element() == Element::f32);
  CHECK(tree.datasets.at("/fixed/A/acc1").numbers.element() == Element::i64);
  CHECK(tree.attributes.at("/fixed/A").at("xmax").numbers.integers().front() == 9937);
  CHECK(tree.attributes.at("/grad").at("act").texts.front() == "tanh/2");
  Hdf5Rules one;
  one.numbers = {"/rows/x"};
  CHECK(read_foreign_hdf5(reference, one).datasets.size() == 1);
}

TEST_CASE("files that are no HDF5, missing or special are errors of the file") {
  const TempFolder folder;
  atomic_replace(folder / "text", "not HDF5");
  CHECK(says(error_of([&] { read_foreign_hdf5(folder / "text"); }), "no HDF5 file"));
  CHECK(error_of([&] { read_foreign_hdf5(folder / "missing"); })->kind() == ErrorKind::io);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(says(error_of([&] { read_foreign_hdf5(folder / "pipe"); }), "a pipe"));
}

TEST_CASE("mutated HDF5 files through the isolated reader give a tree or an error, in time [R14]") {
  const std::uint64_t seed = 20264;
  MESSAGE("seed ", seed);
  SplitMix64 random(seed);
  const TempFolder folder;
  const std::string good = read_file(hostile_hdf5("keras_shape.h5"));
  int errors = 0;
  for (int trial = 0; trial < 60; ++trial) {
    std::string bytes = good;
    for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    atomic_replace(folder / "f.h5", bytes);
    if (error_of([&] { read_foreign_hdf5(folder / "f.h5", {}, 2); })) ++errors;
  }
  CHECK(errors > 0);
}

TEST_CASE("mutated checkpoints with a right seal end in values or an error [R11]") {
  const std::uint64_t seed = 20265;
  MESSAGE("seed ", seed);
  SplitMix64 random(seed);
  const TempFolder folder;
  const std::string good = read_file(test::test_data("hostile/checkpoint/sealed_ok.h5")).substr(kSealBytes);
  for (int trial = 0; trial < 60; ++trial) {
    std::string bytes = good;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    const std::string file = sealed(bytes);
    CHECK_NOTHROW(verify_seal(file, "f.h5"));
    atomic_replace(folder / "f.h5", file);
    error_of([&] { read_foreign_hdf5(folder / "f.h5", {}, 2); });
  }
}

TEST_CASE("a damaged answer of the reader is refused") {
  Hdf5Tree tree;
  tree.datasets["/w"].numbers = Array::from(std::vector<float>{1, 2, 3});
  tree.attributes["/"]["name"] = {{}, {"text"}, true};
  const std::string good = encode_tree(tree);
  CHECK(decode_answer(good, "f").datasets.at("/w") == tree.datasets.at("/w"));
  CHECK(decode_answer(good, "f").attributes == tree.attributes);
  int accepted = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    if (!error_of([&] { decode_answer(bad, "f"); })) ++accepted;
    if (!error_of([&] { decode_answer(good.substr(0, at), "f"); })) ++accepted;
  }
  CHECK(accepted == 0);
  tree.outlines["/w"] = {{3}, Element::f32, true, {"/a"}};
  CHECK(decode_answer(encode_tree(tree), "f").outlines == tree.outlines);
  const Error error(ErrorKind::data, "message", Place{"file", 0, 0, "name"}, "hint");
  const auto back = error_of([&] { decode_answer(encode_error(error), "f"); });
  CHECK(std::string(back->what()) == error.what());
}

TEST_CASE("outlines tell of a MATLAB file what its references refer to, boxes give its numbers [FN F15]") {
  THIMBLE_SHARED(day, "data/fenet/FennData_20300102_Reshaped_30ms_cell_new.mat");
  const Hdf5Tree tree = outline_foreign_hdf5(day);
  CHECK(tree.datasets.empty());
  const Hdf5Outline& cells = tree.outlines.at("/neural_cell");
  CHECK(cells.dims == std::vector<std::int64_t>{1, 2});
  CHECK_FALSE(cells.is_number);
  REQUIRE(cells.references.size() == 2);
  CHECK(tree.outlines.at(cells.references[0]).dims == std::vector<std::int64_t>{6, 40, 12});
  CHECK(tree.outlines.at(cells.references[1]).dims == std::vector<std::int64_t>{6, 40, 8});
  Hdf5Rules rules;
  rules.numbers = {cells.references[0]};
  const Array whole = read_foreign_hdf5(day, rules).datasets.at(cells.references[0]).numbers;
  const Array part = read_foreign_slab(day, {cells.references[0], {2, 5, 4}, {3, 30, 7}});
  const Tensor all = whole.tensor(DType::f32), box = part.tensor(DType::f32);
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 30; ++j)
      for (std::int64_t k = 0; k < 7; ++k)
        CHECK(box.data<float>()[(i * 30 + j) * 7 + k] == all.data<float>()[((i + 2) * 40 + j + 5) * 12 + k + 4]);
  for (const std::vector<std::int64_t>& count : {std::vector<std::int64_t>{5, 1, 1}, {0, 1, 1}, {1, 1}})
    CHECK(error_of([&] {
            read_foreign_slab(day, {cells.references[0], {2, 0, 0}, count});
          })->kind() == ErrorKind::data);
  CHECK(says(error_of([&] { read_foreign_slab(day, {"/none", {0}, {1}}); }), "no such data set"));
  CHECK(says(error_of([&] { read_foreign_slab(day, {"/neural_cell", {0, 0}, {1, 1}}); }), "references where numbers"));
}

TEST_CASE("outlines and boxes of hostile HDF5 files end in a result or an error that names the file [R14]") {
  const InFolder inside(test::test_data("hostile/hdf5"));
  for (const auto& hostile : test::hostile_cases("hdf5-foreign")) {
    if (hostile.name.find("/hang_") != std::string::npos) continue;
    INFO(hostile.name);
    const auto error = error_of([&] { outline_foreign_hdf5(hostile.file); });
    if (error) CHECK(says(error, hostile.file.filename().string()));
  }
  const auto said = [](const std::string& name, const std::string& path, const std::string& what) {
    const auto error = error_of([&] { read_foreign_slab(hostile_hdf5(name), {path, {0}, {1}}); });
    CHECK_MESSAGE(error.has_value(), name, what);
  };
  said("external_storage.h5", "/weight", "");
  said("external_link.h5", "/weight", "");
  said("virtual_dataset.h5", "/weight", "");
}

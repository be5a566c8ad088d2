#include "core/io/bytes.h"
#include "core/io/file.h"
#include "core/io/hash.h"
#include "core/io/sealed.h"
#include "core/random/splitmix.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "tests/support/error_of.h"
#include "tests/support/hostile.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::io;
using test::error_of;
using test::says;
using test::TempFolder;

namespace {

Tensor ramp(Shape shape, float step) {
  const Tensor out = Tensor::empty(shape);
  for (std::int64_t i = 0; i < out.numel(); ++i) out.mut<float>()[i] = step * static_cast<float>(i);
  return out;
}

SealedWriter small_checkpoint() {
  SealedWriter out;
  out.dataset("/model/hidden/weight", ramp({4, 3}, 0.25f));
  out.dataset("/model/out/weight", ramp({2, 4}, -1.5f));
  out.attribute("/", "format", "thimble-checkpoint");
  out.attribute("/", "step", 40);
  out.attribute("/model/out", "lr", 0.001);
  return out;
}

}  // namespace

TEST_CASE("a sealed file gives back what was put in, of every type and shape") {
  SealedWriter out = small_checkpoint();
  out.dataset("/scalar", Tensor::full({}, 2.5));
  out.dataset("/empty", Tensor::zeros({0, 3}));
  out.dataset("/ids", std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(), 9007199254740993});
  out.dataset("/bits", Array::from(std::vector<std::uint64_t>{~std::uint64_t{0}}));
  out.dataset("/words", Tensor::full({3}, -7, DType::i16));
  out.dataset("/doubles", std::vector<double>{0.1, 1e300});
  out.text("/config", std::string(100'000, 'c') + "\xC3\xA4\n");
  out.texts("/names", {"a", "", "long name"});
  out.attribute("/empty", "note", "");
  const TempFolder folder;
  out.save(folder / "f.h5");
  const SealedFile file = SealedFile::open(folder / "f.h5");
  CHECK(file.read("/model/hidden/weight", {4, 3}).to_vector() == ramp({4, 3}, 0.25f).to_vector());
  CHECK(file.read("/scalar", {}).item() == 2.5);
  CHECK(file.read("/empty", {0, 3}).numel() == 0);
  CHECK(file.integers("/ids") == std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(), 9007199254740993});
  CHECK(file.array("/bits").bytes() == std::string(8, '\xff'));
  CHECK(file.read("/words").dtype() == DType::i16);
  CHECK(file.array("/doubles").doubles() == std::vector<double>{0.1, 1e300});
  CHECK(file.text("/config") == std::string(100'000, 'c') + "\xC3\xA4\n");
  CHECK(file.texts("/names") == std::vector<std::string>{"a", "", "long name"});
  CHECK(file.text_attribute("/", "format") == "thimble-checkpoint");
  CHECK(file.integer_attribute("/", "step") == 40);
  CHECK(file.number_attribute("/model/out", "lr") == 0.001);
  CHECK(file.text_attribute("/empty", "note").empty());
  CHECK(file.names("/model") == std::vector<std::string>{"/model/hidden/weight", "/model/out/weight"});
}

TEST_CASE("wrong names, kinds and shapes in a sealed file are errors that name both sides") {
  const SealedFile file = SealedFile::from_bytes(small_checkpoint().finish(), "f.h5");
  CHECK(says(error_of([&] { file.read("/model/none"); }), "no such data set"));
  CHECK(says(error_of([&] { file.text("/model/out/weight"); }), "holds numbers"));
  CHECK(says(error_of([&] { file.text_attribute("/", "step"); }), "is a number"));
  CHECK(says(error_of([&] { file.integer_attribute("/model/out", "lr"); }), "no i64"));
  const auto error = error_of([&] { file.read("/model/out/weight", {5, 3}); });
  CHECK(says(error, "the file holds [2, 4], [5, 3] is expected"));
  CHECK(says(error, "f.h5: /model/out/weight"));
}

TEST_CASE("what is not finite cannot be saved, and the error names it") {
  SealedWriter out;
  const Tensor bad = ramp({3}, 1);
  bad.mut<float>()[1] = std::nanf("");
  out.dataset("/w", bad);
  CHECK(says(error_of([&] { out.finish(); }), "element 1 is not finite"));
}

TEST_CASE("equal content gives equal bytes, in any order and at any time") {
  const std::string bytes = small_checkpoint().finish();
  SealedWriter other;
  other.attribute("/model/out", "lr", 0.001);
  other.attribute("/", "step", 40);
  other.dataset("/model/out/weight", ramp({2, 4}, 0));
  other.dataset("/model/out/weight", ramp({2, 4}, -1.5f));
  other.dataset("/model/hidden/weight", ramp({4, 3}, 0.25f));
  other.attribute("/", "format", "thimble-checkpoint");
  CHECK(bytes == other.finish());
}

TEST_CASE("large data sets are cut into chunks and many attributes and names fit") {
  SealedWriter out;
  out.dataset("/big", ramp({3, 1'500'000}, 1e-3f));
  out.dataset("/tall", ramp({1'300'000, 2}, 1e-3f));
  for (int i = 0; i < 100; ++i) {
    out.attribute("/", "a" + std::to_string(i), i);
    out.dataset("/many/d" + std::to_string(i), Tensor::full({2}, i));
  }
  const SealedFile file = SealedFile::from_bytes(out.finish(), "f.h5");
  CHECK(file.array("/big") == Array(ramp({3, 1'500'000}, 1e-3f)));
  CHECK(file.array("/tall") == Array(ramp({1'300'000, 2}, 1e-3f)));
  CHECK(file.integer_attribute("/", "a99") == 99);
  CHECK(file.names("/many").size() == 100);
  CHECK(error_of([&] {
    SealedWriter too_long;
    too_long.attribute("/", "a", std::string(70'000, 'x'));
    too_long.finish();
  }));
}

TEST_CASE("several threads build and read sealed files at once and get the same bytes") {
  const std::string expected = small_checkpoint().finish();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const std::string bytes = small_checkpoint().finish();
        if (bytes != expected || SealedFile::from_bytes(bytes, "f.h5").integer_attribute("/", "step") != 40) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("the reference of the sealed format is read, and its seal is the one we would write") {
  const std::string bytes = read_file(test::test_data("hostile/checkpoint/sealed_ok.h5"));
  CHECK(bytes.size() == 2664);
  CHECK(get<std::uint64_t>(bytes, 24) == 0xeb1dd053790cf9b4u);  // hostile/README.md
  CHECK(sealed(std::string_view(bytes).substr(kSealBytes)) == bytes);
  const SealedFile file = SealedFile::from_bytes(bytes, "sealed_ok.h5");
  CHECK(file.read("/model/layer1.weight", {4, 3}).to_vector() == ramp({4, 3}, 0.5f).to_vector());
  CHECK(file.integer_attribute("/", "step") == 40);
  CHECK(file.text_attribute("/", "name") == "seed model");
}

TEST_CASE("hostile checkpoints are refused with a message that names the file [R13]") {
  int seen = 0;
  for (const auto& hostile : test::hostile_cases("checkpoint")) {
    INFO(hostile.name, ": ", hostile.why);
    const auto error = error_of([&] {
      const SealedFile file = SealedFile::open(hostile.file);
      file.read("/model/layer0.weight", {4, 3});
      file.read("/model/layer1.weight", {4, 3});
    });
    CHECK(error.has_value() != hostile.accept);
    if (error) CHECK(says(error, hostile.file.filename().string()));
    if (error) CHECK(error->kind() == ErrorKind::data);
    ++seen;
  }
  CHECK(seen == 15);
  const auto future = error_of([] { SealedFile::open(test::test_data("hostile/checkpoint/future_version.h5")); });
  CHECK(says(future, "use a newer Thimble"));
}

namespace {

/// One random damage: bit, bytes, block of one value, copied block, cut or added end.
void damage(std::string& bytes, SplitMix64& random) {
  const std::size_t at = random() % bytes.size();
  const std::size_t length = std::min<std::size_t>(1 + random() % 16, bytes.size() - at);
  switch (random() % 6) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      break;
    case 1:
      for (std::size_t i = 0; i < length; ++i) bytes[at + i] = static_cast<char>(random());
      break;
    case 2:
      bytes.replace(at, length, length, random() % 2 == 0 ? '\0' : '\xff');
      break;
    case 3:
      bytes.replace(at, length, bytes.substr(random() % bytes.size(), length));
      break;
    case 4:
      bytes.resize(at);
      break;
    default:
      bytes.append(length, static_cast<char>(random()));
  }
}

}  // namespace

TEST_CASE("of 100,000 damaged sealed files none is accepted [R10]") {
  const std::uint64_t seed = 20262;
  MESSAGE("seed ", seed);
  SplitMix64 random(seed);
  const std::string good = read_file(test::test_data("hostile/checkpoint/sealed_ok.h5"));
  int accepted = 0, tried = 0;
  while (tried < 100'000) {
    std::string bytes = good;
    damage(bytes, random);
    if (bytes == good) continue;
    ++tried;
    if (!error_of([&] { verify_seal(bytes, "damaged.h5"); })) ++accepted;
  }
  CHECK(accepted == 0);
}

#include "core/io/atomic_file.h"
#include "core/io/cache.h"
#include "core/io/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/support/error_of.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::io;
using test::TempFolder;
namespace fs = std::filesystem;

namespace {

/// A cache of the lengths of two files, which counts how often it is built.
struct Lengths {
  const TempFolder folder;
  const std::vector<fs::path> sources{folder / "a", folder / "b"};
  Cache cache{folder / "cache"};
  int built = 0;

  Lengths() {
    atomic_replace(sources[0], "one");
    atomic_replace(sources[1], "three");
  }
  std::vector<std::int64_t> get(std::string_view options = "", std::string_view format = "lengths-1") {
    const SealedFile file = cache.get(sources, options, format, [&](SealedWriter& out) {
      ++built;
      std::vector<std::int64_t> lengths;
      for (const auto& source : sources) lengths.push_back(static_cast<std::int64_t>(read_file(source).size()));
      out.dataset("/lengths", lengths);
    });
    return file.integers("/lengths");
  }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> out;
    for (const auto& item : fs::directory_iterator(folder / "cache"))
      if (item.path().extension() == ".h5") out.push_back(item.path());
    return out;
  }
};

}  // namespace

TEST_CASE("a cache is built once and hit afterwards [NT F04]") {
  Lengths lengths;
  CHECK(lengths.get() == std::vector<std::int64_t>{3, 5});
  CHECK_FALSE(lengths.cache.hit());
  CHECK(lengths.get() == std::vector<std::int64_t>{3, 5});
  CHECK(lengths.cache.hit());
  CHECK(lengths.built == 1);
}

TEST_CASE("other content, options or format build the cache anew [NT F04]") {
  Lengths lengths;
  lengths.get();
  lengths.get("columns=2");
  lengths.get("", "lengths-2");
  CHECK(lengths.built == 3);
  atomic_replace(lengths.sources[1], "four");
  CHECK(lengths.get() == std::vector<std::int64_t>{3, 4});
  CHECK(lengths.built == 4);
  std::swap(const_cast<fs::path&>(lengths.sources[0]), const_cast<fs::path&>(lengths.sources[1]));
  CHECK(lengths.get() == std::vector<std::int64_t>{4, 3});
}

TEST_CASE("another file with the same name, size and time is noticed [R51]") {
  Lengths lengths;
  lengths.get();
  const std::string before = lengths.cache.content_hash(lengths.sources[0]);
  struct stat status {};
  REQUIRE(::stat(lengths.sources[0].c_str(), &status) == 0);
  atomic_replace(lengths.sources[0], "two");
  const timespec times[] = {status.st_atim, status.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, lengths.sources[0].c_str(), times, 0) == 0);
  CHECK(lengths.cache.content_hash(lengths.sources[0]) != before);
  lengths.get();
  CHECK_FALSE(lengths.cache.hit());
}

TEST_CASE("half-written, damaged and foreign cache entries are rebuilt [R51]") {
  Lengths lengths;
  lengths.get();
  REQUIRE(lengths.entries().size() == 1);
  const fs::path entry = lengths.entries().front();
  const std::string good = read_file(entry);
  std::string flipped = good;
  flipped[good.size() - 1] = static_cast<char>(flipped[good.size() - 1] ^ 1);
  SealedWriter other;
  other.attribute("/", "cache_key", "another key");
  int expected = 1;
  for (const std::string& bad : {good.substr(0, good.size() / 2), flipped, std::string(), other.finish()}) {
    atomic_replace(entry, bad);
    CHECK(lengths.get() == std::vector<std::int64_t>{3, 5});
    CHECK(lengths.built == ++expected);
    CHECK(read_file(entry) == good);
  }
}

TEST_CASE("a cache that is off or cannot be written builds each time and stops nothing") {
  Lengths lengths;
  lengths.cache = Cache({});
  lengths.get();
  CHECK(lengths.get() == std::vector<std::int64_t>{3, 5});
  CHECK(lengths.built == 2);
  lengths.cache = Cache(lengths.sources[0] / "below a file");
  CHECK(lengths.get() == std::vector<std::int64_t>{3, 5});
  CHECK_FALSE(lengths.cache.warnings().empty());
}

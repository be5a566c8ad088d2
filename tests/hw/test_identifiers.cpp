#include "core/base/text.h"
#include "core/io/json.h"
#include "core/random/splitmix.h"

#include "hw/emit/identifiers.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <regex>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::hw;

namespace {

std::vector<std::string> hostile_names() {
  return io::read_json(test::test_data("hostile/names.json")).get<std::vector<std::string>>();
}

}  // namespace

TEST_CASE("[R45] identifiers from hostile layer names are legal, unique ignoring case and stable, in any order") {
  // origin: tests/data/hostile/names.json
  const std::regex legal("[a-z][a-z0-9]*(_[a-z0-9]+)*");
  std::vector<std::string> names = hostile_names();
  const std::uint64_t seed = 45;
  INFO("seed ", seed);
  SplitMix64 random(seed);
  for (int round = 0; round < 20; ++round) {
    Identifiers first, second;
    std::set<std::string> seen;
    for (const std::string& name : names) {
      const std::string id = first.unique(name);
      CAPTURE(id);
      CHECK(std::regex_match(id, legal));
      CHECK(id.size() <= 64);
      CHECK_FALSE(is_reserved(id));
      CHECK(seen.insert(id).second);
      CHECK(second.unique(name) == id);
    }
    for (std::size_t i = names.size(); i > 1; --i)
      std::swap(names[i - 1], names[static_cast<std::size_t>(random.uniform(0, static_cast<std::int64_t>(i) - 1))]);
  }
}

TEST_CASE("[R45] usable names stay as they are, others stay near") {
  Identifiers ids;
  CHECK(ids.unique("hidden_1") == "hidden_1");
  CHECK(ids.unique("Hidden 1") == "hidden_1_2");
  CHECK(ids.unique("begin") == "n_begin");
  CHECK(ids.unique("1st") == "n_1st");
  CHECK(ids.unique("") == "n");
  CHECK(ids.unique("_", "layer") == "layer");
  Identifiers narrow(10);
  CHECK(narrow.unique("abcdefghijkl") == "abcdefghij");
  CHECK(narrow.unique("abcdefghijkl") == "abcdefgh_2");
}

TEST_CASE("[R45] names in comments begin with our word and cannot end the comment or wake a tool") {
  for (const std::string& name : hostile_names()) {
    const std::string text = comment_text(name);
    CAPTURE(text);
    CHECK(text.rfind("name ", 0) == 0);
    for (const char* bad : {"*/", "/*", "//", "`", "\\", "\n", "\r", "??"}) CHECK(text.find(bad) == std::string::npos);
  }
}

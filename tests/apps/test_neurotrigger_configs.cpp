// The shipped configurations, configurations of one's own, and blocks of single experts.

#include "core/io/json.h"

#include "apps/common/config/load.h"
#include "apps/neurotrigger/settings.h"

#include <doctest/doctest.h>

#include "tests/apps/neurotrigger_program.h"
#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::test::neurotrigger_program;

namespace {

/// Keys whose shipped value differs on purpose: runs and worker processes of another site.
bool differs_on_purpose(const std::string& name, const std::string& key) {
  return key == "compare_to" || key == "workers" || (name == "baseline_v2_norm_dist" && key == "dist");
}

nlohmann::json resolved_here(const std::string& name) {
  const app::LoadedConfig loaded = app::load_config(config(name), {}, neurotrigger::load_options());
  neurotrigger::bind_settings(loaded);
  return nlohmann::json::parse(app::to_json(loaded.tree.nested()));
}

}  // namespace

TEST_CASE("Every configuration of the original is shipped with its values, and all of them bind [NT F09]") {
  THIMBLE_SHARED(path, "data/neurotrigger/configs.json");
  const nlohmann::json vectors = io::read_json(path);
  int compared = 0;
  for (const nlohmann::json& item : vectors.at("cases")) {
    const std::string name = item.at("name");
    if (item.at("tree") != "shipped" || !item.value("overrides", nlohmann::json::object()).empty()) continue;
    CAPTURE(name);
    const nlohmann::json ours = resolved_here(name);
    for (const auto& entry : item.at("resolved").items()) {  // named anew: clang 14 captures no structured binding
      const std::string& key = entry.key();
      const nlohmann::json& value = entry.value();
      if (differs_on_purpose(name, key) || key == "config" || key == "extends" || value.is_null()) continue;
      CAPTURE(key);
      nlohmann::json expected = value;
      if (key == "filter") {  // the prefix may be left out
        std::string text = value;
        for (std::size_t at = 0; (at = text.find("dataset_filters.")) != std::string::npos;) text.erase(at, 16);
        expected = text;
      }
      REQUIRE(ours.contains(key));
      CHECK(ours.at(key) == expected);
      ++compared;
    }
  }
  CHECK(compared > 300);
  for (const auto& tree : vectors.at("trees").at("shipped").items())
    CHECK_MESSAGE(fs::exists(config(tree.key())), tree.key());
}

TEST_CASE("dist given as a text is refused with its place [NT F09]") {
  const test::TempFolder folder;
  test::write_text(folder.path() / "mine.yaml", "act: tanh\ndist: \"norm\"\n");
  const test::Ended ended = test::run_program(kProgram, {"config", "mine.yaml", "--check"}, folder.path());
  CHECK(ended.code == 2);
  CHECK_MESSAGE(contains(ended.err, "mine.yaml:2"), ended.err);
  CHECK_MESSAGE(contains(ended.err, "a block of keys is needed"), ended.err);
}

TEST_CASE("Another spelling of a key overrides it along the chain, on the command line and in the block of an expert") {
  const auto bound = [](const std::string& text, const Words& words) {
    std::vector<app::Override> changes;
    for (const std::string& word : words) {
      const std::size_t equals = word.find('=');
      changes.push_back({app::Override::Kind::set, word.substr(0, equals), word.substr(equals + 1), word});
    }
    return neurotrigger::bind_settings(app::load_config(text, changes, neurotrigger::load_options()));
  };
  const test::TempFolder folder;  // base sets learning_rate
  fs::copy_file(config("base"), folder.path() / "base.yaml");
  test::write_text(folder.path() / "mine.yaml", "extends: base\nlr: 0.25\n");
  const std::string mine = (folder.path() / "mine.yaml").string();
  CHECK(bound(mine, {}).all.learning_rate == 0.25);
  CHECK(bound(mine, {"lr=0.5"}).all.learning_rate == 0.5);
  const neurotrigger::RunSettings own = bound(mine, {"expert_3.lr=0.125"});
  CHECK(own.own.at(3).learning_rate == 0.125);
  CHECK(own.own.at(0).learning_rate == 0.25);
  CHECK_THROWS_AS(bound("{lr: 1, learning_rate: 2}", {}), Error);
}

TEST_CASE("A flow mapping stands for a configuration file [NT F10]") {
  const app::LoadedConfig loaded =
      app::load_config("{act: softsign, expert_3: {epochs: 4}}", {}, neurotrigger::load_options());
  CHECK(loaded.name == "inline");
  const neurotrigger::RunSettings settings = neurotrigger::bind_settings(loaded);
  CHECK(settings.all.act == "softsign");
  CHECK(settings.own.at(3).epochs == 4);
  const auto wrong = test::error_of([] { app::load_config("{act: softsign", {}, neurotrigger::load_options()); });
  CHECK(test::says(wrong, "command line"));
}

#include "core/io/json.h"
#include "core/random/splitmix.h"

#include "apps/common/cli/parser.h"
#include "apps/common/cli/screen.h"
#include "apps/common/config/json_schema.h"
#include "apps/common/config/load.h"
#include "apps/common/config/schema.h"
#include "apps/common/config/verb.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>

#include "tests/support/demo_config.h"
#include "tests/support/hostile.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::app;
using test::DemoConfig;

namespace {

DemoConfig bound(const std::string& yaml) {
  return bind_config<DemoConfig>(ConfigTree(parse_yaml(yaml, "demo.yaml")), {"extends"});
}

/// All messages, one per line; "" when it binds.
std::string problems(const std::string& yaml) {
  try {
    static_cast<void>(bound(yaml));
  } catch (const Errors& errors) {
    std::string out;
    for (const Error& error : errors.list()) {
      out += text::cat(error.message(), " @", error.place().line, ":", error.place().column, "\n");
    }
    return out;
  }
  return "";
}

std::vector<Override> overrides(const std::vector<std::string>& words) {
  std::vector<Override> out;
  for (const std::string& word : words) {
    Override change;
    REQUIRE_MESSAGE(parse_override(word, change), word);
    out.push_back(change);
  }
  return out;
}

ConfigApp demo_app(const std::string& folder = "nowhere") {
  ConfigApp app;
  app.load.app = "demo";
  app.load.folders = {folder};
  app.schema = Schema::of<DemoConfig>();
  app.override_blocks = {"expert_0", "expert_3"};
  return app;
}

/// What reading a hostile configuration as a user would ends with.
std::string reading(const std::filesystem::path& file) {
  try {
    check_config(file.string(), {}, demo_app());
  } catch (const Error& error) {
    return render(error);
  }
  return "";
}

Node node_of(const nlohmann::json& value) {
  return parse_value(value.dump(), named_origin("json"), "key");
}

}  // namespace

TEST_CASE("a configuration sets what it names and leaves the defaults [R13 baseline]") {
  const DemoConfig config = bound(
      "train:\n  lr: 1.0e-2\n  experts: [0, 3]\nseed: 7\nmodel: {layers: [{linear: a, out: 3}]}\n"
      "dists: {wide: {std: 2}}\n");
  CHECK(config.train.lr == 0.01);
  CHECK(config.train.experts == std::vector<std::int64_t>{0, 3});
  CHECK(config.train.batch == 32);
  CHECK(config.seed == 7);
  REQUIRE(config.model.layers.size() == 1);
  CHECK(config.model.layers[0].out == 3);
  CHECK(config.dists.at("wide").std == 2.0);
}

TEST_CASE("numbers are read without the traps of YAML") {
  CHECK(bound("train: {batch: 1e3}").train.batch == 1000);
  CHECK(bound("train: {lr: +1}").train.lr == 1.0);
  CHECK(problems("train: {batch: 1.5}") == "train.batch is 1.5, a whole number is needed @1:16\n");
  CHECK(problems("train: {lr: 010}") ==
        "train.lr is 010, a number is needed without leading zeros or prefix (octal or decimal?) @1:13\n");
  CHECK(problems("train: {lr: 0x10}").find("without leading zeros or prefix") != std::string::npos);
  CHECK(problems("train: {lr: \"1e-3\"}") ==
        "train.lr is '1e-3', text in quotes; a number is needed without quotes @1:13\n");
  CHECK(problems("train: {lr: yes}") == "train.lr is yes, which is true or false; a number is needed @1:13\n");
  CHECK(problems("train: {lr: .nan}") == "train.lr is .nan, a finite number is needed @1:13\n");
  CHECK(problems("train: {lr: .inf}") == "train.lr is .inf, a finite number is needed @1:13\n");
  CHECK(problems("train: {batch: 9223372036854775808}") ==
        "train.batch is 9223372036854775808, which does not fit 64 bits @1:16\n");
  CHECK(problems("train: {lr: 1e999}") == "train.lr is 1e999, which does not fit a double @1:13\n");
  CHECK(problems("train: {lr: }") == "train.lr is empty, a number is needed @1:13\n");
  CHECK(problems("train: {lr: [1]}") == "train.lr is [1], a number is needed @1:13\n");
  CHECK(problems("train: 3") == "train is 3, a block of keys is needed @1:8\n");
  CHECK(problems("note: yes").empty());
  CHECK(bound("note: '010'").note == "010");
}

TEST_CASE("all problems of a file are told at once, with line and column") {
  CHECK(problems("train:\n  lerning_rate: 1\n  batch: 0\n  experts: [0, 7]\n  act: tanhh\nsede: 1\nexperiment: {name: "
                 "../x}\n") ==
        "unknown key 'lerning_rate' in 'train' @2:3\n"
        "train.batch is 0, at least 1 is needed @3:10\n"
        "train.experts[1] is 7, allowed are -1 to 4 @4:16\n"
        "train.act is tanhh, allowed are tanh, relu, softsign @5:8\n"
        "unknown key 'sede' @6:1\n"
        "experiment.name is ../x, but becomes part of a path @7:20\n");
}

TEST_CASE("an unknown key suggests its neighbour, first on its own level, then anywhere") {
  const auto hint = [](const std::string& yaml) {
    try {
      static_cast<void>(bound(yaml));
    } catch (const Errors& errors) {
      return errors.list().front().hint();
    }
    return std::string();
  };
  CHECK(hint("train: {btach: 3}") == "did you mean 'batch'?");
  CHECK(hint("batch: 3") == "did you mean 'train.batch'?");
  CHECK(hint("train: {learing_rate: 3}") == "did you mean 'learning_rate'?");
  CHECK(hint("zzzzzzzz: 3") == "'config --schema' lists every key");
}

TEST_CASE("every key of the schema is suggested for its misspelling") {
  DemoConfig config;
  for (const Field& field : fields_of(config)) {
    std::string wrong = field.key;
    std::swap(wrong[0], wrong[1]);
    try {
      bind_fields(fields_of(config), ConfigTree(parse_yaml(wrong + ": 1", "demo.yaml")));
      FAIL(wrong);
    } catch (const Errors& errors) {
      CHECK(errors.list().front().hint() == "did you mean '" + field.key + "'?");
    }
  }
}

TEST_CASE("the message shows the line with a caret") {
  try {
    static_cast<void>(bound("train:\n  lerning_rate: 0.01\n"));
    FAIL("no error");
  } catch (const Errors& errors) {
    CHECK(render(errors) ==
          "error: unknown key 'lerning_rate' in 'train'\n"
          "  --> demo.yaml:2:3\n"
          "   |\n"
          " 2 |   lerning_rate: 0.01\n"
          "   |   ^^^^^^^^^^^^ did you mean 'learning_rate'?\n"
          "1 error; nothing was started\n");
  }
}

TEST_CASE("the structure of YAML that other readers pass silently is refused") {
  const auto first = [](const std::string& yaml) {
    try {
      static_cast<void>(parse_yaml(yaml, "demo.yaml"));
    } catch (const Errors& errors) {
      return text::cat(errors.list().front().message(), " @", errors.list().front().place().line);
    }
    return std::string("accepted");
  };
  CHECK(first("a: 1\nb: 2\na: 3\n") == "key 'a' appears twice, first in line 1 @3");
  CHECK(first("a: 1\n---\nb: 1\n") == "a second document begins here; a configuration is one document @2");
  CHECK(first("a: &x {b: 1}\nc:\n  <<: *x\n") == "merge keys (<<) are not applied @3");
  CHECK(first("a: !!int 1\n") == "tags are not allowed: tag:yaml.org,2002:int @1");
  CHECK(first("a:\n\tb: 1\n") == "the line is indented with a tab @2");
  CHECK(first("a: [1, 2\n") == "a ']' is missing @2");
  CHECK(first("a: &x [*x]\n") == "this alias (*) stands inside the value it names: a cycle @1");
  CHECK(first("a: *x\n").find("alias (*) without an anchor") == 0);
  CHECK(first("a: {[1]: 2}\n") == "a key must be a plain word @1");
  CHECK(first("a: \x01\n") == "control character \\x01 in the text @1");
  CHECK(first("") == "the file is empty @0");
  CHECK(first("# nothing\n") == "the file is empty @0");
  CHECK(first(std::string(300000, 'a')) == "the file has 300000 bytes, the limit is 262144 @0");
  CHECK(first("a: " + std::string(70000, 'x')) == "text of 70000 bytes, the limit is 65536 @1");
  CHECK(first(std::string(200, 'k') + ": 1").find("key of 200 bytes") == 0);
  CHECK(first("\xef\xbb\xbf"
              "a: 1\n") == "accepted");
  CHECK(first("a: 1\r\nb: 2\r\n") == "accepted");
  CHECK(first("--- {a: &x 1, b: *x}\n...\n") == "accepted");
}

TEST_CASE("hostile configurations are refused or accepted as listed [R13]") {
  const std::vector<test::HostileCase> cases = test::hostile_cases("config");
  REQUIRE(cases.size() > 20);
  for (const test::HostileCase& item : cases) {
    CAPTURE(item.name);
    CAPTURE(item.why);
    const auto begin = std::chrono::steady_clock::now();
    const std::string message = reading(item.file);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
    CHECK(message.empty() == item.accept);
    for (const char c : message) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
    if (!item.accept) CHECK(message.find(item.file.stem().string()) != std::string::npos);
  }
}

TEST_CASE("a resolved configuration reads back as itself [R15 property]") {
  DemoConfig config = bound(
      "train: {lr: 1.0e-6, act: relu, compare_to: 'no'}\nnote: \"a 'b': #c\\n\\e[1m\"\nname: '010'\ndata: ' x'\n"
      "model: {layers: [{linear: 'true', out: 2}]}\ndists: {x: {mean: -0.1}}\nseed: 9007199254740993\n");
  const std::string once = to_yaml(dump_config(config));
  CHECK(once.find("1.0e-06") != std::string::npos);
  const DemoConfig again = bind_config<DemoConfig>(ConfigTree(parse_yaml(once, "again.yaml")));
  CHECK(to_yaml(dump_config(again)) == once);
  CHECK(again.seed == 9007199254740993);
  CHECK(again.note == config.note);
  CHECK(again.train.compare_to == "no");
  const std::string commented = commented_config(config, ConfigTree{});
  CHECK(same(parse_yaml(commented, "c.yaml"), parse_yaml(once, "o.yaml")));
}

TEST_CASE("mutated configurations end in an error or in a configuration that equals its own dump [R15]") {
  const std::uint64_t seed = 20261120;
  MESSAGE("seed " << seed);
  SplitMix64 next(seed);
  std::vector<std::string> seeds = {
      "extends: base\ntrain:\n  lr: 1.0e-3\n  experts: [0, 1, {a: b}]\nmodel: {layers: [{linear: a, out: 3}]}\n",
      "note: \"\\e[1m\\x41\"\ndists: {a: {std: 2}, b: &x {mean: 1}, c: *x}\nseed: 12\n"};
  for (const test::HostileCase& item : test::hostile_cases("config")) seeds.push_back(test::read_text(item.file));
  const std::string alphabet = "{}[]:,-&*!#|>'\"%@`\n\t 0123456789aeinfsty.~<?\\";
  int accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text = seeds[next() % seeds.size()].substr(0, 3000);
    for (std::uint64_t change = next() % 6; change > 0 && !text.empty(); --change) {
      const std::size_t at = next() % text.size();
      if (next() % 3 == 0)
        text.erase(at, next() % 8);
      else if (next() % 3 == 0)
        text.insert(at, text.substr(next() % text.size(), next() % 40));
      else
        text[at] = next() % 8 == 0 ? static_cast<char>(next()) : alphabet[next() % alphabet.size()];
    }
    try {
      const DemoConfig config = bind_config<DemoConfig>(ConfigTree(parse_yaml(text, "mutated.yaml")), {"extends"});
      const std::string dump = to_yaml(dump_config(config));
      CHECK_MESSAGE(to_yaml(dump_config(bind_config<DemoConfig>(ConfigTree(parse_yaml(dump, "dump.yaml"))))) == dump,
                    text);
      ++accepted;
    } catch (const Error& error) {
      CHECK(!render(error).empty());
    }
  }
  CHECK(accepted > 20);
}

TEST_CASE("aliases load and the canonical key is written") {
  const DemoConfig config = bound("train: {learning_rate: 0.5}");
  CHECK(config.train.lr == 0.5);
  CHECK(to_yaml(dump_config(config)).find("learning_rate") == std::string::npos);
  CHECK(problems("train: {lr: 1, learning_rate: 2}") == "'learning_rate' and 'lr' are the same setting @1:16\n");
}

TEST_CASE("overrides set, append and reset, from left to right") {
  ConfigTree tree(parse_yaml("train: {lr: 1, experts: [0]}\n", "demo.yaml"));
  apply_overrides(tree, overrides({"train.lr=0.5", "train.experts+=3", "train.experts+=[1,2]", "train.act=relu",
                                   "~train.act", "model={input: [2, 2]}", "+seed=3", "++note=a=b", "train.lr=0.25"}));
  const DemoConfig config = bind_config<DemoConfig>(tree);
  CHECK(config.train.lr == 0.25);
  CHECK(config.train.experts == std::vector<std::int64_t>{0, 3, 1, 2});
  CHECK(config.train.act == "tanh");
  CHECK(config.model.input == std::vector<std::int64_t>{2, 2});
  CHECK(config.seed == 3);
  CHECK(config.note == "a=b");
}

TEST_CASE("wrong overrides are told with the word typed") {
  ConfigTree tree;
  apply_overrides(tree, overrides({"train.experts=[0,7]", "train.lr=1,2,3"}));
  try {
    static_cast<void>(bind_config<DemoConfig>(tree));
    FAIL("no error");
  } catch (const Errors& errors) {
    CHECK(render(errors) ==
          "error: train.experts[1] is 7, allowed are -1 to 4\n"
          "  --> command line: train.experts=[0,7]\n"
          "error: train.lr is '1,2,3', a number is needed\n"
          "  --> command line: train.lr=1,2,3\n"
          "  help: to try several values use the verb sweep\n"
          "2 errors; nothing was started\n");
  }
  CHECK_THROWS_AS(apply_overrides(tree, overrides({"train.lr=[1"})), Errors);
  CHECK_THROWS_AS(apply_overrides(tree, overrides({"train.lr+=1", "train.lr=1,2"})), Errors);
}

TEST_CASE("a missing list is taken from the schema when something is appended") {
  const LoadedConfig loaded = [] {
    ConfigApp app = demo_app();
    app.load.builtin = [](const std::string&) { return std::optional<Node>(parse_yaml("seed: 2", "builtin")); };
    return check_config("any", overrides({"train.experts+=-1"}), app);
  }();
  CHECK(bind_config<DemoConfig>(loaded.tree).train.experts == std::vector<std::int64_t>{0, 1, 2, 3, 4, -1});
}

TEST_CASE("extends merges maps, replaces lists and prints circles") {
  const test::TempFolder folder;
  test::write_text(folder / "base.yaml", "train: {lr: 0.5, batch: 8, experts: [1, 2]}\nseed: 4\ncompare: 1\n");
  test::write_text(folder / "child.yaml", "extends: base\ntrain: {lr: 0.25, experts: [3]}\n");
  test::write_text(folder / "a.yaml", "extends: b\n");
  test::write_text(folder / "b.yaml", "extends: a.yaml\n");
  test::write_text(folder / "lost.yaml", "extends: bsae\n");
  const LoadedConfig loaded = load_config((folder / "child.yaml").string(), {}, demo_app().load);
  CHECK(loaded.name == "child");
  CHECK(loaded.chain.size() == 2);
  CHECK(loaded.tree.number("train.lr", 0) == 0.25);
  CHECK(loaded.tree.integer("train.batch", 0) == 8);
  CHECK(loaded.tree.find("train.experts")->items.size() == 1);
  CHECK(loaded.tree.find("train.batch")->origin.line == 1);
  const auto message = [&](const char* name) {
    try {
      load_config((folder / name).string(), {}, demo_app(folder.path().string()).load);
    } catch (const Error& error) {
      return error.message() + " " + error.hint();
    }
    return std::string();
  };
  CHECK(message("a.yaml") == "extends goes in a circle: a -> b -> a ");
  CHECK(message("lost.yaml") == "no configuration 'bsae' to extend did you mean 'base'?");
}

TEST_CASE("extends leaves its folder neither by path nor by link and shows nothing of foreign files") {
  const test::TempFolder folder;
  test::write_text(folder / "secret/other.yaml", "password_one: hunter2\n");
  test::write_text(folder / "own/escape.yaml", "extends: ../secret/other.yaml\n");
  test::write_text(folder / "own/link.yaml", "extends: linked\n");
  test::write_text(folder / "own/odd.yaml", "extends: broken\n");
  test::write_text(folder / "own/broken.yaml", "hunter2: [1, 2\nhunter2 again\n");
  std::filesystem::create_symlink("../secret/other.yaml", folder / "own/linked.yaml");
  for (const char* name : {"escape", "link", "odd"}) {
    const std::string message = reading(folder / (std::string("own/") + name + ".yaml"));
    CHECK_MESSAGE(!message.empty(), name);
    CHECK_MESSAGE(message.find("hunter2") == std::string::npos, message);
  }
}

TEST_CASE("a bare name is looked up, an unknown one lists its neighbours") {
  const test::TempFolder folder;
  test::write_text(folder / "baseline.yaml", "seed: 1\ndescription: the first\n");
  const ConfigApp app = demo_app(folder.path().string());
  CHECK(find_config("baseline", app.load) == (folder / "baseline.yaml").string());
  CHECK(config_description(known_configs(app.load).at(0)) == "the first");
  try {
    find_config("baselin", app.load);
    FAIL("found");
  } catch (const Error& error) {
    CHECK(error.hint() == "did you mean 'baseline'?");
  }
}

TEST_CASE("blocks per expert replace top-level keys whole and are checked") {
  ConfigTree tree(parse_yaml("train: {lr: 1, batch: 2}\nexpert_3: {train: {lr: 3}, seed: 9}\n", "demo.yaml"));
  const ConfigTree third = tree.replaced_by_block("expert_3");
  CHECK(third.number("train.lr", 0) == 3);
  CHECK(third.find("train.batch") == nullptr);
  CHECK(third.integer("seed", 0) == 9);
  CHECK_FALSE(third.has("expert_3"));
  const test::TempFolder folder;
  test::write_text(folder / "c.yaml", "expert_3: {sede: 1}\nexpert_0: {seed: -1}\n");
  try {
    check_config((folder / "c.yaml").string(), {}, demo_app());
    FAIL("no error");
  } catch (const Errors& errors) {
    CHECK(errors.list().size() == 2);
  }
}

TEST_CASE("a path belongs to the folder of the file that names it") {
  const test::TempFolder folder;
  test::write_text(folder / "configs/c.yaml", "data: ../tracks.gz\n");
  const LoadedConfig loaded = load_config((folder / "configs/c.yaml").string(), {}, demo_app().load);
  CHECK(bind_config<DemoConfig>(loaded.tree).data == (folder / "tracks.gz").string());
  CHECK(bound("data: simulated").data == "simulated");
}

TEST_CASE("JSON Schema knows types, ranges, choices and defaults") {
  DemoConfig config;
  const nlohmann::json schema = nlohmann::json::parse(json_schema(fields_of(config), "demo", {"expert_0"}));
  const nlohmann::json& train = schema.at("properties").at("train").at("properties");
  CHECK(train.at("lr").at("exclusiveMinimum") == 0.0);
  CHECK(train.at("learning_rate").at("type") == "number");
  CHECK(train.at("act").at("enum").size() == 3);
  CHECK(train.at("experts").at("items").at("maximum") == 4.0);
  CHECK(train.at("batch").at("default") == 32);
  CHECK(train.at("compare_to").at("anyOf").size() == 2);
  CHECK(schema.at("additionalProperties") == false);
  CHECK(schema.at("properties").contains("expert_0"));
}

TEST_CASE("trees resolve as the original tool resolves them [NT F09]") {
  THIMBLE_SHARED(path, "data/neurotrigger/configs.json");
  const nlohmann::json vectors = io::read_json(path);
  const auto options = [&](const std::string& tree) {
    LoadOptions out;
    out.app = "neurotrigger";
    out.legacy_merge = true;
    out.builtin = [&vectors, tree](const std::string& name) -> std::optional<Node> {
      const nlohmann::json& configs = vectors.at("trees").at(tree);
      if (!configs.contains(name)) return std::nullopt;
      return node_of(configs.at(name));
    };
    return out;
  };
  const auto resolved = [&](const nlohmann::json& item) {
    std::vector<Override> changes;
    const nlohmann::json given = item.value("overrides", nlohmann::json::object());
    for (const auto& [key, value] : given.items()) {
      changes.push_back({Override::Kind::set, key, value.dump(), key + "=" + value.dump()});
    }
    ConfigTree tree = load_config(item.at("name"), changes, options(item.at("tree"))).tree;
    tree.set("config", Node::scalar(item.at("name"), true));
    return tree;
  };
  int compared = 0;
  for (const nlohmann::json& item : vectors.at("cases")) {
    CAPTURE(item.at("name").get<std::string>());
    if (item.at("resolved").contains("error")) {
      CHECK_THROWS_AS(resolved(item), Error);
    } else {
      CHECK(nlohmann::json::parse(to_json(resolved(item).nested())) == item.at("resolved"));
    }
    ++compared;
  }
  for (const nlohmann::json& item : vectors.at("per_expert")) {
    CAPTURE(item.at("name").get<std::string>());
    const ConfigTree tree = resolved(item);
    const std::string block = "expert_" + std::to_string(item.at("expert").get<int>());
    nlohmann::json expected = item.at("resolved_for_expert");
    expected.erase(block);
    CHECK(nlohmann::json::parse(to_json(tree.replaced_by_block(block).nested())) == expected);
    ++compared;
  }
  CHECK(compared > 30);
}

TEST_CASE("a choice set anew drops the inherited sibling unless legacy_merge says otherwise [NT F10]") {
  LoadOptions options;
  options.exclusive = {{"dist", {"norm", "uniform"}}};
  options.builtin = [](const std::string& name) -> std::optional<Node> {
    if (name == "normal") return parse_yaml("dist: {n_buckets: 11, norm: {mean: 0, std: 0.4}}", name);
    if (name == "uniform") return parse_yaml("extends: normal\ndist: {uniform: {lower: -1, upper: 1}}", name);
    return std::nullopt;
  };
  const LoadedConfig ours = load_config("uniform", {}, options);
  CHECK_FALSE(ours.tree.has("dist.norm"));
  CHECK(ours.tree.has("dist.uniform"));
  CHECK(ours.tree.integer("dist.n_buckets", 0) == 11);
  const LoadedConfig old = load_config("uniform", overrides({"legacy_merge=true"}), options);
  CHECK(old.tree.has("dist.norm"));
  CHECK_FALSE(load_config("uniform", overrides({"dist.norm.std=1"}), options).tree.has("dist.uniform"));
}

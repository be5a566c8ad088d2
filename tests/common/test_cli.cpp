#include "apps/common/cli/doctor.h"
#include "apps/common/cli/help.h"
#include "apps/common/cli/parser.h"
#include "apps/common/cli/screen.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::app;

namespace {

Program small_program() {
  Program program;
  program.name = "demo";
  program.purpose = "Try the parser.";
  program.synonyms = {{"eval", "evaluate"}};
  Verb train;
  train.name = "train";
  train.group = "Work";
  train.summary = "train";
  train.flags = {{"--target", "KIND", "what to write", "json", {"json", "h5"}, 't'},
                 {"--slow", "", "slower", "", {}, 's'}};
  Verb evaluate;
  evaluate.name = "evaluate";
  evaluate.group = "Work";
  evaluate.summary = "evaluate";
  evaluate.operands = plain_operands("RUN", 1, 1);
  program.verbs = {train, evaluate};
  return program;
}

const Program& program() {
  static const Program kept = small_program();
  return kept;
}

Invocation parsed(const std::vector<std::string>& words) {
  return parse_command_line(words, program());
}

std::string refused(const std::vector<std::string>& words) {
  const auto error = test::error_of([&] { parsed(words); });
  return error ? error->message() + (error->hint().empty() ? "" : " | " + error->hint()) : "";
}

test::Ended demo(const std::vector<std::string>& words, const std::vector<std::string>& environment = {}) {
  static const test::TempFolder folder;
  return test::run_program("thimble-demo", words, folder.path(), environment);
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (const std::string& line : text::split(text, '\n')) longest = std::max(longest, columns(line));
  return longest;
}

}  // namespace

TEST_CASE("flags stand anywhere, settings keep their order") {
  const Invocation asked = parsed(
      {"--threads", "2", "-s", "train", "a=1", "--seed=7", "b.c+=2", "--set", "d=x=y", "~e", "-th5", "--", "-odd"});
  const Context& context = *asked.context;
  CHECK(context.verb().name == "train");
  CHECK(context.flags().threads == 2);
  CHECK(context.flags().seed == 7);
  CHECK(context.has("--slow"));
  CHECK(context.flag("--target") == "h5");
  CHECK(context.words() == std::vector<std::string>{"-odd"});
}

TEST_CASE("settings of the command line are read by the first equals sign") {
  const Invocation asked = parsed({"train", "a=1", "b.c+=2", "--set", "d=x=y", "~e", "++f=1", "g='a b'"});
  const std::vector<Override>& all = asked.context->overrides();
  REQUIRE(all.size() == 6);
  CHECK(all[1].kind == Override::Kind::append);
  CHECK(all[1].key == "b.c");
  CHECK(all[2].value == "x=y");
  CHECK(all[3].kind == Override::Kind::reset);
  CHECK(all[4].key == "f");
  CHECK(parsed({"train", "./a=b.yaml"}).context->config() == "./a=b.yaml");
}

TEST_CASE("flags that are keys come before the settings typed") {
  const Invocation asked = parsed({"train", "seed=3", "--seed", "2", "--note", "it's: #1"});
  const std::vector<Override> all = asked.context->all_overrides();
  REQUIRE(all.size() == 3);
  CHECK(all[0].value == "'it''s: #1'");
  CHECK(all[1].value == "2");
  CHECK(all[2].value == "3");
}

TEST_CASE("wrong usage is told with the remedy") {
  CHECK(refused({"tran", "x.yaml"}) == "unknown verb 'tran' | did you mean 'train'?");
  CHECK(refused({"eval"}) == "unknown verb 'eval' | the verb here is 'evaluate': thimble-demo evaluate");
  CHECK(refused({"train", "--sloww"}) == "unknown flag --sloww of 'train' | did you mean '--slow'?");
  CHECK(refused({"train", "--target", "pdf"}) == "--target is 'pdf', allowed are json, h5");
  CHECK(refused({"train", "--target"}) == "--target needs a value");
  CHECK(refused({"train", "--json=1"}) == "--json takes no value");
  CHECK(refused({"train", "--seed", "x"}) == "--seed takes a whole number from 0 up, not 'x'");
  CHECK(refused({"train", "a", "b"}) ==
        "unexpected word 'b' behind 'train' | usage: thimble-demo train [CONFIG] [key=value ...] [flags]");
  CHECK(refused({"evaluate"}) == "'evaluate' needs RUN | usage: thimble-demo evaluate RUN [flags]");
  CHECK(refused({"evaluate", "a=1"}) ==
        "'evaluate' takes no settings, but got a=1 | usage: thimble-demo evaluate RUN [flags]");
  CHECK(refused({"--json"}) == "no verb given | 'thimble-demo -h' lists the verbs");
  CHECK(refused({"trai"}).find("did you mean 'train'") != std::string::npos);  // no abbreviations
}

TEST_CASE("errors have the same form everywhere") {
  Screen::configure("never");
  Error error(ErrorKind::data, "random1.gz is cut off", Place{"/data/random1.gz", 0, 0, "data.train"},
              "fetch it again");
  CHECK(render(error) == "error: random1.gz is cut off\n  --> /data/random1.gz  data.train\n  help: fetch it again\n");
  Error dataset(ErrorKind::data, "another network", Place{"last.h5", 0, 0, "/model/0/weight"});
  CHECK(render(dataset) == "error: another network\n  --> last.h5:/model/0/weight\n");
  Error caret(ErrorKind::config, "bad", Place{"a.yaml", 12, 4, ""}, "remedy");
  caret.with_excerpt("\t\xC3\xA9x: 1");
  CHECK(render(caret) == "error: bad\n  --> a.yaml:12:4\n    |\n 12 |  \xC3\xA9x: 1\n    |   ^\n  help: remedy\n");
  CHECK(render(Error(ErrorKind::usage, "a\x1b[31mb")) == "error: a\\x1b[31mb\n");
  Error wide(ErrorKind::config, "far", Place{"a.yaml", 1, 5001, ""});
  wide.with_excerpt(std::string(10000, 'x'));
  CHECK(longest_line(render(wide)) < 130);
  Screen::configure("auto");
}

TEST_CASE("colours follow the terminal, the environment and the flag") {
  CHECK(demo({"tran"}).err.find('\x1b') == std::string::npos);
  CHECK(demo({"tran", "--color", "always"}).err.find('\x1b') == std::string::npos);  // the verb fails before any flag
  CHECK(demo({"fail", "diverged", "--color", "always"}).err.find("\x1b[1;31merror:") == 0);
  CHECK(demo({"fail", "diverged"}, {"CLICOLOR_FORCE=1"}).err.find('\x1b') != std::string::npos);
  CHECK(demo({"fail", "diverged"}, {"CLICOLOR_FORCE=1", "NO_COLOR=1"}).err.find('\x1b') == std::string::npos);
}

TEST_CASE("help screens fit 80 columns and say what runs") {
  const test::Ended nothing = demo({});
  CHECK(nothing.code == 2);
  CHECK(nothing.out.empty());
  for (const std::vector<std::string>& words : {std::vector<std::string>{"-h"},
                                                {"--help"},
                                                {"train", "-h"},
                                                {"train", "--help"},
                                                {"config", "--help"},
                                                {"runs", "--help"},
                                                {"--help", "compare"}}) {
    const test::Ended ended = demo(words);
    CHECK(ended.code == 0);
    CHECK(ended.err.empty());
    CHECK_MESSAGE(longest_line(ended.out) <= 80, ended.out);
  }
  CHECK(nothing.err == demo({"-h"}).out);
}

TEST_CASE("the first screen looks like this") {
  CHECK(demo({"-h"}).out ==
        "Show what every program of the house can do.\n"
        "\n"
        "Usage: thimble-demo VERB [CONFIG] [key=value ...] [flags]\n"
        "\n"
        "Try this first:\n"
        "  thimble-demo train small\n"
        "  thimble-demo train small train.lr=0.01 --threads 2\n"
        "Work\n"
        "  train    train nothing for a while and write a run folder\n"
        "Look\n"
        "  fail     end in a chosen way   runs     list, show, note, remove\n"
        "  compare  two or more runs\n"
        "Set up\n"
        "  config   show, check, explain settings   doctor   what this machine has\n"
        "'thimble-demo --help' says everything, 'thimble-demo VERB -h' explains a verb.\n");
}

TEST_CASE("exit codes are 0, 1 and 2, and say why in the document") {
  const auto document = [&](std::vector<std::string> words, int code) {
    words.emplace_back("--json");
    const test::Ended ended = demo(words);
    CHECK(ended.code == code);
    const nlohmann::json json = nlohmann::json::parse(ended.out);
    CHECK(json.at("schema") == "thimble.result/1");
    CHECK(json.at("exit") == code);
    return json;
  };
  CHECK(document({"fail", "yes"}, 0).at("status") == "ok");
  CHECK(document({"fail", "no"}, 1).at("status") == "failed");
  CHECK(document({"fail", "diverged"}, 1).at("error").at("code") == "failed");
  CHECK(document({"fail", "data"}, 2).at("error").at("where").at("file") == "/data/random1.gz");
  CHECK(document({"fail", "memory"}, 1).at("error").at("message") == "out of memory");
  CHECK(document({"fail", "fault"}, 1).at("error").at("code") == "internal");
  CHECK(document({"fail", "warn"}, 0).at("warnings").at(0) == "something odd\\x1b[31m");
  const nlohmann::json nan = document({"fail", "nan"}, 0);
  CHECK(nan.at("metrics").at("loss").is_null());
  CHECK(nan.at("warnings").size() == 1);
  CHECK(document({"nothing"}, 2).at("error").at("code") == "usage");
  CHECK(document({"train", "nowhere"}, 2).at("error").at("code") == "config");
  const nlohmann::json several = document({"config", "-", "--check", "train.lr=x", "train.batch=0"}, 2);
  CHECK(several.at("error").is_object());
}

TEST_CASE("the document of every ending is valid by the published schema") {
  const std::string script =
      "import json, sys\n"
      "try:\n import jsonschema\n"
      "except ImportError:\n sys.exit(77)\n"
      "schema = json.load(open(sys.argv[1]))\n"
      "for line in open(sys.argv[2]): jsonschema.Draft202012Validator(schema).validate(json.loads(line))\n";
  if (find_program("python3").empty()) {
    MESSAGE("skipped: python3 is missing");
    return;
  }
  const test::TempFolder folder;
  std::string documents;
  for (const char* how : {"yes", "no", "diverged", "data", "memory", "fault", "warn", "nan"}) {
    documents += demo({"fail", how, "--json"}).out;
  }
  documents += demo({"nothing", "--json"}).out + demo({"train", "nowhere", "--json"}).out;
  test::write_text(folder / "bad.yaml", "sede: 1\nseed: x\n");
  documents += test::run_program("thimble-demo", {"config", "bad.yaml", "--json"}, folder.path()).out;
  test::write_text(folder / "all.jsonl", documents);
  const std::string schema = THIMBLE_SOURCE_DIR "/docs/schema/thimble.result-1.json";
  const test::Ended ended =
      test::run_program(find_program("python3"), {"-c", script, schema, "all.jsonl"}, folder.path());
  if (ended.code == 77) {
    MESSAGE("skipped: python3-jsonschema is missing");
    return;
  }
  CHECK_MESSAGE(ended.code == 0, ended.err);
}

TEST_CASE("the manual page is clean mdoc") {
  const test::TempFolder folder;
  test::write_text(folder / "demo.1", demo({"config", "--man"}).out);
  if (!std::filesystem::exists("/usr/bin/mandoc")) {
    MESSAGE("skipped: mandoc is missing");
    return;
  }
  const test::Ended ended = test::run_program("/usr/bin/mandoc", {"-Tlint", "-W", "warning", "demo.1"}, folder.path());
  CHECK_MESSAGE(ended.code == 0, (ended.out + ended.err));
}

TEST_CASE("standard output holds only the result [R29]") {
  const test::TempFolder folder;
  test::write_text(folder / "small.yaml", "train: {steps: 2, lr: 0.5}\n");
  const auto run = [&](std::vector<std::string> words, const std::string& out = {}) {
    return test::run_program("thimble-demo", words, folder.path(), {}, out);
  };
  CHECK(run({"train", "small.yaml"}).out == "val_loss 0.5\n");
  CHECK(run({"train", "small.yaml", "-v"}).out == "val_loss 0.5\n");
  CHECK(run({"train", "small.yaml", "-q"}).err.empty());
  CHECK(run({"config", "small.yaml", "--diff"}).out == "train:\n  lr: 0.5\n  steps: 2\n");
  CHECK(run({"config", "small.yaml", "--check"}).out == "small.yaml: no errors\n");
  CHECK(run({"train", "small.yaml"}, "/dev/full").code == 1);
}

TEST_CASE("the configuration printed trains to the same settings") {
  const test::TempFolder folder;
  test::write_text(folder / "small.yaml", "train: {steps: 2, lr: 0.5}\nexpert_0: {train: {lr: 0.25}}\n");
  const test::Ended printed = test::run_program("thimble-demo", {"config", "small.yaml"}, folder.path());
  test::write_text(folder / "mine.yaml", printed.out);
  const test::Ended again = test::run_program("thimble-demo", {"config", "mine.yaml", "--json"}, folder.path());
  const test::Ended once = test::run_program("thimble-demo", {"config", "small.yaml", "--json"}, folder.path());
  CHECK(nlohmann::json::parse(again.out).at("config") == nlohmann::json::parse(once.out).at("config"));
}

TEST_CASE("explain names value, origin, type, unit, range and meaning") {
  const test::TempFolder folder;
  test::write_text(folder / "small.yaml", "seed: 2\ntrain:\n  learning_rate: 0.5\n");
  const auto explain = [&](const std::string& key) {
    return test::run_program("thimble-demo", {"config", "small.yaml", "--explain", key}, folder.path());
  };
  CHECK(explain("train.lr").out ==
        "train.lr = 0.5\n  from     small.yaml:3\n  type     number\n  allowed  more than 0\n  meaning  step size of "
        "the optimiser\n");
  CHECK(explain("train.batch").out.find("from     default\n  type     whole number\n  unit     samples\n") !=
        std::string::npos);
  CHECK(explain("train.bacth").err ==
        "configuration small.yaml\nerror: no key 'train.bacth'\n  help: did you mean 'train.batch'?\n");
}

TEST_CASE("the first signal saves and ends with the signal's own code [R28 part]") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const test::TempFolder folder;
    test::write_text(folder / "small.yaml", "train: {steps: 100000}\n");
    const test::Process process("thimble-demo", {"train", "small.yaml", "--slow", "--json"}, folder.path());
    for (int i = 0; i < 500 && process.err().find("training small") == std::string::npos; ++i) ::usleep(10000);
    process.send(signal);
    const test::Ended ended = process.wait();
    CHECK(ended.signal == signal);
    const nlohmann::json document = nlohmann::json::parse(ended.out);
    CHECK(document.at("status") == "interrupted");
    CHECK(document.at("exit") == 128 + signal);
    CHECK(ended.err.find("interrupted at step ") != std::string::npos);
    CHECK(ended.err.find("state saved\nresume with:  thimble-demo train --resume runs/demo/small/version_0\n") !=
          std::string::npos);
    CHECK(test::read_text(folder / "runs/demo/small/version_0/summary.json").find("\"interrupted\"") !=
          std::string::npos);
  }
}

TEST_CASE("completion offers verbs, flags, values, keys and choices") {
  const auto lines = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"__complete", "--"});
    return demo(words).out;
  };
  CHECK(lines({"tr"}) == "train\n");
  CHECK(lines({"train", "--sl"}) == "--slow\n");
  CHECK(lines({"train", "--target", ""}) == "json\nh5\n");
  CHECK(lines({"train", "train.ba"}) == "train.batch=\n");
  CHECK(lines({"train", "train.act=t"}) == "train.act=tanh\n");
  CHECK(lines({"nothing", "x"}).empty());
  for (const char* shell : {"bash", "zsh", "fish"})
    CHECK(demo({"config", "--completion", shell}).out.find("__complete") != std::string::npos);
}

TEST_CASE("the version is one line, with -v the machine too") {
  CHECK(demo({"--version"}).out == "thimble-demo " + program_version() + "\n");
  CHECK(demo({"--version", "-v"}).out.find("cpu ") != std::string::npos);
  CHECK(demo({"doctor"}).code == 0);
}

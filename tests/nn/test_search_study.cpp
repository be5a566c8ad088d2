// The loop of a search and its journal: the same table for any number of threads, kills and batches of work.

#include "core/base/log.h"
#include "core/io/file.h"
#include "core/parallel/blocks.h"

#include "nn/search/study.h"

#include <doctest/doctest.h>

#include <atomic>
#include <fstream>

#include "tests/support/error_of.h"
#include "tests/support/temp_folder.h"

// inside the namespace: search::Parameter and nn::Parameter live in the same translation unit
namespace thimble::nn::search {

namespace {

Space plane() {
  return Space({{"x", Real{Real::Shape::uniform, -1, 1, 0, false}}, {"y", Whole{0, 9}}});
}

/// A bowl with its least value at x = 0.3, y = 7; repeats differ a little.
Outcome bowl(const Trial& trial) {
  const double x = *(*trial.values)[0].second.number(), y = *(*trial.values)[1].second.number();
  Outcome outcome;
  outcome.metrics["loss"] = (x - 0.3) * (x - 0.3) + (y - 7) * (y - 7) + 0.01 * static_cast<double>(trial.repeat);
  outcome.detail = R"({"y":)" + std::to_string(static_cast<int>(y)) + "}";
  return outcome;
}

StudyOptions options_of(std::size_t arms, std::size_t repeats = 2) {
  StudyOptions options;
  options.metric = "loss";
  options.batch = 4;
  options.repeats = repeats;
  options.most_arms = arms;
  return options;
}

/// Everything but the seconds, which no two runs share.
std::string table_of(const StudyResult& result) {
  std::string out;
  for (const Arm& arm : result.arms) {
    out += text::cat(arm.number, " ", str(arm.values));
    for (const Outcome& outcome : arm.outcomes) {
      out += text::cat(" | ", outcome.failed, " ", outcome.reason, " ", outcome.detail);
      for (const auto& [name, value] : outcome.metrics) out += text::cat(" ", name, "=", value);
    }
    out += "\n";
  }
  return out + result.ended;
}

/// What was logged while this lives.
struct Heard {
  std::string text;
  log::Sink former;
  Heard() {
    former = log::set_sink([this](log::Level, std::string_view line) { text += std::string(line) + "\n"; });
  }
  ~Heard() { log::set_sink(former); }
};

struct Threads {
  int before = threads();
  explicit Threads(int count) { set_threads(count); }
  ~Threads() { set_threads(before); }
};

std::string bytes_of(const std::filesystem::path& path) {
  return io::read_file(path);
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("A search gives the same table with 1, 2 and 4 threads [NT N15] [D36]") {
  std::string first;
  for (const int count : {1, 2, 4}) {
    const Threads threads(count);
    const test::TempFolder folder;
    Journal journal = Journal::create(folder.path() / "journal.jsonl", R"({"seed":1})");
    const StudyResult result = run_study(*random_search(plane(), 1, true), options_of(11), journal,
                                         [](const Trial& trial) { return std::optional(bowl(trial)); });
    CHECK(result.arms.size() == 11);
    CHECK(journal.records().size() == 22);
    if (first.empty()) first = table_of(result);
    CHECK(table_of(result) == first);
  }
}

TEST_CASE("A search cut after any number of bytes of its journal ends with the table of the whole one [NT N15] [D36]") {
  const Heard heard;
  const test::TempFolder folder;
  const auto evaluate = [](const Trial& trial) { return std::optional(bowl(trial)); };
  const auto strategy = random_search(plane(), 3, true);
  Journal whole = Journal::create(folder.path() / "whole", "{}");
  const std::string expected = table_of(run_study(*strategy, options_of(6), whole, evaluate));
  const std::string bytes = bytes_of(folder.path() / "whole");
  std::size_t most = 0;
  for (std::size_t cut = 0; cut <= bytes.size(); cut += 37) {
    const auto path = folder.path() / text::cat("cut", cut);
    write_bytes(path, bytes.substr(0, cut));
    Journal journal = Journal::open(path, "{}");
    std::size_t done = 0;
    run_study(
        *strategy, options_of(6), journal,
        [&](const Trial& trial) {
          ++done;
          return std::optional(bowl(trial));
        },
        {}, {}, thread_executor());
    most = std::max(most, done);
    Journal again = Journal::open(path, "{}");
    CHECK(again.records().size() == 12);
    const StudyResult read = run_study(*strategy, options_of(6), again, [](const Trial&) -> std::optional<Outcome> {
      throw Error(ErrorKind::internal, "nothing is left to try");
    });
    CHECK(table_of(read) == expected);
  }
  CHECK(most == 12);
}

TEST_CASE(
    "A torn last line of a journal is dropped with a warning, damage before it is refused with its line "
    "[NT N15]") {
  CHECK(journal_line("123456789") == "{\"crc32c\":\"e3069283\",\"record\":123456789}\n");  // check value of CRC-32C
  const test::TempFolder folder;
  const auto path = folder.path() / "journal.jsonl";
  {
    Journal journal = Journal::create(path, R"({"a":1})");
    for (const char* record : {"1", "2", "3"}) journal.append(record);
  }
  CHECK(test::says(test::error_of([&] { Journal::create(path, "{}"); }), "journal already"));
  const std::string bytes = bytes_of(path);
  {
    const Heard heard;
    write_bytes(path, bytes.substr(0, bytes.size() - 5));
    CHECK(Journal::open(path, R"({"a":1})").records() == std::vector<std::string>{"1", "2"});
    CHECK(heard.text.find("torn") != std::string::npos);
    CHECK(bytes_of(path) == bytes.substr(0, bytes.size() - journal_line("3").size()));
  }
  std::string flipped = bytes;
  flipped[bytes.find("\"record\":2") + 9] = '7';
  write_bytes(path, flipped);
  const auto error = test::error_of([&] { Journal::open(path, R"({"a":1})"); });
  REQUIRE(error);
  CHECK(error->place().line == 3);
  write_bytes(path, bytes);
  CHECK(test::says(test::error_of([&] { Journal::open(path, R"({"a":2})"); }), "another search"));
}

TEST_CASE("A journal of other settings is refused [NT N15]") {
  const test::TempFolder folder;
  const auto evaluate = [](const Trial& trial) { return std::optional(bowl(trial)); };
  {
    Journal journal = Journal::create(folder.path() / "j", "{}");
    run_study(*random_search(plane(), 1, true), options_of(2), journal, evaluate);
  }
  Journal journal = Journal::open(folder.path() / "j", "{}");
  const auto error =
      test::error_of([&] { run_study(*random_search(plane(), 2, true), options_of(2), journal, evaluate); });
  CHECK(test::says(error, "was tried with"));
}

TEST_CASE("A failing arm is recorded, ranked last, and leaves the others alone [NT N15]") {
  const Heard heard;
  const test::TempFolder folder;
  Journal journal = Journal::create(folder.path() / "j", "{}");
  const auto evaluate = [](const Trial& trial) -> std::optional<Outcome> {
    if (trial.arm == 1) throw Error(ErrorKind::failed, "diverged");
    Outcome outcome = bowl(trial);
    if (trial.arm == 2) outcome.metrics["loss"] = std::numeric_limits<double>::quiet_NaN();
    return outcome;
  };
  const StudyResult result = run_study(*random_search(plane(), 1, true), options_of(4, 1), journal, evaluate);
  REQUIRE(result.arms.size() == 4);
  CHECK(result.arms[1].failed());
  CHECK(result.arms[1].outcomes[0].reason == "diverged");
  CHECK_FALSE(result.arms[2].mean("loss"));
  const auto order = ranking(result.arms, "loss", nn::Goal::min);
  CHECK(order[2] == 2);
  CHECK(order[3] == 1);
  CHECK(*result.arms[order[0]].mean("loss") <= *result.arms[order[1]].mean("loss"));
  std::size_t recorded = 0;  // records stand in the order in which the arms ended
  for (const std::string& record : journal.records())
    recorded += record.find("\"failed\":true,") != std::string::npos && record.find("\"arm\":1,") != std::string::npos;
  CHECK(recorded == 1);
}

TEST_CASE("Trouble that would hit every arm ends the search [NT N15]") {
  const test::TempFolder folder;
  Journal journal = Journal::create(folder.path() / "j", "{}");
  const auto error = test::error_of([&] {
    run_study(*random_search(plane(), 1, true), options_of(4), journal,
              [](const Trial&) -> std::optional<Outcome> { throw Error(ErrorKind::io, "disk full"); });
  });
  CHECK(test::says(error, "disk full"));
  CHECK(journal.records().empty());
}

TEST_CASE("An interrupted search keeps what is done and goes on to the same table [NT N15]") {
  const test::TempFolder folder;
  const auto evaluate = [](const Trial& trial) { return std::optional(bowl(trial)); };
  const auto strategy = random_search(plane(), 4, true);
  Journal whole = Journal::create(folder.path() / "whole", "{}");
  const std::string expected = table_of(run_study(*strategy, options_of(9), whole, evaluate));
  std::size_t before = 0;
  {
    const Threads one(1);
    Journal journal = Journal::create(folder.path() / "j", "{}");
    int asked = 0;
    const StudyResult result = run_study(*strategy, options_of(9), journal, evaluate, [&] { return ++asked > 11; });
    CHECK(result.interrupted);
    CHECK(result.arms.size() == 4);  // whole batches only
    before = journal.records().size();
    CHECK(before == 11);
  }
  Journal journal = Journal::open(folder.path() / "j", "{}");
  std::vector<StudyState> states;
  const StudyResult result = run_study(*strategy, options_of(9), journal, evaluate, {},
                                       [&](const StudyState& state) { states.push_back(state); });
  CHECK(table_of(result) == expected);
  CHECK(states.back().restored == before);
  CHECK(states.back().done == 18);
  CHECK(states.back().planned == 18);
}

TEST_CASE("A search ends when the goal is reached or nothing better comes, judged on whole batches [NT N15]") {
  const test::TempFolder folder;
  const auto evaluate = [](const Trial& trial) {
    Outcome outcome;
    outcome.metrics["loss"] = std::abs(5.0 - static_cast<double>(trial.arm));
    return std::optional(outcome);
  };
  const auto strategy = random_search(plane(), 1, true);
  StudyOptions options = options_of(100, 1);
  options.goal_value = 0.5;
  Journal a = Journal::create(folder.path() / "a", "{}");
  const StudyResult reached = run_study(*strategy, options, a, evaluate);
  CHECK(reached.arms.size() == 8);  // arm 5 is in the second batch of four
  CHECK(reached.ended == "arm 5 reached the goal of 0.5");
  options.goal_value.reset();
  options.patience = 10;
  Journal b = Journal::create(folder.path() / "b", "{}");
  const StudyResult patient = run_study(*strategy, options, b, evaluate);
  CHECK(patient.arms.size() == 16);
  CHECK(patient.ended == "no better arm among the last 10");
}

}  // namespace thimble::nn::search

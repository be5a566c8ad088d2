// Searches over several processes give the table of one, whatever happens to them.

#include "nn/search/early_stop.h"
#include "nn/search/journal.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace thimble::nn::search {

namespace {

constexpr const char* kMpirun = "/usr/bin/mpirun";

bool has_mpi() {
  const auto library = std::filesystem::path(THIMBLE_BINARY_DIR) / "lib" / "thimble" / "libthimble-mpi.so";
  const bool there = std::filesystem::exists(kMpirun) && std::filesystem::exists(library);
  if (!there) MESSAGE("skipped: mpirun or the library for MPI is missing");
  return there;
}

/// `words` behind the program, on two ranks.
test::Ended two_ranks(const std::vector<std::string>& words, const std::filesystem::path& folder) {
  std::vector<std::string> all{"--oversubscribe", "--allow-run-as-root", "-n", "2",
                               (std::filesystem::path(THIMBLE_BINARY_DIR) / "bin" / "thimble-test-ranks").string()};
  all.insert(all.end(), words.begin(), words.end());
  return test::run_program(kMpirun, all, folder, {"HOME=/tmp", "OMPI_MCA_btl_vader_single_copy_mechanism=none"});
}

}  // namespace

TEST_SUITE("slow") {
  TEST_CASE("Two ranks give the table of one process and a killed or failing rank leaves a whole journal [FN N4]") {
    if (!has_mpi()) return;
    const test::TempFolder folder;
    for (const char* name : {"one", "two", "die", "fail"}) std::filesystem::create_directories(folder.path() / name);
    const test::Ended one = test::run_program("thimble-test-ranks", {"one", "12"}, folder.path());
    REQUIRE(one.code == 0);
    CHECK(one.out.find("stopped") != std::string::npos);
    const test::Ended two = two_ranks({"two", "12"}, folder.path());
    CHECK(two.code == 0);
    CHECK(two.out == one.out);
    const std::string journal = test::read_text(folder.path() / "two" / "journal");
    CHECK(journal.find(R"({"rank":0})") != std::string::npos);
    CHECK(journal.find(R"({"rank":1})") != std::string::npos);
    for (const std::string how : {"fail", "die"}) {
      CAPTURE(how);
      const test::Ended ended = two_ranks({how, "12", how, "5"}, folder.path());
      CHECK(ended.code != 0);
      if (how == "fail") CHECK(ended.err.find("the disk is full") != std::string::npos);
      CHECK(Journal::open(folder.path() / how / "journal", "{}").records().size() >= 4);
      CHECK(two_ranks({how, "12"}, folder.path()).out == one.out);
    }
  }
}

TEST_CASE("Hyperband compares at its iterations with the committed values alone [FN N4]") {
  CHECK(rungs_from(2, 3)[0] == 2);
  CHECK(rungs_from(2, 3)[2] == 18);
  CHECK(rungs_below(27, 2, 3) == std::vector<std::size_t>{3, 9});
  CHECK(rungs_below(2, 3, 3).empty());
  const std::vector<double> a{0.1, 0.4, 0.3}, b{0.2, 0.1, 0.6}, c{0.3}, d{0.0, 0.2, 0.2};
  const EarlyStop rule{{1, 3}, 3, false};
  const Hurdles best = hurdles_of(rule, Goal::max, {a, b, c, d});
  REQUIRE(best.list.size() == 2);
  CHECK(best.list[0] == Hurdles::Hurdle{1, 0.2});  // ceil(4 / 3) = 2 of 0.3 0.2 0.1 0.0
  CHECK(best.list[1] == Hurdles::Hurdle{3, 0.6});  // one of 0.6 0.4 0.2
  CHECK(best.stops(std::vector<double>{0.15}));
  CHECK_FALSE(best.stops(std::vector<double>{0.2}));
  CHECK_FALSE(best.stops(std::vector<double>{0.2, 0.0}));  // no rung
  CHECK(best.stops(std::vector<double>{0.2, 0.5, 0.1}));
  CHECK_FALSE(best.stops(std::vector<double>{0.2, 0.7, 0.1}));
  Hurdles strict = best;
  strict.strict = true;
  CHECK(strict.stops(std::vector<double>{0.2, 0.7, 0.1}));
  CHECK(hurdles_of(rule, Goal::min, {a, b}).list.empty());  // fewer than eta
  CHECK(hurdles_of(rule, Goal::min, {a, b, c}).list[0].value == 0.1);
  CHECK(test::says(test::error_of([] { rungs_from(0, 3); }), "at least one"));
  CHECK(test::says(test::error_of([] { rungs_from(1, 1); }), "eta"));
}

}  // namespace thimble::nn::search

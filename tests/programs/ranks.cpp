// A search over several processes, for the tests: ranks FOLDER ARMS [fail ARM | die ARM]. Prints its table.

#include "nn/search/ranks.h"

#include "core/base/error.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace thimble;
using namespace thimble::nn::search;

struct Wish {
  std::string what;
  std::size_t arm = 0;
};

Evaluate evaluation(const Wish& wish, int rank) {
  return [wish, rank](const Trial& trial) -> std::optional<Outcome> {
    if (trial.arm == wish.arm && wish.what == "fail") throw Error(ErrorKind::io, "the disk is full", {}, "make room");
    if (trial.arm == wish.arm && wish.what == "die") std::raise(SIGKILL);
    Outcome outcome;
    const double x = *(*trial.values)[0].second.number(), y = *(*trial.values)[1].second.number();
    for (int i = 1; i <= 9; ++i) {
      outcome.curve.push_back((x - 0.3) * (x - 0.3) + (y - 7) * (y - 7) / 50 + 1.0 / i);
      outcome.stopped = trial.hurdles.stops(outcome.curve);
      if (outcome.stopped) break;
    }
    outcome.metrics["loss"] = outcome.curve.back() + 0.01 * static_cast<double>(trial.repeat);
    outcome.detail = text::cat(R"({"rank":)", rank, "}");
    return outcome;
  };
}

void print(const StudyResult& result) {
  for (const Arm& arm : result.arms) {
    std::string line = text::cat(arm.number, " ", str(arm.values));
    for (const Outcome& outcome : arm.outcomes)
      line += text::cat(" ", outcome.metrics.at("loss"), outcome.stopped ? " stopped" : "", " ", outcome.curve.size());
    std::printf("%s\n", line.c_str());
  }
}

int run(const std::vector<std::string>& words) {
  const auto ranks = Ranks::join();
  const Wish wish{words.size() > 3 ? words[2] : "", words.size() > 3 ? std::stoul(words[3]) : 0};
  const int rank = ranks ? ranks->rank() : 0;
  if (rank > 0) {
    serve(*ranks, [&](const std::string&) { return evaluation(wish, rank); });
    return 0;
  }
  const std::filesystem::path path = std::filesystem::path(words[0]) / "journal";
  Journal journal = std::filesystem::exists(path) ? Journal::open(path, "{}") : Journal::create(path, "{}");
  StudyOptions options;
  options.metric = "loss";
  options.batch = 3;
  options.repeats = 2;
  options.most_arms = std::stoul(words[1]);
  options.early_stop = EarlyStop{rungs_from(1, 3), 3, false};
  const Space space({{"x", Real{Real::Shape::uniform, -1, 1, 0, false}}, {"y", Whole{0, 9}}});
  const Executor executor = ranks ? rank_executor(*ranks, "begin") : thread_executor();
  print(run_study(*bayes_search(space, nn::Goal::min, 1), options, journal, evaluation(wish, 0), {}, {}, executor));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const thimble::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return thimble::exit_code(error.kind());
  }
}

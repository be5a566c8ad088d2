#include "nn/search/ranks.h"

#include "core/base/error.h"
#include "core/io/json.h"

#include "nn/search/mpi_plugin.h"
#include "nn/search/record.h"

#include <dlfcn.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <future>
#include <list>
#include <thread>

namespace thimble::nn::search {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::milliseconds kPause{1};  // between looks for a message: MPI would spin instead
constexpr const char* kPlugin = "libthimble-mpi.so";

int number_in_environment(std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const char* text = std::getenv(name)) return std::atoi(text);
  return 0;
}

int ranks_started() {
  return number_in_environment({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"});
}

/// Beside the program, or in lib/thimble beside its folder.
const ThimbleRanks& load_plugin() {
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const auto& path : {here / ".." / "lib" / "thimble" / kPlugin, here / kPlugin}) {
    if (!std::filesystem::exists(path)) continue;
    // global: the parts that Open MPI loads itself look for its symbols
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (library == nullptr) throw Error(ErrorKind::tool, text::cat("MPI does not load: ", dlerror()));
    const auto function = reinterpret_cast<ThimbleRanksFunction>(dlsym(library, "thimble_ranks"));
    const ThimbleRanks* ranks = function == nullptr ? nullptr : function();
    if (ranks == nullptr || ranks->version != kThimbleRanks)
      throw Error(ErrorKind::tool, "the library for MPI is of another build", {path.string(), 0, 0, ""});
    return *ranks;
  }
  throw Error(ErrorKind::tool, "this build has no MPI, and mpirun started several processes", {},
              "install libopenmpi-dev and openmpi-bin and build again, or start one process without mpirun");
}

void check(int code, const char* what) {
  if (code != 0) throw Error(ErrorKind::failed, text::cat("MPI: ", what, " failed"));
}

Json json_of(const Hurdles& hurdles) {
  Json list = Json::array();
  for (const auto& hurdle : hurdles.list) list.push_back({hurdle.iteration, hurdle.value});
  return Json{{"list", list}, {"maximise", hurdles.goal == Goal::max}, {"strict", hurdles.strict}};
}

Hurdles hurdles_from(const Json& json) {
  Hurdles hurdles{{}, json.at("maximise").get<bool>() ? Goal::max : Goal::min, json.at("strict").get<bool>()};
  for (const Json& pair : json.at("list")) hurdles.list.push_back({pair.at(0), pair.at(1)});
  return hurdles;
}

std::string trial_message(const Trial& trial) {
  return io::json_text(Json{{"trial", trial.arm},
                            {"repeat", trial.repeat},
                            {"values", json_of(*trial.values)},
                            {"hurdles", json_of(trial.hurdles)}});
}

std::string trouble_message(const Error& error) {
  return io::json_text(Json{{"trouble", static_cast<int>(error.kind())},
                            {"message", error.message()},
                            {"file", error.place().file},
                            {"name", error.place().name},
                            {"hint", error.hint()}});
}

Error error_from(const Json& json, int rank) {
  return Error(static_cast<ErrorKind>(json.at("trouble").get<int>()),
               text::cat("rank ", rank, ": ", json.at("message").get<std::string>()),
               {json.at("file"), 0, 0, json.at("name")}, json.at("hint"));
}

/// One batch of trials on all ranks.
class Batch {
 public:
  using Finished = std::function<void(const Trial&, const Outcome&)>;
  Batch(const Ranks& ranks, const std::function<bool()>& stop, const std::vector<Trial>& trials,
        const Evaluate& evaluate, const Finished& finished)
      : ranks_(ranks), stop_(stop), trials_(trials), evaluate_(evaluate), finished_(finished) {
    busy_.assign(static_cast<std::size_t>(ranks.size()), nullptr);
  }

  void run() {
    for (;;) {
      hand_out();
      if (!under_way()) break;
      const bool heard = listen(), own = collect_own();
      if (!heard && !own) std::this_thread::sleep_for(kPause);
    }
    if (trouble_) std::rethrow_exception(trouble_);
  }

 private:
  bool under_way() const {
    return own_.valid() || std::any_of(busy_.begin(), busy_.end(), [](const Trial* trial) { return trial != nullptr; });
  }

  const Trial* next() {
    const bool ended = trouble_ || next_ == trials_.size() || (stop_ && stop_());
    return ended ? nullptr : &trials_[next_++];
  }

  void hand_out() {
    if (!own_.valid())
      if (const Trial* trial = next())
        own_ = std::async(std::launch::async, [this, trial] { return std::pair(trial, evaluate_(*trial)); });
    for (std::size_t rank = 1; rank < busy_.size(); ++rank) {
      if (busy_[rank] != nullptr) continue;
      busy_[rank] = next();
      if (busy_[rank] != nullptr) ranks_.send(static_cast<int>(rank), trial_message(*busy_[rank]));
    }
  }

  bool collect_own() {
    if (!own_.valid() || own_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return false;
    guard([&] {
      const auto done = own_.get();
      if (done.second) finished_(*done.first, *done.second);
    });
    return true;
  }

  bool listen() {
    const auto message = ranks_.receive();
    if (!message) return false;
    const Trial* trial = std::exchange(busy_[static_cast<std::size_t>(message->first)], nullptr);
    guard([&] {
      const Json json = io::parse_json(message->second, "message of a rank");
      if (json.contains("trouble")) throw error_from(json, message->first);
      if (json.contains("arm") && trial != nullptr) finished_(*trial, read_record(json).outcome);
    });
    return true;
  }

  template <class Work>
  void guard(const Work& work) {
    try {
      work();
    } catch (...) {
      if (!trouble_) trouble_ = std::current_exception();
    }
  }

  const Ranks& ranks_;
  const std::function<bool()>& stop_;
  const std::vector<Trial>& trials_;
  const Evaluate& evaluate_;
  const Finished& finished_;
  std::vector<const Trial*> busy_;  // by rank
  std::future<std::pair<const Trial*, std::optional<Outcome>>> own_;
  std::size_t next_ = 0;
  std::exception_ptr trouble_;
};

/// Answer to one trial. Whatever goes wrong is told, so that nobody waits for an answer that never comes.
std::string answer(const Evaluate& evaluate, const Json& json) {
  try {
    const Assignment values = assignment_of(json.at("values"));
    const Trial trial{json.at("trial"), json.at("repeat"), &values, hurdles_from(json.at("hurdles"))};
    const std::optional<Outcome> outcome = try_trial(evaluate, trial);
    return outcome ? record_of(trial, *outcome) : R"({"interrupted":true})";
  } catch (const Error& error) {
    return trouble_message(error);
  } catch (const std::exception& error) {
    return trouble_message(Error(ErrorKind::internal, error.what()));
  }
}

/// The evaluation, or one that fails with the reason why there is none.
Evaluate prepared(const std::function<Evaluate(const std::string&)>& prepare, const std::string& setup) {
  try {
    return prepare(setup);
  } catch (const Error& error) {
    // `io`: this rank cannot work at all, which ends the study
    const Error told(ErrorKind::io, error.message(), error.place(), error.hint());
    return [told](const Trial&) -> std::optional<Outcome> { throw told; };
  }
}

}  // namespace

int Ranks::local_size() {
  return std::max(1, number_in_environment({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"}));
}

std::unique_ptr<Ranks> Ranks::join() {
  if (ranks_started() < 2) return nullptr;
  return std::unique_ptr<Ranks>(new Ranks(load_plugin()));
}

Ranks::Ranks(const ThimbleRanks& functions) : functions_(functions) {
  check(functions_.begin(&rank_, &size_), "starting");
}

Ranks::~Ranks() {
  for (int other = 1; other < size_ && rank_ == 0; ++other) {
    const std::string home = R"({"end":true})";
    functions_.send(other, home.data(), home.size());
  }
  functions_.end();
}

void Ranks::send(int to, const std::string& message) const {
  check(functions_.send(to, message.data(), message.size()), "sending");
}

std::optional<std::pair<int, std::string>> Ranks::receive() const {
  int from = 0;
  std::size_t count = 0;
  const int waiting = functions_.poll(&from, &count);
  if (waiting == 0) return std::nullopt;
  check(waiting == 1 ? 0 : 1, "listening");
  std::string message(count, '\0');
  check(functions_.receive(from, message.data(), count), "receiving");
  return std::pair(from, std::move(message));
}

Executor rank_executor(const Ranks& ranks, std::string setup, std::function<bool()> stop) {
  for (int other = 1; other < ranks.size(); ++other) ranks.send(other, io::json_text(Json{{"setup", setup}}));
  return [&ranks, stop = std::move(stop)](const std::vector<Trial>& trials, const Evaluate& evaluate,
                                          const std::function<void(const Trial&, const Outcome&)>& finished) {
    Batch(ranks, stop, trials, evaluate, finished).run();
  };
}

void serve(const Ranks& ranks, const std::function<Evaluate(const std::string& setup)>& prepare) {
  Evaluate evaluate;
  for (;;) {
    const auto message = ranks.receive();
    if (!message) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    const Json json = io::parse_json(message->second, "message of rank 0");
    if (json.contains("end")) return;
    if (json.contains("setup"))
      evaluate = prepared(prepare, json.at("setup"));
    else
      ranks.send(0, answer(evaluate, json));
  }
}

}  // namespace thimble::nn::search

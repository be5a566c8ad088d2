#pragma once
// Searches over several processes and machines: rank 0 proposes, writes the journal and tries as well, the others try.
// The ranks must see the same file system.

#include "nn/search/study.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

struct ThimbleRanks;

namespace thimble::nn::search {

/// The processes that mpirun started together with this one.
class Ranks {
 public:
  /// Nothing unless this process is one of several under mpirun: MPI is neither loaded nor started then. Throws
  /// Error(tool) when it is and this build has no MPI, Error(failed) when MPI does not start.
  static std::unique_ptr<Ranks> join();
  /// Rank 0 sends the others home; all wait for all.
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// Processes on this machine, as far as the environment tells; at least 1.
  static int local_size();

  void send(int to, const std::string& message) const;
  /// The next message and its sender; nothing when none waits.
  std::optional<std::pair<int, std::string>> receive() const;

 private:
  explicit Ranks(const ThimbleRanks& functions);
  const ThimbleRanks& functions_;
  int rank_ = 0, size_ = 1;
};

/// On rank 0: hands trials to whoever is idle, itself included. `setup` is what the others need to know to try, in
/// words of the application; it is sent once. `stop` is asked before a trial is handed out. An error of a rank that
/// ends the study is thrown when the trials under way have ended; what they gave is reported.
Executor rank_executor(const Ranks& ranks, std::string setup, std::function<bool()> stop = {});

/// On the other ranks: makes an evaluation of the setup, tries what comes, until sent home. Errors go to rank 0.
void serve(const Ranks& ranks, const std::function<Evaluate(const std::string& setup)>& prepare);

}  // namespace thimble::nn::search

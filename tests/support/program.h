#pragma once
// Runs a program of the machine from a test: an argument vector, no shell.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace thimble::test {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal if it was killed
  std::string output;  // both streams
};

/// True if a program of this name is in PATH.
inline bool has_program(const std::string& name) {
  std::istringstream folders(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/" + name).c_str(), X_OK) == 0) return true;
  return false;
}

/// Runs it to its end in `folder`, which also takes the file of its output.
inline ProgramResult run_program(std::vector<std::string> command, const std::filesystem::path& folder) {
  const std::string log = (folder / "output.txt").string();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ProgramResult result;
  pid_t child = 0;
  int status = 0;
  if (::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ) == 0 &&
      ::waitpid(child, &status, 0) == child)
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ::posix_spawn_file_actions_destroy(&actions);
  std::ifstream in(log);
  result.output.assign(std::istreambuf_iterator<char>(in), {});
  return result;
}

}  // namespace thimble::test

#pragma once
// Runs a program of the build and keeps what it wrote.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace thimble::test {

struct Ended {
  int code = -1;   // exit code, or 128 + signal
  int signal = 0;  // that ended it
  std::string out, err;
};

/// A started program; its streams go to files of `folder`, which is also its current folder.
class Process {
 public:
  Process(const std::string& program, const std::vector<std::string>& words, const std::filesystem::path& folder,
          const std::vector<std::string>& environment = {}, const std::string& out = {})
      : folder_(folder), name_(std::to_string(next_number()++)) {
    std::vector<std::string> all = {(std::filesystem::path(THIMBLE_BINARY_DIR) / "bin" / program).string()};
    all.insert(all.end(), words.begin(), words.end());
    std::vector<std::string> variables = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TERM=xterm"};
    variables.insert(variables.end(), environment.begin(), environment.end());
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addchdir_np(&files, folder.c_str());
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    out_ = out.empty() ? stream("out") : std::filesystem::path(out);
    posix_spawn_file_actions_addopen(&files, 1, out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_addopen(&files, 2, stream("err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    std::vector<char*> arguments = pointers(all), environ_pointers = pointers(variables);
    if (posix_spawn(&pid_, arguments[0], &files, nullptr, arguments.data(), environ_pointers.data()) != 0) {
      throw std::runtime_error("cannot start " + all[0]);
    }
    posix_spawn_file_actions_destroy(&files);
  }

  void send(int signal) const { ::kill(pid_, signal); }
  std::string err() const { return read(stream("err")); }

  Ended wait() const {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    Ended ended;
    ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    ended.code = ended.signal != 0 ? 128 + ended.signal : WEXITSTATUS(status);
    ended.out = std::filesystem::is_regular_file(out_) ? read(out_) : "";
    ended.err = err();
    return ended;
  }

 private:
  static int& next_number() {
    static int number = 0;
    return number;
  }
  static std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> out;
    for (std::string& word : words) out.push_back(word.data());
    out.push_back(nullptr);
    return out;
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::filesystem::path stream(const std::string& kind) const { return folder_ / ("stream." + name_ + "." + kind); }

  std::filesystem::path folder_, out_;
  std::string name_;
  pid_t pid_ = 0;
};

/// Runs it to its end.
inline Ended run_program(const std::string& program, const std::vector<std::string>& words,
                         const std::filesystem::path& folder, const std::vector<std::string>& environment = {},
                         const std::string& out = {}) {
  return Process(program, words, folder, environment, out).wait();
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace thimble::test

#include "core/io/hdf5_foreign.h"
#include "core/parallel/blocks.h"
#include "core/report/progress.h"

#include "apps/common/cli/doctor.h"
#include "apps/common/cli/help.h"
#include "apps/common/cli/logger.h"
#include "apps/common/cli/parser.h"
#include "apps/common/cli/screen.h"
#include "apps/common/cli/signals.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

namespace thimble::app {
namespace {

/// True when all of it reached standard output.
bool print_out(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return std::fflush(stdout) == 0 && written;
}

void print_err(const std::string& text) {
  report::write_to_stderr(text);
}

std::vector<Error> listed(const Error& error) {
  const auto* several = dynamic_cast<const Errors*>(&error);
  return several != nullptr ? several->list() : std::vector<Error>{error};
}

/// What a thrown thing was, as our own error.
Errors caught() {
  try {
    throw;
  } catch (const Error& error) {
    return Errors(listed(error));
  } catch (const std::bad_alloc&) {
    return Errors({Error(ErrorKind::failed, "out of memory", {}, "use smaller data, batches or fewer threads")});
  } catch (const std::exception& error) {
    return Errors({Error(ErrorKind::internal, text::cat("unexpected failure: ", error.what()))});
  } catch (...) {
    return Errors({Error(ErrorKind::internal, "unexpected failure of unknown kind")});
  }
}

void print_errors(const Errors& errors, bool verbose) {
  const bool one = errors.list().size() == 1;
  const std::string text = one ? render(errors.list().front(), verbose) : render(errors, verbose);
  print_err(text);
  for (const Error& error : errors.list()) log_file_line(text::cat("error: ", text::printable(error.what(), 4096)));
}

Program with_common_verbs(Program program) {
  program.verbs.push_back(doctor_verb());
  Verb completer;
  completer.name = "__complete";
  program.verbs.push_back(std::move(completer));
  return program;
}

std::string version_text(const Program& program, bool verbose) {
  std::string out = text::cat(command_name(program), " ", THIMBLE_VERSION, "\n");
  if (verbose)
    out += text::cat("built by ", THIMBLE_COMPILER, ", ", THIMBLE_BUILD_TYPE, "\ncpu ", cpu_name(), ", ",
                     instruction_set(), "\n");
  return out;
}

int apply_threads(const CommonFlags& flags) {
  std::int64_t wanted = flags.threads.value_or(0);
  if (const char* environment = std::getenv("THIMBLE_THREADS");
      wanted == 0 && environment != nullptr && *environment != '\0') {
    if (!text::parse(environment, wanted) || wanted < 1 || wanted > 1024) {
      throw Error(ErrorKind::usage, text::cat("THIMBLE_THREADS is '", text::printable(environment),
                                              "'; a number from 1 to 1024 is needed"));
    }
  }
  if (wanted > 0) set_threads(static_cast<int>(wanted));
  return threads();
}

std::string resume_hint(const Context& context) {
  const std::string at = context.position().empty() ? "interrupted" : "interrupted at " + context.position();
  if (context.result().run().empty()) return at + "\n";
  return text::cat(at, "; state saved\nresume with:  ", command_name(context.program()), " ", context.verb().name,
                   " --resume ", context.result().run(), "\n");
}

/// Runs one verb and prints what came of it.
class Runner {
 public:
  Runner(const Program& program, Context& context) : program_(program), context_(context) {}

  int run() {
    const int code = handle();
    return finish(code);
  }

 private:
  int handle() {
    try {
      start_logging(context_.flags().quiet, context_.flags().verbose);
      if (context_.verb().stops_cleanly) catch_signals();
      apply_threads(context_.flags());
      return context_.verb().run(context_);
    } catch (...) {
      const Errors errors = caught();
      errors_ = errors.list();
      print_errors(errors, context_.flags().verbose);
      return errors_.empty() ? 1 : exit_code(errors_.front().kind());
    }
  }

  std::string status(int code) const {
    if (!errors_.empty()) return "error";
    if (stop_flag().requested()) return "interrupted";
    return code == 0 ? "ok" : "failed";
  }

  int finish(int code) {
    if (context_.result().told_elsewhere() && errors_.empty()) return code;
    const int signal = errors_.empty() ? stop_flag().signal() : 0;
    if (signal != 0) code = 128 + signal;
    if (signal != 0) print_err(resume_hint(context_));
    Ending ending{program_.name, context_.verb().name, status(code), code, context_.seconds(), errors_};
    for (const std::string& warning : logged_warnings()) context_.result().warning(warning);
    const bool json = context_.flags().json;
    const std::string text = json ? result_json(context_.result(), ending) + "\n" : context_.result().text();
    if (!print_out(text)) {
      print_err("error: the result could not be written to standard output\n");
      if (code == 0) code = 1;
    }
    if (signal != 0) end_by_signal(signal);
    return code;
  }

  const Program& program_;
  Context& context_;
  std::vector<Error> errors_;
};

/// Errors before any verb could run: also as a document when --json is among the words.
int usage_failure(const Program& program, const std::vector<std::string>& words, const Errors& errors) {
  print_errors(errors, false);
  const int code = exit_code(errors.list().front().kind());
  if (std::find(words.begin(), words.end(), "--json") != words.end()) {
    print_out(result_json(Result{}, {program.name, "", "error", code, 0, errors.list()}) + "\n");
  }
  return code;
}

int show_help(const Program& program, const Invocation& asked) {
  const bool full = asked.ask == Invocation::Ask::full_help;
  const std::string text = asked.verb != nullptr ? verb_help(program, *asked.verb, full) : program_help(program, full);
  if (!asked.nothing) return print_out(text) ? 0 : 1;
  print_err(text);
  return 2;
}

int dispatch(const Program& program, const std::vector<std::string>& words) {
  const Invocation asked = parse_command_line(words, program);
  switch (asked.ask) {
    case Invocation::Ask::first_screen:
    case Invocation::Ask::full_help:
      return show_help(program, asked);
    case Invocation::Ask::version:
      return print_out(version_text(program, asked.context->flags().verbose)) ? 0 : 1;
    case Invocation::Ask::completion:
      return print_out(completion_script(program, asked.completion)) ? 0 : 1;
    case Invocation::Ask::verb:
      break;
  }
  return Runner(program, *asked.context).run();
}

int answer_completion(const Program& program, std::vector<std::string> words) {
  words.erase(words.begin(), words.begin() + (words.size() > 1 && words[1] == "--" ? 2 : 1));
  std::string out;
  for (const std::string& candidate : complete(program, words)) out += candidate + "\n";
  return print_out(out) ? 0 : 1;
}

}  // namespace

Operands config_operands() {
  return {"[CONFIG] [key=value ...]", 0, 1, true};
}

Operands plain_operands(std::string usage, std::size_t least, std::size_t most) {
  return {std::move(usage), least, most, false};
}

std::string program_version() {
  return THIMBLE_VERSION;
}

std::string command_name(const Program& program) {
  return "thimble-" + program.name;
}

int run(int argc, char** argv, const Program& given) {
  io::maybe_run_reader(argc, argv);  // foreign HDF5 files are read by a copy of this program
  prepare_process();
  const Program program = with_common_verbs(given);
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  try {
    if (!words.empty() && words.front() == "__complete") return answer_completion(program, words);
    if (program.legacy) words = program.legacy(std::move(words));
    return dispatch(program, words);
  } catch (...) {
    return usage_failure(program, words, caught());
  }
}

}  // namespace thimble::app

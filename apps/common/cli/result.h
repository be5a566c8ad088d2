#pragma once
// What a verb hands back: text for people on standard output, or one JSON document (schema thimble.result/1).

#include "core/base/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thimble::app {

class Result {
 public:
  /// Adds text to the result (standard output at the end; not printed with --json).
  void print(std::string_view text) { text_ += text; }
  /// As print, with a line end.
  void line(std::string_view text) { text_.append(text).push_back('\n'); }
  /// A number of the result; `path` "expert_0.val_loss" makes groups. NaN and infinities become null with a warning.
  void metric(std::string path, double value);
  /// A file written: name -> path inside the run folder (or from the current folder when there is none).
  void file(std::string name, std::string path) { files_.emplace_back(std::move(name), std::move(path)); }
  /// Anything else for the JSON document, as JSON text: data("rows", "[1,2]").
  void data(std::string name, std::string json) { data_.emplace_back(std::move(name), std::move(json)); }
  /// Prints nothing at the end, neither text nor JSON: another process tells the result.
  void leave_to_others() { told_elsewhere_ = true; }
  bool told_elsewhere() const { return told_elsewhere_; }
  /// The run folder this result belongs to.
  void run(std::string folder) { run_ = std::move(folder); }
  void seed(std::int64_t seed) { seed_ = seed; }
  /// Warnings of the log are added by the program itself.
  void warning(std::string text) { warnings_.push_back(std::move(text)); }

  const std::string& text() const { return text_; }
  const std::string& run() const { return run_; }
  const std::vector<std::pair<std::string, std::optional<double>>>& metrics() const { return metrics_; }

 private:
  friend std::string result_json(const Result&, const struct Ending&);
  std::string text_, run_;
  bool told_elsewhere_ = false;
  std::optional<std::int64_t> seed_;
  std::vector<std::pair<std::string, std::optional<double>>> metrics_;
  std::vector<std::pair<std::string, std::string>> files_, data_;
  std::vector<std::string> warnings_;
};

/// How it ended, for the document.
struct Ending {
  std::string app, verb, status;  // ok, failed, interrupted, error
  int exit = 0;
  double seconds = 0;
  std::vector<Error> errors;
};

/// The document, one line, without a line end. Text that is no UTF-8 is replaced, never thrown over.
std::string result_json(const Result& result, const Ending& ending);

}  // namespace thimble::app

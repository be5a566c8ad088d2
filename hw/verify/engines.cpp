#include "hw/verify/engines.h"

#include "core/base/error.h"
#include "core/io/file.h"

#include "hw/sim/interpreter.h"
#include "hw/verify/process.h"
#include "hw/verify/scripts.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace thimble::hw {

namespace fs = std::filesystem;
using Status = EngineResult::Status;
using text::cat;

namespace {

constexpr std::size_t kShown = 5;
constexpr std::uint64_t kOutputLimit = std::uint64_t{1} << 30;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines = text::split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

/// What a bench said about itself.
struct BenchSays {
  bool pass = false, has_result = false;
  std::size_t vectors = 0, mismatches = 0;
  int latency = 0;
};

BenchSays parse_bench(const std::string& output) {
  BenchSays says;
  for (const std::string& line : lines_of(output)) {
    if (line == "PASS") says.pass = true;
    std::sscanf(line.c_str(), "LATENCY cycles=%d", &says.latency);
    if (std::sscanf(line.c_str(), "RESULT vectors=%zu mismatches=%zu", &says.vectors, &says.mismatches) == 2) {
      says.has_result = true;
    }
  }
  return says;
}

/// First line that says something, for a message.
std::string first_words(const std::string& output) {
  for (const std::string& line : lines_of(output)) {
    const bool telling = line.find("rror") != std::string::npos;
    if (telling) return text::printable(line, 300);
  }
  for (const std::string& line : lines_of(output)) {
    if (!text::trim(line).empty()) return text::printable(line, 300);
  }
  return "no output";
}

EngineResult broken(EngineResult result, const std::string& why) {
  result.status = Status::not_proven;
  result.note = why;
  return result;
}

void note_difference(EngineResult& result, std::size_t vector, std::span<const std::int64_t> got,
                     std::span<const std::int64_t> expected) {
  for (std::size_t e = 0; e < expected.size() && result.first.size() < kShown; ++e) {
    if (got[e] != expected[e]) result.first.push_back({vector, e, std::to_string(got[e]), expected[e]});
  }
}

/// Elements of one output line; empty if it holds unknown bits.
std::vector<std::int64_t> decoded(const Export& design, const std::string& word) {
  try {
    return parse_memory(word + "\n", output_types(design.graph), "output").data;
  } catch (const Error&) {
    return {};
  }
}

void compare_words(const Export& design, const std::vector<std::string>& got, EngineResult& result) {
  for (std::size_t v = 0; v < result.vectors; ++v) {
    if (v < got.size() && got[v] == design.expected_words[v]) continue;
    ++result.mismatches;
    if (v >= got.size() || result.first.size() >= kShown) continue;
    const std::vector<std::int64_t> values = decoded(design, got[v]);
    if (values.empty()) {
      result.first.push_back({v, 0, "unknown bits", design.expected.row(v)[0]});
    } else {
      note_difference(result, v, values, design.expected.row(v));
    }
  }
}

/// Judges a finished simulation by exit code, its own words and the outputs that it wrote.
EngineResult judged(const Export& design, EngineResult result, const ProcessResult& run, const fs::path& outputs) {
  const BenchSays says = parse_bench(run.output);
  result.seconds += run.seconds;
  result.latency = says.latency;
  std::error_code code;
  const bool wrote = fs::is_regular_file(outputs, code);
  const std::vector<std::string> got =
      wrote ? lines_of(io::read_file(outputs, kOutputLimit)) : std::vector<std::string>{};
  if (!wrote || !says.has_result) {
    return broken(std::move(result),
                  cat("the simulation ended early, ", run.how_it_ended(), ": ", first_words(run.output)));
  }
  compare_words(design, got, result);
  if (got.size() != result.vectors) {
    return broken(std::move(result), cat(got.size(), " outputs for ", result.vectors, " vectors"));
  }
  if (result.mismatches > 0) {
    result.status = Status::different;
    return result;
  }
  if (!run.ok() || !says.pass || says.mismatches != 0 || says.vectors != result.vectors) {
    return broken(std::move(result), cat("the bench does not agree: ", run.how_it_ended(), ", ", says.mismatches,
                                         " mismatches of ", says.vectors, says.pass ? "" : ", no PASS"));
  }
  // the first of several streamed windows waits for the second one now and then, a lone one does not
  const bool alone = design.streamed && result.vectors == 1;
  if (design.latency > 0 && says.latency != design.latency && !alone) {
    return broken(std::move(result),
                  cat("latency is ", says.latency, " clock cycles, the report says ", design.latency));
  }
  result.status = Status::equal;
  return result;
}

std::vector<std::string> with_program(const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program_path(program));
  return arguments;
}

/// Compiles a bench with Icarus; empty if it worked, else why not.
std::string compile_bench(const Export& design, const std::string& bench, const fs::path& image, double seconds) {
  const auto argv = with_program("iverilog", icarus_arguments(bench, design.module, image.string()));
  const ProcessResult run = run_process(argv, {design.folder / "rtl", seconds});
  return run.ok() ? "" : cat("iverilog: ", run.how_it_ended(), ": ", first_words(run.output));
}

ProcessResult run_bench(const Export& design, const fs::path& image, std::size_t vectors, const fs::path& got,
                        double seconds) {
  std::vector<std::string> argv = {program_path("vvp"), "-n", image.string(), cat("+vectors=", vectors)};
  if (!got.empty()) argv.push_back(cat("+got=", got.string()));
  ProcessOptions options{design.folder / "rtl", seconds};
  options.output_bytes = kOutputLimit / 4;
  return run_process(argv, options);
}

}  // namespace

/// The fast interpreter; the expected outputs come from evaluate(), the definition of the graph.
EngineResult run_interpreter(const Export& design) {
  EngineResult result{"interpreter"};
  const auto begin = std::chrono::steady_clock::now();
  result.vectors = design.expected.rows();
  const Vectors outputs = interpret(design.graph, design.stimulus);
  for (std::size_t v = 0; v < result.vectors; ++v) {
    const auto got = outputs.row(v);
    const auto expected = design.expected.row(v);
    if (std::equal(got.begin(), got.end(), expected.begin(), expected.end())) continue;
    ++result.mismatches;
    note_difference(result, v, got, expected);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  result.status = result.mismatches == 0 ? Status::equal : Status::different;
  return result;
}

EngineResult run_c(const Export& design, const VerifyOptions& options) {
  EngineResult result{"c"};
  result.vectors = design.expected.rows();
  if (design.c_name.empty()) return broken(std::move(result), "the folder holds no C");
  const TemporaryFolder build("thimble-hw");
  const fs::path program = build.path() / "test";
  const ProcessResult compiled =
      run_process(with_program("cc", c_arguments(design.c_name, program.string())), {design.folder, options.seconds});
  if (!compiled.ok())
    return broken(std::move(result), cat("cc: ", compiled.how_it_ended(), ": ", first_words(compiled.output)));
  const ProcessResult run = run_process({program.string()}, {design.folder, options.seconds});
  const BenchSays says = parse_bench(run.output);
  result.seconds = compiled.seconds + run.seconds;
  if (!says.has_result)
    return broken(std::move(result), cat("the test program: ", run.how_it_ended(), ": ", first_words(run.output)));
  result.mismatches = says.mismatches;
  if (says.vectors != result.vectors) {
    return broken(std::move(result), cat(says.vectors, " outputs for ", result.vectors, " vectors"));
  }
  if (says.mismatches > 0) {
    result.status = Status::different;
    result.note = first_words(run.output);
    return result;
  }
  if (!run.ok() || !says.pass) return broken(std::move(result), cat("the test program: ", run.how_it_ended()));
  result.status = Status::equal;
  return result;
}

EngineResult run_verilator(const Export& design, const VerifyOptions& options) {
  EngineResult result{"verilator"};
  result.vectors = design.expected.rows();
  const TemporaryFolder build("thimble-hw");
  const fs::path rtl = design.folder / "rtl", objects = build.path() / "build", got = build.path() / "got";
  const fs::path driver = build.path() / "drive.cpp";  // a copy, because make cannot handle every path
  std::error_code code;
  fs::copy_file(design.folder / "scripts" / "drive.cpp", driver, code);
  if (code) return broken(std::move(result), "scripts/drive.cpp cannot be read");
  const ProcessResult built =
      run_process(with_program("verilator", verilator_arguments(design.module, driver.string(), objects.string())),
                  {rtl, options.seconds});
  result.seconds = built.seconds;
  if (!built.ok()) {
    return broken(std::move(result), cat("verilator: ", built.how_it_ended(), ": ", first_words(built.output)));
  }
  const ProcessResult run = run_process({(objects / "sim").string(), got.string()}, {rtl, options.seconds});
  return judged(design, std::move(result), run, got);
}

namespace {

/// A streamed vector takes as many clocks as it has samples: fewer of them, but more than can be under way at once.
std::size_t streamed_windows(const Export& design, std::size_t wanted) {
  constexpr std::size_t kElements = 20000, kLeast = 6;
  return std::min(wanted, std::max(kLeast, kElements / design.graph.input_size()));
}

}  // namespace

EngineResult run_icarus(const Export& design, const VerifyOptions& options) {
  EngineResult result{"icarus"};
  const std::size_t most = design.streamed ? streamed_windows(design, options.icarus_vectors) : options.icarus_vectors;
  result.vectors = std::min(most, design.expected.rows());
  const TemporaryFolder build("thimble-hw");
  const fs::path image = build.path() / "tb.vvp", stress = build.path() / "stress.vvp", got = build.path() / "got";
  for (const auto& [bench, to] : {std::pair<const char*, fs::path>{"tb", image}, {"tb_stress", stress}}) {
    const std::string why = compile_bench(design, bench, to, options.seconds);
    if (!why.empty()) return broken(std::move(result), why);
  }
  const ProcessResult run = run_bench(design, image, result.vectors, got, options.seconds);
  result = judged(design, std::move(result), run, got);
  if (result.status != Status::equal) return result;
  const std::size_t few = std::min<std::size_t>(result.vectors, 200);
  const ProcessResult shaken = run_bench(design, stress, few, {}, options.seconds);
  result.seconds += shaken.seconds;
  const BenchSays says = parse_bench(shaken.output);
  if (!shaken.ok() || !says.pass) {
    return broken(std::move(result), cat("gaps in in_valid and a reset in mid-stream change results: ", says.mismatches,
                                         " mismatches of ", says.vectors));
  }
  result.note = "also with gaps and a reset in mid-stream";
  return result;
}

}  // namespace thimble::hw

#include "hw/verify/verify.h"

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/hash.h"

#include "hw/ir/json.h"
#include "hw/sim/evaluate.h"
#include "hw/verify/engines.h"
#include "hw/verify/process.h"
#include "hw/verify/report.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <future>

namespace thimble::hw {

namespace fs = std::filesystem;
using Status = EngineResult::Status;
using text::cat;

namespace {

constexpr std::uint64_t kFileLimit = std::uint64_t{1} << 30;
constexpr std::size_t kTraced = 200;  // vectors the trace bench runs at most

const EngineTool& engine_tool(const std::string& name) {
  std::vector<std::string> known;
  for (const EngineTool& tool : engine_tools()) {
    if (name == tool.engine) return tool;
    known.push_back(tool.engine);
  }
  const std::string near = text::nearest(name, known);
  throw Error(ErrorKind::usage, cat("there is no engine '", text::printable(name), "'"), {},
              cat(near.empty() ? "" : cat("did you mean '", near, "'? "), "engines are ", text::join(known, ", ")));
}

/// The engines to run; those that are not installed go to `skipped`.
std::vector<std::string> chosen(const VerifyOptions& options, std::vector<EngineResult>& skipped) {
  std::vector<std::string> run;
  bool rtl = false;
  const auto asked = [&](const EngineTool& tool) {
    return std::find(options.engines.begin(), options.engines.end(), tool.engine) != options.engines.end();
  };
  for (const std::string& name : options.engines) engine_tool(name);
  for (const EngineTool& tool : engine_tools()) {
    if (!options.engines.empty() && !asked(tool)) continue;
    const std::vector<std::string> missing = missing_programs(tool);
    if (missing.empty()) {
      run.push_back(tool.engine);
      rtl = rtl || tool.rtl;
    } else if (asked(tool)) {
      throw Error(ErrorKind::tool, cat(text::join(missing, " and "), " not found"), {},
                  cat("apt install ", tool.package));
    } else {
      skipped.push_back({tool.engine, Status::skipped});
      skipped.back().note = cat(text::join(missing, " and "), " not found (apt install ", tool.package, ")");
    }
  }
  if (!rtl) {
    throw Error(ErrorKind::tool, "no Verilog simulator among the engines: nothing would be proven about the RTL", {},
                "apt install verilator iverilog, and let --sim name one of them");
  }
  return run;
}

/// Compares the files with manifest.sha256.
void check_manifest(const fs::path& folder, std::vector<std::string>& faults) {
  if (!fs::is_regular_file(folder / "manifest.sha256")) {
    faults.push_back("manifest.sha256 is missing");
    return;
  }
  for (const std::string& line : text::split(io::read_file(folder / "manifest.sha256", kFileLimit), '\n')) {
    if (line.size() < 67) continue;
    const fs::path name = fs::path(line.substr(66)).lexically_normal();
    if (name.is_absolute() || (!name.empty() && *name.begin() == "..")) {
      faults.push_back(cat("manifest.sha256 names a file outside the folder: ", text::printable(name.string())));
      continue;
    }
    std::error_code code;
    if (!fs::is_regular_file(folder / name, code)) {
      faults.push_back(cat(text::printable(name.string()), " is missing"));
    } else if (io::sha256_hex(io::read_file(folder / name, kFileLimit)) != line.substr(0, 64)) {
      faults.push_back(cat(text::printable(name.string()), " was changed after the export"));
    }
  }
}

/// The packed image must say the same as the decimal file: benches read one, we the other.
void check_image(const fs::path& file, const Vectors& vectors, const std::vector<FxType>& types,
                 std::vector<std::string>& faults) {
  const auto wanted = text::split(memory_text(vectors, types), '\n');
  const auto found = text::split(io::read_file(file, kFileLimit), '\n');
  const std::string name = cat("vec/", file.filename().string());
  if (found.size() != wanted.size()) {
    faults.push_back(cat(name, " has ", found.size() - 1, " vectors, ", vectors.rows(), " expected"));
    return;
  }
  const auto differs = std::mismatch(found.begin(), found.end(), wanted.begin()).first;
  if (differs == found.end()) return;
  faults.push_back(cat(name, " line ", differs - found.begin() + 1,
                       " is not what the decimal file says: ", text::printable(*differs)));
}

std::string only_stem(const fs::path& folder, const std::string& ending, const std::string& without) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    const bool bench = !without.empty() && name.rfind(without, 0) == 0;
    if (name.ends_with(ending) && !bench) names.push_back(name.substr(0, name.size() - ending.size()));
  }
  std::sort(names.begin(), names.end());
  return names.empty() ? "" : names.front();
}

/// What the report says about the timing.
void read_timing(Export& design, std::vector<std::string>& faults) {
  try {
    const nlohmann::json report = read_report(design.folder);
    design.latency = report.at("design").value("latency_cycles", 0);
    design.streamed = report.at("design").value("schedule", "") == "stream";
  } catch (const Error& error) {
    faults.push_back(cat("report.json: ", error.message()));
  }
}

/// Reads the folder; nothing if what is needed is not there, which the faults then tell.
std::optional<Export> opened(const fs::path& folder, std::vector<std::string>& faults) {
  Export design;
  design.folder = folder;
  try {
    design.graph = read_graph(folder / "fxir.json");
    const auto read = [&](const char* name, std::size_t width) {
      const fs::path file = folder / "vec" / name;
      return parse_vectors(io::read_file(file, kFileLimit), width, file.string());
    };
    design.stimulus = read("stim.txt", design.graph.input_size());
    design.expected = read("expect.txt", design.graph.output_size());
    THIMBLE_CHECK(design.stimulus.rows() == design.expected.rows(), data, "vec/stim.txt has ", design.stimulus.rows(),
                  " vectors, vec/expect.txt ", design.expected.rows());
    THIMBLE_CHECK(design.stimulus.rows() > 0, data, "vec/stim.txt holds no vectors");
    for (std::size_t v = 0; v < design.stimulus.rows(); ++v) check_input(design.graph, design.stimulus.row(v), v);
    check_image(folder / "vec" / "stim.mem", design.stimulus, input_types(design.graph), faults);
    check_image(folder / "vec" / "expect.mem", design.expected, output_types(design.graph), faults);
    design.expected_words = text::split(memory_text(design.expected, output_types(design.graph)), '\n');
  } catch (const Error& error) {
    faults.push_back(error.place().file.empty() ? error.message() : cat(error.place().file, ": ", error.message()));
    return std::nullopt;
  }
  design.module = only_stem(folder / "rtl", ".v", "tb");
  design.c_name = only_stem(folder / "c", "_test.c", "");
  read_timing(design, faults);
  if (design.module.empty()) faults.push_back("rtl holds no Verilog");
  return design;
}

EngineResult run_engine(const std::string& name, const Export& design, const VerifyOptions& options) {
  EngineResult result = name == "interpreter" ? run_interpreter(design)
                        : name == "c"         ? run_c(design, options)
                        : name == "verilator" ? run_verilator(design, options)
                                              : run_icarus(design, options);
  if (options.ended) options.ended(result);
  return result;
}

}  // namespace

const std::vector<EngineTool>& engine_tools() {
  static const std::vector<EngineTool> tools = {{"interpreter", {}, "", false},
                                                {"c", {"cc"}, "gcc", false},
                                                {"verilator", {"verilator", "make", "g++"}, "verilator make g++", true},
                                                {"icarus", {"iverilog", "vvp"}, "iverilog", true}};
  return tools;
}

std::vector<std::string> missing_programs(const EngineTool& tool) {
  std::vector<std::string> missing;
  for (const char* program : tool.programs) {
    if (program_path(program).empty()) missing.emplace_back(program);
  }
  return missing;
}

std::string EngineResult::line() const {
  if (status == Status::skipped) return cat(engine, ": skipped: ", note);
  if (status == Status::not_proven) return cat(engine, ": not proven: ", note);
  return cat(engine, ": ", mismatches, " mismatches of ", vectors, note.empty() ? "" : cat(" (", note, ")"));
}

std::string NodeDifference::line() const {
  return cat("first difference inside the Verilog: vector ", vector, ", node '", text::printable(node), "'[", element,
             "]: interpreter ", expected, ", Verilog ", got);
}

bool VerifyResult::proven() const {
  bool rtl = false;
  for (const EngineResult& engine : engines) {
    if (engine.status == Status::different || engine.status == Status::not_proven) return false;
    const bool ran = engine.status == Status::equal;
    for (const EngineTool& tool : engine_tools()) rtl = rtl || (ran && tool.rtl && engine.engine == tool.engine);
  }
  return rtl && faults.empty();
}

std::string VerifyResult::text() const {
  std::string out;
  for (const std::string& fault : faults) out += cat("not proven: ", fault, "\n");
  for (const EngineResult& engine : engines) {
    out += engine.line() + "\n";
    for (const VectorMismatch& miss : engine.first) {
      out +=
          cat("  vector ", miss.vector, " output ", miss.element, ": ", miss.got, ", expected ", miss.expected, "\n");
    }
  }
  if (first_difference) out += first_difference->line() + "\n";
  return out + (proven() ? "proven: every engine that ran agrees bit for bit\n" : "NOT PROVEN\n");
}

VerifyResult verify(const fs::path& folder, const VerifyOptions& options) {
  if (!fs::is_directory(folder)) {
    throw Error(ErrorKind::io, "there is no such folder", {folder.string(), 0, 0, ""}, "give the folder of an export");
  }
  VerifyResult result;
  const std::vector<std::string> names = chosen(options, result.engines);
  check_manifest(folder, result.faults);
  const std::optional<Export> design = opened(fs::absolute(folder).lexically_normal(), result.faults);
  if (!design || design->module.empty()) return result;
  // the build of Verilator is the long part, so it runs beside the others
  std::vector<std::future<EngineResult>> beside;
  std::vector<EngineResult> ran(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == "verilator") {
      beside.push_back(std::async(std::launch::async, [&, i] { return run_engine(names[i], *design, options); }));
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != "verilator") ran[i] = run_engine(names[i], *design, options);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == "verilator") ran[i] = beside.front().get();
  }
  std::size_t first_bad = design->stimulus.rows();
  for (const EngineResult& engine : ran) {
    const bool rtl = engine.engine == "verilator" || engine.engine == "icarus";
    if (rtl && !engine.first.empty()) first_bad = std::min(first_bad, engine.first.front().vector);
  }
  if (first_bad < std::min(design->stimulus.rows(), kTraced) && missing_programs(engine_tool("icarus")).empty()) {
    result.first_difference = trace_difference(*design, first_bad + 1, options.seconds);
  }
  result.engines.insert(result.engines.begin(), ran.begin(), ran.end());
  return result;
}

Explanation explain(const fs::path& folder, std::size_t vectors, double seconds) {
  const EngineTool& icarus = engine_tool("icarus");
  if (const auto missing = missing_programs(icarus); !missing.empty()) {
    throw Error(ErrorKind::tool, cat(text::join(missing, " and "), " not found"), {},
                cat("apt install ", icarus.package));
  }
  std::vector<std::string> faults;
  const std::optional<Export> design = opened(fs::absolute(folder).lexically_normal(), faults);
  if (!design || design->module.empty())
    throw Error(ErrorKind::data, text::join(faults, "; "), {folder.string(), 0, 0, ""});
  const std::size_t count = std::min(vectors, design->stimulus.rows());
  const auto difference = trace_difference(*design, count, seconds);
  if (difference) return {false, difference->line()};
  return {true, cat("no difference: every traced node agrees with the interpreter on ", count, " vectors")};
}

}  // namespace thimble::hw

#include "hw/verify/export_folder.h"

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/hash.h"
#include "core/io/json.h"

#include "hw/emit/c99.h"
#include "hw/emit/testbench.h"
#include "hw/ir/json.h"
#include "hw/sim/evaluate.h"
#include "hw/verify/report.h"
#include "hw/verify/scripts.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace thimble::hw {

namespace fs = std::filesystem;
using text::cat;

namespace {

Vectors answers(const Graph& graph, const Vectors& stimulus) {
  Vectors out;
  out.width = graph.output_size();
  for (std::size_t row = 0; row < stimulus.rows(); ++row) {
    check_input(graph, stimulus.row(row), row);
    out.push(outputs_of(graph, evaluate(graph, stimulus.row(row))));
  }
  return out;
}

/// Which (tensor, lane) of the trace bench is which element of which node.
std::string trace_map(const Graph& graph, const VerilogDesign& design) {
  nlohmann::json taps = nlohmann::json::array();
  for (const TraceTap& tap : design.taps) {
    taps.push_back({{"tensor", graph.tensor(tap.tensor).name},
                    {"number", tap.tensor},
                    {"lane", tap.lane},
                    {"lanes", tap.lanes},
                    {"groups", tap.groups}});
  }
  return io::json_text(nlohmann::json{{"taps", std::move(taps)}}, 0) + "\n";
}

void add_vectors(std::vector<VerilogFile>& files, const Graph& graph, const Vectors& stimulus,
                 const Vectors& expected) {
  files.push_back({"vec/stim.txt", vectors_text(stimulus)});
  files.push_back({"vec/expect.txt", vectors_text(expected)});
  files.push_back({"vec/stim.mem", memory_text(stimulus, input_types(graph))});
  files.push_back({"vec/expect.mem", memory_text(expected, output_types(graph))});
}

template <class Files>
void append(std::vector<VerilogFile>& files, const Files& more) {
  for (const auto& file : more) files.push_back({file.path, file.text});
}

/// `HASH  PATH` lines in the form of sha256sum; the reports change later and are not part of it.
std::string manifest(std::vector<VerilogFile> files) {
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  std::string out;
  for (const VerilogFile& file : files) out += cat(io::sha256_hex(file.text), "  ", file.path, "\n");
  return out;
}

void write_file(const fs::path& path, const std::string& text) {
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  if (code) throw io::system_error(code.value(), "cannot make the folder", path.parent_path());
  const mode_t mode = path.extension() == ".sh" ? 0755 : 0644;
  const io::Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.valid()) throw io::system_error(errno, "cannot write the file", path);
  if (const int failure = io::write_all(file.get(), text); failure != 0) {
    throw io::system_error(failure, "cannot write the file", path);
  }
}

/// A new folder beside the wanted one; gone again unless it took its place.
class Beside {
 public:
  explicit Beside(const fs::path& folder) : folder_(folder), part_(folder) {
    part_ += cat(".part-", getpid());
    std::error_code code;
    fs::remove_all(part_, code);
    fs::create_directories(part_, code);
    if (code) throw io::system_error(code.value(), "cannot make the folder", part_);
  }
  ~Beside() {
    std::error_code ignored;
    fs::remove_all(part_, ignored);
  }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;

  const fs::path& path() const { return part_; }

  /// Swaps the two, so that the old export is there until the new one is.
  void take_place() const {
    if (renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, folder_.c_str(), RENAME_EXCHANGE) == 0) return;
    std::error_code code;
    if (fs::is_directory(folder_)) fs::remove_all(folder_, code);  // a file system that cannot swap
    if (!code) fs::rename(part_, folder_, code);
    if (code) throw io::system_error(code.value(), "cannot put the export in its place", folder_);
  }

 private:
  fs::path folder_, part_;
};

void refuse_foreign(const fs::path& folder) {
  std::error_code code;
  const fs::file_status status = fs::symlink_status(folder, code);
  if (!fs::exists(status)) return;
  const bool ours =
      fs::is_directory(status) && (fs::is_empty(folder) || fs::is_regular_file(folder / "manifest.sha256"));
  if (!ours) {
    throw Error(ErrorKind::io, "this is not an earlier export, so it is not replaced", {folder.string(), 0, 0, ""},
                "choose another folder with --out, or remove it first");
  }
}

}  // namespace

ExportSummary export_folder(const Graph& graph, const Vectors& stimulus, const ExportOptions& options,
                            const fs::path& folder) {
  THIMBLE_CHECK(stimulus.rows() > 0, data, "an export needs at least one stimulus vector");
  const fs::path target = folder.filename().empty() ? folder.parent_path() : folder;
  refuse_foreign(target);
  const Vectors expected = answers(graph, stimulus);
  VerilogOptions verilog = options.verilog;
  const VerilogDesign design = emit_verilog(graph, verilog);
  std::vector<VerilogFile> files = {{"fxir.json", canonical_text(graph) + "\n"}};
  std::string c_name;
  if (options.c) {
    const CDesign c = emit_c99(graph);
    c_name = c.name;
    append(files, c.files);
  }
  if (options.rtl) {
    append(files, design.files);
    append(files, emit_benches(design, stimulus.rows()));
    append(files, emit_scripts(design.module, c_name));
    files.push_back({"rtl/trace.json", trace_map(graph, design)});
  }
  add_vectors(files, graph, stimulus, expected);
  if (options.firmware.vectors > 0) append(files, firmware_files(graph, stimulus, options.firmware));
  append(files, options.extra);
  const std::string sums = manifest(files);
  nlohmann::json report = describe(graph, design, stimulus, expected);
  report["sections"] = sections_json(options.sections);
  files.push_back({"manifest.sha256", sums});
  files.push_back({"report.json", io::json_text(report, 1) + "\n"});
  files.push_back({"report.md", report_markdown(report)});
  const Beside part(target);
  for (const VerilogFile& file : files) write_file(part.path() / file.path, file.text);
  part.take_place();
  return {design.module, design.timing, design.latency, design.interval, stimulus.rows(), files.size()};
}

}  // namespace thimble::hw

#include "hw/verify/synthesis.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/file.h"

#include "hw/verify/process.h"
#include "hw/verify/report.h"
#include "hw/verify/scripts.h"

#include <nlohmann/json.hpp>

#include <sstream>

namespace thimble::hw {

namespace fs = std::filesystem;
using text::cat;

Area parse_area(const std::string& listing) {
  Area area;
  std::int64_t cells = 0;
  std::istringstream in(listing);
  std::string cell;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::int64_t count = 0;
    if (!(words >> cell >> count)) continue;
    ++cells;
    if (cell.size() == 4 && cell.rfind("LUT", 0) == 0) area.lut += count;
    if (cell == "FDRE" || cell == "FDSE" || cell == "FDCE" || cell == "FDPE") area.ff += count;
    if (cell == "CARRY4") area.carry4 += count;
    if (cell == "DSP48E1") area.dsp += count;
    if (cell == "RAMB36E1") area.ramb36 += count;
    if (cell == "RAMB18E1") area.ramb18 += count;
  }
  THIMBLE_CHECK(cells > 0, failed, "the listing of Yosys holds no cells");
  return area;
}

namespace {

std::string version_of(const std::string& yosys) {
  const std::string text = run_process({yosys, "-V"}, {{}, 20}).output;
  const std::size_t end = text.find(" (");
  return std::string(text::trim(text.substr(0, end)));
}

std::string module_of(const fs::path& folder) {
  return read_report(folder).at("design").value("module", "");
}

}  // namespace

Area synthesise(const fs::path& folder, const std::string& metric, double seconds) {
  THIMBLE_CHECK(metric == "m1" || metric == "dsp", usage, "there is no area metric '", text::printable(metric),
                "'; known are m1 and dsp");
  const std::string yosys = program_path("yosys");
  if (yosys.empty()) throw Error(ErrorKind::tool, "yosys not found", {}, "apt install yosys, or --synth none");
  const TemporaryFolder build("thimble-hw");
  const fs::path listing = build.path() / "stat";
  const fs::path script = build.path() / "area.ys";
  io::atomic_replace(script, synthesis_commands(module_of(folder), metric, listing.string()));
  const ProcessResult run = run_process({yosys, "-q", "-s", script.string()}, {folder / "rtl", seconds});
  if (!run.ok()) {
    throw Error(ErrorKind::failed, cat("yosys: ", run.how_it_ended(), ": ", text::printable(run.output, 300)),
                {(folder / "rtl").string(), 0, 0, ""});
  }
  Area area = parse_area(io::read_file(listing));
  area.tool = version_of(yosys);
  area.seconds = run.seconds;
  return area;
}

std::string usual_metric(const fs::path& folder) {
  return read_report(folder).at("design").value("multipliers", 0) > 0 ? "dsp" : "m1";
}

Area measure_area(const fs::path& folder, const std::string& metric, double seconds) {
  const Area area = synthesise(folder, metric, seconds);
  nlohmann::json all = read_report(folder).value("synthesis", nlohmann::json::object());
  all[metric] = {{"lut", area.lut},       {"ff", area.ff},         {"carry4", area.carry4}, {"dsp", area.dsp},
                 {"ramb36", area.ramb36}, {"ramb18", area.ramb18}, {"tool", area.tool}};
  update_report(folder, "synthesis", all);
  return area;
}

}  // namespace thimble::hw

#include "apps/common/cli/doctor.h"

#include "core/parallel/blocks.h"

#include "apps/common/cli/context.h"
#include "apps/common/cli/screen.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>

namespace thimble::app {
namespace {

struct Item {
  const char* name;
  std::vector<const char*> programs;  // any of them
  const char* package;
  const char* lost;  // what does not work without it
};

const std::vector<Item>& items() {
  static const std::vector<Item> list = {
      {"gnuplot", {"gnuplot"}, "gnuplot-nox", "figures; tables are written, 'report RUN' draws later"},
      {"verilator", {"verilator"}, "verilator", "the fast proof of exported Verilog"},
      {"iverilog", {"iverilog"}, "iverilog", "the second simulator of a proof"},
      {"yosys", {"yosys"}, "yosys", "LUT and FF counts in hardware reports"},
      {"C compiler", {"cc", "gcc", "clang"}, "gcc", "the proof of exported C"},
      {"fonts", {"fc-list"}, "fonts-dejavu-core fontconfig", "exact text in figures"},
      {"MPI", {"mpirun"}, "openmpi-bin", "searches over several machines"},
      {"git", {"git"}, "git", "commit and changes in the manifest of a run"},
  };
  return list;
}

std::string first_found(const std::vector<const char*>& programs) {
  for (const char* program : programs) {
    if (const std::string path = find_program(program); !path.empty()) return path;
  }
  return {};
}

void print_item(Result& result, nlohmann::ordered_json& rows, const Item& item) {
  const std::string path = first_found(item.programs);
  const bool found = !path.empty();
  std::string name = item.name;
  name.resize(12, ' ');
  const std::string state =
      found ? styled(Stream::out, Style::good, "found") : styled(Stream::out, Style::warning, "missing");
  result.line(text::cat("  ", name, state, found ? "    " + path : ""));
  if (!found) result.line(text::cat("              apt install ", item.package, "  (without it: ", item.lost, ")"));
  rows.push_back({{"name", item.name},
                  {"found", found},
                  {"path", found ? nlohmann::ordered_json(path) : nlohmann::ordered_json(nullptr)},
                  {"package", item.package}});
}

int doctor(Context& context) {
  Result& result = context.result();
  result.line(text::cat("thimble ", THIMBLE_VERSION, " (", THIMBLE_COMPILER, ", ", THIMBLE_BUILD_TYPE, ")"));
  result.line(text::cat("CPU: ", cpu_name(), ", ", instruction_set(), ", ", threads(), " threads"));
  result.line("Programs");
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Item& item : items()) print_item(result, rows, item);
  result.data("machine",
              nlohmann::ordered_json{
                  {"cpu", cpu_name()}, {"instructions", instruction_set()}, {"threads", threads()}, {"tools", rows}}
                  .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  return 0;
}

}  // namespace

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : text::split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::string instruction_set() {
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return avx512 ? "AVX-512" : "AVX2";
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return text::printable(text::trim(line.substr(line.find(':') + 1)));
  }
  return "unknown";
}

Verb doctor_verb() {
  Verb verb;
  verb.name = "doctor";
  verb.group = "Set up";
  verb.summary = "what this machine has";
  verb.run = doctor;
  verb.operands = plain_operands("", 0, 0);
  return verb;
}

}  // namespace thimble::app

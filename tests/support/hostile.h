#pragma once
// The list of hostile files: what each reader must do with them.

#include "core/io/file.h"
#include "core/io/json.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "tests/support/shared_data.h"

namespace thimble::test {

struct HostileCase {
  std::filesystem::path file;
  std::string name;  // as in cases.json
  bool accept = false;
  std::string why;
};

/// The cases of one reader that tests/data/hostile holds.
inline std::vector<HostileCase> hostile_cases(const std::string& parser) {
  std::vector<HostileCase> cases;
  const nlohmann::json list = io::read_json(test_data("hostile/cases.json"));
  for (const nlohmann::json& item : list) {
    if (item.at("parser") != parser) continue;
    std::string name = item.at("file");
    if (const std::size_t at = name.find(" ("); at != std::string::npos) {  // "hdf5_fuzzed/1 (crash_1 or hang_1)"
      const std::string number = name.substr(at - 1, 1);
      name = "hdf5_fuzzed/crash_" + number + ".h5";
      if (!std::filesystem::exists(test_data("hostile") / name)) name = "hdf5_fuzzed/hang_" + number + ".h5";
    }
    cases.push_back({test_data("hostile") / name, name, item.at("expect") != "reject", item.at("why")});
  }
  return cases;
}

}  // namespace thimble::test

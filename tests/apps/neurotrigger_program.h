#pragma once
// thimble-neurotrigger as a user starts it: command lines of small trainings, and what they leave behind.

#include "core/io/json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace thimble::test::neurotrigger_program {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

inline const std::string kProgram = "thimble-neurotrigger";

/// Path of a shipped configuration.
inline std::string config(const std::string& name) {
  return std::string(THIMBLE_SOURCE_DIR) + "/configs/neurotrigger/" + name + ".yaml";
}

/// Bare names find the shipped configurations: environment for programs started in a folder of their own.
inline Words shipped() {
  return {std::string("THIMBLE_CONFIG_PATH=") + THIMBLE_SOURCE_DIR + "/configs/neurotrigger"};
}

/// Settings of a training of two experts on few tracks.
inline Words few_tracks(const Words& more = {}) {
  Words words{"experts=[0,3]",          "epochs=3",
              "plots.final=false",      "data.simulate.train=6000",
              "data.simulate.val=1500", "data.simulate.test=0"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// `train demo` on few tracks; words behind come later and win.
inline Words training(const Words& more = {}) {
  Words words{"train", config("demo")};
  const Words settings = few_tracks(more);
  words.insert(words.end(), settings.begin(), settings.end());
  return words;
}

inline fs::path run_folder(const TempFolder& folder, const std::string& config_name = "demo", int version = 0) {
  return folder.path() / "runs/neurotrigger" / config_name / ("version_" + std::to_string(version));
}

inline nlohmann::json result_of(const fs::path& run, const std::string& expert) {
  return io::read_json(run / expert / "val_result.json");
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Compared without printing the content.
inline bool same_bytes(const fs::path& a, const fs::path& b) {
  return fs::exists(a) && read_text(a) == read_text(b);
}

inline std::int64_t lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

/// Runs the program to its end, which must be a good one; returns what it printed.
inline Ended run_well(const Words& words, const TempFolder& folder, const Words& environment = {}) {
  Ended ended = run_program(kProgram, words, folder.path(), environment);
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  return ended;
}

}  // namespace thimble::test::neurotrigger_program

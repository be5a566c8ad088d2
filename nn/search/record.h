#pragma once
// Trials and their outcomes as JSON text: lines of the journal, messages between ranks.

#include "nn/search/study.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace thimble::nn::search {

std::string record_of(const Trial& trial, const Outcome& outcome);

struct Recorded {
  std::size_t arm = 0, repeat = 0;
  Assignment values;
  Outcome outcome;
};
/// Throws nlohmann::json::exception for another document, Error for values that are none.
Recorded read_record(const nlohmann::json& json);

nlohmann::json json_of(const Assignment& values);
Assignment assignment_of(const nlohmann::json& json);

}  // namespace thimble::nn::search

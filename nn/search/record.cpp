#include "nn/search/record.h"

#include "core/io/json.h"

#include <nlohmann/json.hpp>

namespace thimble::nn::search {

nlohmann::json json_of(const Assignment& values) {
  nlohmann::json json = nlohmann::json::array();
  for (const auto& [name, value] : values) json.push_back({name, json_of_value(value)});
  return json;
}

Assignment assignment_of(const nlohmann::json& json) {
  Assignment values;
  for (const nlohmann::json& pair : json) values.emplace_back(pair.at(0), value_of_json(pair.at(1)));
  return values;
}

std::string record_of(const Trial& trial, const Outcome& outcome) {
  nlohmann::json metrics = nlohmann::json::object();
  for (const auto& [name, value] : outcome.metrics) metrics[name] = value;
  nlohmann::json json{{"arm", trial.arm},
                      {"repeat", trial.repeat},
                      {"values", json_of(*trial.values)},
                      {"failed", outcome.failed},
                      {"reason", outcome.reason},
                      {"metrics", metrics},
                      {"detail", io::parse_json(outcome.detail, "detail of a trial")},
                      {"seconds", outcome.seconds}};
  if (!outcome.curve.empty()) json["curve"] = outcome.curve;
  if (outcome.stopped) json["stopped"] = true;
  return io::json_text(json);
}

Recorded read_record(const nlohmann::json& json) {
  Recorded r;
  r.arm = json.at("arm");
  r.repeat = json.at("repeat");
  r.values = assignment_of(json.at("values"));
  r.outcome.failed = json.at("failed");
  r.outcome.reason = json.at("reason");
  for (const auto& [name, value] : json.at("metrics").items()) r.outcome.metrics[name] = value.get<double>();
  r.outcome.detail = io::json_text(json.at("detail"));
  r.outcome.seconds = json.at("seconds").is_null() ? 0 : json.at("seconds").get<double>();
  r.outcome.curve = json.value("curve", std::vector<double>());
  r.outcome.stopped = json.value("stopped", false);
  return r;
}

}  // namespace thimble::nn::search

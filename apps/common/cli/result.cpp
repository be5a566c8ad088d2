#include "apps/common/cli/result.h"

#include "apps/common/cli/screen.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace thimble::app {
namespace {

using Json = nlohmann::ordered_json;

Json error_object(const Error& error) {
  Json where = Json::object();
  const Place& place = error.place();
  if (!place.file.empty()) where["file"] = place.file;
  if (place.line > 0) where["line"] = place.line;
  if (place.column > 0) where["column"] = place.column;
  if (!place.name.empty()) where["key"] = place.name;
  Json hint = error.hint().empty() ? Json(nullptr) : Json(error.hint());
  return {{"code", error_code(error.kind())}, {"message", error.message()}, {"where", where}, {"hint", hint}};
}

Json metrics_object(const std::vector<std::pair<std::string, std::optional<double>>>& metrics) {
  Json out = Json::object();
  for (const auto& [path, value] : metrics) {
    const std::size_t dot = path.find('.');
    Json& place = dot == std::string::npos ? out[path] : out[path.substr(0, dot)][path.substr(dot + 1)];
    place = value ? Json(*value) : Json(nullptr);
  }
  return out;
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace

void Result::metric(std::string path, double value) {
  if (std::isfinite(value)) {
    metrics_.emplace_back(std::move(path), value);
    return;
  }
  warning(text::cat("metric ", path, " is ", value, ", written as null"));
  metrics_.emplace_back(std::move(path), std::nullopt);
}

std::string result_json(const Result& result, const Ending& ending) {
  Json document = {{"schema", "thimble.result/1"},
                   {"app", ending.app},
                   {"verb", text_or_null(ending.verb)},
                   {"status", ending.status},
                   {"exit", ending.exit},
                   {"run", text_or_null(result.run_)},
                   {"seconds", std::round(ending.seconds * 1000) / 1000},
                   {"seed", result.seed_ ? Json(*result.seed_) : Json(nullptr)},
                   {"version", THIMBLE_VERSION},
                   {"metrics", metrics_object(result.metrics_)}};
  document["files"] = Json::object();
  for (const auto& [name, path] : result.files_) document["files"][name] = path;
  for (const auto& [name, json] : result.data_) document[name] = Json::parse(json);
  document["warnings"] = result.warnings_;
  document["error"] = ending.errors.empty() ? Json(nullptr) : error_object(ending.errors.front());
  if (ending.errors.size() > 1) {
    for (const Error& error : ending.errors) document["errors"].push_back(error_object(error));
  }
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace thimble::app

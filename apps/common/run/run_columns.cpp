#include "apps/common/run/run_columns.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/io/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace thimble::app {
namespace {

using Leaves = std::map<std::string, nlohmann::json>;

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

void leaves_of(const nlohmann::json& value, const std::string& prefix, Leaves& out) {
  if (!value.is_object()) {
    out[prefix] = value;
    return;
  }
  for (const auto& [key, inner] : value.items()) leaves_of(inner, prefix.empty() ? key : prefix + "." + key, out);
}

/// Settings, then metrics over them, then what every run has.
Leaves leaves_of(const RunRecord& run) {
  Leaves leaves;
  if (run.summary != nullptr) {
    for (const char* part : {"config", "metrics"})
      if (const auto found = run.summary->find(part); found != run.summary->end()) leaves_of(*found, "", leaves);
    if (const auto seconds = run.summary->find("seconds"); seconds != run.summary->end()) leaves["seconds"] = *seconds;
  }
  leaves.erase("");
  leaves["run"] = run.run;
  leaves["config"] = run.config;
  leaves["status"] = run.status;
  leaves["note"] = run.note;
  leaves["version"] = run.version;
  return leaves;
}

bool is_number(const nlohmann::json& value) {
  return value.is_number() || value.is_boolean() || value.is_null();
}

double number_of(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  return value.is_number() ? value.get<double>() : kAbsent;
}

std::string text_of(const nlohmann::json& value) {
  return value.is_null() ? "" : value.is_string() ? value.get<std::string>() : io::json_text(value);
}

bool holds(double value, const std::string& compare, double limit) {
  if (compare == ">") return value > limit;
  if (compare == ">=") return value >= limit;
  return compare == "<" ? value < limit : value <= limit;
}

}  // namespace

expr::Columns columns_of(const std::vector<RunRecord>& runs) {
  std::vector<Leaves> all;
  std::map<std::string, bool> numeric;
  for (const RunRecord& run : runs) {
    all.push_back(leaves_of(run));
    for (const auto& [name, value] : all.back()) {
      const auto known = numeric.try_emplace(name, true).first;
      known->second = known->second && is_number(value);
    }
  }
  expr::Columns columns;
  columns.rows = runs.size();
  for (const auto& [name, numbers] : numeric) {
    for (const Leaves& leaves : all) {
      const auto found = leaves.find(name);
      const nlohmann::json value = found == leaves.end() ? nlohmann::json() : found->second;
      if (numbers)
        columns.numbers[name].push_back(number_of(value));
      else
        columns.texts[name].push_back(text_of(value));
    }
  }
  return columns;
}

FailCondition::FailCondition(std::string text, const expr::Columns& runs) : text_(std::move(text)) {
  relative_ = parse_change(runs);
  if (!relative_) expr::Formula(text_, runs, "--fail-if");
}

/// NAME > +2%: a comparison with a signed number or with a percentage.
bool FailCondition::parse_change(const expr::Columns& runs) {
  const std::size_t at = text_.find_first_of("<>");
  if (at == std::string::npos) return false;
  compare_ = text_.substr(at, at + 1 < text_.size() && text_[at + 1] == '=' ? 2 : 1);
  metric_ = std::string(text::trim(std::string_view(text_).substr(0, at)));
  std::string limit(text::trim(std::string_view(text_).substr(at + compare_.size())));
  percent_ = limit.ends_with("%");
  if (percent_) limit.pop_back();
  const bool sign = limit.starts_with("+") || limit.starts_with("-");
  if (limit.starts_with("+")) limit.erase(0, 1);
  if ((!sign && !percent_) || !text::parse(text::trim(limit), change_)) return false;
  expr::Formula(metric_, runs, "--fail-if");  // names an unknown metric
  return true;
}

std::vector<bool> FailCondition::met(const expr::Columns& runs) const {
  std::vector<bool> out;
  if (!relative_) {
    out = expr::Formula(text_, runs, "--fail-if").mask(runs);
    out.erase(out.begin());
    return out;
  }
  const std::vector<double> values = expr::Formula(metric_, runs, "--fail-if").values(runs);
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (!std::isfinite(values[0]) || !std::isfinite(values[i]))
      throw Error(
          ErrorKind::data,
          text::cat("run ", runs.texts.at("run")[std::isfinite(values[0]) ? i : 0], " has no value of '", metric_, "'"),
          {"", 0, 0, "--fail-if"});
    const double change = values[i] - values[0];
    out.push_back(holds(percent_ ? 100 * change / std::abs(values[0]) : change, compare_, change_));
  }
  return out;
}

}  // namespace thimble::app

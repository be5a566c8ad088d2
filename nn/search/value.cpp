#include "nn/search/value.h"

#include "core/base/error.h"
#include "core/io/json.h"

#include <nlohmann/json.hpp>

namespace thimble::nn::search {

Value::Value() = default;
Value::Value(bool value) : data(value) {}
Value::Value(std::int64_t value) : data(value) {}
Value::Value(double value) : data(value) {}
Value::Value(std::string value) : data(std::move(value)) {}
Value::Value(List value) : data(std::move(value)) {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

std::optional<double> Value::number() const {
  if (const auto* whole = std::get_if<std::int64_t>(&data)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&data)) return *real;
  return std::nullopt;
}

std::string Value::json() const {
  return io::json_text(json_of_value(*this));
}

std::string Value::str() const {
  if (const auto* text = std::get_if<std::string>(&data)) return *text;
  if (const auto value = number()) return text::shortest(*value);
  const auto* list = std::get_if<List>(&data);
  if (list == nullptr) return json();
  std::vector<std::string> parts;
  for (const Value& item : *list) parts.push_back(item.str());
  return text::cat("[", text::join(parts, ", "), "]");
}

Value value_of_json(const nlohmann::json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return {json.get<bool>()};
  if (json.is_number_integer()) return {json.get<std::int64_t>()};
  if (json.is_number()) return {json.get<double>()};
  if (json.is_string()) return {json.get<std::string>()};
  if (!json.is_array()) fail(ErrorKind::data, "a value of a parameter is a scalar or a list, not a map");
  Value::List list;
  for (const nlohmann::json& item : json) list.push_back(value_of_json(item));
  return {std::move(list)};
}

nlohmann::json json_of_value(const Value& value) {
  return std::visit(
      [](const auto& held) -> nlohmann::json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<Held, Value::List>) {
          nlohmann::json list = nlohmann::json::array();
          for (const Value& item : held) list.push_back(json_of_value(item));
          return list;
        } else {
          return held;
        }
      },
      value.data);
}

bool same_setting(const Value& a, const Value& b) {
  const auto x = a.number(), y = b.number();
  return x && y ? *x == *y : a == b;
}

std::string str(const Assignment& values) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : values) parts.push_back(text::cat(name, "=", value.str()));
  return text::join(parts, " ");
}

bool same_settings(const Assignment& a, const Assignment& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].first != b[i].first || !same_setting(a[i].second, b[i].second)) return false;
  return true;
}

}  // namespace thimble::nn::search

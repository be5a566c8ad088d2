#pragma once
// A setting of one searched parameter: whatever a configuration file may hold.

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace thimble::nn::search {

struct Value {
  using List = std::vector<Value>;
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List> data;

  // not in the header: g++ 12 takes inlined moves of the variant for uses of uninitialised memory
  Value();
  Value(bool value);          // NOLINT(google-explicit-constructor)
  Value(std::int64_t value);  // NOLINT(google-explicit-constructor)
  Value(double value);        // NOLINT(google-explicit-constructor)
  Value(std::string value);   // NOLINT(google-explicit-constructor)
  Value(List value);          // NOLINT(google-explicit-constructor)
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  bool operator==(const Value&) const = default;
  /// The number it holds, if it is one; true and false are none.
  std::optional<double> number() const;
  /// One line of JSON, which is YAML as well: 0.001, "tanh/2", [0, 1], null.
  std::string json() const;
  /// For people: text without quotes, numbers at their shortest.
  std::string str() const;
};

/// Throws Error(data) for an object: a parameter's value is a scalar or a list.
Value value_of_json(const nlohmann::json& json);
nlohmann::json json_of_value(const Value& value);

/// Equal as settings: the whole number 3 and the number 3.0 are the same.
bool same_setting(const Value& a, const Value& b);

/// Settings of all parameters of an arm, in the order of the space.
using Assignment = std::vector<std::pair<std::string, Value>>;

/// "learning_rate=0.001 act=tanh"
std::string str(const Assignment& values);
bool same_settings(const Assignment& a, const Assignment& b);

}  // namespace thimble::nn::search

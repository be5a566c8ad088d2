#include "apps/neurotrigger/train/weights_file.h"

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/json.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace thimble::neurotrigger {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kExpertPrefix = "expert_", kModelPrefix = "model.";

std::string dimensions(const Shape& shape) {
  std::vector<std::string> sizes;
  for (const std::int64_t size : shape) sizes.push_back(text::to_text(size));
  return "[" + text::join(sizes, ", ") + "]";
}

/// Numbers of dimension `dim` and below, nested in brackets.
void append_values(std::string& out, const float*& value, const Shape& shape, int dim) {
  if (dim == shape.rank()) {
    out += io::json_number(static_cast<double>(*value++));
    return;
  }
  out += '[';
  for (std::int64_t i = 0; i < shape[dim]; ++i) {
    if (i > 0) out += ", ";
    append_values(out, value, shape, dim + 1);
  }
  out += ']';
}

void append_state(std::string& out, const State& state) {
  out += "{\"shapes\": {";
  for (std::size_t i = 0; i < state.size(); ++i)
    out += text::cat(i > 0 ? ", " : "", '"', kModelPrefix, state[i].first, "\": ", dimensions(state[i].second.shape()));
  out += "}, \"weights\": {";
  for (std::size_t i = 0; i < state.size(); ++i) {
    out += text::cat(i > 0 ? ", " : "", '"', kModelPrefix, state[i].first, "\": ");
    const float* value = state[i].second.data<float>();
    append_values(out, value, state[i].second.shape(), 0);
  }
  out += "}}";
}

[[noreturn]] void refuse(const std::string& file, const std::string& where, const std::string& what) {
  throw Error(ErrorKind::data, what, {file, 0, 0, where}, "export the weights again");
}

const Json& member(const Json& object, const char* key, const std::string& file, const std::string& where) {
  if (!object.is_object() || !object.contains(key)) refuse(file, where, text::cat("'", key, "' is missing"));
  return object.at(key);
}

Shape shape_of(const Json& list, const std::string& file, const std::string& where) {
  constexpr std::int64_t kMostPerDimension = 1 << 20;
  std::vector<std::int64_t> sizes;
  if (!list.is_array() || list.size() > kMaxRank) refuse(file, where, "a shape must be a short list of sizes");
  for (const Json& size : list) {
    if (!size.is_number_integer() || size.get<std::int64_t>() < 0 || size.get<std::int64_t>() > kMostPerDimension)
      refuse(file, where, "a size must be a whole number from 0 to 1048576");
    sizes.push_back(size.get<std::int64_t>());
  }
  return Shape(std::span<const std::int64_t>(sizes));
}

void read_values(const Json& values, const Shape& shape, int dim, std::vector<float>& out, const std::string& file,
                 const std::string& where) {
  if (dim == shape.rank()) {
    if (!values.is_number()) refuse(file, where, "a weight is no number");
    const float value = static_cast<float>(values.get<double>());
    if (!std::isfinite(value)) refuse(file, where, "a weight does not fit a 32-bit float");
    out.push_back(value);
    return;
  }
  if (!values.is_array() || static_cast<std::int64_t>(values.size()) != shape[dim])
    refuse(file, where, text::cat("the numbers do not have the shape ", shape, " that the file gives"));
  for (const Json& part : values) read_values(part, shape, dim + 1, out, file, where);
}

State read_state(const Json& network, const std::string& file, const std::string& expert) {
  const Json &shapes = member(network, "shapes", file, expert), &weights = member(network, "weights", file, expert);
  State state;
  for (const auto& [key, list] : shapes.items()) {
    const std::string where = expert + "." + key;
    if (key.rfind(kModelPrefix, 0) != 0) refuse(file, where, "a tensor name must begin with 'model.'");
    const Shape shape = shape_of(list, file, where);
    std::vector<float> values;
    read_values(member(weights, key.c_str(), file, expert), shape, 0, values, file, where);
    state.emplace_back(key.substr(kModelPrefix.size()), Tensor::from(values, shape));
  }
  return state;
}

}  // namespace

const Tensor* find_tensor(const State& state, std::string_view name) {
  for (const auto& [key, tensor] : state)
    if (key == name) return &tensor;
  return nullptr;
}

std::string weights_json(const Networks& networks) {
  std::string out = "{";
  for (const auto& [expert, state] : networks) {
    if (out.size() > 1) out += ", ";
    out += text::cat('"', kExpertPrefix, expert, "\": ");
    append_state(out, state);
  }
  return out + "}";
}

Networks parse_weights(std::string_view json, const std::string& name) {
  const Json root = io::parse_json(json, name);
  if (!root.is_object()) refuse(name, "", "the file must hold an object with one entry per expert");
  Networks networks;
  for (const auto& [key, network] : root.items()) {
    std::int64_t expert = 0;
    if (key.rfind(kExpertPrefix, 0) != 0 || !text::parse(key.substr(kExpertPrefix.size()), expert)) continue;
    if (expert >= -1 && expert <= 4) networks[static_cast<int>(expert)] = read_state(network, name, key);
  }
  if (networks.empty()) refuse(name, "", "no network of an expert in the file");
  return networks;
}

Networks read_weights(const std::filesystem::path& path) {
  return parse_weights(io::read_file(path, io::limits::kJsonBytes), path.string());
}

}  // namespace thimble::neurotrigger

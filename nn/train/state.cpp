#include "nn/train/state.h"

#include "core/base/error.h"

namespace thimble::nn {
namespace {

template <class Map>
const auto& entry(const Map& map, const std::string& name, const char* what) {
  const auto found = map.find(name);
  THIMBLE_CHECK(found != map.end(), data, "saved state: the ", what, " '", name, "' is missing");
  return found->second;
}

template <class T>
T parsed(const State& state, const std::string& name) {
  T value{};
  THIMBLE_CHECK(text::parse(state.text(name), value), data, "saved state: '", name, "' is '",
                text::printable(state.text(name)), "', a number is wanted");
  return value;
}

}  // namespace

const std::string& State::text(const std::string& name) const {
  return entry(facts, name, "fact");
}

std::int64_t State::integer(const std::string& name) const {
  return parsed<std::int64_t>(*this, name);
}

double State::number(const std::string& name) const {
  return parsed<double>(*this, name);
}

const Tensor& State::tensor(const std::string& name) const {
  return entry(tensors, name, "tensor");
}

}  // namespace thimble::nn

#include "nn/train/metrics.h"

#include "core/base/error.h"

namespace thimble::nn {

void Metrics::set(std::string_view name, double value) {
  for (auto& entry : values_)
    if (entry.first == name) {
      entry.second = value;
      return;
    }
  values_.emplace_back(name, value);
}

void Metrics::append(const Metrics& other) {
  for (const auto& [name, value] : other) set(name, value);
}

const double* Metrics::find(std::string_view name) const {
  for (const auto& entry : values_)
    if (entry.first == name) return &entry.second;
  return nullptr;
}

double Metrics::at(std::string_view name) const {
  if (const double* value = find(name)) return *value;
  std::vector<std::string> known;
  for (const auto& entry : values_) known.push_back(entry.first);
  throw Error(ErrorKind::config, text::cat("there is no metric '", name, "'"), {}, "known: " + text::join(known, ", "));
}

}  // namespace thimble::nn

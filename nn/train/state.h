#pragma once
// What must survive a kill: named tensors and named facts. Optimiser, callbacks and loop each fill one; the checkpoint
// stores them all.

#include "core/base/text.h"
#include "core/tensor/tensor.h"

#include <map>
#include <string>
#include <string_view>

namespace thimble::nn {

class State {
 public:
  std::map<std::string, Tensor> tensors = {};     // by path, "hidden.weight"
  std::map<std::string, std::string> facts = {};  // numbers in their shortest exact form

  /// Stores a number or a text.
  template <class T>
  void set(const std::string& name, const T& value) {
    facts[name] = text::to_text(value);
  }
  /// Throw Error(data) if the fact is missing or of another kind.
  const std::string& text(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  double number(const std::string& name) const;
  const Tensor& tensor(const std::string& name) const;
};

}  // namespace thimble::nn

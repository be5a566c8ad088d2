#pragma once
// What a module holds: parameters (trained) and buffers (kept). A module is a plain struct with a static
// `members(self, visit)` that names its parts; everything generic (counting, optimiser, checkpoint, surgery) is a
// visitor over those names.

#include "core/tensor/tensor.h"

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace thimble::nn {

/// What an axis of a parameter means: neurons of this layer, neurons of the layer before, or taps of a filter.
enum class Axis : std::uint8_t { out, in, tap };

/// A trained tensor with its gradient and the meaning of its axes.
struct Parameter {
  Tensor value;
  Tensor grad;               // same shape; written by a backward pass
  std::vector<Axis> axes;    // one role per dimension
  bool trainable = true;     // false: the optimiser leaves it alone
  std::vector<double> rate;  // learning-rate factor per neuron along `out`; empty = 1 for all

  Parameter() = default;
  Parameter(Shape shape, std::vector<Axis> roles, DType dtype = DType::f32)
      : value(Tensor::zeros(shape, dtype)), grad(Tensor::zeros(shape, dtype)), axes(std::move(roles)) {}
};

/// A tensor that belongs to the model and is not trained by gradients (running statistics).
struct Buffer {
  Tensor value;
};

template <class M>
concept Module = requires(std::remove_const_t<M>& m) {
  std::remove_const_t<M>::members(m, [](std::string_view, auto&) {});
};

/// Calls f(path, leaf) for every Parameter and Buffer below `module`; paths are dotted ("hidden.weight"), the elements
/// of a vector are numbered ("layers.0.weight").
template <class M, class F>
void for_each_leaf(M& module, F&& f, const std::string& prefix = "") {
  const auto below = [&prefix](std::string_view name) {
    return prefix.empty() ? std::string(name) : prefix + "." + std::string(name);
  };
  using Plain = std::remove_const_t<M>;
  if constexpr (std::is_same_v<Plain, Parameter> || std::is_same_v<Plain, Buffer>) {
    f(prefix, module);
  } else if constexpr (Module<Plain>) {
    Plain::members(module, [&](std::string_view name, auto& part) { for_each_leaf(part, f, below(name)); });
  } else {
    for (std::size_t i = 0; i < module.size(); ++i) for_each_leaf(module[i], f, below(std::to_string(i)));
  }
}

template <class M, class F>
void for_each_parameter(M& module, F&& f) {
  for_each_leaf(module, [&f](const std::string& path, auto& leaf) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Parameter>) f(path, leaf);
  });
}

template <class M, class F>
void for_each_buffer(M& module, F&& f) {
  for_each_leaf(module, [&f](const std::string& path, auto& leaf) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Buffer>) f(path, leaf);
  });
}

/// A leaf of a model with its path; the model must outlive it and keep its structure.
struct NamedParameter {
  std::string path;
  Parameter* parameter;
};
struct NamedBuffer {
  std::string path;
  Buffer* buffer;
};

/// A model without its type: what trainer, optimiser and checkpoint work on.
struct Parts {
  std::vector<NamedParameter> parameters;
  std::vector<NamedBuffer> buffers;

  /// Number of elements of all parameters.
  std::int64_t count() const;
  /// Null if there is none of that path.
  Parameter* find(std::string_view path) const;
};

template <Module M>
Parts parts_of(M& model) {
  Parts parts;
  for_each_parameter(model, [&](const std::string& path, Parameter& p) { parts.parameters.push_back({path, &p}); });
  for_each_buffer(model, [&](const std::string& path, Buffer& b) { parts.buffers.push_back({path, &b}); });
  return parts;
}

/// Copies of all parameters and buffers, to put them back later (best weights of a training).
class Snapshot {
 public:
  Snapshot() = default;
  explicit Snapshot(const Parts& parts);
  explicit Snapshot(std::vector<Tensor> values) : values_(std::move(values)) {}
  bool empty() const { return values_.empty(); }
  /// Parameters, then buffers, in the order of Parts.
  const std::vector<Tensor>& tensors() const { return values_; }
  /// Throws Error(shape) if the model has changed since.
  void restore(const Parts& parts) const;

 private:
  std::vector<Tensor> values_;
};

/// All parameters of a model in ONE buffer of values and ONE of gradients, so that an optimiser step is one pass over
/// memory. Every parameter becomes a view of a slice that starts at a 64-byte boundary; the gaps are zero and stay so.
class FlatParameters {
 public:
  struct Slice {
    std::string path;
    Parameter* parameter;
    std::int64_t first;  // element of the flat buffers
    std::int64_t count;
  };

  FlatParameters() = default;
  /// Moves the parameters into the flat buffers, keeping their numbers. All must have one dtype: Error(dtype).
  explicit FlatParameters(const std::vector<NamedParameter>& parameters);

  const Tensor& values() const { return values_; }
  const Tensor& grads() const { return grads_; }
  const std::vector<Slice>& slices() const { return slices_; }
  /// Elements including the gaps.
  std::int64_t size() const { return values_.defined() ? values_.numel() : 0; }
  /// A view of another flat tensor (moments) that belongs to one parameter, in its shape.
  static Tensor part(const Tensor& flat, const Slice& slice);

 private:
  Tensor values_, grads_;
  std::vector<Slice> slices_;
};

}  // namespace thimble::nn

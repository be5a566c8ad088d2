#pragma once

#include "autograd/program.h"

#include "nn/data/dataset.h"

#include <functional>
#include <map>
#include <memory>

namespace thimble::nn {

/// Runs a model over many rows without gradients: one captured program per batch size, weights as they are at the call.
class Predictor {
 public:
  /// `forward` maps x [B, ...] to y [B, ...]; it is called once per batch size and must use the model in place.
  /// Make it after the trainer of that model, which moves the weights into flat storage.
  explicit Predictor(std::function<Var(const Var&)> forward, std::int64_t batch = 2048, Layout layout = Layout::lanes);
  ~Predictor();
  Predictor(Predictor&&) noexcept;

  /// Outputs of the named rows of x [N, ...], in their order: [rows, ...], rows layout.
  Tensor operator()(const Tensor& x, std::span<const std::int64_t> rows);
  Tensor operator()(const View& view) { return (*this)(view.data->x, view.rows); }

 private:
  struct Slot;
  Slot& slot_for(std::int64_t rows, const Tensor& x);

  std::function<Var(const Var&)> forward_;
  std::int64_t batch_;
  Layout layout_;
  std::map<std::int64_t, std::unique_ptr<Slot>> slots_;  // a full one and a tail
};

}  // namespace thimble::nn

#include "nn/train/predictor.h"

#include "core/base/error.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace thimble::nn {

struct Predictor::Slot {
  Tensor x, y;
  std::optional<Program> program;
};

Predictor::Predictor(std::function<Var(const Var&)> forward, std::int64_t batch, Layout layout)
    : forward_(std::move(forward)), batch_(batch), layout_(layout) {
  THIMBLE_CHECK(batch >= 1, config, "batch size is ", batch, ", it must be 1 or more");
}
Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;

Predictor::Slot& Predictor::slot_for(std::int64_t rows, const Tensor& x) {
  std::unique_ptr<Slot>& slot = slots_[rows];
  if (slot) return *slot;
  if (slots_.size() > 4) {  // keep the full batch, forget old tails
    slots_.clear();
    return slot_for(rows, x);
  }
  Shape shape = x.shape();
  shape.set(0, rows);
  slot = std::make_unique<Slot>();
  slot->x = Tensor::zeros(shape, x.dtype(), layout_);
  return *slot;
}

Tensor Predictor::operator()(const Tensor& x, std::span<const std::int64_t> rows) {
  Tensor all;
  const auto count = static_cast<std::int64_t>(rows.size());
  for (std::int64_t first = 0; first < count; first += batch_) {
    const std::int64_t now = std::min(batch_, count - first);
    Slot& slot = slot_for(now, x);
    gather_rows(x, rows.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(now)), slot.x);
    if (slot.program)
      slot.program->run();
    else
      slot.program.emplace(Program::capture([&] { slot.y = forward_(constant(slot.x)).value(); }));
    const Tensor y = slot.y.to(Layout::rows);
    Shape shape = y.shape();
    shape.set(0, count);
    if (!all.defined()) all = Tensor::empty(shape, y.dtype());
    copy_into(y, all.rows(first, now));
  }
  return all;
}

}  // namespace thimble::nn

#include "core/kernels/gather.h"

#include "core/kernels/dispatch.h"
#include "core/tensor/dtype.h"

#include <algorithm>
#include <array>

namespace thimble::kernels {

void gather_lanes(const float* source, std::int64_t width, std::span<const std::int64_t> rows, float* target) {
  const auto count = static_cast<std::int64_t>(rows.size());
  std::array<const float*, kLanes> pointers{};
  for (std::int64_t first = 0; first < count; first += kLanes, target += width * kLanes) {
    const std::int64_t live = std::min(kLanes, count - first);
    for (std::int64_t lane = 0; lane < live; ++lane)
      pointers[static_cast<std::size_t>(lane)] = source + rows[static_cast<std::size_t>(first + lane)] * width;
    isa().transpose_in(pointers.data(), live, width, target);
  }
}

void scatter_rows(const Tensor& lanes, const Tensor& rows) {
  if (lanes.dtype() != DType::f32) return copy_into(lanes.to(Layout::rows), rows);
  const std::int64_t batch = lanes.size(0), width = lanes.shape().numel_from(1);
  for (std::int64_t b = 0; b < batch; b += kLanes)
    isa().transpose_out(lanes.data<float>() + b * width, std::min(kLanes, batch - b), width,
                        rows.mut<float>() + b * width, width);
}

}  // namespace thimble::kernels

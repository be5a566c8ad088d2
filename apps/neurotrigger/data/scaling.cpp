#include "apps/neurotrigger/data/scaling.h"

#include "core/base/error.h"

namespace thimble::neurotrigger {
namespace {

template <class Z, class Theta>
Tensor map_columns(const Tensor& in, const Z& z, const Theta& theta) {
  THIMBLE_CHECK(in.rank() == 2 && (in.size(1) == 1 || in.size(1) == 2), shape,
                "scaling needs [N, 1] (z) or [N, 2] (z, theta), got ", in.shape());
  const std::int64_t width = in.size(1);
  Tensor out = Tensor::empty(in.shape());
  const float* from = in.data<float>();
  float* to = out.mut<float>();
  for (std::int64_t i = 0; i < in.numel(); ++i) {
    const double value = static_cast<double>(from[i]);
    to[i] = static_cast<float>(i % width == 0 ? z(value) : theta(value));
  }
  return out;
}

}  // namespace

Tensor to_physics(const Tensor& scaled) {
  return map_columns(scaled, z_to_cm, theta_to_degrees);
}

Tensor to_scaled(const Tensor& physics) {
  return map_columns(physics, scale_z, scale_theta);
}

}  // namespace thimble::neurotrigger

#pragma once
// From reduced features to movement: decoders with one interface.

#include "core/tensor/tensor.h"

#include "apps/common/config/schema.h"

#include <memory>
#include <string>

namespace thimble::fenet {

struct DecoderKeys {
  std::string kind = "linear";
  double ridge = 1.0;
  std::int64_t lags_before = 4, lags_after = 0;
  static void fields(auto& self, auto&& f) {
    f("kind", self.kind, "decoder behind the features", app::one_of({"linear", "ridge", "wiener", "kalman"}));
    f("ridge", self.ridge, "ridge: weight of the squared coefficients", app::at_least(0));
    f("lags_before", self.lags_before, "wiener: earlier segments whose features count", app::between(0, 1000),
      app::unit("segments"));
    f("lags_after", self.lags_after, "wiener: later segments whose features count (not causal)", app::between(0, 1000),
      app::unit("segments"));
  }
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// x [n, m], consecutive segments -> [n, D] f64.
  virtual Tensor predict(const Tensor& x) const = 0;
};

/// Fits on consecutive segments x [n, m] (f32 or f64), y [n, D].
std::unique_ptr<Decoder> fit_decoder(const DecoderKeys& keys, const Tensor& x, const Tensor& y);

}  // namespace thimble::fenet

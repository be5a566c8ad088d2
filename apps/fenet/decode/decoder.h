#pragma once
// From reduced features to movement: decoders with one interface.

#include "core/tensor/tensor.h"

#include "apps/common/config/schema.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace thimble::fenet {

/// What is wrong with `text` as the format of a quantised decoder; empty if nothing is ("" and "(9,6)" are fine).
std::string quantiser_fault(const std::string& text);

struct DecoderKeys {
  std::string kind = "linear";
  double ridge = 1.0;
  std::int64_t lags_before = 4, lags_after = 0;
  std::int64_t lag = 0;
  double smoothing = 0;
  bool kalman_integral = false;
  std::string quantise;
  static void fields(auto& self, auto&& f) {
    f("kind", self.kind, "decoder behind the features", app::one_of({"linear", "ridge", "wiener", "kalman"}));
    f("ridge", self.ridge, "ridge and wiener: weight of the squared coefficients", app::at_least(0));
    f("lags_before", self.lags_before, "wiener: earlier segments whose features count", app::between(0, 1000),
      app::unit("segments"));
    f("lags_after", self.lags_after, "wiener: later segments whose features count (not causal)", app::between(0, 1000),
      app::unit("segments"));
    f("lag", self.lag, "how much earlier than the movement the features are taken (below 0: later)",
      app::between(-1000, 1000), app::unit("segments"));
    f("smoothing", self.smoothing, "time constant of an exponential average over predictions; 0: none",
      app::at_least(0), app::unit("segments"));
    f("kalman_integral", self.kalman_integral, "kalman: the state holds the running sum of the labels too");
    f("quantise", self.quantise,
      "linear, ridge and wiener: format of inputs, coefficients and intercepts, such as (9,6); empty: none",
      app::check([](const app::Node& node) {
        std::string text;
        app::read_value(node, text);
        return quantiser_fault(text);
      }));
  }
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// x [n, m], consecutive segments -> [n, D] f64.
  virtual Tensor predict(const Tensor& x) const = 0;
};

/// Fits on segments x [n, m] (f32 or f64), y [n, D]. `starts`: rows at which a new run of consecutive segments begins
/// (row 0 always does); history does not reach across. Throws Error(value), Error(shape) as linalg::fit_linear.
std::unique_ptr<Decoder> fit_decoder(const DecoderKeys& keys, const Tensor& x, const Tensor& y,
                                     const std::vector<std::int64_t>& starts = {});

}  // namespace thimble::fenet

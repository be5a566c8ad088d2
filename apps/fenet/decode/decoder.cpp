#include "apps/fenet/decode/decoder.h"

#include "core/base/error.h"
#include "core/linalg/least_squares.h"

namespace thimble::fenet {
namespace {

class LinearDecoder : public Decoder {
 public:
  explicit LinearDecoder(linalg::LinearFit fit) : fit_(std::move(fit)) {}
  Tensor predict(const Tensor& x) const override { return linalg::predict(fit_, x); }

 private:
  linalg::LinearFit fit_;
};

}  // namespace

std::unique_ptr<Decoder> fit_decoder(const DecoderKeys& keys, const Tensor& x, const Tensor& y) {
  if (keys.kind == "linear") return std::make_unique<LinearDecoder>(linalg::fit_linear(x, y));
  if (keys.kind == "ridge") return std::make_unique<LinearDecoder>(linalg::fit_linear(x, y, keys.ridge));
  fail(ErrorKind::config, "decoder.kind: ", keys.kind, " is not known");
}

}  // namespace thimble::fenet

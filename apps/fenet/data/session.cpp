#include "apps/fenet/data/session.h"

namespace thimble::fenet {
namespace {

class InMemory : public SegmentSource {
 public:
  explicit InMemory(Tensor x) : x_(std::move(x)) {}
  std::int64_t segments() const override { return x_.size(0); }
  std::int64_t channels() const override { return x_.size(1); }
  std::int64_t samples() const override { return x_.size(2); }
  void read(std::int64_t first, const Tensor& block) const override { copy_into(x_.rows(first, block.size(0)), block); }
  const Tensor* resident() const override { return &x_; }

 private:
  Tensor x_;
};

}  // namespace

std::shared_ptr<const SegmentSource> in_memory(Tensor x) {
  return std::make_shared<InMemory>(std::move(x));
}

}  // namespace thimble::fenet

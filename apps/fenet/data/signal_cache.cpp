#include "apps/fenet/data/signal_cache.h"

#include "core/base/log.h"
#include "core/io/cache.h"

#include <algorithm>

namespace thimble::fenet {
namespace {

constexpr const char* kSignalFormat = "fenet-signals-1";
constexpr const char* kSignalPath = "/signals";
constexpr std::int64_t kPieceBytes = 32 << 20;

class CachedSignals : public SegmentSource {
 public:
  CachedSignals(Segments source, const std::string& folder, std::vector<std::filesystem::path> files,
                std::string options)
      : source_(std::move(source)), cache_(folder), files_(std::move(files)), options_(std::move(options)) {
    const std::int64_t bytes = channels() * samples() * std::int64_t{sizeof(float)};
    each_ = std::max<std::int64_t>(1, kPieceBytes / std::max<std::int64_t>(1, bytes));
  }
  std::int64_t segments() const override { return source_->segments(); }
  std::int64_t channels() const override { return source_->channels(); }
  std::int64_t samples() const override { return source_->samples(); }
  void read(std::int64_t first, const Tensor& block) const override {
    for (std::int64_t done = 0; done < block.size(0);) {
      fetch((first + done) / each_);
      const std::int64_t from = first + done - piece_ * each_;
      const std::int64_t count = std::min(block.size(0) - done, piece_signals_.size(0) - from);
      copy_into(piece_signals_.rows(from, count), block.rows(done, count));
      done += count;
    }
  }

 private:
  void fetch(std::int64_t piece) const {
    if (piece == piece_) return;
    const Shape shape{std::min(each_, segments() - piece * each_), channels(), samples()};
    const std::string options = text::cat(options_, " piece ", piece, " of ", each_, " segments");
    const io::SealedFile file = cache_.get(files_, options, kSignalFormat, [&](io::SealedWriter& out) {
      const Tensor signals = Tensor::empty(shape);
      source_->read(piece * each_, signals);
      out.dataset(kSignalPath, signals);
    });
    if (!warned_)
      for (const std::string& warning : cache_.warnings()) log::warning(warning), warned_ = true;
    piece_signals_ = file.read(kSignalPath, shape);
    piece_ = piece;
  }

  Segments source_;
  mutable io::Cache cache_;
  std::vector<std::filesystem::path> files_;
  std::string options_;
  std::int64_t each_ = 1;
  mutable std::int64_t piece_ = -1;
  mutable Tensor piece_signals_;
  mutable bool warned_ = false;
};

}  // namespace

Segments cached(Segments source, const std::string& folder, std::vector<std::filesystem::path> files,
                std::string options) {
  return std::make_shared<CachedSignals>(std::move(source), folder, std::move(files), std::move(options));
}

}  // namespace thimble::fenet

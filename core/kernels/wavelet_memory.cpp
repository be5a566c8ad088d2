#include "core/kernels/wavelet_memory.h"

#include "core/base/error.h"

#include <algorithm>
#include <cstddef>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace thimble::kernels {
namespace {

std::int64_t groups_of(std::int64_t windows) {
  return (windows + kLanes - 1) / kLanes;
}

/// Whether both drop the same pass outputs.
bool same_masks(const WaveletDropout& a, const WaveletDropout& b) {
  if (a.share == 0 && b.share == 0) return true;
  return a.share == b.share && a.random.key() == b.random.key() && a.step == b.step && a.first_window == b.first_window;
}

/// Large pages for numbers that nobody touched yet: tens of megabytes are written and read once per step, which is
/// nearly twice as fast as through pages of 4 KiB. A wish only; without it everything works.
void wish_large_pages([[maybe_unused]] const Tensor& numbers) {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t kPage = std::size_t{2} << 20U;
  void* first = numbers.raw_mut();
  std::size_t room = numbers.bytes();
  if (std::align(kPage, kPage, first, room) != nullptr) madvise(first, room / kPage * kPage, MADV_HUGEPAGE);
#endif
}

}  // namespace

WaveletKept wavelet_kept(const WaveletChain& chain, std::int64_t samples) {
  const std::vector<std::int64_t> lengths = chain.lengths(samples);
  WaveletKept kept{lengths.back(), chain.features()};
  for (std::size_t l = 0; l < lengths.size(); ++l) {
    const WaveletLevel& level = chain.levels[l];
    kept.flags += 2 * lengths[l];
    if (l > 0) kept.vectors += std::max(level.taps - level.stride, 0) + lengths[l - 1] + level.taps - 1;
  }
  return kept;
}

std::int64_t WaveletMemory::bytes(const WaveletChain& chain, std::int64_t samples, std::int64_t windows) {
  const WaveletKept kept = wavelet_kept(chain, samples);
  const auto of_group = kept.vectors * kLanes * static_cast<std::int64_t>(sizeof(float)) +
                        kept.flags * static_cast<std::int64_t>(sizeof(unsigned short));
  return groups_of(windows) * of_group;
}

void WaveletMemory::begin(const WaveletChain& chain, std::int64_t samples, std::int64_t windows) {
  filled_ = false;
  const bool same_places = chain_ == chain && samples_ == samples;
  if (!same_places) {
    const WaveletKept kept = wavelet_kept(chain, samples);
    numbers_of_group_ = kept.vectors * kLanes;
    flags_of_group_ = kept.flags;
    chain_ = chain;
    samples_ = samples;
  }
  windows_ = windows;
  const std::int64_t numbers = groups_of(windows) * numbers_of_group_;
  const bool grows = !numbers_.defined() || numbers_.numel() < numbers;
  if (grows) {
    numbers_ = Tensor();  // its room may serve the larger one
    numbers_ = Tensor::empty({numbers});
    wish_large_pages(numbers_);
  }
  // The zeros around the numbers of a level are written here only.
  if (grows || !same_places) std::fill_n(numbers_.mut<float>(), numbers_.numel(), 0.0f);
  const std::int64_t flags = groups_of(windows) * flags_of_group_;
  if (flag_count_ >= flags) return;
  flags_ = std::make_unique<unsigned short[]>(static_cast<std::size_t>(flags));
  flag_count_ = flags;
}

void WaveletMemory::finish(const WaveletDropout& dropout, const WaveletGrid& grid) {
  dropout_ = dropout;
  grid_ = grid;
  filled_ = true;
}

bool WaveletMemory::holds(const WaveletChain& chain, std::int64_t samples, std::int64_t windows,
                          const WaveletDropout& dropout, const WaveletGrid& grid) const {
  if (!filled_) return false;
  const bool same_grid = grid == grid_ || (!grid.on && !grid_.on);
  THIMBLE_CHECK(
      chain_ == chain && samples_ == samples && windows_ == windows && same_grid && same_masks(dropout_, dropout),
      value, "wavelet gradient: the memory holds ", windows_, " windows of ", samples_,
      " samples from another call of wavelet_features than that of these ", windows, " windows of ", samples,
      " samples");
  return true;
}

}  // namespace thimble::kernels

#include "core/kernels/wavelet_lanes.h"

#include "core/parallel/blocks.h"
#include "core/tensor/scratch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace thimble::kernels {
namespace {

/// Sizes of a call, the filters in the order of the kernels, and the group all groups are made from.
class LanesChain {
 public:
  LanesChain(const WaveletChain& chain, std::int64_t samples, std::span<const Tensor> weights,
             const WaveletDropout& dropout, const WaveletGrid& grid)
      : samples_(samples),
        features_(chain.features()),
        kept_(wavelet_kept(chain, samples)),
        first_window_(dropout.first_window),
        filters_(padded(chain)) {
    group_.count = static_cast<std::int64_t>(chain.levels.size());
    set_levels(chain, weights);
    if (dropout.share > 0) {
      group_.dropout = true;
      group_.threshold = dropout.threshold();
      group_.key = dropout.random.key();
      group_.step = dropout.step;
    }
    group_.scale = static_cast<float>(dropout.share > 0 ? 1 / (1 - dropout.share) : 1);
    if (grid.on) set_grid(chain, grid);
  }

  std::int64_t features() const { return features_; }
  std::int64_t samples() const { return samples_; }
  std::int64_t first_window() const { return first_window_; }
  const WaveletGroup& group() const { return group_; }
  std::int64_t levels() const { return group_.count; }
  const WaveletLevelLanes& level(std::int64_t l) const { return levels_[static_cast<std::size_t>(l)]; }
  /// Lane-wise sums of all filters, in whole vectors of sixteen.
  std::int64_t sums() const { return (weights_ + kLanes - 1) / kLanes * kLanes; }
  std::int64_t longest() const { return longest_; }
  const WaveletKept& kept() const { return kept_; }

 private:
  static std::int64_t padded_taps(const WaveletLevel& level) {
    return (level.taps + level.stride - 1) / level.stride * level.stride;
  }
  static std::int64_t padded(const WaveletChain& chain) {
    std::int64_t sum = 0;
    for (const WaveletLevel& level : chain.levels) sum += 2 * padded_taps(level);
    return sum;
  }

  void set_levels(const WaveletChain& chain, std::span<const Tensor> weights) {
    float* filters = filters_.data();
    std::int64_t length = samples_;
    longest_ = samples_;
    for (std::size_t l = 0; l < chain.levels.size(); ++l) {
      const WaveletLevel& from = chain.levels[l];
      WaveletLevelLanes& to = levels_[l];
      to = {};
      to.taps = from.taps;
      to.stride = from.stride;
      to.before = std::max(from.taps - from.stride, 0);
      to.in = length;
      to.out = length = (length + to.before - 1) / from.stride + 1;
      to.features = from.features;
      to.slope = -std::ldexp(1.0f, -from.relu_power);
      to.bitshift = chain.pool == WaveletPool::bitshift;
      to.filters = filters;
      for (std::int64_t k = 0; k < padded_taps(from); ++k)
        for (std::size_t branch = 0; branch < 2; ++branch)
          *filters++ = k < from.taps ? weights[2 * l + branch].data<float>()[k] : 0.0f;
      weights_ += 2 * from.taps;
      longest_ = std::max(longest_, length);
    }
  }
  void set_grid(const WaveletChain& chain, const WaveletGrid& grid) {
    group_.grid = true;
    group_.round_input = grid.round_input;
    group_.grid_step = static_cast<float>(grid.activations.step());
    group_.grid_limit = static_cast<float>(grid.activations.value(grid.activations.hi()));
    for (std::size_t l = 0; l < chain.levels.size(); ++l) {
      const int bits = grid.weights.f + grid.activations.f + chain.levels[l].relu_power;
      levels_[l].split = static_cast<float>(std::ldexp(1.5, 23 + 12 - bits));
    }
  }

  std::int64_t samples_, features_;
  WaveletKept kept_;
  std::int64_t first_window_;
  std::int64_t weights_ = 0, longest_ = 0;
  Scratch<float> filters_;
  std::array<WaveletLevelLanes, kWaveletLevels> levels_;
  WaveletGroup group_{};
};

/// Memory of one thread for one group after another; what the gradient needs of the features may lie elsewhere.
class LanesWork {
 public:
  LanesWork(const LanesChain& plan, const IsaTable& table, bool gradient, bool d_input, const WaveletMemory* memory)
      : plan_(plan),
        table_(table),
        memory_(memory),
        floats_(floats(plan, gradient, d_input, memory) * kLanes),
        flags_(memory == nullptr ? plan.kept().flags : 1),
        group_(plan.group()) {
    next_ = floats_.data();
    for (std::int64_t l = 0; l < plan.levels(); ++l) {
      WaveletLevelLanes& level = levels_[static_cast<std::size_t>(l)];
      level = plan.level(l);
      if (level.features > 1) level.folded = take(level.out);
    }
    levels_[0].x = take(input(plan));
    clear_around(levels_[0]);
    if (memory == nullptr) {
      bind(take(plan.kept().vectors), flags_.data());
      for (std::int64_t l = 1; l < plan.levels(); ++l) clear_around(levels_[static_cast<std::size_t>(l)]);
    }
    group_.levels = levels_.data();
    group_.features = take(plan.features());
    if (!gradient) return;
    group_.d_features = d_features_ = take(plan.features());
    for (float** d : {&group_.df, &group_.dp, &group_.dn})
      *d = take(plan.longest() + 2 * kWaveletMargin) + kWaveletMargin * kLanes;
    if (d_input) group_.d_input = take(plan.samples());
    sums_ = take(plan.sums());
    float* sums = sums_;
    for (std::int64_t l = 0; l < plan.levels(); ++l) {
      levels_[static_cast<std::size_t>(l)].sums = sums;
      sums += 2 * levels_[static_cast<std::size_t>(l)].taps * kLanes;
    }
    std::memset(sums_, 0, bytes(plan.sums()));
  }

  /// Windows first .. first + 15 of x, as many as there are.
  void load(const float* x, std::int64_t first, std::int64_t count) {
    transpose(x + first * plan_.samples(), plan_.samples(), count, levels_[0].x + levels_[0].before * kLanes);
    table_.wavelet_input(group_);
    group_.window = static_cast<std::uint32_t>(plan_.first_window() + first);
    if (memory_ != nullptr) bind(memory_->numbers(first / kLanes), memory_->flags(first / kLanes));
  }
  void load_gradient(const float* d_out, std::int64_t first, std::int64_t count) {
    transpose(d_out + first * plan_.features(), plan_.features(), count, d_features_);
  }
  const WaveletGroup& group() const { return group_; }
  const float* sums() const { return sums_; }

 private:
  static std::size_t bytes(std::int64_t vectors) { return static_cast<std::size_t>(vectors * kLanes) * sizeof(float); }
  static std::int64_t input(const LanesChain& plan) {
    return plan.level(0).before + plan.level(0).in + plan.level(0).taps - 1;
  }
  static std::int64_t floats(const LanesChain& plan, bool gradient, bool d_input, const WaveletMemory* memory) {
    std::int64_t vectors = 2 * plan.features() + input(plan) + (memory == nullptr ? plan.kept().vectors : 0);
    for (std::int64_t l = 0; l < plan.levels(); ++l) vectors += plan.level(l).features > 1 ? plan.level(l).out : 0;
    if (!gradient) return vectors;
    return vectors + 3 * (plan.longest() + 2 * kWaveletMargin) + plan.sums() + (d_input ? plan.samples() : 0);
  }
  static void clear_around(const WaveletLevelLanes& level) {
    std::memset(level.x, 0, bytes(level.before));
    std::memset(level.x + (level.before + level.in) * kLanes, 0, bytes(level.taps - 1));
  }
  /// Where the pass outputs and flags of the group lie, in the sizes of wavelet_kept.
  void bind(float* numbers, unsigned short* flags) {
    for (std::int64_t l = 0; l < plan_.levels(); ++l) {
      WaveletLevelLanes& level = levels_[static_cast<std::size_t>(l)];
      if (l > 0) {
        level.x = numbers;
        numbers += (level.before + level.in + level.taps - 1) * kLanes;
      }
      level.positive = flags;
      level.alive = flags += level.out;
      flags += level.out;
    }
    group_.last = numbers;
    group_.open = flags;
  }
  float* take(std::int64_t vectors) {
    float* const taken = next_;
    next_ += vectors * kLanes;
    return taken;
  }
  void transpose(const float* rows, std::int64_t width, std::int64_t count, float* lanes) const {
    std::array<const float*, kLanes> pointers{};
    for (std::int64_t k = 0; k < count; ++k) pointers[static_cast<std::size_t>(k)] = rows + k * width;
    table_.transpose_in(pointers.data(), count, width, lanes);
  }

  const LanesChain& plan_;
  const IsaTable& table_;
  const WaveletMemory* memory_;
  Scratch<float> floats_;
  Scratch<unsigned short> flags_;
  std::array<WaveletLevelLanes, kWaveletLevels> levels_;
  WaveletGroup group_;
  float* next_ = nullptr;
  float* d_features_ = nullptr;
  float* sums_ = nullptr;
};

std::int64_t blocks_of(std::int64_t windows) {
  return (windows + kWaveletBlock - 1) / kWaveletBlock;
}

/// Calls f(first window, count) for the groups of a block.
template <class F>
void each_group(std::int64_t block, std::int64_t windows, const F& f) {
  const std::int64_t end = std::min(windows, (block + 1) * kWaveletBlock);
  for (std::int64_t first = block * kWaveletBlock; first < end; first += kLanes)
    f(first, std::min<std::int64_t>(kLanes, end - first));
}

/// d_x of a group, added where wanted.
void put_input_gradient(const IsaTable& table, const float* lanes, Into d_x, std::int64_t first, std::int64_t count,
                        std::int64_t samples) {
  float* to = d_x.tensor->mut<float>() + first * samples;
  if (!d_x.add) return table.transpose_out(lanes, count, samples, to, samples);
  for (std::int64_t k = 0; k < count; ++k)
    for (std::int64_t t = 0; t < samples; ++t) to[k * samples + t] += lanes[t * kLanes + k];
}

/// Adds the sums of all blocks up in their order.
void put_filter_gradients(const LanesChain& plan, const float* partial, std::int64_t blocks,
                          std::span<const Into> d_weights) {
  Scratch<float> total(plan.sums());
  std::int64_t first = 0;
  for (std::int64_t l = 0; l < plan.levels(); ++l) {
    const std::int64_t taps = plan.level(l).taps;
    for (std::int64_t branch = 0; branch < 2; ++branch) {
      const Into target = d_weights[static_cast<std::size_t>(2 * l + branch)];
      for (std::int64_t k = 0; k < taps; ++k)
        total[first + 2 * k + branch] = target && target.add ? target.tensor->data<float>()[k] : 0.0f;
    }
    first += 2 * taps;
  }
  for (std::int64_t b = 0; b < blocks; ++b)
    for (std::int64_t k = 0; k < first; ++k) total[k] += partial[b * plan.sums() + k];
  first = 0;
  for (std::int64_t l = 0; l < plan.levels(); ++l) {
    const std::int64_t taps = plan.level(l).taps;
    for (std::int64_t branch = 0; branch < 2; ++branch)
      if (const Into target = d_weights[static_cast<std::size_t>(2 * l + branch)])
        for (std::int64_t k = 0; k < taps; ++k) target.tensor->mut<float>()[k] = total[first + 2 * k + branch];
    first += 2 * taps;
  }
}

}  // namespace

void lanes_features(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& out,
                    const WaveletDropout& dropout, const WaveletGrid& grid, WaveletMemory* memory,
                    const IsaTable& table) {
  const std::int64_t samples = x.size(-1), windows = x.numel() / samples;
  const LanesChain plan(chain, samples, weights, dropout, grid);
  if (memory != nullptr) memory->begin(chain, samples, windows);
  const float* from = x.data<float>();
  float* to = out.mut<float>();
  parallel_blocks(
      blocks_of(windows),
      [&](std::int64_t block) {
        LanesWork work(plan, table, false, false, memory);
        each_group(block, windows, [&](std::int64_t first, std::int64_t count) {
          work.load(from, first, count);
          table.wavelet_forward(work.group(), memory != nullptr);
          table.transpose_out(work.group().features, count, plan.features(), to + first * plan.features(),
                              plan.features());
        });
      },
      windows * chain.macs(samples) > kParallelWork);
  if (memory != nullptr) memory->finish(dropout, grid);
}

void lanes_gradient(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& d_out,
                    const WaveletDropout& dropout, std::span<const Into> d_weights, Into d_x, const WaveletGrid& grid,
                    const WaveletMemory* memory, const IsaTable& table) {
  const std::int64_t samples = x.size(-1), windows = x.numel() / samples, blocks = blocks_of(windows);
  const LanesChain plan(chain, samples, weights, dropout, grid);
  if (memory != nullptr && !memory->holds(chain, samples, windows, dropout, grid)) memory = nullptr;
  Scratch<float> partial(std::max<std::int64_t>(1, blocks * plan.sums()));
  const float *from = x.data<float>(), *d_from = d_out.data<float>();
  parallel_blocks(
      blocks,
      [&](std::int64_t block) {
        LanesWork work(plan, table, true, static_cast<bool>(d_x), memory);
        each_group(block, windows, [&](std::int64_t first, std::int64_t count) {
          work.load(from, first, count);
          work.load_gradient(d_from, first, count);
          if (memory == nullptr) table.wavelet_forward(work.group(), true);
          table.wavelet_backward(work.group());
          if (d_x) put_input_gradient(table, work.group().d_input, d_x, first, count, samples);
        });
        table.lane_totals(work.sums(), plan.sums(), partial.data() + block * plan.sums());
      },
      windows * chain.macs(samples) > kParallelWork);
  put_filter_gradients(plan, partial.data(), blocks, d_weights);
}

}  // namespace thimble::kernels

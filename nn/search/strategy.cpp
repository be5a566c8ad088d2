#include "nn/search/strategy.h"

#include "core/base/error.h"
#include "core/random/philox.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace thimble::nn::search {
namespace {

constexpr std::uint64_t kLargestShuffle = 1'000'000;
constexpr int kMostRepeats = 100'000;  // draws in a row that were all seen before: the space holds nothing new

class Grid : public Strategy {
 public:
  Grid(Space space, bool shuffled, std::uint64_t seed) : space_(std::move(space)), shuffled_(shuffled) {
    for (const Parameter& parameter : space_.parameters())
      if (!parameter.values())
        throw Error(ErrorKind::value, "a grid needs a list of values here, not a continuous range",
                    {"", 0, 0, parameter.name}, "give values: [...], or use method: random");
    if (shuffled_) shuffle(seed);
  }
  std::string name() const override { return shuffled_ ? "grid, shuffled" : "grid"; }
  std::optional<std::uint64_t> size() const override { return space_.combinations(); }
  std::vector<Assignment> propose(std::span<const Tried> tried, std::size_t count) const override {
    const std::uint64_t all = *space_.combinations();
    std::vector<Assignment> next;
    for (std::uint64_t i = tried.size(); i < all && next.size() < count; ++i)
      next.push_back(space_.combination(shuffled_ ? order_[i] : i));
    return next;
  }

 private:
  void shuffle(std::uint64_t seed) {
    const std::uint64_t all = *space_.combinations();
    THIMBLE_CHECK(all <= kLargestShuffle, value, "a grid of ", all, " combinations is too large to shuffle");
    const Stream stream = Rng(seed).stream("search/grid");
    order_.resize(all);
    std::iota(order_.begin(), order_.end(), std::uint64_t{0});
    for (std::uint64_t i = all; i > 1; --i) std::swap(order_[i - 1], order_[stream.below(i, 0, i)]);
  }

  Space space_;
  bool shuffled_;
  std::vector<std::uint64_t> order_;
};

class Random : public Strategy {
 public:
  Random(Space space, std::uint64_t seed, bool replacement)
      : space_(std::move(space)), stream_(Rng(seed).stream("search/random")), replacement_(replacement) {}
  std::string name() const override { return replacement_ ? "random" : "random without replacement"; }
  std::optional<std::uint64_t> size() const override {
    return replacement_ || !listed() ? std::nullopt : space_.combinations();
  }

  /// The sequence of draws is the same whatever was tried, so the arms behind `tried` are found by walking it again.
  std::vector<Assignment> propose(std::span<const Tried> tried, std::size_t count) const override {
    std::vector<Assignment> accepted;
    std::set<std::string> seen;
    int repeats = 0;
    for (std::uint64_t number = 0; accepted.size() < tried.size() + count && repeats < kMostRepeats; ++number) {
      Assignment settings = draw(number);
      const bool fresh = replacement_ || seen.insert(str(settings)).second;
      repeats = fresh ? 0 : repeats + 1;
      if (fresh) accepted.push_back(std::move(settings));
      if (!replacement_ && seen.size() == size()) break;
    }
    accepted.erase(accepted.begin(),
                   accepted.begin() + static_cast<std::ptrdiff_t>(std::min(tried.size(), accepted.size())));
    return accepted;
  }

 private:
  /// Every value can be drawn and is listed; a stepped number also takes its greatest value, which a grid leaves out.
  bool listed() const {
    return std::none_of(space_.parameters().begin(), space_.parameters().end(),
                        [](const Parameter& p) { return std::holds_alternative<Real>(p.domain); });
  }
  Assignment draw(std::uint64_t number) const {
    std::vector<double> point(space_.parameters().size());
    for (std::size_t i = 0; i < point.size(); ++i) point[i] = stream_.uniform64(number, i);
    return space_.at(point);
  }

  Space space_;
  Stream stream_;
  bool replacement_;
};

}  // namespace

std::unique_ptr<Strategy> grid_search(Space space, bool shuffled, std::uint64_t seed) {
  return std::make_unique<Grid>(std::move(space), shuffled, seed);
}

std::unique_ptr<Strategy> random_search(Space space, std::uint64_t seed, bool replacement) {
  return std::make_unique<Random>(std::move(space), seed, replacement);
}

}  // namespace thimble::nn::search

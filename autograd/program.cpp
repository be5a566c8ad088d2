#include "autograd/program.h"

#include "core/base/text.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>

namespace thimble {
namespace {

constexpr std::size_t kAlign = 64;

/// A block of memory and the instructions between which its content matters.
struct Life {
  Storage* storage;
  std::size_t bytes, first, last;
  long handles = 0;  // tensors of the program that look at it
  std::size_t offset = 0;
  bool made_here = false;  // written before it is read: holds nothing from outside
  bool meets(const Life& other) const { return first <= other.last && other.first <= last; }
};

/// Lowest offset at which `life` disturbs none of the blocks placed before.
std::size_t place(const Life& life, const std::vector<const Life*>& placed) {
  std::vector<const Life*> neighbours;
  for (const Life* other : placed)
    if (life.meets(*other)) neighbours.push_back(other);
  std::sort(neighbours.begin(), neighbours.end(), [](const Life* a, const Life* b) { return a->offset < b->offset; });
  std::size_t at = 0;
  for (const Life* other : neighbours) {
    if (at + life.bytes <= other->offset) break;
    at = std::max(at, other->offset + other->bytes);
  }
  return at;
}

}  // namespace

Program::Program(std::vector<Instruction> instructions) : instructions_(std::move(instructions)) {
  plan();
}

void Program::plan() {
  std::vector<Life> lives;
  std::unordered_map<Storage*, std::size_t> known;
  std::vector<long> holders;
  const auto look = [&](const Tensor& t, std::size_t at, bool written) {
    if (!t.defined()) return;
    const auto [entry, fresh] = known.try_emplace(t.storage().get(), lives.size());
    if (fresh) {
      lives.push_back(
          {t.storage().get(), (t.storage()->bytes() + kAlign - 1) / kAlign * kAlign, at, at, 0, 0, written});
      holders.push_back(t.storage().use_count());
    }
    Life& life = lives[entry->second];
    life.last = at;
    ++life.handles;
  };
  for (std::size_t i = 0; i < instructions_.size(); ++i) {
    const Run& run = instructions_[i].run;
    for (const Tensor& t : run.in_) look(t, i, false);
    look(run.d_out_, i, false);
    for (const Tensor& t : run.out_) look(t, i, true);
    for (std::size_t k = 0; k < run.d_in_.size(); ++k) look(run.d_in_[k], i, !run.add_[k]);
  }
  // Data, constants and parameters, and what somebody outside also holds (the loss), stay where they are.
  std::vector<Life*> inner;
  for (std::size_t k = 0; k < lives.size(); ++k)
    if (lives[k].made_here && lives[k].handles == holders[k]) inner.push_back(&lives[k]);
  std::stable_sort(inner.begin(), inner.end(), [](const Life* a, const Life* b) { return a->bytes > b->bytes; });
  std::vector<const Life*> placed;
  std::size_t total = 0;
  for (Life* life : inner) {
    life->offset = place(*life, placed);
    placed.push_back(life);
    total = std::max(total, life->offset + life->bytes);
    unplanned_ += life->bytes;
  }
  if (total == 0) return;
  arena_ = Tensor::zeros({static_cast<std::int64_t>(total)}, DType::i8);
  for (const Life* life : inner) life->storage->rebind(static_cast<char*>(arena_.raw_mut()) + life->offset);
}

std::string Program::profile(int repeats) const {
  using Clock = std::chrono::steady_clock;
  std::vector<std::vector<double>> seconds(instructions_.size());
  for (int r = 0; r < repeats; ++r)
    for (std::size_t i = 0; i < instructions_.size(); ++i) {
      const auto begin = Clock::now();
      instructions_[i].kernel(instructions_[i].run);
      seconds[i].push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    }
  std::string out;
  for (std::size_t i = 0; i < instructions_.size(); ++i) {
    auto& s = seconds[i];
    std::nth_element(s.begin(), s.begin() + static_cast<std::ptrdiff_t>(s.size() / 2), s.end());
    out += text::cat(text::fixed(s[s.size() / 2] * 1e6, 2), " us  ", instructions_[i].name, "\n");
  }
  return out;
}

}  // namespace thimble

#include "core/kernels/optimizer.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"
#include "core/tensor/allocator.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/loss.h"
#include "autograd/program.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

using namespace thimble;

namespace {
std::atomic<std::uint64_t> news{0};  // calls of operator new in this program
}

#ifdef __SANITIZE_ADDRESS__
constexpr bool kCounting = false;  // the sanitizer has its own operator new, and the pool is off
#else
constexpr bool kCounting = true;
// Every form of operator new ends here; memory for tensors comes from std::aligned_alloc and is counted by the
// allocator.
void* operator new(std::size_t size) {
  ++news;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
#endif

namespace {

/// A 27-81-2 network with its gradients and moments in flat buffers, and one batch.
struct Network {
  Tensor values = Tensor::zeros({2480}), grads = Tensor::zeros({2480}), m = Tensor::zeros({2480}),
         v = Tensor::zeros({2480});
  Tensor x, y, loss;
  std::int64_t step = 0;

  explicit Network(std::int64_t batch)
      : x(random({batch, 27}, "x").to(Layout::lanes)), y(random({batch, 2}, "y").to(Layout::lanes)) {
    copy_into(random({2480}, "values"), values);
  }
  static Tensor random(Shape shape, std::string_view name) {
    const Tensor t = Tensor::empty(shape);
    const Stream stream = Rng(4).stream(name);
    for (std::int64_t i = 0; i < t.numel(); ++i)
      t.mut<float>()[i] = 0.5f * stream.uniform(0, static_cast<std::uint64_t>(i)) - 0.25f;
    return t;
  }
  Var parameter(std::int64_t first, Shape shape) const {
    return variable(values.rows(first, shape.numel()).reshape(shape), grads.rows(first, shape.numel()).reshape(shape));
  }
  void train_step() {
    const Var h = linear(constant(x), parameter(0, {81, 27}), parameter(2192, {81}), Act::tanh);
    const Var out = linear(h, parameter(2288, {2, 81}), parameter(2464, {2}), Act::tanh);
    const Var l = mse(out, constant(y));
    loss = l.value();
    backward(l);
    effect("adam", [this](const Run&) {
      kernels::adam_step(values.mut<float>(), grads.mut<float>(), m.mut<float>(), v.mut<float>(), 2480, {}, 1e-3,
                         ++step);
    });
  }
};

}  // namespace

TEST_CASE("[R05] 200 replayed training steps equal 200 eager ones bit for bit") {
  for (const std::int64_t batch : {16, 100, 1300}) {
    Network eager(batch), replayed(batch);
    Tape tape;
    for (int k = 0; k < 200; ++k) {
      const TapeScope scope(tape);
      eager.train_step();
      tape.clear();
    }
    const Program program = Program::capture([&] { replayed.train_step(); });
    for (int k = 1; k < 200; ++k) program.run();
    CHECK(replayed.values.to_vector() == eager.values.to_vector());
    CHECK(replayed.loss.item() == eager.loss.item());
  }
}

TEST_CASE("a replayed training step allocates nothing, on one thread and on two") {
  if (!kCounting) {
    MESSAGE("skipped: allocations are not counted under the address sanitizer");
    return;
  }
  const int before = threads();
  for (const int count : {1, 2}) {
    set_threads(count);
    for (const std::int64_t batch : {16, 2048}) {
      Network network(batch);
      const Program program = Program::capture([&] { network.train_step(); });
      // Working memory comes from the pool of whichever thread runs a block: both have met all blocks after a few runs.
      for (int k = 0; k < 50; ++k) program.run();
      const std::uint64_t news_before = news, blocks_before = allocator_counters().from_system;
      for (int k = 0; k < 100; ++k) program.run();
      CHECK(news - news_before == 0);
      CHECK(allocator_counters().from_system - blocks_before == 0);
    }
  }
  set_threads(before);
}

TEST_CASE("the planner lets results that do not meet share memory and leaves data and loss where they are") {
  const Tensor x = Tensor::full({1000}, 0.5), g = Tensor::zeros({1000});
  Tensor loss;
  const Program program = Program::capture([&] {
    Var y = variable(x, g);
    for (int k = 0; k < 8; ++k) y = scale(y, 0.5);
    const Var l = mean(y);
    loss = l.value();
    backward(l);
  });
  CHECK(program.arena_bytes() < program.unplanned_bytes() * 2 / 3);  // results live until their backward
  x.mut<float>()[0] = 256.5f;
  program.run();
  CHECK(loss.item() == doctest::Approx((256.0 / 1000 + 0.5) / 256));
  CHECK(g.to_vector().front() == doctest::Approx(1.0 / 256000));
}

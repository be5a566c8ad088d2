#include "core/base/error.h"

#include "nn/init.h"
#include "nn/parameter.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace thimble;
using namespace thimble::nn;

namespace {

struct Dense {
  Parameter weight{Shape{3, 5}, {Axis::out, Axis::in}};
  Parameter bias{Shape{3}, {Axis::out}};
  Buffer mean{Tensor::zeros(Shape{3})};
  static void members(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
    visit("mean", self.mean);
  }
};

struct Stack {
  std::vector<Dense> layers = std::vector<Dense>(2);
  Dense last;
  static void members(auto& self, auto&& visit) {
    visit("layers", self.layers);
    visit("last", self.last);
  }
};

}  // namespace

TEST_CASE("parameters are visited with dotted paths and containers number their elements") {
  Stack stack;
  const Parts parts = parts_of(stack);
  REQUIRE(parts.parameters.size() == 6);
  CHECK(parts.parameters[2].path == "layers.1.weight");
  CHECK(parts.parameters[5].path == "last.bias");
  CHECK(parts.buffers[0].path == "layers.0.mean");
  CHECK(parts.count() == 3 * 18);
  CHECK(parts.find("last.weight") == &stack.last.weight);
  CHECK(parts.find("last.nothing") == nullptr);
}

TEST_CASE("flat storage keeps the numbers, aligns every slice to 64 bytes and shares memory with the parameters") {
  Stack stack;
  stack.last.weight.value.mut<float>()[7] = 4;
  const FlatParameters flat(parts_of(stack).parameters);
  CHECK(flat.size() == 6 * 16);
  for (const auto& slice : flat.slices()) {
    CHECK(reinterpret_cast<std::uintptr_t>(slice.parameter->value.raw()) % 64 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(slice.parameter->grad.raw()) % 64 == 0);
  }
  CHECK(stack.last.weight.value.data<float>()[7] == 4);
  CHECK(flat.values().data<float>()[4 * 16 + 7] == 4);
  flat.values().mut<float>()[5 * 16] = 9;
  CHECK(stack.last.bias.value.data<float>()[0] == 9);
}

TEST_CASE("parameters of different types cannot share one flat buffer") {
  Dense dense;
  dense.bias = Parameter(Shape{3}, {Axis::out}, DType::f64);
  CHECK_THROWS_AS(FlatParameters(parts_of(dense).parameters), Error);
}

TEST_CASE("a snapshot puts weights and running statistics back") {
  Dense dense;
  const Parts parts = parts_of(dense);
  const Snapshot before(parts);
  dense.weight.value.mut<float>()[0] = 1;
  dense.mean.value.mut<float>()[1] = 2;
  before.restore(parts);
  CHECK(dense.weight.value.data<float>()[0] == 0);
  CHECK(dense.mean.value.data<float>()[1] == 0);
}

namespace {

struct Moments {
  double mean = 0, variance = 0, largest = 0;
};

Moments moments_of(const Tensor& t) {
  Moments m;
  for (const double v : t.to_vector()) {
    m.mean += v;
    m.variance += v * v;
    m.largest = std::max(m.largest, std::abs(v));
  }
  const auto n = static_cast<double>(t.numel());
  m.mean /= n;
  m.variance = m.variance / n - m.mean * m.mean;
  return m;
}

/// Mean and variance of a uniform draw within 5 standard deviations of their own scatter, and nothing outside.
void check_uniform(const Tensor& t, double bound) {
  const Moments m = moments_of(t);
  const auto n = static_cast<double>(t.numel());
  CHECK(m.largest <= bound);
  CHECK(m.largest > 0.98 * bound);
  CHECK(std::abs(m.mean) < 5 * bound / std::sqrt(3 * n));
  CHECK(std::abs(m.variance - bound * bound / 3) < 5 * bound * bound * std::sqrt(4.0 / 45 / n));
}

}  // namespace

TEST_CASE("[NT F08] default start values are uniform in 1/sqrt(fan_in), for weight and bias") {
  Parameter weight(Shape{500, 27}, {Axis::out, Axis::in}), bias(Shape{500}, {Axis::out});
  initialise(UniformFanIn{}, weight, &bias, Rng(7).stream("hidden"));
  check_uniform(weight.value, 1 / std::sqrt(27.0));
  check_uniform(bias.value, 1 / std::sqrt(27.0));
}

TEST_CASE("[NT F08] the same seed gives the same start, another seed or layer another one") {
  const auto draw = [](std::uint64_t seed, const char* name) {
    Parameter weight(Shape{8, 8}, {Axis::out, Axis::in});
    initialise(UniformFanIn{}, weight, nullptr, Rng(seed).stream(name));
    return weight.value.to_vector();
  };
  CHECK(draw(1, "a") == draw(1, "a"));
  CHECK(draw(1, "a") != draw(2, "a"));
  CHECK(draw(1, "a") != draw(1, "b"));
}

TEST_CASE("Xavier counts both fans and leaves the bias at zero") {
  Parameter weight(Shape{300, 60}, {Axis::out, Axis::in}), bias(Shape{300}, {Axis::out});
  initialise(XavierUniform{}, weight, &bias, Rng(3).stream("x"));
  check_uniform(weight.value, std::sqrt(6.0 / 360));
  CHECK(moments_of(bias.value).largest == 0);
}

TEST_CASE("truncated He start has variance 2/fan_in and is cut at two sigma") {
  Parameter weight(Shape{200, 8, 3, 3}, {Axis::out, Axis::in, Axis::tap, Axis::tap});
  initialise(HeTruncated{}, weight, nullptr, Rng(5).stream("conv"));
  CHECK(fan_in(weight) == 72);
  CHECK(fan_out(weight) == 1800);
  const Moments m = moments_of(weight.value);
  const double variance = 2.0 / 72;
  CHECK(m.variance == doctest::Approx(variance).epsilon(0.05));
  CHECK(m.largest <= 2 * std::sqrt(variance) / 0.8796 * 1.0001);
}

TEST_CASE("names of start values are read, unknown ones are refused with a suggestion") {
  CHECK(std::holds_alternative<UniformFanIn>(parse_init("default")));
  CHECK(std::get<UniformRange>(parse_init("fann_uniform_0.1")).a == 0.1);
  CHECK(std::get<ConstantValue>(parse_init("constant(0.5)")).value == 0.5);
  try {
    parse_init("xavier_unifrom");
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::config);
    CHECK(e.hint() == "did you mean 'xavier_uniform'?");
  }
}

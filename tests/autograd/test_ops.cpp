// The conformance harness: every operation of op_cases.h under the same checks.
#include "core/base/error.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include "autograd/program.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/autograd/op_cases.h"

using namespace thimble;
using namespace thimble::test;

namespace {

constexpr std::uint64_t kSeed = 20;

std::vector<Tensor> random_inputs(const OpCase& op, DType dtype, const std::vector<Shape>& shapes = {}) {
  std::vector<Tensor> tensors;
  for (std::size_t k = 0; k < op.inputs.size(); ++k) {
    const OpInput& in = op.inputs[k];
    const Stream stream = Rng(kSeed).stream(op.name + "/" + in.name);
    std::vector<double> values(static_cast<std::size_t>((shapes.empty() ? in.shape : shapes[k]).numel()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = in.low + (in.high - in.low) * stream.uniform64(0, i);
      if (std::abs(values[i]) < 0.02) values[i] = 0.02;  // off the kinks
      values[i] = static_cast<double>(static_cast<float>(values[i]));
    }
    tensors.push_back(Tensor::from(values, shapes.empty() ? in.shape : shapes[k]).to(dtype));
  }
  return tensors;
}

/// A fixed weighted sum of all outputs turns any operation into a scalar.
Var as_scalar(const Var& y) {
  if (y.value().numel() == 1) return reshape(y, {});
  const Stream stream = Rng(kSeed).stream("weights");
  std::vector<double> w(static_cast<std::size_t>(y.value().numel()));
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = stream.uniform64(0, i) - 0.4;
  const Tensor weights = Tensor::from(w, y.shape()).to(y.dtype()).to(y.layout());
  return sum(mul(y, constant(weights)));
}

struct Result {
  std::vector<double> value;
  std::vector<std::vector<double>> gradients;
};

std::vector<Tensor> in_layout(const OpCase& op, std::vector<Tensor> inputs, Layout layout) {
  for (std::size_t k = 0; k < inputs.size(); ++k)
    if (op.inputs[k].batch) inputs[k] = inputs[k].to(layout);
  return inputs;
}

Result evaluate(const OpCase& op, const std::vector<Tensor>& inputs) {
  Tape tape;
  const TapeScope scope(tape);
  Vars vars;
  std::vector<Tensor> grads;
  for (const Tensor& t : inputs) {
    grads.push_back(Tensor::zeros(t.shape(), t.dtype(), t.layout()));
    vars.push_back(variable(t, grads.back()));
  }
  const Var y = op.run(vars);
  backward(as_scalar(y));
  Result result{y.value().to_vector(), {}};
  for (const Tensor& g : grads) result.gradients.push_back(g.to_vector());
  return result;
}

double scalar_of(const OpCase& op, const std::vector<Tensor>& inputs) {
  Vars vars;
  for (const Tensor& t : inputs) vars.push_back(constant(t));
  return as_scalar(op.run(vars)).value().item();
}

void check_near(const std::vector<double>& got, const std::vector<double>& want, double tolerance, const char* what) {
  REQUIRE(got.size() == want.size());
  double scale = 1, worst = 0;
  std::size_t where = 0;
  for (const double w : want) scale = std::max(scale, std::abs(w));
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!(std::abs(got[i] - want[i]) <= worst)) worst = std::abs(got[i] - want[i]), where = i;
  INFO(what, ": element ", where, " is ", got[where], ", wanted ", want[where], ", allowed ", tolerance * scale);
  CHECK(worst <= tolerance * scale);
}

}  // namespace

TEST_CASE("every operation gives its reference values and, in double, its gradients") {
  for (const OpCase& op : op_cases()) {
    CAPTURE(op.name);
    std::vector<Tensor> inputs = random_inputs(op, DType::f64);
    const Result result = evaluate(op, inputs);
    if (op.reference) {
      std::vector<std::vector<double>> values;
      for (const Tensor& t : inputs) values.push_back(t.to_vector());
      check_near(result.value, op.reference(values), 1e-12, "value");
    }
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      if (op.inputs[k].name == "t") continue;  // targets get no gradient
      double* x = inputs[k].mut<double>();
      const std::int64_t step = std::max<std::int64_t>(1, inputs[k].numel() / 40);  // a sample of large inputs
      for (std::int64_t i = 0; i < inputs[k].numel(); i += step) {
        const double before = x[i], h = 1e-6 * std::max(1.0, std::abs(before));
        x[i] = before + h;
        const double up = scalar_of(op, inputs);
        x[i] = before - h;
        const double down = scalar_of(op, inputs);
        x[i] = before;
        const double numeric = (up - down) / (2 * h), got = result.gradients[k][static_cast<std::size_t>(i)];
        INFO("input ", op.inputs[k].name, "[", i, "]");
        CHECK(got == doctest::Approx(numeric).epsilon(2e-6).scale(1));
      }
    }
  }
}

TEST_CASE("every operation agrees between float and double, rows and lanes") {
  for (const OpCase& op : op_cases()) {
    const Result want = evaluate(op, random_inputs(op, DType::f64));
    for (const DType dtype : {DType::f64, DType::f32})
      for (const Layout layout : {Layout::rows, Layout::lanes}) {
        CAPTURE(op.name);
        CAPTURE(name_of(dtype));
        CAPTURE((layout == Layout::lanes));
        const double tolerance = dtype == DType::f64 ? 1e-12 : op.f32_tolerance;
        const Result got = evaluate(op, in_layout(op, random_inputs(op, dtype), layout));
        check_near(got.value, want.value, tolerance, "value");
        for (std::size_t k = 0; k < want.gradients.size(); ++k)
          check_near(got.gradients[k], want.gradients[k], 4 * tolerance, op.inputs[k].name.c_str());
      }
  }
}

TEST_CASE("[R05] every operation replays with fresh inputs to the bits of the eager run") {
  for (const OpCase& op : op_cases())
    for (const Layout layout : {Layout::rows, Layout::lanes}) {
      CAPTURE(op.name);
      const std::vector<Tensor> fresh = in_layout(op, random_inputs(op, DType::f32), layout);
      std::vector<Tensor> slots, grads;
      for (const Tensor& t : fresh) {
        slots.push_back(t.clone());
        grads.push_back(Tensor::zeros(t.shape(), t.dtype(), t.layout()));
        for (std::int64_t i = 0; i < t.stored(); ++i)
          slots.back().mut<float>()[i] *= 0.5f;  // captured on other numbers
      }
      Var y;
      const Program program = Program::capture([&] {
        Vars vars;
        for (std::size_t k = 0; k < slots.size(); ++k) vars.push_back(variable(slots[k], grads[k]));
        y = op.run(vars);
        backward(as_scalar(y));
      });
      for (std::size_t k = 0; k < slots.size(); ++k) copy_into(fresh[k], slots[k]);
      const Tensor value = y.value();
      program.run();
      const Result eager = evaluate(op, fresh);
      CHECK(value.to_vector() == eager.value);
      for (std::size_t k = 0; k < grads.size(); ++k) CHECK(grads[k].to_vector() == eager.gradients[k]);
    }
}

TEST_CASE("[R04] every operation has the same bits on 1, 2 and 4 threads") {
  const int before = threads();
  for (const OpCase& op : op_cases())
    for (const Layout layout : {Layout::rows, Layout::lanes}) {
      CAPTURE(op.name);
      const std::vector<Tensor> inputs = in_layout(op, random_inputs(op, DType::f32), layout);
      set_threads(1);
      const Result one = evaluate(op, inputs);
      for (const int count : {2, 4}) {
        set_threads(count);
        const Result many = evaluate(op, inputs);
        CHECK(many.value == one.value);
        CHECK(many.gradients == one.gradients);
      }
    }
  set_threads(before);
}

TEST_CASE("every operation refuses shapes that do not fit") {
  for (const OpCase& op : op_cases())
    for (const auto& shapes : op.must_throw) {
      CAPTURE(op.name);
      Vars vars;
      for (const Tensor& t : random_inputs(op, DType::f32, shapes)) vars.push_back(constant(t));
      CHECK_THROWS_AS(op.run(vars), Error);
    }
}

TEST_CASE("[R34] a NaN in any input reaches the result") {
  for (const OpCase& op : op_cases())
    for (const Layout layout : {Layout::rows, Layout::lanes})
      for (std::size_t k = 0; k < op.inputs.size(); ++k) {
        CAPTURE(op.name);
        CAPTURE(op.inputs[k].name);
        std::vector<Tensor> inputs = random_inputs(op, DType::f32);
        inputs[k].mut<float>()[inputs[k].numel() - 1] = std::nanf("");
        Vars vars;
        for (const Tensor& t : in_layout(op, inputs, layout)) vars.push_back(constant(t));
        CHECK_FALSE(all_finite(op.run(vars).value()));
      }
}

TEST_CASE("linear rejects a weight with the wrong number of columns and says both numbers") {
  const Var x = constant(Tensor::zeros({32, 26})), w = constant(Tensor::zeros({81, 27})),
            b = constant(Tensor::zeros({81}));
  CHECK_THROWS_WITH_AS(linear(x, w, b), "linear: x [32, 26] has 26 columns, w [81, 27] wants 27", Error);
}

TEST_CASE("a checking tape names the operation that first makes a value that is not finite") {
  Tape tape;
  tape.check_finite(true);
  const TapeScope scope(tape);
  const Tensor x = Tensor::full({2, 2}, 1e30), g = Tensor::zeros({2, 2});
  CHECK_THROWS_WITH_AS(square(square(variable(x, g))), "operation 'square' made a value that is not finite", Error);
}

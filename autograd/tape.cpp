#include "autograd/tape.h"

#include "core/base/error.h"

#include <cstring>

namespace thimble {
namespace {

thread_local Tape* current_tape = nullptr;

}  // namespace

TapeScope::TapeScope(Tape& tape) : before_(current_tape) {
  current_tape = &tape;
}
TapeScope::~TapeScope() {
  current_tape = before_;
}
Tape* active_tape() {
  return current_tape;
}

void Tape::clear() {
  values_.clear();
  nodes_.clear();
  instructions_.clear();
}

void Tape::execute(const char* name, const OpKernel& kernel, const Run& run) {
  kernel(run);
  if (capturing_) instructions_.push_back({name, kernel, run});
}

int Tape::add_leaf(const Tensor& value, const Tensor& grad) {
  values_.push_back({value, grad, true, false});
  return static_cast<int>(values_.size()) - 1;
}

Run Tape::make_run(std::initializer_list<Var> inputs) {
  THIMBLE_ASSERT(inputs.size() <= kMaxInputs);
  Run run;
  std::size_t i = 0;
  for (const Var& input : inputs) run.in_[i++] = input.value();
  return run;
}

int Tape::add(const char* name, std::initializer_list<Var> inputs, const Run& run, const OpKernel& forward,
              const OpKernel& backward) {
  if (forward) execute(name, forward, run);
  if (check_finite_ && !all_finite(run.out()))
    throw Error(ErrorKind::failed, text::cat("operation '", name, "' made a value that is not finite"));
  Node node{name, run, backward, {}, -1};
  node.inputs.fill(-1);
  std::size_t i = 0;
  bool needed = false;
  for (const Var& input : inputs) {
    needed |= input.id() >= 0;
    node.inputs[i++] = input.id();
  }
  if (!needed) return -1;
  values_.push_back({run.out(), Tensor(), false, false});
  node.output = static_cast<int>(values_.size()) - 1;
  nodes_.push_back(std::move(node));
  return nodes_.back().output;
}

void Tape::seed(int id) {
  Value& v = values_[static_cast<std::size_t>(id)];
  Run run;
  run.out_[0] = Tensor::empty(v.value.shape(), v.value.dtype(), v.value.layout());
  execute(
      "seed",
      [](const Run& r) {
        if (r.out().dtype() == DType::f32)
          *r.out().mut<float>() = 1;
        else
          *r.out().mut<double>() = 1;
      },
      run);
  v.grad = run.out();
  v.written = true;
}

void Tape::step_back(Node& node) {
  Value& out = values_[static_cast<std::size_t>(node.output)];
  if (!out.written) return;  // nothing that matters depends on this node
  Run run = node.run;
  run.d_out_ = out.grad;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] < 0) continue;
    Value& in = values_[static_cast<std::size_t>(node.inputs[i])];
    if (!in.grad.defined()) in.grad = Tensor::empty(in.value.shape(), in.value.dtype(), in.value.layout());
    run.d_in_[i] = in.grad;
    run.add_[i] = in.written;  // the first contribution writes, so gradients are never cleared
    in.written = true;
  }
  execute(node.name, node.backward, run);
}

void Tape::walk_back(const Var& loss) {
  THIMBLE_CHECK(loss.id() >= 0, value, "backward: the loss depends on no variable of the active tape");
  THIMBLE_CHECK(loss.value().numel() == 1, shape, "backward: the loss has shape ", loss.shape(),
                ", one element is wanted");
  seed(loss.id());
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) step_back(*node);
  for (Value& v : values_) {
    if (!v.external || v.written) continue;
    Run run;
    run.out_[0] = v.grad;
    execute(
        "zero", [](const Run& r) { std::memset(r.out().raw_mut(), 0, r.out().bytes()); }, run);
    v.written = true;
  }
}

Tensor Tape::gradient(const Var& v) const {
  return v.id() < 0 ? Tensor() : values_[static_cast<std::size_t>(v.id())].grad;
}

Var constant(Tensor value) {
  return Var(std::move(value));
}

Var variable(const Tensor& value, const Tensor& grad) {
  THIMBLE_CHECK(value.shape() == grad.shape() && value.dtype() == grad.dtype(), shape, "variable: value ",
                value.shape(), " and gradient ", grad.shape(), " differ");
  Tape* tape = active_tape();
  return tape == nullptr ? Var(value) : Var(value, tape->add_leaf(value, grad));
}

void backward(const Var& loss) {
  THIMBLE_CHECK(active_tape() != nullptr, value, "backward: no tape is active");
  active_tape()->walk_back(loss);
}

void effect(const char* name, const OpKernel& kernel) {
  if (Tape* tape = active_tape())
    tape->execute(name, kernel, Run());
  else
    kernel(Run());
}

Var record(const char* name, std::initializer_list<Var> inputs, const TensorSpec& result, const OpKernel& forward,
           const OpKernel& backward, std::initializer_list<TensorSpec> saves) {
  THIMBLE_ASSERT(saves.size() < kMaxOutputs);
  Run run = Tape::make_run(inputs);
  run.out_[0] = Tensor::empty(result.shape, result.dtype, result.layout);
  std::size_t i = 1;
  for (const TensorSpec& save : saves) run.out_[i++] = Tensor::empty(save.shape, save.dtype, save.layout);
  Tape* tape = active_tape();
  if (tape != nullptr) return Var(run.out(), tape->add(name, inputs, run, forward, backward));
  forward(run);
  return Var(run.out());
}

Var record_view(const char* name, const Var& input, Tensor result, const OpKernel& backward) {
  Tape* tape = active_tape();
  if (tape == nullptr) return Var(std::move(result));
  Run run = Tape::make_run({input});
  run.out_[0] = std::move(result);
  return Var(run.out(), tape->add(name, {input}, run, OpKernel(), backward));
}

}  // namespace thimble

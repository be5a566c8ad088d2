#pragma once
// Reverse-mode automatic differentiation on a tape: operations run at once and are noted in order; backward() walks the
// notes in reverse. Tape order is the topological order, so there is no graph search and no virtual call.

#include "autograd/run.h"

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace thimble {

/// A value in a computation: a tensor, and its number on the active tape (-1: constant, no gradient flows).
class Var {
 public:
  Var() = default;
  explicit Var(Tensor value, int id = -1) : value_(std::move(value)), id_(id) {}
  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  std::int64_t size(int dim) const { return value_.size(dim); }
  DType dtype() const { return value_.dtype(); }
  Layout layout() const { return value_.layout(); }
  bool defined() const { return value_.defined(); }
  int id() const { return id_; }

 private:
  Tensor value_;
  int id_ = -1;
};

/// One executed kernel with its tensors, as a captured program replays it.
struct Instruction {
  const char* name;
  OpKernel kernel;
  Run run;
};

/// What an operation returns.
struct TensorSpec {
  Shape shape;
  DType dtype = DType::f32;
  Layout layout = Layout::rows;
};

class Tape {
 public:
  /// A capturing tape keeps every executed instruction, forward, backward and effects, in order.
  explicit Tape(bool capturing = false) : capturing_(capturing) {}

  /// Forgets all notes; keeps its memory for the next step.
  void clear();
  bool capturing() const { return capturing_; }
  std::size_t size() const { return nodes_.size(); }
  const std::vector<Instruction>& instructions() const { return instructions_; }
  std::vector<Instruction> take_instructions() { return std::move(instructions_); }
  /// Every result is checked; the first operation that makes a NaN or an infinity is named in an Error(failed).
  void check_finite(bool on) { check_finite_ = on; }

  /// Gradient of a value after backward(); undefined if none flowed there.
  Tensor gradient(const Var& v) const;

 private:
  friend Var variable(const Tensor& value, const Tensor& grad);
  friend void backward(const Var& loss);
  friend void effect(const char* name, const OpKernel& kernel);
  friend Var record(const char* name, std::initializer_list<Var> inputs, const TensorSpec& result,
                    const OpKernel& forward, const OpKernel& backward, std::initializer_list<TensorSpec> saves);
  friend Var record_view(const char* name, const Var& input, Tensor result, const OpKernel& backward);

  struct Value {
    Tensor value, grad;
    bool external;  // grad belongs to the caller and must be written even if nothing flows there
    bool written;
  };
  struct Node {
    const char* name;
    Run run;
    OpKernel backward;
    std::array<int, kMaxInputs> inputs;
    int output;
  };
  static Run make_run(std::initializer_list<Var> inputs);
  int add_leaf(const Tensor& value, const Tensor& grad);
  /// Runs a forward kernel and notes its backward if a gradient may flow; returns the number of the result or -1.
  int add(const char* name, std::initializer_list<Var> inputs, const Run& run, const OpKernel& forward,
          const OpKernel& backward);
  void execute(const char* name, const OpKernel& kernel, const Run& run);
  void walk_back(const Var& loss);
  void seed(int id);
  void step_back(Node& node);

  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<Instruction> instructions_;
  bool capturing_;
  bool check_finite_ = false;
};

/// Makes a tape the active one of this thread for the lifetime of the scope.
class TapeScope {
 public:
  explicit TapeScope(Tape& tape);
  ~TapeScope();
  TapeScope(const TapeScope&) = delete;
  TapeScope& operator=(const TapeScope&) = delete;

 private:
  Tape* before_;
};

/// The active tape of this thread, or null: operations then only compute (inference).
Tape* active_tape();

/// A value without gradient.
Var constant(Tensor value);
/// A leaf whose gradient backward() writes into `grad` (same shape and type). A constant without an active tape.
Var variable(const Tensor& value, const Tensor& grad);
/// Gradients of all variables that `loss` (one element) depends on; variables it does not depend on get zero.
void backward(const Var& loss);
/// An action at this place of the step that is no function of tensors (an optimiser step): runs now, and in each
/// replay.
void effect(const char* name, const OpKernel& kernel);

/// The one way to define an operation: allocates the outputs (first the result, then the saves), runs `forward`, and
/// notes `backward` if a gradient may flow. Lambdas capture sizes and scalars only.
Var record(const char* name, std::initializer_list<Var> inputs, const TensorSpec& result, const OpKernel& forward,
           const OpKernel& backward, std::initializer_list<TensorSpec> saves = {});
/// As record, for a view: the result shares the memory of `result`, nothing runs forward.
Var record_view(const char* name, const Var& input, Tensor result, const OpKernel& backward);

}  // namespace thimble

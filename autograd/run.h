#pragma once
// What one executed operation sees: its tensors. Kernels of operations capture only sizes, enums and scalars; all data
// flows through Run, which is what lets a step be captured once and replayed.

#include "core/kernels/into.h"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <new>
#include <type_traits>

namespace thimble {

class OpKernel;
class Var;
struct TensorSpec;

inline constexpr int kMaxInputs = 6;
inline constexpr int kMaxOutputs = 4;  // the result, and what backward needs besides ("saves")

/// Forward kernels read in() and write out(). Backward kernels read in(), out(), d_out() and write d_in().
class Run {
 public:
  const Tensor& in(int i) const { return in_[static_cast<std::size_t>(i)]; }
  const Tensor& out(int i = 0) const { return out_[static_cast<std::size_t>(i)]; }
  const Tensor& d_out() const { return d_out_; }
  /// Where the gradient of input i goes, and whether to write or to add; null if nobody wants it.
  kernels::Into d_in(int i) const {
    const auto& t = d_in_[static_cast<std::size_t>(i)];
    return t.defined() ? kernels::Into{&t, add_[static_cast<std::size_t>(i)]} : kernels::Into{};
  }

 private:
  friend class Tape;
  friend class Program;
  friend Var record(const char*, std::initializer_list<Var>, const TensorSpec&, const OpKernel&, const OpKernel&,
                    std::initializer_list<TensorSpec>);
  friend Var record_view(const char*, const Var&, Tensor, const OpKernel&);
  std::array<Tensor, kMaxInputs> in_, d_in_;
  std::array<Tensor, kMaxOutputs> out_;
  std::array<bool, kMaxInputs> add_{};
  Tensor d_out_;
};

/// A callable void(const Run&) stored in place. It must be trivially copyable, so a captured Tensor does not compile.
class OpKernel {
 public:
  OpKernel() = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, OpKernel>) OpKernel(F f)  // NOLINT(google-explicit-constructor)
      : call_([](const void* store, const Run& run) { (*static_cast<const F*>(store))(run); }) {
    static_assert(sizeof(F) <= kSize, "an operation captures at most 64 bytes: sizes, enums, scalars");
    static_assert(std::is_trivially_copyable_v<F>, "an operation captures no tensors: data flows through Run");
    new (store_.data()) F(f);
  }
  void operator()(const Run& run) const { call_(store_.data(), run); }
  explicit operator bool() const { return call_ != nullptr; }

 private:
  static constexpr std::size_t kSize = 64;
  alignas(std::max_align_t) std::array<std::byte, kSize> store_{};
  void (*call_)(const void*, const Run&) = nullptr;
};

}  // namespace thimble

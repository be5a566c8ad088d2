#pragma once
// What a forward pass needs to know besides its input.

#include "core/random/philox.h"

namespace thimble::nn {

/// Numbers that change with every step. Captured programs read them through a pointer, so they must outlive the
/// program.
struct StepState {
  std::uint64_t step = 0;  // optimiser steps done; addresses the draws of this step
};

/// How a module is run. Without a state a pass is inference: no dropout, running statistics.
struct Pass {
  const StepState* state = nullptr;
  Stream random = Stream(0);  // dropout masks

  bool training() const { return state != nullptr; }
};

}  // namespace thimble::nn

#pragma once
// Capture and replay: one real step is run and noted, its memory is planned, and from then on the step is a flat list
// of kernels over fixed buffers - no allocation, no graph, no dispatch. Replay gives the bits of the eager step.

#include "autograd/tape.h"

#include <string>
#include <vector>

namespace thimble {

class Program {
 public:
  /// Runs `step()` once for real and keeps what it did. The step must do the same operations on the same shapes every
  /// time, read its data from tensors that the caller keeps (and fills before each run), and take what changes from
  /// step to step (learning rate, step number) from objects that its effects refer to.
  template <class F>
  static Program capture(const F& step) {
    Tape tape(true);
    {
      const TapeScope scope(tape);
      step();
    }
    std::vector<Instruction> instructions = tape.take_instructions();
    tape.clear();
    return Program(std::move(instructions));
  }

  /// Replays the step. Allocates nothing.
  void run() const {
    for (const Instruction& i : instructions_) i.kernel(i.run);
  }

  std::size_t size() const { return instructions_.size(); }
  /// Bytes of the one block that holds all intermediate results.
  std::size_t arena_bytes() const { return arena_.defined() ? arena_.bytes() : 0; }
  /// Bytes the intermediate results would take without sharing memory.
  std::size_t unplanned_bytes() const { return unplanned_; }
  /// One line per kernel: name and seconds per run, median of `repeats` replays of the whole program.
  std::string profile(int repeats) const;

 private:
  explicit Program(std::vector<Instruction> instructions);
  void plan();

  std::vector<Instruction> instructions_;
  Tensor arena_;
  std::size_t unplanned_ = 0;
};

}  // namespace thimble

#pragma once
// The fast form of evaluate(): many vectors, sixteen at a time, with the fastest unit that the intervals prove exact.

#include "hw/ir/vectors.h"

#include <functional>
#include <memory>

namespace thimble::hw {

/// How a cmvm or conv1d node is computed. Each is chosen only if it is exact for every input the intervals allow.
enum class Unit : std::uint8_t {
  float32,  // |any partial sum| < 2^24
  float64,  // |any partial sum| < 2^53
  int64,    // modulo 2^64; the sums themselves fit 62 bits
};

/// A graph prepared for batches. Results are those of evaluate(), for any number of threads and any batch size.
class Interpreter {
 public:
  explicit Interpreter(const Graph& graph);
  ~Interpreter();
  Interpreter(Interpreter&&) noexcept;

  /// Output vectors for input vectors. Throws Error(data) naming vector and element outside its interval.
  Vectors run(const Vectors& in) const;
  /// Units of the cmvm and conv1d nodes, in node order.
  const std::vector<Unit>& units() const;

  class Engine;

 private:
  std::unique_ptr<Engine> engine_;
};

/// One-off form of Interpreter.
Vectors interpret(const Graph& graph, const Vectors& in);

std::string_view name(Unit unit);  // "float32"

}  // namespace thimble::hw

#pragma once
// Random numbers of one thing of the simulator (a reach, a channel, a neuron in a segment), one after another.

#include "core/random/philox.h"

#include <cmath>
#include <cstdint>

namespace thimble::fenet {

class Draws {
 public:
  Draws(const Stream& stream, std::uint64_t thing) : stream_(stream), thing_(thing) {}
  double uniform() { return stream_.uniform64(thing_, next_++); }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal() { return stream_.normal(thing_, next_++); }
  std::uint64_t below(std::uint64_t n) { return stream_.below(n, thing_, next_++); }
  /// Poisson number, by counting how many uniform numbers can be multiplied; for means up to some hundreds.
  int poisson(double mean) {
    const double floor = std::exp(-mean);
    int count = 0;
    for (double product = uniform(); product > floor; product *= uniform()) ++count;
    return count;
  }

 private:
  Stream stream_;
  std::uint64_t thing_, next_ = 0;
};

}  // namespace thimble::fenet

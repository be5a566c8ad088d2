#pragma once
// Canonical signed digits: the unique form sum d_i 2^i, d_i in {-1, 0, 1}, without two non-zero neighbours. It has the
// fewest non-zero digits, and so counts the adders of a multiplication by a constant.

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fixed {

/// Digits of n, lowest first; empty for 0.
std::vector<int> csd(std::int64_t n);
/// Highest first, P for +1 and N for -1: 7 -> "P00N", 0 -> "0".
std::string csd_text(std::int64_t n);
/// Number of non-zero digits.
int csd_weight(std::int64_t n);

}  // namespace thimble::fixed

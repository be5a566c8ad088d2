#include "core/fixed/csd.h"

#include "core/fixed/type.h"

#include <algorithm>

namespace thimble::fixed {

std::vector<int> csd(std::int64_t n) {
  std::vector<int> digits;
  for (Wide rest = n; rest != 0; rest /= 2) {
    const int low = static_cast<int>(rest & 3);  // modulo 4, never negative
    const int digit = low == 1 ? 1 : low == 3 ? -1 : 0;
    digits.push_back(digit);
    rest -= digit;
  }
  return digits;
}

std::string csd_text(std::int64_t n) {
  std::string text;
  for (const int digit : csd(n)) text += digit > 0 ? 'P' : digit < 0 ? 'N' : '0';
  if (text.empty()) return "0";
  std::reverse(text.begin(), text.end());
  return text;
}

int csd_weight(std::int64_t n) {
  const std::vector<int> digits = csd(n);
  return static_cast<int>(std::count_if(digits.begin(), digits.end(), [](int digit) { return digit != 0; }));
}

}  // namespace thimble::fixed

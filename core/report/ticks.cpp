#include "core/report/ticks.h"

#include "core/base/text.h"

#include <algorithm>
#include <cmath>

namespace thimble::report {
namespace {

constexpr double kPlainFrom = 1e-4, kPlainTo = 1e5;  // outside: powers of ten

std::string superscript(int number) {
  constexpr const char* digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out = number < 0 ? "⁻" : "";
  for (const char c : std::to_string(std::abs(number))) out += digits[c - '0'];
  return out;
}

std::string with_minus(const std::string& number) {
  return number.front() == '-' ? "−" + number.substr(1) : number;
}

std::string power_label(double factor, int exponent) {
  const std::string power = "10" + superscript(exponent);
  return factor == 1 ? power : text::shortest(factor) + "×" + power;
}

std::string log_label(double factor, int exponent) {
  const double value = factor * std::pow(10.0, exponent);
  if (value < kPlainFrom * 0.999 || value > kPlainTo * 1.001) return power_label(factor, exponent);
  return text::fixed(value, std::max(0, -exponent));
}

/// 1, 2 or 5 times a power of ten, not below `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::vector<Tick> decades(double low, double high, const std::vector<double>& labelled) {
  std::vector<Tick> ticks;
  for (int e = static_cast<int>(std::floor(std::log10(low))); e <= static_cast<int>(std::ceil(std::log10(high))); ++e) {
    for (int factor = 1; factor <= 9; ++factor) {
      const double at = factor * std::pow(10.0, e);
      if (at < low * (1 - 1e-9) || at > high * (1 + 1e-9)) continue;
      const bool named = std::find(labelled.begin(), labelled.end(), factor) != labelled.end();
      ticks.push_back({at, named ? log_label(factor, e) : ""});
    }
  }
  return ticks;
}

/// Every second, third ... decade when there are too many.
void thin(std::vector<Tick>& ticks, int wanted) {
  const auto named = std::count_if(ticks.begin(), ticks.end(), [](const Tick& t) { return !t.label.empty(); });
  const long step = (named + wanted - 1) / wanted;
  std::erase_if(ticks, [&](const Tick& tick) {
    const long exponent = std::lround(std::log10(tick.at));
    return step > 1 && (tick.label.empty() || exponent % step != 0);
  });
}

long labels_of(const std::vector<Tick>& ticks) {
  return std::count_if(ticks.begin(), ticks.end(), [](const Tick& t) { return !t.label.empty(); });
}

}  // namespace

std::vector<Tick> linear_ticks(double low, double high, int wanted) {
  const double step = round_step((high - low) / wanted);
  const double largest = std::max(std::abs(low), std::abs(high));
  const int exponent = static_cast<int>(std::floor(std::log10(largest)));
  const bool powers = largest > kPlainTo || largest < kPlainFrom;
  const double unit = powers ? std::pow(10.0, exponent) : 1;
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step / unit) + 1e-9)));
  std::vector<Tick> ticks;
  for (double n = std::ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; ++n) {
    const double at = n == 0 ? 0 : n * step;
    const std::string plain = with_minus(text::fixed(at / unit, at == 0 ? 0 : decimals));
    ticks.push_back({at, powers && at != 0 ? plain + "×10" + superscript(exponent) : plain});
  }
  return ticks;
}

std::vector<Tick> log_ticks(double low, double high, int wanted) {
  std::vector<Tick> ticks = decades(low, high, {1});
  if (labels_of(ticks) < 3) ticks = decades(low, high, {1, 2, 5});
  if (labels_of(ticks) < 3) return linear_ticks(low, high, wanted);
  thin(ticks, wanted);
  return ticks;
}

}  // namespace thimble::report

#include "core/fixed/table.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"

#include <cmath>

namespace thimble::fixed {
namespace {

constexpr std::size_t kMaxEntries = std::size_t{1} << 20;

double offset_of(Sample sample, int drop) {
  switch (sample) {
    case Sample::edge:
      return 0;
    case Sample::middle:
      return 0.5;
    case Sample::mean:
      return 0.5 - std::ldexp(1.0, -drop - 1);
  }
  return 0;
}

}  // namespace

std::vector<std::int64_t> make_table(const std::function<double(double)>& function, const TableSpec& spec) {
  check(spec.out, "table");
  THIMBLE_CHECK(spec.count > 0 && spec.count <= kMaxEntries, value, "table of ", spec.count, " entries: expected 1 to ",
                kMaxEntries);
  std::vector<std::int64_t> values;
  values.reserve(spec.count + 1);
  const double offset = offset_of(spec.sample, spec.drop);
  for (std::size_t i = 0; i < spec.count; ++i) {
    const double bin = static_cast<double>(spec.first + static_cast<std::int64_t>(i)) + offset;
    values.push_back(convert(function(std::ldexp(bin, spec.drop - spec.f_in)), spec.out, spec.round, Overflow::sat));
  }
  if (spec.saturated) values.push_back(*spec.saturated);
  return values;
}

std::vector<std::int64_t> saturating_tanh_half(int f_in, int drop, int f_out) {
  // from here on tanh(x/2) is nearer to 1 than half a step
  const double end = std::atanh(1 - std::ldexp(1.0, -f_out - 1)) * 2;
  // the sample is a float32 in the emulation that defines the hardware; other widths than its own depend on it
  return make_table([](double x) { return std::tanh(static_cast<double>(static_cast<float>(x)) / 2); },
                    {.f_in = f_in,
                     .drop = drop,
                     .count = static_cast<std::size_t>(std::ceil(std::ldexp(end, f_in - drop))),
                     .sample = Sample::mean,
                     .out = {f_out + 2, true, f_out},
                     .round = Round::rnd_inf,
                     .saturated = std::int64_t{1} << f_out});
}

std::vector<std::int64_t> capped_tanh(int f_in, int drop, int f_out, int range) {
  const FxType out{f_out + 1, true, f_out};
  return make_table([](double x) { return std::tanh(x); }, {.f_in = f_in,
                                                            .drop = drop,
                                                            .count = static_cast<std::size_t>(range) << (f_in - drop),
                                                            .sample = Sample::edge,
                                                            .out = out,
                                                            .round = Round::rnd_inf,
                                                            .saturated = out.hi()});
}

}  // namespace thimble::fixed

#include "apps/fenet/data/filters.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace thimble::fenet {
namespace {

using Complex = std::complex<double>;
constexpr double kPi = std::numbers::pi;
constexpr double kNotchWidth = 2.0;  // hertz

/// Edge as the bilinear transform needs it, so that it lies where it was asked for.
double warped(double edge, double rate) {
  THIMBLE_CHECK(edge > 0.0 && edge < 0.5 * rate, value, "a filter edge at ", edge, " Hz: between 0 and ", 0.5 * rate,
                " Hz (half the sampling rate) is needed");
  return std::tan(kPi * edge / rate);
}

/// Poles of the low-pass with edge 1.
std::vector<Complex> butterworth(std::int64_t order) {
  THIMBLE_CHECK(order >= 1, value, "a filter of order ", order);
  std::vector<Complex> poles;
  for (std::int64_t k = 0; k < order; ++k)
    poles.push_back(std::polar(1.0, kPi * static_cast<double>(2 * k + order + 1) / static_cast<double>(2 * order)));
  return poles;
}

Complex bilinear(Complex s) {
  return (1.0 + s) / (1.0 - s);
}

/// Sections of digital poles, conjugates together; the zeros of every section are given by those of its poles.
Filter sections(const std::vector<Complex>& poles, double zero_one, double zero_two) {
  Filter out;
  std::vector<double> real;
  for (const Complex& pole : poles) {
    if (std::abs(pole.imag()) < 1e-12)
      real.push_back(pole.real());
    else if (pole.imag() > 0)
      out.push_back({1, -zero_one - zero_two, zero_one * zero_two, -2.0 * pole.real(), std::norm(pole)});
  }
  std::sort(real.begin(), real.end());
  for (std::size_t i = 0; i + 1 < real.size(); i += 2)
    out.push_back({1, -zero_one - zero_two, zero_one * zero_two, -real[i] - real[i + 1], real[i] * real[i + 1]});
  if (real.size() % 2 == 1) out.push_back({1, -zero_one, 0, -real.back(), 0});
  return out;
}

/// Scales the sections to gain 1 at the frequency.
Filter normalised(Filter filter, double frequency, double rate) {
  for (FilterSection& section : filter) {
    const double gain = 1.0 / std::abs(response({section}, frequency, rate));
    section.b0 *= gain, section.b1 *= gain, section.b2 *= gain;
  }
  return filter;
}

void append(Filter& to, const Filter& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

Filter highpass(std::int64_t order, double edge, double rate) {
  const double w = warped(edge, rate);
  std::vector<Complex> poles = butterworth(order);
  for (Complex& pole : poles) pole = bilinear(w / pole);
  return normalised(sections(poles, 1.0, 1.0), 0.5 * rate, rate);
}

Filter lowpass(std::int64_t order, double edge, double rate) {
  const double w = warped(edge, rate);
  std::vector<Complex> poles = butterworth(order);
  for (Complex& pole : poles) pole = bilinear(w * pole);
  return normalised(sections(poles, -1.0, -1.0), 0.0, rate);
}

Filter bandpass(std::int64_t order, double low, double high, double rate) {
  const double from = warped(low, rate), to = warped(high, rate);
  THIMBLE_CHECK(low < high, value, "a band from ", low, " to ", high, " Hz");
  const double width = to - from, middle = std::sqrt(from * to);
  std::vector<Complex> poles;
  for (const Complex& pole : butterworth(order)) {
    const Complex half = 0.5 * width * pole, root = std::sqrt(half * half - middle * middle);
    poles.push_back(bilinear(half + root));
    poles.push_back(bilinear(half - root));
  }
  return normalised(sections(poles, 1.0, -1.0), std::atan(middle) * rate / kPi, rate);
}

Filter notch(double frequency, double width, double rate) {
  static_cast<void>(warped(frequency, rate));
  const double w = 2.0 * kPi * frequency / rate, gain = 1.0 / (1.0 + std::tan(kPi * width / rate));
  const double c = -2.0 * std::cos(w);
  return {{gain, gain * c, gain, gain * c, 2.0 * gain - 1.0}};
}

Filter filters_of(const PreprocessKeys& keys, double rate) {
  std::vector<Error> wrong;
  Filter out;
  const auto attempt = [&](const char* key, const auto& make) {
    try {
      append(out, make());
    } catch (const Error& error) {
      wrong.emplace_back(ErrorKind::config, error.message(), Place{"", 0, 0, text::cat("data.preprocess.", key)});
    }
  };
  if (keys.highpass_hz > 0.0) attempt("highpass_hz", [&] { return highpass(keys.order, keys.highpass_hz, rate); });
  if (!keys.bandpass_hz.empty())
    attempt("bandpass_hz", [&] {
      THIMBLE_CHECK(keys.bandpass_hz.size() == 2, value, keys.bandpass_hz.size(),
                    " numbers where [low, high] is needed");
      return bandpass(keys.order, keys.bandpass_hz[0], keys.bandpass_hz[1], rate);
    });
  for (const double frequency : keys.notch_hz) attempt("notch_hz", [&] { return notch(frequency, kNotchWidth, rate); });
  if (wrong.size() == 1) throw wrong.front();
  if (!wrong.empty()) throw Errors(std::move(wrong));
  return out;
}

std::complex<double> response(const Filter& filter, double frequency, double rate) {
  const Complex z = std::polar(1.0, -2.0 * kPi * frequency / rate);
  Complex out = 1.0;
  for (const FilterSection& s : filter) out *= (s.b0 + z * (s.b1 + z * s.b2)) / (1.0 + z * (s.a1 + z * s.a2));
  return out;
}

void FilterState::start(const Filter& filter, double value) {
  started_ = true;
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const FilterSection& s = filter[i];
    const double out = value * (s.b0 + s.b1 + s.b2) / (1.0 + s.a1 + s.a2);
    memory_[2 * i] = out - s.b0 * value;
    memory_[2 * i + 1] = s.b2 * value - s.a2 * out;
    value = out;
  }
}

void FilterState::run(const Filter& filter, std::span<float> samples) {
  if (samples.empty()) return;
  if (!started_) start(filter, static_cast<double>(samples.front()));
  std::vector<double> values(samples.begin(), samples.end());
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const FilterSection s = filter[i];
    double one = memory_[2 * i], two = memory_[2 * i + 1];
    for (double& value : values) {
      const double out = s.b0 * value + one;
      one = s.b1 * value - s.a1 * out + two;
      two = s.b2 * value - s.a2 * out;
      value = out;
    }
    memory_[2 * i] = one, memory_[2 * i + 1] = two;
  }
  std::transform(values.begin(), values.end(), samples.begin(), [](double v) { return static_cast<float>(v); });
}

}  // namespace thimble::fenet

#include "apps/fenet/data/neurons.h"

#include "apps/fenet/data/draws.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace thimble::fenet {
namespace {

double bump(double t, double centre, double width) {
  const double z = (t - centre) / width;
  return std::exp(-0.5 * z * z);
}

/// A trough and a slower hump behind it, of unit peak.
void make_waveform(Draws& draws, std::array<float, kWaveform>& out) {
  const double width = draws.uniform(0.08, 0.16), hump = draws.uniform(0.25, 0.45), wide = draws.uniform(0.2, 0.32);
  std::array<double, kWaveform> values{};
  double peak = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double t = static_cast<double>(i) / 30.0;  // ms
    values[i] = -bump(t, 0.45, width) + hump * bump(t, 0.9, wide);
    peak = std::max(peak, std::abs(values[i]));
  }
  std::transform(values.begin(), values.end(), out.begin(), [&](double v) { return static_cast<float>(v / peak); });
}

Neuron make_neuron(Draws draws, double low, double high, double direction) {
  Neuron neuron;
  neuron.amplitude = draws.uniform(low, high);
  neuron.direction = direction + 0.7 * draws.normal();
  neuron.baseline = 3.0 * std::pow(20.0 / 3.0, draws.uniform());
  neuron.depth = draws.uniform(0.2, 1.0);
  neuron.speed = draws.uniform(-0.1, 0.4);
  make_waveform(draws, neuron.waveform);
  return neuron;
}

/// The day after which the neuron is lost.
std::int64_t draw_last_day(const Stream& stream, std::uint64_t number, double unit_loss, std::int64_t days) {
  Draws draws(stream, number);
  for (std::int64_t day = 0; day + 1 < days; ++day)
    if (draws.uniform() < unit_loss) return day;
  return days;
}

}  // namespace

double Neuron::rate(Vector2 velocity, double fastest, double turn, double drive) const {
  const double angle = direction + turn;
  const double along = (velocity.x * std::cos(angle) + velocity.y * std::sin(angle)) / fastest;
  const double tuned = 1.0 + 2.0 * depth * along + speed * length(velocity) / fastest;
  return baseline * std::max(0.0, tuned) * std::exp(0.35 * drive - 0.5 * 0.35 * 0.35);
}

std::vector<Neuron> make_neurons(const Stream& stream, std::int64_t channel, double quality, double unit_loss,
                                 std::int64_t days) {
  Draws draws(stream.stream("channel"), static_cast<std::uint64_t>(channel));
  const double direction = draws.uniform(0.0, 2.0 * std::numbers::pi);
  const int near = draws.uniform() < std::min(1.0, 0.25 * quality) ? 1 : 0;
  const int middle = draws.poisson(3.0 * quality), far = draws.poisson(20.0);
  const Stream each = stream.stream("neuron"), loss = stream.stream("loss");
  std::vector<Neuron> out;
  for (int i = 0; i < near + middle + far; ++i) {
    const std::uint64_t number = (static_cast<std::uint64_t>(channel) << 20) + static_cast<std::uint64_t>(i);
    const double low = i < near ? 45.0 : i < near + middle ? 14.0 : 3.0;
    const double high = i < near ? 90.0 : i < near + middle ? 30.0 : 10.0;
    out.push_back(make_neuron(Draws(each, number), low, high, direction));
    out.back().last_day = draw_last_day(loss, number, unit_loss, days);
  }
  return out;
}

}  // namespace thimble::fenet

#include "apps/fenet/data/simulator.h"

#include "core/parallel/blocks.h"

#include "apps/fenet/data/draws.h"
#include "apps/fenet/data/labels.h"
#include "apps/fenet/data/neurons.h"
#include "apps/fenet/data/noise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace thimble::fenet {
namespace {

constexpr double kTurn = 2.0 * std::numbers::pi;
// Across sessions: what an electrode hears and where its neurons point, over and over.
constexpr std::array<double, 4> kGain{1.0, 0.9, 0.8, 0.85}, kRotation{0.0, 0.1, -0.1, 0.2};

struct Electrode {
  std::vector<Neuron> neurons;
  double white = 0, field = 0, beta = 0;  // microvolts
  double beta_phase = 0, hum_phase = 0;   // radians
};

/// What all sessions share.
struct Recording {
  SimulateKeys keys;
  Stream stream;
  double segment_seconds = 0;
  std::vector<Electrode> electrodes;
};

Electrode make_electrode(const Recording& recording, std::int64_t channel) {
  const SimulateKeys& keys = recording.keys;
  Electrode out;
  out.neurons = make_neurons(recording.stream.stream("neurons"), channel, keys.quality, keys.unit_loss, keys.days);
  Draws draws(recording.stream.stream("electrode"), static_cast<std::uint64_t>(channel));
  out.white = draws.uniform(5.0, 8.0);
  out.field = draws.uniform(40.0, 90.0);
  out.beta = draws.uniform(10.0, 30.0);
  out.beta_phase = draws.uniform(0.0, kTurn);
  out.hum_phase = draws.uniform(0.0, kTurn);
  return out;
}

/// Phase of the beta rhythm at the edges of the segments: 20 Hz that wander by 1.5 Hz within about a second.
std::vector<double> beta_phases(const Stream& stream, std::int64_t segments, double segment_seconds) {
  Draws draws(stream.stream("beta"), 0);
  const double keep = std::exp(-segment_seconds), fresh = std::sqrt(1.0 - keep * keep);
  double wander = draws.normal(), phase = draws.uniform(0.0, kTurn);
  std::vector<double> out{phase};
  for (std::int64_t b = 0; b < segments; ++b) {
    phase += kTurn * (20.0 + 1.5 * wander) * segment_seconds;
    out.push_back(phase);
    wander = keep * wander + fresh * draws.normal();
  }
  return out;
}

/// Sine and cosine of one segment's rhythms, which all channels share up to amplitude and phase.
struct Rhythms {
  std::vector<float> beta_sin, beta_cos, hum_sin, hum_cos;
};

class SimulatedSession : public SegmentSource {
 public:
  SimulatedSession(std::shared_ptr<const Recording> recording, Movement movement, double fastest, std::int64_t day,
                   std::int64_t number)
      : recording_(std::move(recording)),
        movement_(std::move(movement)),
        fastest_(fastest),
        day_(day),
        number_(static_cast<std::size_t>(number)),
        stream_(recording_->stream.stream(text::cat("session/", number))),
        phases_(beta_phases(stream_, segments(), recording_->segment_seconds)),
        common_(stream_.stream("field/common")) {
    for (std::int64_t c = 0; c < channels(); ++c) private_.emplace_back(stream_.stream(text::cat("field/", c)));
  }
  std::int64_t segments() const override { return recording_->keys.segments; }
  std::int64_t channels() const override { return recording_->keys.channels; }
  std::int64_t samples() const override { return recording_->keys.samples; }
  void read(std::int64_t first, const Tensor& block) const override;

 private:
  const std::vector<float>& drives(std::int64_t channel) const;
  Rhythms rhythms(std::int64_t first, std::int64_t count) const;
  void make_channel(std::int64_t channel, std::int64_t first, const Tensor& block, const Rhythms& rhythms,
                    std::span<const float> common) const;
  void add_rhythms(const Electrode& electrode, std::int64_t segment, std::size_t at, const Rhythms& rhythms,
                   std::span<float> out) const;
  void add_spikes(std::int64_t channel, std::int64_t first, std::vector<float>& signal) const;

  std::shared_ptr<const Recording> recording_;
  Movement movement_;
  double fastest_;  // speed at the middle of a segment, over the day
  std::int64_t day_;
  std::size_t number_;  // of the session among all of the recording
  Stream stream_;
  std::vector<double> phases_;
  // What reading remembers; one thread reads at a time, its channels lie apart.
  mutable FieldPotential common_;
  mutable std::vector<FieldPotential> private_;
  mutable std::vector<std::vector<float>> drives_;
};

/// Excitability of all neurons of a channel in all segments, [neurons, segments]: unit variance, 300 ms.
const std::vector<float>& SimulatedSession::drives(std::int64_t channel) const {
  std::vector<float>& out = drives_[static_cast<std::size_t>(channel)];
  if (!out.empty()) return out;
  const std::size_t neurons = recording_->electrodes[static_cast<std::size_t>(channel)].neurons.size();
  const Stream stream = stream_.stream("drive");
  const double keep = std::exp(-recording_->segment_seconds / 0.3), fresh = std::sqrt(1.0 - keep * keep);
  out.reserve(neurons * static_cast<std::size_t>(segments()) + 1);
  for (std::size_t n = 0; n < neurons; ++n) {
    Draws draws(stream, (static_cast<std::uint64_t>(channel) << 20) + n);
    double value = draws.normal();
    for (std::int64_t b = 0; b < segments(); ++b, value = keep * value + fresh * draws.normal())
      out.push_back(static_cast<float>(value));
  }
  out.push_back(0.0F);  // so that a channel without neurons is known to be done
  return out;
}

/// Action potentials of the segments, and the tails of those of the segment before.
void SimulatedSession::add_spikes(std::int64_t channel, std::int64_t first, std::vector<float>& signal) const {
  const auto& neurons = recording_->electrodes[static_cast<std::size_t>(channel)].neurons;
  const std::vector<float>& drive = drives(channel);
  const std::int64_t count = static_cast<std::int64_t>(signal.size()) / samples();
  const Stream stream = stream_.stream(text::cat("spikes/", channel));
  const double gain = kGain[number_ % kGain.size()], turn = kRotation[number_ % kRotation.size()];
  for (std::int64_t b = std::max<std::int64_t>(first - 1, 0); b < first + count; ++b)
    for (std::size_t n = 0; n < neurons.size(); ++n) {
      const Neuron& neuron = neurons[n];
      if (day_ > neuron.last_day) continue;
      const auto at = static_cast<std::size_t>(b);
      const auto excitability = static_cast<double>(drive[n * static_cast<std::size_t>(segments()) + at]);
      const double rate = neuron.rate(movement_.centre[at], fastest_, turn, excitability);
      Draws draws(stream, (static_cast<std::uint64_t>(b) << 20) + n);
      for (int spikes = draws.poisson(rate * recording_->segment_seconds); spikes > 0; --spikes) {
        const auto place = static_cast<std::int64_t>(draws.below(static_cast<std::uint64_t>(samples())));
        const auto height = static_cast<float>(gain * neuron.amplitude * draws.uniform(0.9, 1.1));
        const std::int64_t begin = (b - first) * samples() + place;
        for (std::int64_t i = 0; i < kWaveform; ++i)
          if (begin + i >= 0 && begin + i < static_cast<std::int64_t>(signal.size()))
            signal[static_cast<std::size_t>(begin + i)] += height * neuron.waveform[static_cast<std::size_t>(i)];
      }
    }
}

Rhythms SimulatedSession::rhythms(std::int64_t first, std::int64_t count) const {
  Rhythms out;
  for (std::int64_t b = first; b < first + count; ++b) {
    const double from = phases_[static_cast<std::size_t>(b)];
    const double slope = (phases_[static_cast<std::size_t>(b) + 1] - from) / static_cast<double>(samples());
    for (std::int64_t t = 0; t < samples(); ++t) {
      const double beta = from + slope * static_cast<double>(t);
      const double hum = kTurn * 60.0 * static_cast<double>(b * samples() + t) / kSimulatedRate;
      out.beta_sin.push_back(static_cast<float>(std::sin(beta)));
      out.beta_cos.push_back(static_cast<float>(std::cos(beta)));
      out.hum_sin.push_back(static_cast<float>(std::sin(hum)));
      out.hum_cos.push_back(static_cast<float>(std::cos(hum)));
    }
  }
  return out;
}

/// Beta, weaker the faster the movement, and the mains, for one segment. `at`: its first sample in `rhythms`.
void SimulatedSession::add_rhythms(const Electrode& electrode, std::int64_t segment, std::size_t at,
                                   const Rhythms& rhythms, std::span<float> out) const {
  const auto level = [&](std::size_t edge) {
    return electrode.beta * (1.0 - 0.6 * std::min(1.0, movement_.edge_speed[edge] / fastest_));
  };
  const double from = level(static_cast<std::size_t>(segment)), to = level(static_cast<std::size_t>(segment) + 1);
  const auto begin = static_cast<float>(from),
             slope = static_cast<float>((to - from) / static_cast<double>(out.size()));
  const auto beta_c = static_cast<float>(std::cos(electrode.beta_phase));
  const auto beta_s = static_cast<float>(std::sin(electrode.beta_phase));
  const auto hum_c = static_cast<float>(4.0 * std::cos(electrode.hum_phase));
  const auto hum_s = static_cast<float>(4.0 * std::sin(electrode.hum_phase));
  for (std::size_t t = 0; t < out.size(); ++t) {
    const float height = begin + slope * static_cast<float>(t);
    out[t] += height * (rhythms.beta_sin[at + t] * beta_c + rhythms.beta_cos[at + t] * beta_s) +
              (rhythms.hum_sin[at + t] * hum_c + rhythms.hum_cos[at + t] * hum_s);
  }
}

void SimulatedSession::make_channel(std::int64_t channel, std::int64_t first, const Tensor& block,
                                    const Rhythms& rhythms, std::span<const float> common) const {
  const auto c = static_cast<std::size_t>(channel);
  const Electrode& electrode = recording_->electrodes[c];
  std::vector<float> signal(common.size(), 0.0F);
  private_[c].add(first * samples(), 0.8 * electrode.field, signal);
  const auto shared = static_cast<float>(0.6 * electrode.field);
  for (std::size_t i = 0; i < signal.size(); ++i) signal[i] += shared * common[i];
  add_spikes(channel, first, signal);
  const Stream white = stream_.stream(text::cat("white/", channel));
  const auto length = static_cast<std::size_t>(samples());
  for (std::int64_t b = 0; b < block.size(0); ++b) {
    const std::size_t at = static_cast<std::size_t>(b) * length;
    const std::span<float> segment(signal.data() + at, length);
    add_rhythms(electrode, first + b, at, rhythms, segment);
    add_white_noise(white, static_cast<std::uint64_t>(first + b), electrode.white, segment);
    std::copy(segment.begin(), segment.end(), block.mut<float>() + (b * channels() + channel) * samples());
  }
}

void SimulatedSession::read(std::int64_t first, const Tensor& block) const {
  drives_.resize(static_cast<std::size_t>(channels()));
  const std::int64_t count = block.size(0);
  const Rhythms shared = rhythms(first, count);
  std::vector<float> common(static_cast<std::size_t>(count * samples()), 0.0F);
  common_.add(first * samples(), 1.0, common);
  parallel_blocks(channels(), [&](std::int64_t c) { make_channel(c, first, block, shared, common); });
}

/// Velocities of all sessions of a day and the largest speed among them.
struct DayMovement {
  std::vector<Movement> sessions;
  double fastest = 0;
};

DayMovement move(const Recording& recording, std::int64_t day) {
  DayMovement out;
  for (std::int64_t s = 0; s < recording.keys.sessions; ++s) {
    const Stream stream = recording.stream.stream(text::cat("movement/", day * recording.keys.sessions + s));
    out.sessions.push_back(simulate_movement(stream, recording.keys.segments, recording.segment_seconds));
    for (const Vector2 v : out.sessions.back().centre) out.fastest = std::max(out.fastest, length(v));
  }
  return out;
}

Tensor velocities(const DayMovement& movement) {
  std::vector<float> values;
  for (const Movement& session : movement.sessions)
    for (const Vector2 v : session.centre) {
      values.push_back(static_cast<float>(v.x));
      values.push_back(static_cast<float>(v.y));
    }
  return Tensor::from(values, {static_cast<std::int64_t>(values.size() / 2), 2});
}

Day make_day(const std::shared_ptr<const Recording>& recording, std::int64_t day) {
  const SimulateKeys& keys = recording->keys;
  DayMovement movement = move(*recording, day);
  const Tensor labels = normalise_labels(velocities(movement));
  Day out;
  out.name = text::cat("simulated-", day);
  out.rate_hz = kSimulatedRate;
  for (std::int64_t c = 0; c < keys.channels; ++c) out.channels.push_back(c);
  for (std::int64_t s = 0; s < keys.sessions; ++s) {
    Session session;
    session.name = text::cat(out.name, "/", s);
    session.labels = labels.rows(s * keys.segments, keys.segments).clone();
    session.raw =
        std::make_shared<SimulatedSession>(recording, std::move(movement.sessions[static_cast<std::size_t>(s)]),
                                           movement.fastest, day, day * keys.sessions + s);
    session.segments = session.raw;
    out.sessions.push_back(std::move(session));
  }
  return out;
}

}  // namespace

std::vector<Day> simulate_days(const SimulateKeys& keys, std::int64_t seed) {
  const double seconds = static_cast<double>(keys.samples) / kSimulatedRate;
  auto recording = std::make_shared<Recording>(
      Recording{keys, Rng(static_cast<std::uint64_t>(seed)).stream("recording"), seconds, {}});
  for (std::int64_t c = 0; c < keys.channels; ++c) recording->electrodes.push_back(make_electrode(*recording, c));
  std::vector<Day> days;
  for (std::int64_t day = 0; day < keys.days; ++day) days.push_back(make_day(recording, day));
  return days;
}

}  // namespace thimble::fenet

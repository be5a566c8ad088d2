#include "apps/fenet/hardware/quantised_network.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"
#include "core/io/file.h"
#include "core/io/sealed.h"
#include "core/random/philox.h"

#include <cmath>

namespace thimble::fenet {

using text::cat;

namespace {

constexpr const char* kFormat = "fenet-quantised-1";

std::int64_t converted(double value, const QuantKeys& keys, fixed::Overflow nearest) {
  const bool wraps = keys.rounding == "wrap";
  return fixed::convert(value, quant_type(keys), wraps ? fixed::Round::trn_zero : fixed::Round::rnd_conv,
                        wraps ? fixed::Overflow::wrap_mag : nearest);
}

/// Down or up, by a draw addressed by filter and tap.
std::int64_t drawn_weight(double value, const fixed::FxType& type, const Stream& random, std::int64_t draw,
                          std::uint64_t index) {
  const double scaled = std::ldexp(value, type.f), below = std::floor(scaled);
  const bool up = random.uniform64(static_cast<std::uint64_t>(draw), index) < scaled - below;
  return fixed::convert(below + (up ? 1.0 : 0.0), {type.w, true, 0}, fixed::Round::rnd_conv, fixed::Overflow::sat);
}

}  // namespace

std::string QuantisedNetwork::str() const {
  return cat(chain.activations.str(), ", ", chain.chain.weights(), " taps in ", chain.chain.levels.size(), " levels");
}

fixed::FxType quant_type(const QuantKeys& keys) {
  if (keys.fraction >= keys.word_length)
    throw Error(ErrorKind::config,
                cat("quant.fraction is ", keys.fraction, ", a word of ", keys.word_length, " bits has at most ",
                    keys.word_length - 1, " behind the point"),
                {"", 0, 0, "quant.fraction"});
  return {static_cast<int>(keys.word_length), true, static_cast<int>(keys.fraction)};
}

std::int64_t quantised_weight(double value, const QuantKeys& keys) {
  return converted(value, keys, fixed::Overflow::sat);
}

std::int64_t quantised_value(double value, const QuantKeys& keys) {
  return converted(value, keys, fixed::Overflow::sat_sym);
}

QuantisedNetwork quantise_network(const std::string& name, const Architecture& architecture,
                                  std::span<const Tensor> weights, const QuantKeys& keys, std::uint64_t seed,
                                  std::int64_t draw) {
  QuantisedNetwork out{name, {}};
  out.chain.chain = architecture.chain();
  out.chain.chain.pool = kernels::WaveletPool::bitshift;
  out.chain.weights = out.chain.activations = quant_type(keys);
  const bool drawn = keys.rounding == "stochastic" && draw >= 0;
  const Stream random = Rng(seed).stream("quantise");
  std::uint64_t index = 0;
  for (const Tensor& filter : weights) {
    const std::vector<double> taps = io::Array(filter).doubles();
    auto& words = out.chain.filters.emplace_back();
    for (const double tap : taps) {
      const std::int64_t word =
          drawn ? drawn_weight(tap, out.chain.weights, random, draw, index) : quantised_weight(tap, keys);
      words.push_back(static_cast<std::int32_t>(word));
      ++index;
    }
  }
  out.chain.check(1);
  return out;
}

BestDraw best_draw(const std::string& name, const Architecture& architecture, std::span<const Tensor> weights,
                   const QuantKeys& keys, std::uint64_t seed,
                   const std::function<double(const QuantisedNetwork&)>& score) {
  BestDraw best;
  best.network = quantise_network(name, architecture, weights, keys, seed, -1);
  best.score = best.nearest = score(best.network);
  for (std::int64_t draw = 0; draw < keys.draws; ++draw) {
    QuantisedNetwork network = quantise_network(name, architecture, weights, keys, seed, draw);
    best.scores.push_back(score(network));
    if (!(best.scores.back() > best.score)) continue;
    best.score = best.scores.back();
    best.draw = draw;
    best.network = std::move(network);
  }
  return best;
}

std::string quantised_bytes(const QuantisedNetwork& network) {
  io::SealedWriter out;
  out.attribute("/", "format", kFormat);
  out.attribute("/", "name", network.name);
  out.attribute("/", "word_length", network.chain.activations.w);
  out.attribute("/", "fraction", network.chain.activations.f);
  std::vector<std::int64_t> taps, strides, powers;
  for (std::size_t k = 0; k < network.chain.chain.levels.size(); ++k) {
    const kernels::WaveletLevel& level = network.chain.chain.levels[k];
    taps.push_back(level.taps);
    strides.push_back(level.stride);
    powers.push_back(level.relu_power);
    out.dataset(cat("/layers/", k, "/feat/weight_int"), io::Array::from(network.chain.filters[2 * k]));
    out.dataset(cat("/layers/", k, "/pass/weight_int"), io::Array::from(network.chain.filters[2 * k + 1]));
  }
  out.dataset("/taps", taps);
  out.dataset("/strides", strides);
  out.dataset("/relu_powers", powers);
  return out.finish();
}

bool is_quantised_file(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path) || !io::seal_trouble(path).empty()) return false;
  const io::SealedFile file = io::SealedFile::open(path);
  return file.has_attribute("/", "format") && file.text_attribute("/", "format") == kFormat;
}

QuantisedNetwork read_quantised(const std::filesystem::path& path) {
  const io::SealedFile file = io::SealedFile::open(path);
  THIMBLE_CHECK(file.has_attribute("/", "format") && file.text_attribute("/", "format") == kFormat, data, path.string(),
                " is no file of a quantised FENet");
  QuantKeys keys;
  keys.word_length = file.integer_attribute("/", "word_length");
  keys.fraction = file.integer_attribute("/", "fraction");
  QuantisedNetwork out{file.text_attribute("/", "name"), {}};
  out.chain.chain.pool = kernels::WaveletPool::bitshift;
  out.chain.weights = out.chain.activations = quant_type(keys);
  fixed::check(out.chain.weights, path.string());
  const auto taps = file.integers("/taps"), strides = file.integers("/strides"), powers = file.integers("/relu_powers");
  THIMBLE_CHECK(taps.size() == strides.size() && taps.size() == powers.size(), data, path.string(),
                ": taps, strides and relu_powers differ in length");
  for (std::size_t k = 0; k < taps.size(); ++k) {
    out.chain.chain.levels.push_back(
        {static_cast<int>(taps[k]), static_cast<int>(strides[k]), static_cast<int>(powers[k]), 1});
    for (const char* branch : {"feat", "pass"}) {
      const auto words = file.array(cat("/layers/", k, "/", branch, "/weight_int")).integers();
      out.chain.filters.emplace_back(words.begin(), words.end());
    }
  }
  out.chain.chain.check();
  out.chain.check(1);
  return out;
}

}  // namespace thimble::fenet

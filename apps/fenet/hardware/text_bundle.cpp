#include "apps/fenet/hardware/text_bundle.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"
#include "core/io/array.h"

#include "hw/emit/codes.h"
#include "hw/lower/wavelet.h"
#include "hw/sim/evaluate.h"

#include <algorithm>

namespace thimble::fenet {

using text::cat;

namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

/// Integers of all windows of the bundle: the tensors of the graph, [chunk * channels + channel].
struct Windows {
  hw::Graph graph;
  std::vector<hw::Values> values;
  std::size_t chunks = 0, channels = 0;

  const std::vector<std::int64_t>& at(const std::string& tensor, std::size_t chunk, std::size_t channel) const {
    return values[chunk * channels + channel][static_cast<std::size_t>(*graph.find(tensor))];
  }
};

Windows computed(const QuantisedNetwork& network, const Chunks& chunks, const QuantKeys& quant) {
  const std::int64_t samples = chunks.x.size(2);
  Windows out{hw::lower_wavelet(network.chain, samples, network.name),
              {},
              static_cast<std::size_t>(chunks.x.size(0)),
              static_cast<std::size_t>(chunks.x.size(1))};
  const std::vector<double> x = io::Array(chunks.x).doubles();
  std::vector<std::int64_t> window(static_cast<std::size_t>(samples));
  for (std::size_t at = 0; at < x.size(); at += window.size()) {
    for (std::size_t t = 0; t < window.size(); ++t) window[t] = quantised_value(x[at + t], quant);
    out.values.push_back(hw::evaluate(out.graph, window));
  }
  return out;
}

/// [chunk][position][channel] of one tensor.
template <class Line>
std::string by_position(const Windows& windows, const std::string& tensor, const Line& line) {
  std::string text;
  for (std::size_t b = 0; b < windows.chunks; ++b)
    for (std::size_t p = 0; p < windows.at(tensor, b, 0).size(); ++p)
      for (std::size_t c = 0; c < windows.channels; ++c) text += line(windows.at(tensor, b, c)[p]) + "\n";
  return text;
}

/// The pooling register after every position: sums of the values so far, cut to the fraction of the products.
std::string running_sums(Windows& windows, const std::string& tensor, int power, int bits) {
  const auto id = static_cast<std::size_t>(*windows.graph.find(tensor));
  for (hw::Values& values : windows.values) {
    std::int64_t sum = 0;
    for (std::int64_t& value : values[id]) value = sum += value;
  }
  const fixed::FxType reg{bits, true, 0};
  return by_position(windows, tensor, [&](std::int64_t sum) {
    const std::int64_t held = fixed::convert(sum, power, reg, fixed::Round::trn, fixed::Overflow::sat);
    return hw::code_text(held, bits, hw::Radix::hexadecimal, hw::Sign::twos_complement);
  });
}

template <class Values>
std::string listed(const Values& values) {
  std::vector<std::string> words;
  for (const auto value : values) words.push_back(text::to_text(value));
  return text::join(words, " ");
}

std::string model_info(const QuantisedNetwork& network, const Chunks& chunks, const HardwareKeys& keys,
                       const TextCode& code, std::int64_t pls_dims) {
  const auto& levels = network.chain.chain.levels;
  std::vector<int> taps, strides, ones(levels.size() + 1, 1);
  for (const kernels::WaveletLevel& level : levels) {
    taps.push_back(level.taps);
    strides.push_back(level.stride);
  }
  return cat("checkpoint: ", text::printable(network.name), "\npls_dims: ", pls_dims, "\nfeatures: ", listed(ones),
             "\nkernels: ", listed(taps), "\nstrides: ", listed(strides), "\nword_length: ", code.type.w,
             "\nfraction: ", code.type.f, "\ncode: ", code.name, "\ncode_bits: ", code.bits,
             "\npool_bits: ", keys.pool_bits, "\nchunks: ", chunks.x.size(0), "\nchannels: ", chunks.x.size(1),
             "\nsamples: ", chunks.x.size(2), "\nlabels: ", chunks.labels.size(1),
             "\nchannels_built: ", keys.channels_built, "\nlevels_built: ", keys.levels_built,
             "\nweight_depth: ", keys.weight_depth, "\nmax_cycles: ", keys.max_cycles, "\n");
}

std::string labels_info(const QuantisedNetwork& network, const Chunks& chunks) {
  std::string text =
      cat("day ", text::printable(chunks.day), ": inputs [", chunks.x.size(0), ", ", chunks.x.size(1), ", ",
          chunks.x.size(2), "], labels [", chunks.labels.size(0), ", ", chunks.labels.size(1), "]\n");
  for (std::size_t k = 0; k < network.chain.chain.levels.size(); ++k)
    text += cat("layer ", k, " feat: ", listed(network.chain.filters[2 * k]), "\nlayer ", k,
                " pass: ", listed(network.chain.filters[2 * k + 1]), "\n");
  return text;
}

void check_chunks(const Chunks& chunks) {
  THIMBLE_CHECK(chunks.x.rank() == 3 && chunks.labels.rank() == 2 && chunks.x.size(0) == chunks.labels.size(0) &&
                    chunks.x.numel() > 0,
                data, "text files need segments [B, C, T] with labels [B, D], not ", chunks.x.shape(), " and ",
                chunks.labels.shape());
}

std::string weight_text(const QuantisedNetwork& network, std::size_t branch, const TextCode& code) {
  std::string text;
  for (std::size_t f = branch; f < network.chain.filters.size(); f += 2)
    for (const std::int32_t word : network.chain.filters[f]) text += code_of_word(word, code) + "\n";
  return text;
}

}  // namespace

Files text_bundle(const QuantisedNetwork& network, const Chunks& chunks, const QuantKeys& quant,
                  const HardwareKeys& keys, std::int64_t pls_dims) {
  check_chunks(chunks);
  const TextCode code = text_code(keys, network.chain.activations);
  const auto word = [&](std::int64_t q) { return code_of_word(q, code); };
  Files files;
  std::string configs;
  for (const char bit : config_bits(network, chunks.x.size(2), keys)) configs += cat(bit, "\n");
  Windows windows = computed(network, chunks, quant);
  files.emplace_back("inputs.txt", by_position(windows, "x", word));
  std::string outputs, labels;
  for (const hw::Values& values : windows.values)
    for (const std::int64_t q : hw::outputs_of(windows.graph, values)) outputs += word(q) + "\n";
  for (const double label : io::Array(chunks.labels).doubles()) labels += code_of(label, code) + "\n";
  files.emplace_back("outputs.txt", outputs);
  files.emplace_back("labels.txt", labels);
  const auto& levels = network.chain.chain.levels;
  const int bits = static_cast<int>(keys.pool_bits);
  for (std::size_t k = 0; k < levels.size(); ++k) {
    if (k + 1 < levels.size())
      files.emplace_back(cat("pass_layer_", k, ".txt"), by_position(windows, cat("out", k), word));
    files.emplace_back(cat("feat_layer_", k, ".txt"), running_sums(windows, cat("act", k), levels[k].relu_power, bits));
  }
  files.emplace_back(cat("feat_layer_", levels.size(), ".txt"),
                     running_sums(windows, "act_final", levels.back().relu_power, bits));
  files.emplace_back("feat_weights.txt", weight_text(network, 0, code));
  files.emplace_back("pass_weights.txt", weight_text(network, 1, code));
  files.emplace_back("configs.txt", configs);
  files.emplace_back("model_info.txt", model_info(network, chunks, keys, code, pls_dims));
  files.emplace_back("labels_info.txt", labels_info(network, chunks));
  return files;
}

}  // namespace thimble::fenet

#include "apps/fenet/model/network.h"

#include "core/base/error.h"
#include "core/kernels/quant.h"
#include "core/parallel/blocks.h"

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

constexpr double kEpsilon = 1e-5;                 // of the batch normalisation
constexpr std::int64_t kBlockBytes = 32LL << 20;  // of segments read at once
constexpr std::int64_t kPieceRows = 128;          // normalised by one thread at a time
constexpr std::int64_t kPieceColumns = 256;       // whose statistics one thread forms

template <class T>
void normalise_into(const Tensor& x, const ColumnStatistics& s, const Tensor& out) {
  const std::int64_t rows = x.size(0), columns = x.size(1);
  const T* in = x.data<T>();
  T* to = out.mut<T>();
  parallel_blocks((rows + kPieceRows - 1) / kPieceRows, [&](std::int64_t piece) {
    for (std::int64_t r = piece * kPieceRows; r < std::min(rows, (piece + 1) * kPieceRows); ++r)
      for (std::int64_t c = 0; c < columns; ++c) {
        const auto i = static_cast<std::size_t>(c);
        to[r * columns + c] =
            static_cast<T>((static_cast<double>(in[r * columns + c]) - s.mean[i]) * s.inverse_deviation[i]);
      }
  });
}

/// Of the columns first .. end, summed in the order of the rows.
template <class T>
void statistics_of(const Tensor& x, std::int64_t first, std::int64_t end, ColumnStatistics& out) {
  const std::int64_t rows = x.size(0), columns = x.size(1), width = end - first;
  const T* in = x.data<T>() + first;
  double *mean = out.mean.data() + first, *square = out.inverse_deviation.data() + first;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < width; ++c) mean[c] += double(in[r * columns + c]);
  for (std::int64_t c = 0; c < width; ++c) mean[c] /= static_cast<double>(rows);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < width; ++c) {
      const double d = double(in[r * columns + c]) - mean[c];
      square[c] += d * d;
    }
  for (std::int64_t c = 0; c < width; ++c) square[c] = 1 / std::sqrt(square[c] / static_cast<double>(rows) + kEpsilon);
}

template <class T>
ColumnStatistics statistics(const Tensor& x) {
  const std::int64_t columns = x.size(1);
  const std::vector<double> nothing(static_cast<std::size_t>(columns), 0.0);
  ColumnStatistics out{nothing, nothing};
  parallel_blocks((columns + kPieceColumns - 1) / kPieceColumns, [&](std::int64_t piece) {
    const std::int64_t first = piece * kPieceColumns;
    statistics_of<T>(x, first, std::min(columns, first + kPieceColumns), out);
  });
  return out;
}

}  // namespace

Network::Network(Architecture arch, std::int64_t samples)
    : architecture(std::move(arch)), graph(build_graph(architecture, samples)) {}

std::vector<Tensor> Network::weights() const {
  std::vector<Tensor> out;
  nn::for_each_parameter(graph, [&out](const std::string&, const nn::Parameter& p) { out.push_back(p.value); });
  return out;
}

std::vector<Tensor> Network::all_weights() const {
  std::vector<Tensor> out = weights();
  if (reduces()) out.push_back(reduction.value);
  return out;
}

void Network::set_reduction(const Tensor& map) {
  const bool own = map.rank() == 3;
  THIMBLE_CHECK(own || map.rank() == 2, shape, "a learned reduction of shape ", map.shape());
  if (!reduces() || reduction.value.shape() != map.shape()) {
    std::vector<nn::Axis> axes{nn::Axis::in, nn::Axis::out};
    if (own) axes.insert(axes.begin(), nn::Axis::in);  // a channel and a feature are the input together
    reduction = nn::Parameter(map.shape(), axes);
  }
  copy_into(map.to(reduction.value.dtype()), reduction.value);
}

void Network::set_weights(const std::vector<Tensor>& values) {
  std::size_t i = 0;
  nn::for_each_parameter(graph, [&](const std::string& path, nn::Parameter& p) {
    THIMBLE_CHECK(i < values.size() && values[i].shape() == p.value.shape(), shape, path, " has shape ",
                  p.value.shape(), ", the weights given have another");
    copy_into(values[i++].to(p.value.dtype()), p.value);
  });
  if (values.size() == i + 1)
    set_reduction(values.back());
  else
    THIMBLE_CHECK(i == values.size(), shape, values.size(), " filters given, the network has ", i);
}

std::int64_t block_segments(std::int64_t channels, std::int64_t samples) {
  const std::int64_t bytes = std::max<std::int64_t>(1, channels * samples * static_cast<std::int64_t>(sizeof(float)));
  return std::max<std::int64_t>(1, kBlockBytes / bytes);
}

std::vector<Tensor> on_grid(std::vector<Tensor> weights, const kernels::WaveletGrid& grid) {
  if (!grid.on) return weights;
  for (Tensor& filter : weights) {
    const Tensor rounded = Tensor::empty(filter.shape(), filter.dtype());
    kernels::fake_quant(filter, {}, {grid.weights, fixed::Round::rnd_conv, fixed::Overflow::sat}, rounded);
    filter = rounded;
  }
  return weights;
}

Tensor features_of(const Network& network, const Tensor& windows) {
  const std::int64_t samples = windows.size(windows.rank() - 1);
  const Tensor out = Tensor::empty({windows.numel() / samples, network.architecture.features()});
  const kernels::WaveletGrid& grid = network.architecture.grid;
  kernels::wavelet_features(network.architecture.chain(), windows, on_grid(network.weights(), grid), out, {}, grid);
  return out;
}

void for_each_block(const SegmentSource& segments, std::int64_t size, const BlockVisitor& visit) {
  const std::int64_t count = segments.segments();
  if (const Tensor* whole = segments.resident()) return visit(0, *whole);
  const Tensor buffer = Tensor::empty({std::min(size, count), segments.channels(), segments.samples()});
  for (std::int64_t first = 0; first < count; first += size) {
    const Tensor block = buffer.rows(0, std::min(size, count - first));
    segments.read(first, block);
    visit(first, block);
  }
}

Tensor extract_features(const Network& network, const SegmentSource& segments) {
  const std::int64_t channels = segments.channels(), features = network.architecture.features();
  const Tensor out = Tensor::empty({segments.segments(), channels * features});
  const kernels::WaveletChain chain = network.architecture.chain();
  const kernels::WaveletGrid& grid = network.architecture.grid;
  const std::vector<Tensor> weights = on_grid(network.weights(), grid);
  for_each_block(segments, block_segments(channels, segments.samples()), [&](std::int64_t first, const Tensor& block) {
    const std::int64_t rows = block.size(0);
    kernels::wavelet_features(chain, block, weights, out.rows(first, rows).reshape({rows * channels, features}), {},
                              grid);
  });
  return out;
}

ColumnStatistics column_statistics(const Tensor& x) {
  if (x.size(0) < 2)
    throw Error(ErrorKind::data, text::cat("a session of ", x.size(0), " segments cannot be normalised"),
                {"", 0, 0, "model.normalize_at_end"}, "use longer sessions, or normalize_at_end=false");
  return x.dtype() == DType::f64 ? statistics<double>(x) : statistics<float>(x);
}

Tensor normalise_columns(const Tensor& x, const ColumnStatistics& s) {
  const Tensor out = Tensor::empty(x.shape(), x.dtype());
  if (x.dtype() == DType::f64)
    normalise_into<double>(x, s, out);
  else
    normalise_into<float>(x, s, out);
  return out;
}

Tensor normalise_columns(const Tensor& x) {
  return normalise_columns(x, column_statistics(x));
}

}  // namespace thimble::fenet

// Workload W9: from the start of the process to the end of the first training step of W2 at batch 2048.

#include "core/random/philox.h"

#include "bench/w2_network.h"

namespace {

thimble::Tensor uniform(thimble::Shape shape, const char* name) {
  thimble::Tensor values = thimble::Tensor::empty(shape);
  const thimble::Stream stream = thimble::Rng(1).stream(name);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.mut<float>()[i] = 2 * stream.uniform(0, static_cast<std::uint64_t>(i)) - 1;
  return values;
}

}  // namespace

int main() {
  using namespace thimble;
  auto data = std::make_shared<nn::Dataset>();
  data->x = uniform({2048, 27}, "x");
  data->y = uniform({2048, 2}, "y");
  nn::Graph network = bench::w2_network();
  bench::w2_trainer(network, data, nn::all_rows(2048), 2048, 1).fit();
  return 0;
}

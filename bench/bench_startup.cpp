// Workload W9: from the start of the process to the end of the first training step of W2 at batch 2048.

#include "bench/w2_network.h"

int main() {
  using namespace thimble;
  nn::Graph network = bench::w2_random_network(1);
  bench::w2_trainer(network, bench::w2_random_data(2048), nn::all_rows(2048), 2048, 1).fit();
  return 0;
}

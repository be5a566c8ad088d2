// Writes one event file with a scalar series, an image, a histogram and a text; read_events.py reads it with
// TensorBoard.

#include "core/base/error.h"
#include "core/io/png.h"
#include "core/io/tfevents.h"

#include <cstdio>
#include <vector>

namespace {

void write(const char* folder) {
  using namespace thimble;
  io::EventWriter events(folder);
  for (int step = 0; step < 10; ++step) events.scalar("train/loss", step, 1.0f / static_cast<float>(1 << step));

  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 16; ++x)
      for (const int part : {16 * x, 32 * y, 128}) pixels.push_back(static_cast<std::uint8_t>(part));
  events.image("figures/gradient", 9, io::png(pixels, 16, 8));

  const Tensor weights = Tensor::from(std::vector<float>{-2, -1, 0, 1, 2, 3});
  events.histogram("weights/hidden", 9, io::histogram_of(weights));
  events.text("notes", 0, "**bold** words");
  events.flush();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_events FOLDER\n");
    return 2;
  }
  try {
    write(argv[1]);
  } catch (const thimble::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return thimble::exit_code(error.kind());
  }
  return 0;
}

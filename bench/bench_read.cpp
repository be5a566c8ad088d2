// Reads one track file and ends: time and memory of a process, for bench/run-peers. Usage: bench_read FILE.
#include "core/base/error.h"

#include "apps/neurotrigger/data/track_file.h"

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bench_read FILE\n");
    return 2;
  }
  try {
    const auto tracks = thimble::neurotrigger::read_tracks(std::filesystem::path(argv[1]));
    std::printf("%lld tracks\n", static_cast<long long>(tracks.rows()));
  } catch (const thimble::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return thimble::exit_code(error.kind());
  }
  return 0;
}

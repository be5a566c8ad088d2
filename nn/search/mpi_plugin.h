#pragma once
// What the separate library for MPI offers. It is loaded under mpirun alone, so that no program links or starts MPI
// otherwise. Functions of C, since it may be built by another compiler; no result above zero is a failure.

#include <cstddef>

extern "C" {

struct ThimbleRanks {
  int version;  // kThimbleRanks
  /// Begins; 0 and rank and size, or not 0.
  int (*begin)(int* rank, int* size);
  int (*send)(int to, const char* bytes, std::size_t count);
  /// 1 and sender and size when a message waits, 0 when none does.
  int (*poll)(int* from, std::size_t* count);
  int (*receive)(int from, char* bytes, std::size_t count);
  /// Waits until all ranks are here.
  int (*end)();
};

/// Of the library.
const ThimbleRanks* thimble_ranks();
using ThimbleRanksFunction = const ThimbleRanks* (*)();
}

inline constexpr int kThimbleRanks = 1;

// Ranks through MPI. Only this file knows it.

#include "nn/search/mpi_plugin.h"

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <limits>

namespace {

constexpr int kTag = 1;

bool ok(int code) {
  return code == MPI_SUCCESS;
}

int begin(int* rank, int* size) {
  int level = 0;
  if (!ok(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level)) || level < MPI_THREAD_FUNNELED) return 1;
  return ok(MPI_Comm_rank(MPI_COMM_WORLD, rank)) && ok(MPI_Comm_size(MPI_COMM_WORLD, size)) ? 0 : 1;
}

int send(int to, const char* bytes, std::size_t count) {
  if (count > static_cast<std::size_t>(std::numeric_limits<int>::max())) return 1;
  return ok(MPI_Send(bytes, static_cast<int>(count), MPI_BYTE, to, kTag, MPI_COMM_WORLD)) ? 0 : 1;
}

int poll(int* from, std::size_t* count) {
  int there = 0, bytes = 0;
  MPI_Status status;
  if (!ok(MPI_Iprobe(MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, &there, &status))) return -1;
  if (there == 0) return 0;
  if (!ok(MPI_Get_count(&status, MPI_BYTE, &bytes))) return -1;
  *from = status.MPI_SOURCE;
  *count = static_cast<std::size_t>(bytes);
  return 1;
}

int receive(int from, char* bytes, std::size_t count) {
  return ok(MPI_Recv(bytes, static_cast<int>(count), MPI_BYTE, from, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE)) ? 0 : 1;
}

int end() {
  return ok(MPI_Finalize()) ? 0 : 1;
}

}  // namespace

const ThimbleRanks* thimble_ranks() {
  static const ThimbleRanks ranks{kThimbleRanks, begin, send, poll, receive, end};
  return &ranks;
}

#define DOCTEST_CONFIG_IMPLEMENT
#include "core/io/hdf5_foreign.h"

#include <doctest/doctest.h>

int main(int argc, char** argv) {
  thimble::io::maybe_run_reader(argc, argv);  // tests of foreign HDF5 files start this program as the reader
  return doctest::Context(argc, argv).run();
}

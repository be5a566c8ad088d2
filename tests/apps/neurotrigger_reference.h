#pragma once
// Arrays of the reference file ntref.h5, which lies beside the project.

#include "core/io/hdf5_foreign.h"

#include <string>
#include <vector>

namespace thimble::test {

/// All data sets of the file by path, "/tracks/id".
inline io::Hdf5Tree read_reference(const std::string& path) {
  return io::read_foreign_hdf5(path);
}

inline std::vector<double> doubles(const io::Hdf5Tree& tree, const std::string& path) {
  return tree.datasets.at(path).numbers.doubles();
}
inline std::vector<std::int64_t> integers(const io::Hdf5Tree& tree, const std::string& path) {
  return tree.datasets.at(path).numbers.integers();
}

}  // namespace thimble::test

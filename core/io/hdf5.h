#pragma once
// HDF5 in memory: a tree of arrays, texts and attributes to bytes and back. The library never touches a disk here;
// files are read whole and replaced whole. For files of ours use sealed.h, for files of others hdf5_foreign.h.

#include "core/io/array.h"
#include "core/io/limits.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::io {

/// Content of a data set or an attribute: numbers, or texts (then `dims` of `numbers` is unused).
struct Hdf5Value {
  Array numbers;
  std::vector<std::string> texts;
  bool is_text = false;
  bool operator==(const Hdf5Value& other) const = default;
};

/// A data set without its content.
struct Hdf5Outline {
  std::vector<std::int64_t> dims;
  Element element = Element::f32;  // of numbers
  bool is_number = false;
  /// Paths of the objects that a data set of object references refers to, in its order (MATLAB's cells).
  std::vector<std::string> references;
  bool operator==(const Hdf5Outline& other) const = default;
};

/// A box of a data set of numbers.
struct Hdf5Slab {
  std::string path;
  std::vector<std::int64_t> first, count;  // per dimension
};

struct Hdf5Tree {
  std::map<std::string, Hdf5Value> datasets;  // by full path, "/model/weight"
  /// By full path; of all data sets if the rules ask for outlines.
  std::map<std::string, Hdf5Outline> outlines;
  /// To be written: data sets [1, n] of references to the data sets of those paths.
  std::map<std::string, std::vector<std::string>> references;
  /// By object path and name; "/" is the root. Every group and data set is a key, also without attributes.
  std::map<std::string, std::map<std::string, Hdf5Value>> attributes;
};

/// What a file may contain.
struct Hdf5Rules {
  bool verified = false;  // a hash over all bytes has been checked: the checksums of the chunks are not computed again
  bool foreign = false;   // packed or big-endian data, variable-length texts, soft links, unknown objects are possible
  std::vector<std::string> numbers;  // foreign: data sets to read as numbers; empty and `texts` empty: every one
  std::vector<std::string> texts;    // foreign: data sets to read as texts
  bool outlines = false;             // foreign: tell of every data set; read only those named above
  std::vector<Hdf5Slab> slabs;       // foreign: nothing but these boxes, each of another data set
  std::uint64_t budget = limits::kHdf5Budget;  // bytes of all arrays together
};

/// HDF5 bytes of the tree: newest format of 1.10, data sets in chunks of at most 4 MiB with checksums, fixed-size
/// texts, no times. The same tree gives the same bytes.
std::string build_hdf5(const Hdf5Tree& tree);

/// Tree of HDF5 bytes (a user block before them is fine). Every number is finite. Throws Error(data) naming file and
/// object for anything the rules do not allow.
Hdf5Tree parse_hdf5(std::string_view bytes, const std::string& name, const Hdf5Rules& rules);

/// The same from a file that the library reads itself: only for the isolated process of hdf5_foreign. `on_object` hears
/// of every object before it is looked at.
Hdf5Tree parse_hdf5_file(const std::string& path, const Hdf5Rules& rules,
                         const std::function<void(const std::string&)>& on_object);

}  // namespace thimble::io

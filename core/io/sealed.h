#pragma once
// Sealed files: HDF5 that any HDF5 tool reads, with its length and hash in front (reliability.md 3.2). One changed,
// missing or added byte is noticed before anything is used. Checkpoints, caches and predictions are such files.

#include "core/io/hdf5.h"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::io {

inline constexpr std::uint32_t kSealVersion = 1;
inline constexpr std::size_t kSealBytes = 512;  // the HDF5 user block

/// Collects a file and builds its bytes. The same content gives the same bytes, in whatever order it was added.
///
///     SealedWriter out;
///     out.dataset("/model/hidden/weight", tensor);
///     out.attribute("/", "step", 40);
///     out.save(path);
class SealedWriter {
 public:
  /// Data set of numbers, which must be finite; groups above it come by themselves. A second call replaces.
  void dataset(const std::string& path, const Tensor& tensor) { dataset(path, Array(tensor)); }
  void dataset(const std::string& path, Array array);
  void dataset(const std::string& path, const std::vector<std::int64_t>& values) { dataset(path, Array::from(values)); }
  void dataset(const std::string& path, const std::vector<double>& values) { dataset(path, Array::from(values)); }
  /// Data set of one text of any length (a configuration).
  void text(const std::string& path, std::string_view text);
  /// Data set of several texts (names).
  void texts(const std::string& path, std::vector<std::string> texts);

  /// Attribute of a group or data set ("/" is the root): an integer, a finite number or a text below 63 KiB.
  void attribute(const std::string& object, const std::string& name, std::int64_t value);
  void attribute(const std::string& object, const std::string& name, int value) {
    attribute(object, name, static_cast<std::int64_t>(value));
  }
  void attribute(const std::string& object, const std::string& name, double value);
  void attribute(const std::string& object, const std::string& name, std::string_view value);
  void attribute(const std::string& object, const std::string& name, const char* value) {
    attribute(object, name, std::string_view(value));
  }

  /// The bytes of the file. Throws Error(value) naming a data set that is not finite.
  std::string finish() const;
  /// finish() under the name `path`, atomically. Throws Error(io) as atomic_replace.
  void save(const std::filesystem::path& path) const;

 private:
  Hdf5Tree tree_;
};

/// A sealed file that was read whole, verified and checked.
class SealedFile {
 public:
  /// Throws Error(io) if the file cannot be read, Error(data) if it is damaged, no sealed file, of a newer version, or
  /// holds what no file of ours does.
  static SealedFile open(const std::filesystem::path& path);
  static SealedFile from_bytes(std::string_view bytes, const std::string& name);

  /// Paths of all data sets, sorted; of those below a group ("/model") if given.
  std::vector<std::string> names(std::string_view group = "/") const;
  bool has(const std::string& path) const { return tree_.datasets.count(path) > 0; }
  /// All of these throw Error(data) naming file and data set if it is missing or of another kind.
  const Array& array(const std::string& path) const;
  Tensor read(const std::string& path) const;
  /// As read, and the shape must be the expected one; the error lists both.
  Tensor read(const std::string& path, const Shape& expected) const;
  std::vector<std::int64_t> integers(const std::string& path) const;
  const std::string& text(const std::string& path) const;
  const std::vector<std::string>& texts(const std::string& path) const;

  bool has_attribute(const std::string& object, const std::string& name) const;
  std::int64_t integer_attribute(const std::string& object, const std::string& name) const;
  double number_attribute(const std::string& object, const std::string& name) const;
  const std::string& text_attribute(const std::string& object, const std::string& name) const;

  const std::string& name() const { return name_; }
  const Hdf5Tree& tree() const { return tree_; }

 private:
  SealedFile(std::string name, Hdf5Tree tree) : name_(std::move(name)), tree_(std::move(tree)) {}
  [[noreturn]] void refuse(const std::string& place, const std::string& message) const;
  const Hdf5Value& value(const std::string& path, bool is_text) const;
  const Hdf5Value& attribute_value(const std::string& object, const std::string& name, bool is_text) const;

  std::string name_;
  Hdf5Tree tree_;
};

/// Checks length, magic, version and hash without looking inside; throws Error(data) saying what is wrong.
void verify_seal(std::string_view bytes, const std::string& name);

/// verify_seal of a file: empty if it is intact, else what is wrong (for lists of checkpoints).
std::string seal_trouble(const std::filesystem::path& path);

/// The seal in front of HDF5 bytes.
std::string sealed(std::string_view hdf5);

}  // namespace thimble::io

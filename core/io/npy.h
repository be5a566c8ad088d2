#pragma once
// NumPy arrays in files (.npy, format 1 to 3).

#include "core/io/array.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace thimble::io {

/// Reads integers and floats of 1 to 8 bytes in either byte order, rows or columns first; the result is row-major and
/// little-endian, half floats become f32. The header is parsed, never evaluated. Refused with Error(data): objects,
/// text, structures, a rank over 8, a length other than shape times size exactly, NaN and infinities.
Array parse_npy(std::string_view bytes, const std::string& name);
/// The same from a regular file; Error(io) if it cannot be read.
Array read_npy(const std::filesystem::path& path);

/// Where the elements of a file are, for readers of parts: row-major, little-endian, from byte `begin` to the end.
struct NpyLayout {
  Element element = Element::f32;
  std::vector<std::int64_t> dims;
  std::uint64_t begin = 0;
};
/// Reads the header alone. Throws as read_npy, and for files whose elements lie in another order.
NpyLayout read_npy_layout(const std::filesystem::path& path);

/// What stands before the elements of such an array, for writers of parts.
std::string npy_header(Element element, const std::vector<std::int64_t>& dims);
/// The bytes of a .npy file (format 1), row-major, little-endian.
std::string npy_bytes(const Array& array);
/// npy_bytes under the name `path`, atomically.
void write_npy(const std::filesystem::path& path, const Array& array);

}  // namespace thimble::io

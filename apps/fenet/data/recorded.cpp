#include "apps/fenet/data/recorded.h"

#include "core/base/error.h"
#include "core/io/file.h"

namespace thimble::fenet {
namespace {

enum class FileKind { hdf5, npy, text, other };

/// By the first bytes; HDF5 may have 512 bytes of others (MATLAB's) in front.
FileKind kind_of(const std::filesystem::path& path) {
  const io::InputFile file = io::open_regular(path);
  std::string head(1024, '\0');
  head.resize(io::read_some(file, head.data(), head.size()));
  const std::string_view hdf5("\x89HDF\r\n\x1a\n", 8), view = head;
  if (view.substr(0, 8) == hdf5 || (view.size() > 520 && view.substr(512, 8) == hdf5)) return FileKind::hdf5;
  if (view.substr(0, 6) == "\x93NUMPY") return FileKind::npy;
  const std::size_t first = view.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && view[first] == '{' ? FileKind::text : FileKind::other;
}

std::string loader_of(const std::filesystem::path& path) {
  switch (kind_of(path)) {
    case FileKind::hdf5:
      return path.extension() == ".nwb" ? "nwb" : "matlab";
    case FileKind::npy:
      return "npy";
    case FileKind::text:
      return "raw";
    case FileKind::other:
      break;
  }
  throw Error(ErrorKind::data, "is no recording: neither MATLAB 7.3, NWB, NumPy nor the JSON of raw samples",
              Place{io::shown(path), 0, 0, {}},
              "MATLAB files of older versions: save them again with save(name, '-v7.3')");
}

}  // namespace

RecordedDay read_day(const std::filesystem::path& path, const DataKeys& keys) {
  const std::string loader = keys.loader == "auto" ? loader_of(path) : keys.loader;
  if (loader == "matlab") return read_matlab_day(path);
  if (loader == "nwb") return read_nwb_day(path, keys);
  if (loader == "npy") return read_npy_day(path);
  return read_raw_day(path, keys);
}

}  // namespace thimble::fenet

#pragma once
// Private to core/io/hdf5_*.cpp: handles of the HDF5 library that close themselves.

#include "core/base/error.h"
#include "core/io/array.h"

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

namespace thimble::io::hdf5 {

/// To be held during every use of the library, which is not sure to have been built for threads. Turns off what the
/// library does unasked: printing, an exit handler that crashes after a failed write, plug-ins named by the
/// environment.
class Session {
 public:
  Session() : lock_(mutex()) {
    static const bool once = [] {
      H5dont_atexit();
      H5open();
      H5PLset_loading_state(0);
      return true;
    }();
    static_cast<void>(once);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // the error stack belongs to a thread
  }

  /// A name for a file in memory. The library takes two open ones of the same name for the same file.
  std::string memory_name() const {
    static int counter = 0;
    return "memory-" + std::to_string(++counter);
  }

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  std::lock_guard<std::mutex> lock_;
};

/// Owns an identifier of the library.
class Id {
 public:
  using Close = herr_t (*)(hid_t);
  Id(hid_t id, Close how) : id_(id), close_(how) {}
  ~Id() { close(); }
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;

  bool valid() const { return id_ >= 0; }
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): stands for the number in every call
  /// False if the library reports an error, which for files is where a failed write shows.
  bool close() {
    const hid_t id = std::exchange(id_, -1);
    return id < 0 || close_(id) >= 0;
  }

 private:
  hid_t id_;
  Close close_;
};

inline Id property_list(hid_t kind) {
  return {H5Pcreate(kind), H5Pclose};
}

/// Types of the library by element: in memory, and little-endian as files hold it.
inline hid_t memory_type(Element element) {
  const hid_t types[] = {H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE, H5T_NATIVE_INT8,   H5T_NATIVE_INT16,  H5T_NATIVE_INT32,
                         H5T_NATIVE_INT64, H5T_NATIVE_UINT8,  H5T_NATIVE_UINT16, H5T_NATIVE_UINT32, H5T_NATIVE_UINT64};
  return types[static_cast<std::size_t>(element)];
}

inline hid_t file_type(Element element) {
  const hid_t types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_I8LE,  H5T_STD_I16LE, H5T_STD_I32LE,
                         H5T_STD_I64LE,  H5T_STD_U8LE,   H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE};
  return types[static_cast<std::size_t>(element)];
}

}  // namespace thimble::io::hdf5

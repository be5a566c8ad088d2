#pragma once
// Short-lived working memory of a kernel, from the pool of its thread.

#include "core/tensor/allocator.h"

#include <cstdint>

namespace thimble {

template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t count)
      : bytes_(static_cast<std::size_t>(count) * sizeof(T)), data_(static_cast<T*>(allocate(bytes_))) {}
  ~Scratch() { release(data_, bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() { return data_; }
  T& operator[](std::int64_t i) { return data_[i]; }

 private:
  std::size_t bytes_;
  T* data_;
};

}  // namespace thimble

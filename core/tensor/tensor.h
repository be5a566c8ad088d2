#pragma once
// A tensor is a cheap handle: copying shares the storage, clone() copies the numbers.

#include "core/tensor/dtype.h"
#include "core/tensor/shape.h"

#include <memory>
#include <span>
#include <vector>

namespace thimble {

/// A block of memory that tensors share. The block can be exchanged (rebind), which moves every view of it at once:
/// the planner of a captured program lays all intermediate results into one arena that way.
class Storage {
 public:
  explicit Storage(std::size_t bytes);         // owned, from the pool, not cleared
  Storage(void* borrowed, std::size_t bytes);  // owned by somebody else who lives longer
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  /// Uses `borrowed` from now on; an owned block goes back to the pool, its content is not copied.
  void rebind(void* borrowed);

 private:
  void* data_;
  std::size_t bytes_;
  bool owned_;
};

class Tensor {
 public:
  Tensor() = default;  // empty handle, defined() is false
  static Tensor empty(Shape shape, DType dtype = DType::f32, Layout layout = Layout::rows);
  static Tensor zeros(Shape shape, DType dtype = DType::f32, Layout layout = Layout::rows);
  static Tensor full(Shape shape, double value, DType dtype = DType::f32);
  /// Copies `values` (row-major) into a new tensor.
  template <class T>
  static Tensor from(std::span<const T> values, Shape shape);
  template <class T>
  static Tensor from(const std::vector<T>& values, Shape shape) {
    return from(std::span<const T>(values), shape);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values) {
    return from(values, Shape{static_cast<std::int64_t>(values.size())});
  }
  /// A view of memory that the caller keeps alive.
  template <class T>
  static Tensor borrow(T* data, Shape shape);

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  std::int64_t size(int dim) const { return shape_[dim]; }
  DType dtype() const { return dtype_; }
  Layout layout() const { return layout_; }
  std::int64_t numel() const { return shape_.numel(); }
  /// Elements in memory: numel, plus the padding of the last group in the lanes layout.
  std::int64_t stored() const;
  std::size_t bytes() const { return static_cast<std::size_t>(stored()) * size_of(dtype_); }

  /// Read access; throws Error(dtype) if T is another type.
  template <class T>
  const T* data() const;
  /// Write access; spelled differently so that writes are visible at the call site.
  template <class T>
  T* mut() const;
  const void* raw() const;
  void* raw_mut() const;

  /// Views on the same storage.
  Tensor reshape(Shape shape) const;  // lanes: dimension 0 must stay
  Tensor rows(std::int64_t first,
              std::int64_t count) const;  // part of dimension 0; lanes: first must be a multiple of 16

  Tensor clone() const;
  Tensor to(DType dtype) const;    // converts every element; itself if nothing changes
  Tensor to(Layout layout) const;  // itself if nothing changes
  /// The single element of a tensor with one element, as double.
  double item() const;
  /// All elements in row-major order as double (tests, printing).
  std::vector<double> to_vector() const;

  const std::shared_ptr<Storage>& storage() const { return storage_; }

 private:
  std::shared_ptr<Storage> storage_;
  std::size_t offset_ = 0;  // bytes
  Shape shape_;
  DType dtype_ = DType::f32;
  Layout layout_ = Layout::rows;
};

/// Copies all bytes; shapes, types and layouts must agree.
void copy_into(const Tensor& from, const Tensor& to);
/// True if every element is finite (integers always are); padding lanes are not looked at.
bool all_finite(const Tensor& t);

/// Groups of 16 samples that hold `batch` samples.
constexpr std::int64_t lane_groups(std::int64_t batch) {
  return (batch + kLanes - 1) / kLanes;
}

}  // namespace thimble

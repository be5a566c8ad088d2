#include "core/tensor/tensor.h"

#include "core/base/error.h"
#include "core/tensor/allocator.h"

#include <cmath>
#include <cstring>

namespace thimble {
namespace {

template <class F>
void dispatch(DType type, F&& f) {
  switch (type) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::i8:
      return f(std::int8_t{});
    case DType::i16:
      return f(std::int16_t{});
    case DType::i32:
      return f(std::int32_t{});
  }
}

/// Position of element (sample, feature) in a lanes buffer.
std::int64_t lane_index(std::int64_t sample, std::int64_t feature, std::int64_t features) {
  return (sample / kLanes * features + feature) * kLanes + sample % kLanes;
}

template <class T>
void rows_to_lanes(const T* from, T* to, std::int64_t batch, std::int64_t features) {
  const std::int64_t padded = lane_groups(batch) * kLanes;
  for (std::int64_t b = 0; b < padded; ++b)
    for (std::int64_t f = 0; f < features; ++f)
      to[lane_index(b, f, features)] = b < batch ? from[b * features + f] : T{};
}

template <class T>
void lanes_to_rows(const T* from, T* to, std::int64_t batch, std::int64_t features) {
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t f = 0; f < features; ++f) to[b * features + f] = from[lane_index(b, f, features)];
}

}  // namespace

Storage::Storage(std::size_t bytes) : data_(allocate(bytes)), bytes_(bytes), owned_(true) {}
Storage::Storage(void* borrowed, std::size_t bytes) : data_(borrowed), bytes_(bytes), owned_(false) {}
Storage::~Storage() {
  if (owned_) release(data_, bytes_);
}
void Storage::rebind(void* borrowed) {
  if (owned_) release(data_, bytes_);
  data_ = borrowed;
  owned_ = false;
}

Tensor Tensor::empty(Shape shape, DType dtype, Layout layout) {
  THIMBLE_CHECK(layout == Layout::rows || shape.rank() >= 1, shape, "the lanes layout needs a batch dimension");
  Tensor t;
  t.shape_ = shape;
  t.dtype_ = dtype;
  t.layout_ = layout;
  t.storage_ = std::make_shared<Storage>(t.bytes());
  return t;
}

Tensor Tensor::zeros(Shape shape, DType dtype, Layout layout) {
  Tensor t = empty(shape, dtype, layout);
  std::memset(t.raw_mut(), 0, t.bytes());
  return t;
}

Tensor Tensor::full(Shape shape, double value, DType dtype) {
  Tensor t = empty(shape, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(t.mut<T>(), t.numel(), static_cast<T>(value));
  });
  return t;
}

template <class T>
Tensor Tensor::from(std::span<const T> values, Shape shape) {
  THIMBLE_CHECK(static_cast<std::int64_t>(values.size()) == shape.numel(), shape, "tensor of shape ", shape, " wants ",
                shape.numel(), " values, got ", values.size());
  Tensor t = empty(shape, dtype_of<T>());
  std::copy(values.begin(), values.end(), t.mut<T>());
  return t;
}

template <class T>
Tensor Tensor::borrow(T* data, Shape shape) {
  Tensor t;
  t.shape_ = shape;
  t.dtype_ = dtype_of<T>();
  t.storage_ = std::make_shared<Storage>(data, t.bytes());
  return t;
}

std::int64_t Tensor::stored() const {
  if (layout_ == Layout::rows) return shape_.numel();
  return lane_groups(shape_[0]) * kLanes * shape_.numel_from(1);
}

const void* Tensor::raw() const {
  return static_cast<const char*>(storage_->data()) + offset_;
}
void* Tensor::raw_mut() const {
  return static_cast<char*>(storage_->data()) + offset_;
}

template <class T>
const T* Tensor::data() const {
  THIMBLE_CHECK(dtype_ == dtype_of<T>(), dtype, "tensor of type ", name_of(dtype_), " read as ",
                name_of(dtype_of<T>()));
  return static_cast<const T*>(raw());
}

template <class T>
T* Tensor::mut() const {
  THIMBLE_CHECK(dtype_ == dtype_of<T>(), dtype, "tensor of type ", name_of(dtype_), " written as ",
                name_of(dtype_of<T>()));
  return static_cast<T*>(raw_mut());
}

Tensor Tensor::reshape(Shape shape) const {
  THIMBLE_CHECK(shape.numel() == numel(), shape, "reshape: ", shape_, " has ", numel(), " elements, ", shape, " wants ",
                shape.numel());
  THIMBLE_CHECK(layout_ == Layout::rows || (shape.rank() >= 1 && shape[0] == shape_[0]), shape,
                "reshape: the lanes layout keeps dimension 0, ", shape_, " cannot become ", shape);
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::rows(std::int64_t first, std::int64_t count) const {
  THIMBLE_CHECK(rank() >= 1 && first >= 0 && count >= 0 && first + count <= shape_[0], shape, "rows ", first, " to ",
                first + count, " of a tensor of shape ", shape_);
  THIMBLE_CHECK(layout_ == Layout::rows || first % kLanes == 0, shape,
                "rows: in the lanes layout a part begins at a multiple of ", kLanes, ", got ", first);
  Tensor t = *this;
  t.shape_.set(0, count);
  t.offset_ += static_cast<std::size_t>(first * shape_.numel_from(1)) * size_of(dtype_);
  return t;
}

Tensor Tensor::clone() const {
  Tensor t = empty(shape_, dtype_, layout_);
  std::memcpy(t.raw_mut(), raw(), bytes());
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t = empty(shape_, dtype, layout_);
  const std::int64_t count = stored();
  dispatch(dtype_, [&](auto source) {
    dispatch(dtype, [&](auto target) {
      const auto* from = data<decltype(source)>();
      auto* to = t.mut<decltype(target)>();
      for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<decltype(target)>(from[i]);
    });
  });
  return t;
}

Tensor Tensor::to(Layout layout) const {
  if (layout == layout_) return *this;
  Tensor t = empty(shape_, dtype_, layout);
  const std::int64_t batch = shape_[0], features = shape_.numel_from(1);
  dispatch(dtype_, [&](auto zero) {
    using T = decltype(zero);
    if (layout == Layout::lanes)
      rows_to_lanes(data<T>(), t.mut<T>(), batch, features);
    else
      lanes_to_rows(data<T>(), t.mut<T>(), batch, features);
  });
  return t;
}

double Tensor::item() const {
  THIMBLE_CHECK(numel() == 1, shape, "item: a tensor of shape ", shape_, " has ", numel(), " elements, 1 is wanted");
  double value = 0;
  dispatch(dtype_, [&](auto zero) { value = static_cast<double>(*data<decltype(zero)>()); });
  return value;
}

std::vector<double> Tensor::to_vector() const {
  const Tensor packed = to(Layout::rows);
  std::vector<double> values(static_cast<std::size_t>(numel()));
  dispatch(dtype_, [&](auto zero) {
    const auto* from = packed.data<decltype(zero)>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(from[i]);
  });
  return values;
}

void copy_into(const Tensor& from, const Tensor& to) {
  THIMBLE_CHECK(from.shape() == to.shape() && from.dtype() == to.dtype() && from.layout() == to.layout(), shape,
                "copy: ", from.shape(), " ", name_of(from.dtype()), " into ", to.shape(), " ", name_of(to.dtype()));
  std::memcpy(to.raw_mut(), from.raw(), from.bytes());
}

bool all_finite(const Tensor& t) {
  if (t.dtype() != DType::f32 && t.dtype() != DType::f64) return true;
  const Tensor packed = t.to(Layout::rows);
  bool finite = true;
  const auto scan = [&](const auto* values) {
    const std::int64_t n = packed.numel();
    for (std::int64_t i = 0; i < n; ++i) finite &= std::isfinite(values[i]) != 0;
  };
  if (t.dtype() == DType::f32)
    scan(packed.data<float>());
  else
    scan(packed.data<double>());
  return finite;
}

#define THIMBLE_INSTANTIATE(T)                                \
  template Tensor Tensor::from<T>(std::span<const T>, Shape); \
  template Tensor Tensor::borrow<T>(T*, Shape);               \
  template const T* Tensor::data<T>() const;                  \
  template T* Tensor::mut<T>() const;
THIMBLE_INSTANTIATE(float)
THIMBLE_INSTANTIATE(double)
THIMBLE_INSTANTIATE(std::int8_t)
THIMBLE_INSTANTIATE(std::int16_t)
THIMBLE_INSTANTIATE(std::int32_t)
#undef THIMBLE_INSTANTIATE

}  // namespace thimble

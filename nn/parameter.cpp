#include "nn/parameter.h"

#include "core/base/error.h"

namespace thimble::nn {

std::int64_t Parts::count() const {
  std::int64_t sum = 0;
  for (const NamedParameter& p : parameters) sum += p.parameter->value.numel();
  return sum;
}

Parameter* Parts::find(std::string_view path) const {
  for (const NamedParameter& p : parameters)
    if (p.path == path) return p.parameter;
  return nullptr;
}

Snapshot::Snapshot(const Parts& parts) {
  for (const NamedParameter& p : parts.parameters) values_.push_back(p.parameter->value.clone());
  for (const NamedBuffer& b : parts.buffers) values_.push_back(b.buffer->value.clone());
}

void Snapshot::restore(const Parts& parts) const {
  THIMBLE_CHECK(values_.size() == parts.parameters.size() + parts.buffers.size(), shape, "snapshot: taken of ",
                values_.size(), " tensors, the model has ", parts.parameters.size() + parts.buffers.size());
  std::size_t i = 0;
  for (const NamedParameter& p : parts.parameters) copy_into(values_[i++], p.parameter->value);
  for (const NamedBuffer& b : parts.buffers) copy_into(values_[i++], b.buffer->value);
}

Tensor FlatParameters::part(const Tensor& flat, const Slice& slice) {
  return flat.rows(slice.first, slice.count).reshape(slice.parameter->value.shape());
}

FlatParameters::FlatParameters(const std::vector<NamedParameter>& parameters) {
  if (parameters.empty()) return;
  const DType dtype = parameters.front().parameter->value.dtype();
  const std::int64_t step = 64 / static_cast<std::int64_t>(size_of(dtype));
  std::int64_t size = 0;
  for (const NamedParameter& p : parameters) {
    const Tensor& value = p.parameter->value;
    THIMBLE_CHECK(value.dtype() == dtype, dtype, "parameter ", p.path, " is ", name_of(value.dtype()), ", ",
                  parameters.front().path, " is ", name_of(dtype), "; all parameters of a model share one type");
    slices_.push_back({p.path, p.parameter, size, value.numel()});
    size += (value.numel() + step - 1) / step * step;
  }
  values_ = Tensor::zeros(Shape{size}, dtype);
  grads_ = Tensor::zeros(Shape{size}, dtype);
  for (const Slice& slice : slices_) {
    const Tensor place = part(values_, slice);
    copy_into(slice.parameter->value, place);
    slice.parameter->value = place;
    slice.parameter->grad = part(grads_, slice);
  }
}

}  // namespace thimble::nn

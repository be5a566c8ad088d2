#include "core/kernels/group_map.h"

#include "core/kernels/columns.h"
#include "core/parallel/blocks.h"

#include <algorithm>
#include <vector>

namespace thimble::kernels {
namespace {

using GroupSize = std::int64_t;

constexpr GroupSize kGroupRows = 128;  // of a piece of work

std::size_t group_at(GroupSize i) {
  return static_cast<std::size_t>(i);
}

/// The map of every group, one behind the other; `turned` exchanges inputs and outputs.
template <class T>
std::vector<T> maps_of(const GroupShape& s, const Tensor& w, bool turned) {
  const T* from = w.data<T>();
  const GroupSize size = s.inputs * s.outputs;
  std::vector<T> out(group_at(s.groups * size));
  for (GroupSize g = 0; g < s.groups; ++g)
    for (GroupSize j = 0; j < s.inputs; ++j)
      for (GroupSize k = 0; k < s.outputs; ++k)
        out[group_at(g * size + (turned ? k * s.inputs + j : j * s.outputs + k))] =
            from[(s.shared ? 0 : g * size) + j * s.outputs + k];
  return out;
}

template <class T>
void forward_groups(const GroupShape& s, const Tensor& x, const Tensor& w, const Tensor& u) {
  const std::vector<T> maps = maps_of<T>(s, w, false);
  map_groups({maps.data(), nullptr, s.groups, s.inputs, s.outputs}, x.data<T>(), x.size(0), u.mut<T>());
}

template <class T>
void input_gradient(const GroupShape& s, const Tensor& d_u, const Tensor& w, Into d_x) {
  const std::vector<T> maps = maps_of<T>(s, w, true);
  const GroupWeights<T> back{maps.data(), nullptr, s.groups, s.outputs, s.inputs};
  const GroupSize rows = d_u.size(0);
  T* to = d_x.tensor->mut<T>();
  if (!d_x.add) return map_groups(back, d_u.data<T>(), rows, to);
  std::vector<T> made(group_at(d_x.tensor->numel()));
  map_groups(back, d_u.data<T>(), rows, made.data());
  for (std::size_t i = 0; i < made.size(); ++i) to[i] += made[i];
}

/// dw of one group, added to `sums` [inputs, outputs].
template <class T>
void add_group(const GroupShape& s, GroupSize group, const Tensor& d_u, const Tensor& x, double* sums) {
  for (GroupSize row = 0; row < x.size(0); ++row) {
    const T* v = x.data<T>() + (row * s.groups + group) * s.inputs;
    const T* d = d_u.data<T>() + (row * s.groups + group) * s.outputs;
    for (GroupSize j = 0; j < s.inputs; ++j)
      for (GroupSize k = 0; k < s.outputs; ++k)
        sums[j * s.outputs + k] += static_cast<double>(v[j]) * static_cast<double>(d[k]);
  }
}

template <class T>
void weight_gradient(const GroupShape& s, const Tensor& d_u, const Tensor& x, Into d_w) {
  const GroupSize size = s.inputs * s.outputs;
  std::vector<double> sums(group_at(s.groups * size), 0.0);
  parallel_blocks(
      s.groups, [&](GroupSize g) { add_group<T>(s, g, d_u, x, sums.data() + g * size); }, x.size(0) > kGroupRows);
  for (GroupSize g = 1; s.shared && g < s.groups; ++g)
    for (GroupSize i = 0; i < size; ++i) sums[group_at(i)] += sums[group_at(g * size + i)];
  T* to = d_w.tensor->mut<T>();
  for (GroupSize i = 0; i < d_w.tensor->numel(); ++i)
    to[i] = static_cast<T>((d_w.add ? static_cast<double>(to[i]) : 0.0) + sums[group_at(i)]);
}

template <class T>
void backward_groups(const GroupShape& s, const Tensor& d_u, const Tensor& x, const Tensor& w, Into d_x, Into d_w) {
  if (d_x) input_gradient<T>(s, d_u, w, d_x);
  if (d_w) weight_gradient<T>(s, d_u, x, d_w);
}

}  // namespace

void map_groups(const GroupShape& shape, const Tensor& x, const Tensor& w, const Tensor& u) {
  if (x.dtype() == DType::f64)
    forward_groups<double>(shape, x, w, u);
  else
    forward_groups<float>(shape, x, w, u);
}

void map_groups_backward(const GroupShape& shape, const Tensor& d_u, const Tensor& x, const Tensor& w, Into d_x,
                         Into d_w) {
  if (x.dtype() == DType::f64)
    backward_groups<double>(shape, d_u, x, w, d_x, d_w);
  else
    backward_groups<float>(shape, d_u, x, w, d_x, d_w);
}

}  // namespace thimble::kernels

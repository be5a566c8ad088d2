#pragma once
// Small maps of neighbouring columns as an operation on tensors, with their gradients.

#include "core/kernels/into.h"
#include "core/tensor/tensor.h"

namespace thimble::kernels {

struct GroupShape {
  std::int64_t groups, inputs, outputs;
  bool shared = false;  // one map for all groups
};
/// u[i][g][k] = sum_j x[i][g][j] w[g][j][k]: x [rows, groups * inputs], w [groups, inputs, outputs] or, shared,
/// [inputs, outputs] -> u [rows, groups * outputs], all f32 or all f64.
void map_groups(const GroupShape& shape, const Tensor& x, const Tensor& w, const Tensor& u);
/// dx = du w^T, dw = x^T du; sums over the rows in double, in order.
void map_groups_backward(const GroupShape& shape, const Tensor& d_u, const Tensor& x, const Tensor& w, Into d_x,
                         Into d_w);

}  // namespace thimble::kernels

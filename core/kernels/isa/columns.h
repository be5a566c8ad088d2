#pragma once
// Sums over the rows of a tall matrix (table.h has the meaning of the arguments).

#include "core/kernels/isa/table.h"
#include "core/kernels/isa/vec8.h"

namespace thimble::kernels::THIMBLE_ISA {

void products_f32(const ProductsBlock<float>& block);
void products_f64(const ProductsBlock<double>& block);
void project_f32(const RowsBlock<float>& block, const float* weights, float offset, float* t, float* scratch,
                 double* out);
void project_f64(const RowsBlock<double>& block, const double* weights, double offset, double* t, double* scratch,
                 double* out);
void pack_gram_f32(const RowsBlock<float>& block, i64 panel, double* packed);
void pack_gram_f64(const RowsBlock<double>& block, i64 panel, double* packed);
void gram_panel(const double* packed, i64 rows, i64 panel, double* gram, i64 stride);
void group_map(const GroupMap& map);

}  // namespace thimble::kernels::THIMBLE_ISA

#include "core/kernels/columns.h"

#include "core/kernels/dispatch.h"
#include "core/kernels/into.h"
#include "core/parallel/blocks.h"

#include <algorithm>
#include <vector>

namespace thimble::kernels {
namespace {

constexpr i64 kGramDepth = 96;   // rows of a panel that stays in the first-level cache
constexpr i64 kRows = 128;       // of a block whose float sums are still exact enough
constexpr i64 kPieceRows = 512;  // of a piece of work: a multiple of kRows

i64 pieces_of(i64 rows) {
  return std::max<i64>(1, (rows + kPieceRows - 1) / kPieceRows);
}

/// Runs `piece(first, count, sums)` on pieces of rows, each with sums [size] of its own, cleared; adds them in order.
template <class Piece>
void sum_pieces(i64 rows, i64 size, double* out, const Piece& piece) {
  const i64 pieces = pieces_of(rows);
  std::vector<double> partial(static_cast<std::size_t>(pieces * size), 0.0);
  parallel_blocks(pieces, [&](i64 p) {
    const i64 first = p * kPieceRows;
    piece(first, std::min(kPieceRows, rows - first), partial.data() + p * size);
  });
  std::fill(out, out + size, 0.0);
  for (i64 p = 0; p < pieces; ++p) {
    for (i64 k = 0; k < size; ++k) out[k] += partial[static_cast<std::size_t>(p * size + k)];
  }
}

template <class T>
RowsBlock<T> block_of(const TallMatrix<T>& x, i64 first, i64 count) {
  return {x.data + first * x.stride, x.shift, count, x.columns, x.stride};
}

template <class T>
void products_of(const TallMatrix<T>& x, const ColumnProducts<T>& out, void (*kernel)(const ProductsBlock<T>&)) {
  const i64 p = x.columns, size = p * (1 + out.near + out.responses);
  std::vector<double> all(static_cast<std::size_t>(size));
  sum_pieces(x.rows, size, all.data(), [&](i64 first, i64 count, double* into) {
    for (i64 i = first; i < first + count; i += kRows) {
      const i64 rows = std::min(kRows, first + count - i);
      kernel({block_of(x, i, rows), out.y + i * out.responses, out.responses, out.near, into, into + p,
              into + (1 + out.near) * p});
    }
  });
  std::copy_n(all.data(), p, out.sums);
  std::copy_n(all.data() + p, out.near * p, out.gram);
  std::copy_n(all.data() + (1 + out.near) * p, out.responses * p, out.with_y);
}

template <class T, class Kernel>
void project_with(const TallMatrix<T>& x, const T* weights, double offset, T* t, double* out, Kernel kernel) {
  sum_pieces(x.rows, x.columns, out, [&](i64 first, i64 count, double* into) {
    std::vector<T> scratch(static_cast<std::size_t>(x.columns));
    for (i64 i = first; i < first + count; i += kRows)
      kernel(block_of(x, i, std::min(kRows, first + count - i)), weights, static_cast<T>(offset), t + i, scratch.data(),
             into);
  });
}

template <class T>
void gram_with(const TallMatrix<T>& x, double* gram, void (*pack)(const RowsBlock<T>&, i64, double*)) {
  const i64 p = x.columns, panels = (p + kGramPanel - 1) / kGramPanel, stride = panels * kGramPanel;
  std::vector<double> sums(static_cast<std::size_t>(stride * stride), 0.0);
  std::vector<double> packed(static_cast<std::size_t>(kGramDepth * stride));
  const bool parallel = x.rows * p * p > kParallelWork;
  for (i64 first = 0; first < x.rows; first += kGramDepth) {
    const i64 rows = std::min(kGramDepth, x.rows - first);
    const RowsBlock<T> block = block_of(x, first, rows);
    parallel_blocks(
        panels, [&](i64 panel) { pack(block, panel, packed.data() + panel * rows * kGramPanel); }, parallel);
    // a panel late in the triangle is longer: early and late ones make equal pairs
    parallel_blocks((panels + 1) / 2,
                    [&](i64 k) {
                      isa().gram_panel(packed.data(), rows, panels - 1 - k, sums.data(), stride);
                      if (k < panels - 1 - k) isa().gram_panel(packed.data(), rows, k, sums.data(), stride);
                    },
                    parallel);
  }
  for (i64 i = 0; i < p; ++i) {
    for (i64 j = i; j < p; ++j) gram[i * p + j] = gram[j * p + i] = sums[static_cast<std::size_t>(i * stride + j)];
  }
}

/// Sixteen rows at a time through the lanes.
void map_sixteen(const GroupWeights<float>& map, const float* x, i64 rows, float* u, float* in_lanes,
                 float* out_lanes) {
  const i64 columns = map.groups * map.inputs, outputs = map.groups * map.outputs;
  const float* row[16];
  for (i64 k = 0; k < 16; ++k) row[k] = x + std::min(k, rows - 1) * columns;
  isa().transpose_in(row, rows, columns, in_lanes);
  isa().group_map({in_lanes, map.weights, map.offset, out_lanes, map.groups, map.inputs, map.outputs});
  isa().transpose_out(out_lanes, rows, outputs, u, outputs);
}

}  // namespace

void column_products(const TallMatrix<float>& x, const ColumnProducts<float>& out) {
  products_of(x, out, isa().products_f32);
}
void column_products(const TallMatrix<double>& x, const ColumnProducts<double>& out) {
  products_of(x, out, isa().products_f64);
}
void project_back(const TallMatrix<float>& x, const float* weights, double offset, float* t, double* out) {
  project_with(x, weights, offset, t, out, isa().project_f32);
}
void project_back(const TallMatrix<double>& x, const double* weights, double offset, double* t, double* out) {
  project_with(x, weights, offset, t, out, isa().project_f64);
}
void full_gram(const TallMatrix<float>& x, double* gram) {
  gram_with(x, gram, isa().pack_gram_f32);
}
void full_gram(const TallMatrix<double>& x, double* gram) {
  gram_with(x, gram, isa().pack_gram_f64);
}

void map_groups(const GroupWeights<float>& map, const float* x, i64 rows, float* u) {
  const i64 columns = map.groups * map.inputs, outputs = map.groups * map.outputs;
  parallel_blocks((rows + kPieceRows - 1) / kPieceRows, [&](i64 b) {
    std::vector<float> lanes(static_cast<std::size_t>(16 * (columns + outputs)));
    const i64 end = std::min(rows, (b + 1) * kPieceRows);
    for (i64 i = b * kPieceRows; i < end; i += 16)
      map_sixteen(map, x + i * columns, std::min<i64>(16, end - i), u + i * outputs, lanes.data(),
                  lanes.data() + 16 * columns);
  });
}

void map_groups(const GroupWeights<double>& map, const double* x, i64 rows, double* u) {
  const i64 columns = map.groups * map.inputs;
  parallel_blocks((rows + kPieceRows - 1) / kPieceRows, [&](i64 b) {
    const i64 end = std::min(rows, (b + 1) * kPieceRows);
    for (i64 k = b * kPieceRows * map.groups; k < end * map.groups; ++k) {
      const i64 g = k % map.groups;
      const double* v = x + (k / map.groups) * columns + g * map.inputs;
      for (i64 o = 0; o < map.outputs; ++o) {
        double sum = 0;
        for (i64 j = 0; j < map.inputs; ++j) {
          const double value = map.offset == nullptr ? v[j] : v[j] - map.offset[g * map.inputs + j];
          sum += value * map.weights[(g * map.inputs + j) * map.outputs + o];
        }
        u[k * map.outputs + o] = sum;
      }
    }
  });
}

}  // namespace thimble::kernels

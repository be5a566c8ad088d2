#include "core/kernels/columns.h"

#include "core/parallel/blocks.h"

#include <algorithm>
#include <vector>

namespace thimble::kernels {
namespace {

using i64 = std::int64_t;

constexpr i64 kRows = 64;        // of a block whose float sums are still exact enough
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
T entry(const TallMatrix<T>& x, i64 row, i64 column) {
  const T value = x.data[row * x.stride + column];
  return x.shift == nullptr ? value : value - x.shift[column];
}

template <class T>
void products_plain(const TallMatrix<T>& x, const ColumnProducts<T>& out) {
  const i64 p = x.columns, size = p * (1 + out.near + out.responses);
  std::vector<double> sums(static_cast<std::size_t>(size));
  sum_pieces(x.rows, size, sums.data(), [&](i64 first, i64 count, double* into) {
    for (i64 i = first; i < first + count; ++i) {
      for (i64 j = 0; j < p; ++j) {
        const double v = static_cast<double>(entry(x, i, j));
        into[j] += v;
        for (i64 d = 0; d < out.near && j + d < p; ++d)
          into[(1 + d) * p + j] += v * static_cast<double>(entry(x, i, j + d));
        for (i64 k = 0; k < out.responses; ++k)
          into[(1 + out.near + k) * p + j] += v * static_cast<double>(out.y[i * out.responses + k]);
      }
    }
  });
  std::copy_n(sums.data(), p, out.sums);
  std::copy_n(sums.data() + p, out.near * p, out.gram);
  std::copy_n(sums.data() + (1 + out.near) * p, out.responses * p, out.with_y);
}

template <class T>
void project_plain(const TallMatrix<T>& x, const T* weights, double offset, T* t, double* out) {
  sum_pieces(x.rows, x.columns, out, [&](i64 first, i64 count, double* into) {
    for (i64 i = first; i < first + count; ++i) {
      double score = -offset;
      for (i64 j = 0; j < x.columns; ++j)
        score += static_cast<double>(entry(x, i, j)) * static_cast<double>(weights[j]);
      t[i] = static_cast<T>(score);
      for (i64 j = 0; j < x.columns; ++j) into[j] += static_cast<double>(entry(x, i, j)) * static_cast<double>(t[i]);
    }
  });
}

template <class T>
void gram_plain(const TallMatrix<T>& x, double* gram) {
  const i64 p = x.columns;
  sum_pieces(x.rows, p * p, gram, [&](i64 first, i64 count, double* into) {
    for (i64 i = first; i < first + count; ++i) {
      for (i64 j = 0; j < p; ++j) {
        const double v = static_cast<double>(entry(x, i, j));
        for (i64 k = 0; k < p; ++k) into[j * p + k] += v * static_cast<double>(entry(x, i, k));
      }
    }
  });
}

}  // namespace

void column_products(const TallMatrix<float>& x, const ColumnProducts<float>& out) {
  products_plain(x, out);
}
void column_products(const TallMatrix<double>& x, const ColumnProducts<double>& out) {
  products_plain(x, out);
}
void project_back(const TallMatrix<float>& x, const float* weights, double offset, float* t, double* out) {
  project_plain(x, weights, offset, t, out);
}
void project_back(const TallMatrix<double>& x, const double* weights, double offset, double* t, double* out) {
  project_plain(x, weights, offset, t, out);
}
void full_gram(const TallMatrix<float>& x, double* gram) {
  gram_plain(x, gram);
}
void full_gram(const TallMatrix<double>& x, double* gram) {
  gram_plain(x, gram);
}

}  // namespace thimble::kernels

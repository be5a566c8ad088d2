#pragma once
// What a figure draws, as rows of four numbers, and the ranges that hold it.

#include "core/report/figure.h"

#include <array>
#include <vector>

namespace thimble::report {

using Row = std::array<double, 4>;  // x, y, low, high

/// Rows of a series as they are drawn; a histogram becomes its outline (y holds from x to the next x).
std::vector<Row> rows_of(const Series& series, std::size_t limit);
/// Position of the box, outlier.
std::vector<Row> outlier_rows(const Figure& figure);

bool any_histogram(const Figure& figure);

/// Range of an axis: what was asked for, else that of the data with some air; never empty, positive on log axes.
linalg::Range x_range(const Figure& figure);
linalg::Range y_range(const Figure& figure);
/// Range of the colours of a grid.
linalg::Range colour_range(const Grid& grid);

}  // namespace thimble::report

#pragma once
// The usual pieces of a figure in one call each.

#include "core/report/figure.h"

#include <string>
#include <vector>

namespace thimble::report {

Axis figure_axis(const std::string& label, const std::string& unit = "");
Axis figure_axis(const std::string& label, const std::string& unit, double low, double high);
/// A figure without data.
Figure plain_figure(const std::string& name, const std::string& title, const std::string& caption, Axis x, Axis y);
Series line_series(const std::string& name, std::vector<double> x, std::vector<double> y);

}  // namespace thimble::report

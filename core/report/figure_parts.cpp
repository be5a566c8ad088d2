#include "core/report/figure_parts.h"

namespace thimble::report {

Axis figure_axis(const std::string& label, const std::string& unit) {
  Axis a;
  a.label = label;
  a.unit = unit;
  return a;
}

Axis figure_axis(const std::string& label, const std::string& unit, double low, double high) {
  Axis a = figure_axis(label, unit);
  a.low = low;
  a.high = high;
  return a;
}

Figure plain_figure(const std::string& name, const std::string& title, const std::string& caption, Axis x, Axis y) {
  Figure f;
  f.name = name;
  f.title = title;
  f.caption = caption;
  f.x = std::move(x);
  f.y = std::move(y);
  return f;
}

Series line_series(const std::string& name, std::vector<double> x, std::vector<double> y) {
  Series s;
  s.name = name;
  s.x = std::move(x);
  s.y = std::move(y);
  return s;
}

}  // namespace thimble::report

#pragma once
// A row of trainings that differ in one number, as table, figure and files.

#include "apps/fenet/study/study.h"

#include <string>
#include <vector>

namespace thimble::fenet {

struct CurvePoint {
  std::string name;
  double x = 0;
  Judged result;
};

report::Table curve_table(const std::string& title, const std::string& what, const std::vector<CurvePoint>& points);
/// Points with intervals.
report::Series curve_series(const std::string& name, const std::vector<CurvePoint>& points);
std::string curve_json(const std::vector<CurvePoint>& points);

}  // namespace thimble::fenet

#pragma once
// A report with every kind of figure, from invented numbers: looked at in a browser, and used
// by the tests of the page.

#include "core/report/html.h"

namespace thimble::test {

report::Report sample_report();

}  // namespace thimble::test

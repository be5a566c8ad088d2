#pragma once
// A figure as gnuplot commands and as the numbers they read. Used by Plotter alone.

#include "core/report/figure.h"
#include "core/report/plotter.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace thimble::report::script {

/// Colours that the report's style sheet exchanges in dark mode.
inline constexpr const char* kInk = "#2b3138";
inline constexpr const char* kAxis = "#8b929c";
inline constexpr const char* kGridLine = "#e4e7eb";
inline constexpr const char* kGround = "#f7f8fa";  // behind heat maps
/// Colours of series, by Okabe and Ito: distinct with the usual colour weaknesses. Yellow would vanish as a line.
inline constexpr std::array<const char*, 8> kColours{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                     "#E69F00", "#56B4E9", "#000000", "#7A7A7A"};

enum class Terminal { svg, png, png_cairo };

struct Output {
  Terminal terminal = Terminal::svg;
  std::string file;  // bare name
  Size size = kReportSize;
  bool titled = true;
  std::string unique;    // prefix of ids inside the SVG
  double density = 1.0;  // pixels of a PNG per point of `size`
};

/// Where the commands find their numbers.
enum class Data { binary, csv };

/// All commands of one drawing. Binary data is read from data.bin, csv data from the files of csv_files().
std::string commands(const Figure& figure, const Output& output, Data data);
/// The content of data.bin: float64 records of four numbers, series after series, boxes, outliers, then the grid.
std::string binary_data(const Figure& figure);
/// (file name, content) of the tables a user gets: NAME.csv, and NAME-grid.csv, NAME-boxes.csv when there is more.
std::vector<std::pair<std::string, std::string>> csv_files(const Figure& figure);

}  // namespace thimble::report::script

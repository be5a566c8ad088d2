#include "core/report/plotter.h"

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/report/gnuplot.h"
#include "core/report/script.h"

#include <fstream>

namespace thimble::report {
namespace {

namespace fs = std::filesystem;

/// Plain writing, for files that nobody else reads yet.
void write_scratch(const fs::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  THIMBLE_CHECK(file.good(), io, "cannot write ", io::shown(path));
}

/// Figures can be drawn again, so they are renamed into place but not synced: that would cost more than the drawing.
void replace_file(const fs::path& path, const std::string& content) {
  const fs::path waiting = path.string() + ".part";
  std::error_code error;
  try {
    write_scratch(waiting, content);
    fs::rename(waiting, path, error);
  } catch (const Error&) {
    fs::remove(waiting, error);
    throw;
  }
  THIMBLE_CHECK(!error, io, "cannot write ", io::shown(path), ": ", error.message());
}

Size default_size(const Figure& figure) {
  return figure.square ? kReportSquare : kReportSize;
}

}  // namespace

struct Plotter::Impl {
  explicit Impl(std::string program) : gnuplot(std::move(program)) {}

  std::mutex lock;
  Gnuplot gnuplot;
  bool told = false;
  std::optional<bool> cairo;
  unsigned long drawings = 0;

  std::string draw(const Figure& figure, script::Output output) {
    const std::lock_guard<std::mutex> hold(lock);
    THIMBLE_CHECK(gnuplot.available(), tool, "figure '", text::printable(figure.name),
                  "' cannot be drawn: gnuplot is not installed");
    if (output.terminal == script::Terminal::png) {
      if (!cairo) cairo = gnuplot.has_terminal("pngcairo");
      if (*cairo) output.terminal = script::Terminal::png_cairo;
    }
    output.file = "picture";
    output.unique = "f" + std::to_string(++drawings);
    const fs::path picture = gnuplot.folder() / output.file;
    std::error_code ignored;
    fs::remove(picture, ignored);
    write_scratch(gnuplot.folder() / "data.bin", script::binary_data(figure));
    gnuplot.run(script::commands(figure, output, script::Data::binary));
    return io::read_file(picture);
  }
};

Plotter::Plotter(std::string program) : impl_(std::make_unique<Impl>(std::move(program))) {}
Plotter::~Plotter() = default;

Plotter& Plotter::shared() {
  static Plotter plotter;
  return plotter;
}

bool Plotter::available() const {
  return impl_->gnuplot.available();
}

std::string Plotter::missing_notice() {
  const std::lock_guard<std::mutex> hold(impl_->lock);
  if (impl_->gnuplot.available() || impl_->told) return {};
  impl_->told = true;
  return "gnuplot is not installed: figures are kept as tables only (Debian package gnuplot-nox)";
}

std::string Plotter::svg(const Figure& figure, bool titled, std::optional<Size> size) {
  return impl_->draw(figure, {script::Terminal::svg, {}, size.value_or(default_size(figure)), titled, {}});
}

std::string Plotter::png(const Figure& figure, Size size, double density) {
  return impl_->draw(figure, {script::Terminal::png, {}, size, true, {}, density});
}

std::string Plotter::save(const Figure& figure, const fs::path& folder, bool with_png) {
  const std::string stem = file_stem(figure.name);
  for (const auto& [name, content] : script::csv_files(figure)) replace_file(folder / name, content);
  const script::Output output{script::Terminal::svg, stem + ".svg", default_size(figure), true, "figure"};
  replace_file(folder / (stem + ".gp"),
               "# draw again with: gnuplot " + stem + ".gp\n" + script::commands(figure, output, script::Data::csv));
  if (!available()) return stem;
  replace_file(folder / (stem + ".svg"), svg(figure));
  if (with_png) replace_file(folder / (stem + ".png"), png(figure));
  return stem;
}

std::string Plotter::save_image(const Figure& figure, const fs::path& folder, Size size, double density) {
  const std::string stem = file_stem(figure.name);
  for (const auto& [name, content] : script::csv_files(figure)) replace_file(folder / name, content);
  if (available()) replace_file(folder / (stem + ".png"), png(figure, size, density));
  return stem;
}

}  // namespace thimble::report

#pragma once
// PNG from pixels, without filters or colour profiles: enough for images in TensorBoard files and reports.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace thimble::io {

/// PNG of `width` x `height` pixels with 1 (grey), 3 (RGB) or 4 (RGBA) bytes each, rows from the top. Equal pixels give
/// equal bytes. Throws Error(shape) if the number of bytes does not fit.
std::string png(std::span<const std::uint8_t> pixels, int width, int height, int channels = 3);

/// Animated PNG (APNG 1.0): frames of 1, 3 or 4 bytes per pixel, each shown for `delay` of `per_second` seconds,
/// endlessly repeated. Programs that know plain PNG show the first frame. Frames are packed one at a time as they are
/// added.
class AnimatedPng {
 public:
  /// Throws Error(shape) for impossible sizes or no frame.
  AnimatedPng(int width, int height, int channels, std::uint32_t frames, std::uint16_t delay, std::uint16_t per_second);
  /// Pixels as png() takes them. Throws Error(shape) for a wrong number of bytes or more frames than announced.
  void add(std::span<const std::uint8_t> pixels);
  /// The file. Throws Error(value) unless all frames were added.
  std::string finish();

 private:
  std::string out_;
  int width_, height_, channels_;
  std::uint32_t frames_, added_ = 0, sequence_ = 0;
  std::uint16_t delay_, per_second_;
};

/// Width and height from the header of a PNG file. Throws Error(data) if it is none.
struct PngSize {
  int width = 0;
  int height = 0;
  int channels = 0;
};
PngSize png_size(std::string_view file);

}  // namespace thimble::io

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

/// Width and height from the header of a PNG file. Throws Error(data) if it is none.
struct PngSize {
  int width = 0;
  int height = 0;
  int channels = 0;
};
PngSize png_size(std::string_view file);

}  // namespace thimble::io

#include "core/io/png.h"

#include "core/base/error.h"
#include "core/io/hash.h"

#include <zlib.h>

#include <string_view>

namespace thimble::io {
namespace {

constexpr std::string_view kSignature{"\x89PNG\r\n\x1a\n", 8};
constexpr int kLargestSide = 32'768;

void put_big_endian(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

std::uint32_t get_big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

void put_big_endian(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

void put_chunk(std::string& out, std::string_view kind, std::string_view content) {
  put_big_endian(out, static_cast<std::uint32_t>(content.size()));
  const std::size_t start = out.size();
  out += kind;
  out += content;
  put_big_endian(out, crc32(std::string_view(out).substr(start)));
}

std::string compressed(const std::string& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string out(size, '\0');
  const int result =
      compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                static_cast<uLong>(bytes.size()), Z_DEFAULT_COMPRESSION);
  THIMBLE_CHECK(result == Z_OK, internal, "zlib could not compress an image");
  out.resize(size);
  return out;
}

char colour_type(int channels) {
  return channels == 1 ? '\0' : channels == 3 ? '\2' : '\6';
}

/// Rows with their filter (0: none) in front, compressed.
std::string packed_rows(std::span<const std::uint8_t> pixels, int width, int height, int channels) {
  const std::size_t row = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  THIMBLE_CHECK(pixels.size() == row * static_cast<std::size_t>(height), shape, "PNG of ", width, " x ", height, " x ",
                channels, " from ", pixels.size(), " bytes");
  std::string lines;
  for (std::size_t at = 0; at < pixels.size(); at += row) {
    lines += '\0';
    lines.append(reinterpret_cast<const char*>(pixels.data()) + at, row);
  }
  return compressed(lines);
}

/// Signature and header of an image.
std::string beginning(int width, int height, int channels) {
  THIMBLE_CHECK(channels == 1 || channels == 3 || channels == 4, shape, "PNG with ", channels, " bytes per pixel");
  THIMBLE_CHECK(width > 0 && height > 0 && width <= kLargestSide && height <= kLargestSide, shape, "PNG of ", width,
                " x ", height, " pixels");
  std::string header;
  put_big_endian(header, static_cast<std::uint32_t>(width));
  put_big_endian(header, static_cast<std::uint32_t>(height));
  header += {'\10', colour_type(channels), '\0', '\0', '\0'};  // 8 bits, deflate, adaptive filters, not interlaced
  std::string out(kSignature);
  put_chunk(out, "IHDR", header);
  return out;
}

}  // namespace

std::string png(std::span<const std::uint8_t> pixels, int width, int height, int channels) {
  std::string out = beginning(width, height, channels);
  put_chunk(out, "IDAT", packed_rows(pixels, width, height, channels));
  put_chunk(out, "IEND", "");
  return out;
}

AnimatedPng::AnimatedPng(int width, int height, int channels, std::uint32_t frames, std::uint16_t delay,
                         std::uint16_t per_second)
    : out_(beginning(width, height, channels)),
      width_(width),
      height_(height),
      channels_(channels),
      frames_(frames),
      delay_(delay),
      per_second_(per_second) {
  THIMBLE_CHECK(frames > 0 && frames <= INT32_MAX, shape, "an animation of ", frames, " frames");
  std::string control;
  put_big_endian(control, frames);
  put_big_endian(control, std::uint32_t{0});  // repeat for ever
  put_chunk(out_, "acTL", control);
}

void AnimatedPng::add(std::span<const std::uint8_t> pixels) {
  THIMBLE_CHECK(added_ < frames_, shape, "more than the ", frames_, " frames of this animation");
  const std::string rows = packed_rows(pixels, width_, height_, channels_);
  std::string control, data;
  put_big_endian(control, sequence_++);
  put_big_endian(control, static_cast<std::uint32_t>(width_));
  put_big_endian(control, static_cast<std::uint32_t>(height_));
  control.append(8, '\0');  // at the upper left corner
  put_big_endian(control, delay_);
  put_big_endian(control, per_second_);
  control.append(2, '\0');  // left as it is, replaced by the next
  put_chunk(out_, "fcTL", control);
  if (added_++ == 0) return put_chunk(out_, "IDAT", rows);  // the picture that plain readers show
  put_big_endian(data, sequence_++);
  put_chunk(out_, "fdAT", data + rows);
}

std::string AnimatedPng::finish() {
  THIMBLE_CHECK(added_ == frames_, value, added_, " of ", frames_, " frames were added to an animation");
  put_chunk(out_, "IEND", "");
  return std::move(out_);
}

PngSize png_size(std::string_view file) {
  THIMBLE_CHECK(file.size() >= 33 && file.substr(0, 8) == kSignature && file.substr(12, 4) == "IHDR", data,
                "not a PNG image");
  const std::uint32_t width = get_big_endian(file, 16), height = get_big_endian(file, 20);
  THIMBLE_CHECK(width > 0 && width <= kLargestSide && height > 0 && height <= kLargestSide, data, "PNG of ", width,
                " x ", height, " pixels");
  const char colour = file[25];
  return {static_cast<int>(width), static_cast<int>(height), colour == '\0' ? 1 : colour == '\6' ? 4 : 3};
}

}  // namespace thimble::io

#pragma once
// The protobuf wire format, as far as event files need it.

#include "core/base/error.h"
#include "core/io/bytes.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace thimble::io {

/// Builds a message field by field.
class WireWriter {
 public:
  WireWriter& varint(int field, std::uint64_t value) {
    key(field, 0);
    raw(value);
    return *this;
  }
  WireWriter& fixed(int field, double value) {
    key(field, 1);
    put(out_, value);
    return *this;
  }
  WireWriter& fixed(int field, float value) {
    key(field, 5);
    put(out_, value);
    return *this;
  }
  /// Text, bytes, packed numbers or a message.
  WireWriter& bytes(int field, std::string_view value) {
    key(field, 2);
    raw(value.size());
    out_ += value;
    return *this;
  }
  const std::string& message() const { return out_; }

 private:
  void key(int field, unsigned kind) { raw(static_cast<std::uint64_t>(field) << 3 | kind); }
  void raw(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  std::string out_;
};

/// Reads a message field by field: after next(), `field` and one of `number` and `bytes` are set.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}

  int field = 0;
  std::uint64_t number = 0;  // varint, or the bits of a fixed number
  std::string_view bytes;    // of a length-delimited field

  /// False at the end. Throws Error(data) if the message is damaged.
  bool next() {
    if (rest_.empty()) return false;
    const std::uint64_t key = raw();
    THIMBLE_CHECK(key >> 3 > 0 && key >> 3 < 1u << 29, data, "damaged message: field ", key >> 3);
    field = static_cast<int>(key >> 3);
    bytes = {};
    switch (key & 7) {
      case 0:
        number = raw();
        return true;
      case 1:
        number = get<std::uint64_t>(take(8), 0);
        return true;
      case 2:
        bytes = take(raw());
        return true;
      case 5:
        number = get<std::uint32_t>(take(4), 0);
        return true;
      default:
        fail(ErrorKind::data, "damaged message: kind ", key & 7, " of field ", field);
    }
  }
  double as_double() const { return std::bit_cast<double>(number); }
  float as_float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(number)); }

 private:
  std::string_view take(std::uint64_t count) {
    THIMBLE_CHECK(count <= rest_.size(), data, "damaged message: ", count, " bytes wanted, ", rest_.size(), " left");
    const std::string_view piece = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(piece.size());
    return piece;
  }
  std::uint64_t raw() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(take(1).front());
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail(ErrorKind::data, "damaged message: a number without end");
  }
  std::string_view rest_;
};

}  // namespace thimble::io

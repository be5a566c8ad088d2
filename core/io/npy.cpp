#include "core/io/npy.h"

#include "core/io/atomic_file.h"
#include "core/io/bytes.h"
#include "core/io/file.h"
#include "core/io/limits.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace thimble::io {
namespace {

constexpr std::string_view kNpyMagic{"\x93NUMPY", 6};
constexpr std::size_t kAlign = 64;  // the data begin at a multiple of this

struct NpyHeader {
  char order = '<';
  char kind = 'f';
  std::size_t size = 0;  // bytes of an element
  bool columns_first = false;
  std::vector<std::int64_t> dims;
};

/// The header's grammar: { 'key': value, ... } with exactly the keys descr, fortran_order and shape.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  NpyHeader run() {
    NpyHeader header;
    expect('{');
    bool descr = false, order = false, shape = false;
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !descr)
        descr = read_type(header);
      else if (key == "fortran_order" && !order)
        order = read_order(header);
      else if (key == "shape" && !shape)
        shape = read_shape(header);
      else
        refuse("unexpected key \"" + text::printable(key) + "\"");
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!descr || !order || !shape) refuse("descr, fortran_order or shape is missing");
    skip_blanks();
    if (!rest_.empty()) refuse("text behind the closing brace");
    return header;
  }

 private:
  [[noreturn]] void refuse(const std::string& message) const {
    throw Error(ErrorKind::data, "NumPy header: " + message, Place{file_, 0, 0, {}});
  }

  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }

  bool accept(char c) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!accept(c)) refuse(text::cat("'", c, "' expected before \"", text::printable(rest_, 40), "\""));
  }

  bool accept_word(std::string_view word) {
    skip_blanks();
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::string_view quoted() {
    const bool single = accept('\'');
    if (!single) expect('"');
    const std::size_t end = rest_.find(single ? '\'' : '"');
    if (end == std::string_view::npos) refuse("a text without end");
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  bool read_type(NpyHeader& header) {
    skip_blanks();
    if (!rest_.empty() && rest_.front() == '[') refuse("structured types are not supported");
    const std::string_view type = quoted();
    const bool plain = type.size() == 3 && std::string_view("<>|=").find(type[0]) != std::string_view::npos &&
                       std::string_view("fiu").find(type[1]) != std::string_view::npos &&
                       std::string_view("1248").find(type[2]) != std::string_view::npos && type.substr(1) != "f1";
    if (!plain)
      refuse("type \"" + text::printable(type) + "\" is not supported, only integers and floats of 1 to 8 bytes");
    header.order = type[0];
    header.kind = type[1];
    header.size = static_cast<std::size_t>(type[2] - '0');
    return true;
  }

  bool read_order(NpyHeader& header) {
    header.columns_first = accept_word("True");
    if (!header.columns_first && !accept_word("False")) refuse("fortran_order must be True or False");
    return true;
  }

  bool read_shape(NpyHeader& header) {
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      const std::size_t length = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
      std::int64_t size = 0;
      if (length == 0 || !text::parse(rest_.substr(0, length), size))
        refuse("\"" + text::printable(rest_, 30) + "\" is no size");
      rest_.remove_prefix(length);
      header.dims.push_back(size);
      if (header.dims.size() > static_cast<std::size_t>(limits::kArrayRank))
        refuse(text::cat("rank over ", limits::kArrayRank));
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return true;
  }

  std::string_view rest_;
  const std::string& file_;
};

Element element_of_header(const NpyHeader& header) {
  if (header.kind == 'f') return header.size == 8 ? Element::f64 : Element::f32;
  const bool is_signed = header.kind == 'i';
  switch (header.size) {
    case 1:
      return is_signed ? Element::i8 : Element::u8;
    case 2:
      return is_signed ? Element::i16 : Element::u16;
    case 4:
      return is_signed ? Element::i32 : Element::u32;
    default:
      return is_signed ? Element::i64 : Element::u64;
  }
}

float half_to_float(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const auto fraction = static_cast<float>(bits & 1023);
  const float sign = (bits & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024.0f + fraction, exponent - 25);
}

/// Puts one element, at `from` in the file, to its place in the array.
void put_element(const NpyHeader& header, const char* from, char* to) {
  char raw[8] = {};
  for (std::size_t i = 0; i < header.size; ++i) raw[header.order == '>' ? header.size - 1 - i : i] = from[i];
  if (header.kind == 'f' && header.size == 2) {
    const float value = half_to_float(get<std::uint16_t>(std::string_view(raw, 2), 0));
    std::memcpy(to, &value, sizeof value);
  } else {
    std::memcpy(to, raw, header.size);
  }
}

/// Copies the elements; `index` counts through the file, first dimension fastest if columns come first.
void copy_elements(const NpyHeader& header, std::string_view data, Array& out) {
  const std::size_t size = size_of(out.element());
  const std::int64_t count = out.numel();
  std::vector<std::int64_t> index(header.dims.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t at = i;
    if (header.columns_first) {
      at = 0;
      for (std::size_t d = 0; d < index.size(); ++d) at = at * header.dims[d] + index[d];
      for (std::size_t d = 0; d < index.size() && ++index[d] == header.dims[d]; ++d) index[d] = 0;
    }
    put_element(header, data.data() + static_cast<std::size_t>(i) * header.size,
                out.mut() + static_cast<std::size_t>(at) * size);
  }
}

/// Header of the bytes, which may end behind it, and where the elements begin.
std::pair<NpyHeader, std::size_t> parse_npy_header(std::string_view bytes, const std::string& name) {
  const auto refuse = [&](const std::string& message) { throw Error(ErrorKind::data, message, Place{name, 0, 0, {}}); };
  if (bytes.size() < 10 || bytes.substr(0, kNpyMagic.size()) != kNpyMagic) refuse("not a NumPy file");
  const auto version = get<std::uint8_t>(bytes, 6);
  if (version < 1 || version > 3) refuse(text::cat("NumPy format ", version, ", 1 to 3 are supported"));
  const std::size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start) refuse("NumPy header cut off");
  const std::uint64_t length = version == 1 ? get<std::uint16_t>(bytes, 8) : get<std::uint32_t>(bytes, 8);
  if (length > limits::kNpyHeaderBytes) refuse(text::cat("NumPy header of ", length, " bytes exceeds the limit"));
  if (length > bytes.size() - start) refuse("NumPy header is longer than the file");
  return {HeaderParser(bytes.substr(start, length), name).run(), start + static_cast<std::size_t>(length)};
}

/// Refuses a shape that does not make up the bytes behind the header.
void check_npy_size(const NpyHeader& header, std::uint64_t bytes, const std::string& name) {
  const auto refuse = [&](const std::string& message) { throw Error(ErrorKind::data, message, Place{name, 0, 0, {}}); };
  std::uint64_t expected = header.size;
  for (const std::int64_t size : header.dims)
    if (!checked_multiply(expected, static_cast<std::uint64_t>(size), expected)) refuse("NumPy shape overflows");
  if (expected != bytes) refuse(text::cat("NumPy data of ", bytes, " bytes where shape and type need ", expected));
}

}  // namespace

Array parse_npy(std::string_view bytes, const std::string& name) {
  const auto refuse = [&](const std::string& message) { throw Error(ErrorKind::data, message, Place{name, 0, 0, {}}); };
  const auto [header, start] = parse_npy_header(bytes, name);
  const std::string_view data = bytes.substr(start);
  check_npy_size(header, data.size(), name);
  Array out(element_of_header(header), header.dims);
  copy_elements(header, data, out);
  if (const std::int64_t bad = out.first_non_finite(); bad >= 0) refuse(text::cat("element ", bad, " is not finite"));
  return out;
}

Array read_npy(const std::filesystem::path& path) {
  return parse_npy(read_file(path, limits::kNpyBytes), shown(path));
}

NpyLayout read_npy_layout(const std::filesystem::path& path) {
  const InputFile file = open_regular(path);
  std::string head(limits::kNpyHeaderBytes + 12, '\0');
  head.resize(read_some(file, head.data(), head.size()));
  const auto [header, start] = parse_npy_header(head, shown(path));
  check_npy_size(header, file.bytes - start, shown(path));
  const bool plain = (!header.columns_first || header.dims.size() < 2) && header.order != '>' &&
                     !(header.kind == 'f' && header.size == 2);
  if (!plain)
    throw Error(ErrorKind::data, "is stored columns first, big-endian or in half precision, and can only be read whole",
                Place{shown(path), 0, 0, {}}, "save it again with numpy.ascontiguousarray(x).astype('<f4')");
  return {element_of_header(header), header.dims, start};
}

std::string npy_header(Element element, const std::vector<std::int64_t>& dims) {
  const std::string_view name = name_of(element);  // "f32": kind and bits
  std::string header = text::cat("{'descr': '", size_of(element) == 1 ? '|' : '<', name[0], size_of(element),
                                 "', 'fortran_order': False, 'shape': (");
  for (const std::int64_t size : dims) header += text::cat(size, ",");
  header += "), }";
  const std::size_t start = kNpyMagic.size() + 4;
  header.append(kAlign - 1 - (start + header.size()) % kAlign, ' ');
  header += '\n';
  std::string out(kNpyMagic);
  out += {'\1', '\0'};
  put(out, static_cast<std::uint16_t>(header.size()));
  return out + header;
}

std::string npy_bytes(const Array& array) {
  std::string out = npy_header(array.element(), array.dims());
  out += array.bytes();
  return out;
}

void write_npy(const std::filesystem::path& path, const Array& array) {
  atomic_replace(path, npy_bytes(array));
}

}  // namespace thimble::io

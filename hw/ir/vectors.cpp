#include "hw/ir/vectors.h"

#include "core/base/error.h"

namespace thimble::hw {
namespace {

std::vector<FxType> types_of(const Graph& graph, const std::vector<TensorId>& ports) {
  std::vector<FxType> types;
  for (const TensorId id : ports)
    for (std::size_t i = 0; i < graph.tensor(id).size(); ++i) types.push_back(graph.tensor(id).format.at(i));
  return types;
}

[[noreturn]] void wrong_line(const std::string& file, std::size_t line, std::string why) {
  throw Error(ErrorKind::data, std::move(why), Place{file, static_cast<long>(line), 0, ""},
              "write the vectors again with thimble-hw vectors");
}

/// Lines of a text whose last line ends too; calls visit(line, number).
template <class Visit>
void each_line(std::string_view text, const std::string& file, Visit visit) {
  std::size_t number = 1;
  for (; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) wrong_line(file, number, "the last line is cut off");
    visit(text.substr(0, end), number);
    text.remove_prefix(end + 1);
  }
}

int total_width(const std::vector<FxType>& types) {
  int bits = 0;
  for (const FxType& type : types) bits += type.w;
  return bits;
}

constexpr std::string_view kDigits = "0123456789abcdef";

/// Bits of one vector, lowest first.
std::vector<bool> packed(std::span<const std::int64_t> row, const std::vector<FxType>& types) {
  std::vector<bool> bits;
  for (std::size_t i = 0; i < types.size(); ++i)
    for (int b = 0; b < types[i].w; ++b) bits.push_back(((row[i] >> b) & 1) != 0);
  bits.resize((bits.size() + 3) / 4 * 4, false);
  return bits;
}

std::vector<bool> bits_of_line(std::string_view line, int total, const std::string& file, std::size_t number) {
  if (line.size() != static_cast<std::size_t>(total + 3) / 4)
    wrong_line(file, number, text::cat(line.size(), " digits, expected ", (total + 3) / 4));
  std::vector<bool> bits;
  for (auto digit = line.rbegin(); digit != line.rend(); ++digit) {
    const std::size_t value = kDigits.find(*digit);
    if (value == std::string_view::npos)
      wrong_line(file, number, text::cat("'", text::printable(line), "' is not lower-case hexadecimal"));
    for (int b = 0; b < 4; ++b) bits.push_back(((value >> b) & 1) != 0);
  }
  for (std::size_t i = static_cast<std::size_t>(total); i < bits.size(); ++i)
    if (bits[i]) wrong_line(file, number, "bits beyond the last element are set");
  return bits;
}

std::int64_t unpacked(const std::vector<bool>& bits, std::size_t at, const FxType& type) {
  std::int64_t value = 0;
  for (int b = 0; b < type.w; ++b)
    if (bits[at + static_cast<std::size_t>(b)]) value |= std::int64_t{1} << b;
  return type.s && value > type.hi() ? value - (std::int64_t{1} << type.w) : value;
}

}  // namespace

std::vector<FxType> input_types(const Graph& graph) {
  return types_of(graph, graph.inputs());
}
std::vector<FxType> output_types(const Graph& graph) {
  return types_of(graph, graph.outputs());
}

std::string vectors_text(const Vectors& vectors) {
  std::string text;
  text.reserve(vectors.data.size() * 5);
  for (std::size_t i = 0; i < vectors.data.size(); ++i) {
    text += std::to_string(vectors.data[i]);
    text += (i + 1) % vectors.width == 0 ? '\n' : ' ';
  }
  return text;
}

Vectors parse_vectors(std::string_view text, std::size_t width, const std::string& file) {
  Vectors vectors{.width = width};
  each_line(text, file, [&](std::string_view line, std::size_t number) {
    const std::size_t before = vectors.data.size();
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      std::int64_t value = 0;
      if (!text::parse(line.substr(at, end - at), value))
        wrong_line(file, number, text::cat("'", text::printable(line.substr(at, end - at)), "' is not an integer"));
      vectors.data.push_back(value);
      at = end + 1;
    }
    if (vectors.data.size() - before != width)
      wrong_line(file, number, text::cat(vectors.data.size() - before, " integers, expected ", width));
  });
  return vectors;
}

std::string memory_text(const Vectors& vectors, const std::vector<FxType>& types) {
  THIMBLE_CHECK(vectors.width == types.size(), shape, "memory_text: rows of ", vectors.width, " elements, ",
                types.size(), " types");
  std::string text;
  for (std::size_t r = 0; r < vectors.rows(); ++r) {
    const auto row = vectors.row(r);
    for (std::size_t i = 0; i < types.size(); ++i)
      THIMBLE_CHECK(types[i].contains(row[i]), data, "vector ", r, " element ", i, " = ", row[i], " does not fit ",
                    types[i].str());
    const std::vector<bool> bits = packed(row, types);
    for (std::size_t at = bits.size(); at > 0; at -= 4) {
      std::size_t digit = 0;
      for (std::size_t b = 1; b <= 4; ++b) digit = digit * 2 + (bits[at - b] ? 1 : 0);
      text += kDigits[digit];
    }
    text += '\n';
  }
  return text;
}

Vectors parse_memory(std::string_view text, const std::vector<FxType>& types, const std::string& file) {
  Vectors vectors{.width = types.size()};
  const int total = total_width(types);
  each_line(text, file, [&](std::string_view line, std::size_t number) {
    const std::vector<bool> bits = bits_of_line(line, total, file, number);
    std::size_t at = 0;
    for (const FxType& type : types) {
      vectors.data.push_back(unpacked(bits, at, type));
      at += static_cast<std::size_t>(type.w);
    }
  });
  return vectors;
}

}  // namespace thimble::hw

// Text forms of word arrays, and the readers of those that the product reads back itself.
#include "core/base/error.h"
#include "core/io/json.h"

#include "hw/emit/c99_text.h"
#include "hw/emit/words.h"

#include <nlohmann/json.hpp>

#include <bit>
#include <functional>

namespace thimble::hw {
namespace {

using text::cat;

constexpr const char* kWordsSchema = "thimble.words/1";
constexpr std::size_t kLineColumns = 100;

std::uint64_t pattern(std::int64_t q, int bits) {
  return static_cast<std::uint64_t>(q) & ((std::uint64_t{1} << bits) - 1);
}

std::string hex_pattern(std::int64_t q, int bits) {
  std::string out;
  const std::uint64_t value = pattern(q, bits);
  for (int digit = (bits + 3) / 4 - 1; digit >= 0; --digit) out += "0123456789abcdef"[(value >> (4 * digit)) & 15];
  return out;
}

std::string bit_pattern(std::int64_t q, int bits) {
  std::string out;
  for (int b = bits - 1; b >= 0; --b) out += ((static_cast<std::uint64_t>(q) >> b) & 1) != 0 ? '1' : '0';
  return out;
}

std::string upper_name(std::string word) {
  for (char& c : word)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return word;
}

std::string shape_text(const WordArray& array) {
  std::string out;
  for (const std::int64_t size : array.shape) out += cat(out.empty() ? "" : " x ", size);
  return out;
}

std::string description(const WordArray& array) {
  return cat(array.name, ": ", array.meaning, "; ", shape_text(array), " words of ", array.type.w, " bits, ",
             array.type.f, " after the point");
}

/// How a language writes an aggregate.
struct Brackets {
  const char *open, *close;
  const char* single;  // before the only element of an aggregate
  std::function<std::string(std::int64_t)> word;
};

/// `count` words from `first`, in lines that people can read.
std::string aggregate(const WordArray& array, std::size_t first, std::size_t count, const Brackets& style,
                      const std::string& indent) {
  std::string out = style.open, line;
  if (count == 1) line = style.single;
  for (std::size_t i = 0; i < count; ++i) {
    line += style.word(array.data[first + i]);
    if (i + 1 < count) line += ',';
    if (line.size() > kLineColumns) {
      out += cat("\n", indent, line);
      line.clear();
    }
  }
  if (!line.empty()) out += cat("\n", indent, line);
  return out + style.close;
}

/// The whole array, row by row where it has two dimensions.
std::string nested(const WordArray& array, const Brackets& style) {
  if (array.shape.size() == 1) return aggregate(array, 0, array.data.size(), style, "    ");
  const auto rows = static_cast<std::size_t>(array.shape[0]), width = static_cast<std::size_t>(array.shape[1]);
  std::string out = style.open;
  if (rows == 1) out += style.single;
  for (std::size_t r = 0; r < rows; ++r)
    out += cat("\n    ", aggregate(array, r * width, width, style, "      "), r + 1 < rows ? "," : "");
  return out + style.close;
}

[[noreturn]] void refuse_word(const std::string& file, std::size_t line, std::string what) {
  throw Error(ErrorKind::data, std::move(what), {file, static_cast<long>(line), 0, ""}, "export the network again");
}

std::int64_t word_from_hex(std::string_view digits, const FxType& type, const std::string& file, std::size_t line) {
  std::uint64_t value = 0;
  const auto refuse = [&] {
    refuse_word(file, line, cat("'", text::printable(digits), "' is no hexadecimal word of ", type.w, " bits"));
  };
  if (digits.empty() || digits.size() > static_cast<std::size_t>(type.w + 3) / 4) refuse();
  for (const char c : digits) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) refuse();
    value = value * 16 + digit;
  }
  if (static_cast<int>(std::bit_width(value)) > type.w) refuse();
  const auto q = static_cast<std::int64_t>(value);
  return type.s && q > type.hi() ? q - (std::int64_t{1} << type.w) : q;
}

/// Lines without comments and blanks around them; visit(line, number).
template <class Visit>
void each_content_line(std::string_view text, std::string_view comment, const Visit& visit) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const std::size_t at = line.find(comment); at != std::string_view::npos) line = line.substr(0, at);
    line = text::trim(line);
    if (!line.empty()) visit(line, number);
  }
}

void require_count(std::size_t found, std::size_t wanted, const std::string& file) {
  if (found != wanted)
    throw Error(ErrorKind::data, cat(found, " words, expected ", wanted), {file, 0, 0, ""}, "export the network again");
}

}  // namespace

std::string coe_text(const WordArray& array) {
  std::string out = cat("; ", description(array), "\nmemory_initialization_radix=16;\nmemory_initialization_vector=\n");
  for (std::size_t i = 0; i < array.data.size(); ++i)
    out += hex_pattern(array.data[i], array.type.w) + (i + 1 < array.data.size() ? ",\n" : ";\n");
  return out;
}

std::string mem_text(const WordArray& array) {
  std::string out = cat("// ", description(array), "\n");
  for (const std::int64_t q : array.data) out += hex_pattern(q, array.type.w) + "\n";
  return out;
}

std::vector<std::int64_t> parse_coe(std::string_view text, const FxType& type, std::size_t count,
                                    const std::string& file) {
  // a comment is a whole line here: ';' also ends the statements
  std::vector<std::int64_t> words;
  int statement = 0;
  bool ended = false;
  each_content_line(text, "\n", [&](std::string_view line, std::size_t number) {
    if (line.front() == ';') return;
    if (ended) refuse_word(file, number, "text behind the last word");
    if (statement == 0 && line == "memory_initialization_radix=16;") return static_cast<void>(statement = 1);
    if (statement == 1 && line == "memory_initialization_vector=") return static_cast<void>(statement = 2);
    if (statement != 2 || (line.back() != ',' && line.back() != ';'))
      refuse_word(file, number, cat("'", text::printable(line), "' is out of place"));
    ended = line.back() == ';';
    words.push_back(word_from_hex(line.substr(0, line.size() - 1), type, file, number));
  });
  if (!ended) refuse_word(file, 0, "the list of words does not end");
  require_count(words.size(), count, file);
  return words;
}

std::vector<std::int64_t> parse_mem(std::string_view text, const FxType& type, std::size_t count,
                                    const std::string& file) {
  std::vector<std::int64_t> words;
  each_content_line(text, "//", [&](std::string_view line, std::size_t number) {
    words.push_back(word_from_hex(line, type, file, number));
  });
  require_count(words.size(), count, file);
  return words;
}

std::string vhdl_package(const std::string& name, const std::vector<WordArray>& arrays) {
  std::string out =
      cat("library ieee;\nuse ieee.std_logic_1164.all;\nuse ieee.numeric_std.all;\n\npackage ", name, " is\n");
  for (const WordArray& array : arrays) {
    const std::string constant = upper_name(array.name);
    std::string range;
    for (const std::int64_t size : array.shape) range += cat(range.empty() ? "" : ", ", "0 to ", size - 1);
    const Brackets style{"(", ")", "0 => ",
                         [&](std::int64_t q) { return cat('"', bit_pattern(q, array.type.w), '"'); }};
    out += cat("\n  -- ", description(array), "\n  constant ", constant, "_BITS : positive := ", array.type.w,
               ";\n  constant ", constant, "_FRACTION : integer := ", array.type.f, ";\n  type ", array.name,
               "_t is array (", range, ") of signed(", array.type.w - 1, " downto 0);\n  constant ", constant, " : ",
               array.name, "_t := ", nested(array, style), ";\n");
  }
  return out + cat("\nend package ", name, ";\n");
}

std::string verilog_package(const std::string& name, const std::vector<WordArray>& arrays) {
  std::string out = cat("package ", name, ";\n");
  for (const WordArray& array : arrays) {
    const std::string constant = upper_name(array.name);
    std::string range;
    for (const std::int64_t size : array.shape) range += cat(" [0:", size - 1, "]");
    const Brackets style{"'{", "}", "",
                         [&](std::int64_t q) { return cat(array.type.w, "'sh", hex_pattern(q, array.type.w)); }};
    out += cat("\n  // ", description(array), "\n  localparam int ", constant, "_BITS = ", array.type.w,
               ";\n  localparam int ", constant, "_FRACTION = ", array.type.f, ";\n  localparam logic signed [",
               array.type.w - 1, ":0] ", constant, range, " = ", nested(array, style), ";\n");
  }
  return out + "\nendpackage\n";
}

std::string c_header(const std::string& name, const std::vector<WordArray>& arrays) {
  const std::string guard = upper_name(name) + "_H";
  std::string out = cat("#ifndef ", guard, "\n#define ", guard, "\n\n#include <stdint.h>\n");
  for (const WordArray& array : arrays) {
    const std::string full = cat(name, "_", array.name), constant = upper_name(full);
    std::string range;
    for (const std::int64_t size : array.shape) range += cat("[", size, "]");
    const Brackets style{"{", "}", "", [](std::int64_t q) { return c99::literal(q); }};
    out += cat("\n/* ", description(array), " */\n#define ", constant, "_BITS ", array.type.w, "\n#define ", constant,
               "_FRACTION (", array.type.f, ")\nstatic const ", c99::storage_type(fixed::range_of(array.type)), " ",
               full, range, " = ", nested(array, style), ";\n");
  }
  return out + cat("\n#endif\n");
}

std::string words_json(const std::string& name, const std::vector<WordArray>& arrays) {
  nlohmann::json list = nlohmann::json::array();
  for (const WordArray& array : arrays)
    list.push_back({{"name", array.name},
                    {"bits", array.type.w},
                    {"fraction", array.type.f},
                    {"shape", array.shape},
                    {"data", array.data},
                    {"meaning", array.meaning}});
  return io::json_text(nlohmann::json{{"schema", kWordsSchema}, {"name", name}, {"arrays", std::move(list)}}) + "\n";
}

std::vector<WordArray> parse_words_json(std::string_view text, const std::string& file) {
  const nlohmann::json root = io::parse_json(text, file);
  const auto refuse = [&](const std::string& where, const std::string& what) {
    throw Error(ErrorKind::data, what, {file, 0, 0, where}, "export the network again");
  };
  if (!root.is_object() || root.value("schema", nlohmann::json()) != kWordsSchema || !root.contains("arrays") ||
      !root["arrays"].is_array())
    refuse("schema", cat("this is no file of schema ", kWordsSchema));
  std::vector<WordArray> arrays;
  for (const nlohmann::json& entry : root["arrays"]) {
    WordArray array;
    try {
      array = {entry.at("name").get<std::string>(),
               {entry.at("bits").get<int>(), true, entry.at("fraction").get<int>()},
               entry.at("shape").get<std::vector<std::int64_t>>(),
               entry.at("data").get<std::vector<std::int64_t>>(),
               entry.at("meaning").get<std::string>()};
    } catch (const nlohmann::json::exception& e) {
      refuse(cat("arrays[", arrays.size(), "]"), cat("a field is missing or of another kind: ", e.what()));
    }
    fixed::check(array.type, array.name);
    fixed::Wide count = array.shape.empty() || array.shape.size() > 2 ? -1 : 1;
    for (const std::int64_t size : array.shape) count = size < 0 ? -1 : count * size;
    if (count != static_cast<fixed::Wide>(array.data.size()))
      refuse(array.name, cat(array.data.size(), " words do not fill the shape"));
    for (const std::int64_t q : array.data)
      if (!array.type.contains(q)) refuse(array.name, cat(q, " does not fit ", array.type.str()));
    arrays.push_back(std::move(array));
  }
  return arrays;
}

}  // namespace thimble::hw

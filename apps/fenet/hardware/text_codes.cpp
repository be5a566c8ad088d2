#include "apps/fenet/hardware/text_codes.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/fixed/convert.h"

#include "hw/emit/codes.h"

#include <cmath>

namespace thimble::fenet {

using text::cat;

namespace {

bool is_plain(const TextCode& code) {
  return code.name == "float";
}
hw::Radix radix_of(const TextCode& code) {
  return code.name.rfind("hex", 0) == 0   ? hw::Radix::hexadecimal
         : code.name.rfind("oct", 0) == 0 ? hw::Radix::octal
                                          : hw::Radix::binary;
}
hw::Sign sign_of(const TextCode& code) {
  return code.name.find("_2s_comp") != std::string::npos ? hw::Sign::twos_complement : hw::Sign::magnitude;
}

}  // namespace

TextCode text_code(const HardwareKeys& keys, const fixed::FxType& type) {
  TextCode code{keys.code, type, keys.code_bits == 0 ? type.w : static_cast<int>(keys.code_bits)};
  if (code.bits < type.w)
    throw Error(ErrorKind::config, cat("hw.code_bits is ", code.bits, ", words have ", type.w, " bits"),
                {"", 0, 0, "hw.code_bits"}, "leave it at 0 for the word length");
  return code;
}

std::string code_of(double value, const TextCode& code) {
  if (!is_plain(code)) return hw::encoded(value, code.type.w, code.type.f, code.bits, radix_of(code), sign_of(code));
  const std::int64_t word = fixed::convert(value, code.type, fixed::Round::trn_zero, fixed::Overflow::sat);
  return text::to_text(code.type.value(word));
}

std::string code_of_word(std::int64_t word, const TextCode& code) {
  return code_of(code.type.value(word), code);
}

std::int64_t word_of(std::string_view text, const TextCode& code) {
  if (!is_plain(code)) {
    const std::int64_t wide = hw::parse_code(text, code.bits, radix_of(code), sign_of(code));
    const std::int64_t step = std::int64_t{1} << (code.bits - code.type.w);
    THIMBLE_CHECK(wide % step == 0, value, "code '", text::printable(text), "' has bits below the word");
    return wide / step;
  }
  double value = 0;
  THIMBLE_CHECK(text::parse(text, value), value, "'", text::printable(text), "' is no number");
  const double word = std::ldexp(value, code.type.f);
  THIMBLE_CHECK(word == std::floor(word) && code.type.contains(static_cast<std::int64_t>(word)), value, "'",
                text::printable(text), "' is no word of ", code.type.str());
  return static_cast<std::int64_t>(word);
}

std::vector<std::string> lines_of_text(const std::string& text, const std::string& file) {
  if (text.empty()) return {};
  if (text.back() != '\n')
    throw Error(ErrorKind::data, "the last line does not end with a newline", {file, 0, 0, ""}, "the file was cut");
  return text::split(std::string_view(text).substr(0, text.size() - 1), '\n');
}

}  // namespace thimble::fenet

#pragma once
// How numbers stand in the text files of the chip: one value per line in one of seven codes.

#include "core/fixed/type.h"

#include "apps/fenet/hardware/hardware_keys.h"

#include <string>
#include <string_view>
#include <vector>

namespace thimble::fenet {

/// Code of words of `type`, `bits` bits wide with the word in the upper ones; or plain decimal numbers.
struct TextCode {
  std::string name;  // "oct", "hex_2s_comp", "float"
  fixed::FxType type;
  int bits = 0;
};

/// Throws Error(config) naming hw.code_bits if codes are narrower than words.
TextCode text_code(const HardwareKeys& keys, const fixed::FxType& type);

/// A value in the code: rounded toward zero and saturated, sign-magnitude with the sign of the value.
std::string code_of(double value, const TextCode& code);
std::string code_of_word(std::int64_t word, const TextCode& code);
/// The word of a code. Throws Error(value) for anything that is none.
std::int64_t word_of(std::string_view text, const TextCode& code);

/// Lines of a text whose last line ends with a newline. Throws Error(data) naming the file otherwise.
std::vector<std::string> lines_of_text(const std::string& text, const std::string& file);

}  // namespace thimble::fenet

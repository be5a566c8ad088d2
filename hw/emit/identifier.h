#pragma once
// Names of users as identifiers that Verilog, SystemVerilog, VHDL, C and C++ accept alike.

#include <string>
#include <string_view>
#include <vector>

namespace thimble::hw {

inline constexpr std::size_t kIdentifierBytes = 48;

/// A keyword of one of the languages, or a name their libraries reserve.
bool reserved_word(std::string_view word);

/// Legal, harmless, distinct identifiers for these names, in their order; equal names stay equal only if they are the
/// same entry. Letters, digits and single underscores are kept, everything else becomes an underscore; a name that
/// starts with a digit gets "n_" before it, a reserved word "_n" behind it; long names keep their beginning; a second
/// name with the same result gets a number, compared without regard to case.
std::vector<std::string> identifiers(const std::vector<std::string>& names);

/// The same for one name.
std::string identifier(std::string_view name);

}  // namespace thimble::hw

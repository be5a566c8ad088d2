#pragma once
// Names for generated source. Whatever a layer was called, its identifier is legal and harmless everywhere.

#include <set>
#include <string>
#include <string_view>

namespace thimble::hw {

/// Hands out identifiers `[a-z][a-z0-9_]*`: no keyword of C, C++, Verilog, SystemVerilog or VHDL, no name of the C
/// library's headers that generated code includes, no doubled or trailing underscore, unique. The same names in the
/// same order give the same identifiers.
class Identifiers {
 public:
  /// Longest identifier; an emitter that adds its own beginnings or endings asks for less than 64.
  explicit Identifiers(std::size_t limit = 64) : limit_(limit) {}

  /// A free identifier near `name`; `fallback` (a legal one) where nothing of the name is usable.
  std::string unique(std::string_view name, std::string_view fallback = "n");
  /// Keeps an identifier from being handed out.
  void reserve(std::string identifier) { used_.insert(std::move(identifier)); }

 private:
  std::size_t limit_;
  std::set<std::string> used_;
};

/// A keyword or predefined name of any of the languages, lower-case comparison.
bool is_reserved(std::string_view word);

/// User text for one line of comment in any of the languages: begins with the word "name", so that no tool sees a
/// directive; no comment marks, quotes, back-ticks, backslashes, trigraphs or control characters remain.
std::string comment_text(std::string_view text);

}  // namespace thimble::hw

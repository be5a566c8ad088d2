#include "hw/emit/identifiers.h"

#include "core/base/text.h"

#include <algorithm>
#include <array>

namespace thimble::hw {
namespace {

// C99 to C23 and C++ to C++20
constexpr std::string_view kC =
    "alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor bool break case "
    "catch "
    "char char8_t char16_t char32_t class co_await co_return co_yield compl concept const const_cast consteval "
    "constexpr constinit continue decltype default delete do double dynamic_cast else enum explicit export extern "
    "false "
    "final float for friend goto if import inline int long module mutable namespace new noexcept not not_eq nullptr "
    "operator or or_eq override private protected public reflexpr register reinterpret_cast requires restrict return "
    "short signed sizeof static static_assert static_cast struct switch synchronized template this thread_local throw "
    "true try typedef typeid typename typeof typeof_unqual union unsigned using virtual void volatile wchar_t while "
    "xor "
    "xor_eq "
    // names that are not keywords but mean something in a C program
    "main errno stdin stdout stderr assert offsetof size_t ptrdiff_t int8_t int16_t int32_t int64_t uint8_t uint16_t "
    "uint32_t uint64_t intmax_t uintmax_t intptr_t uintptr_t abs labs llabs div exit abort malloc free calloc realloc "
    "printf scanf fopen fclose fscanf fprintf getc putc puts memcpy memset memcmp strlen strcmp linux unix i386 near "
    "far "
    "huge std null";

// Verilog 2005 and SystemVerilog 2017
constexpr std::string_view kVerilog =
    "accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind "
    "bins "
    "binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const "
    "constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do "
    "edge "
    "else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface "
    "endmodule "
    "endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually "
    "expect "
    "export extends extern final first_match for force foreach forever fork forkjoin function generate genvar global "
    "highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input "
    "inside instance int integer interconnect interface intersect join join_any join_none large let liblist library "
    "local localparam logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos "
    "nor "
    "noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program "
    "property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase "
    "randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 "
    "rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled "
    "signed small soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1 "
    "sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 "
    "tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire "
    "var "
    "vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor";

// VHDL 2008
constexpr std::string_view kVhdl =
    "abs access after alias all and architecture array assert assume assume_guarantee attribute begin block body "
    "buffer "
    "bus case component configuration constant context cover default disconnect downto else elsif end entity exit "
    "fairness "
    "file for force function generate generic group guarded if impure in inertial inout is label library linkage "
    "literal "
    "loop map mod nand new next nor not null of on open or others out package parameter port postponed procedure "
    "process "
    "property protected pure range record register reject release rem report restrict restrict_guarantee return rol "
    "ror "
    "select sequence severity shared signal sla sll sra srl strong subtype then to transport type unaffected units "
    "until "
    "use variable vmode vprop vunit wait when while with xnor xor "
    "bit bit_vector boolean character integer natural positive real severity_level signed std_logic std_logic_vector "
    "string time unsigned ieee work";

const std::set<std::string, std::less<>>& reserved_words() {
  static const std::set<std::string, std::less<>> kWords = [] {
    std::set<std::string, std::less<>> words;
    for (const std::string_view list : {kC, kVerilog, kVhdl})
      for (std::string& word : text::split(list, ' '))
        if (!word.empty()) words.insert(std::move(word));
    return words;
  }();
  return kWords;
}

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_usable(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

/// Lower case; runs of anything else become one underscore between usable characters.
std::string core_of(std::string_view name) {
  std::string out;
  bool gap = false;
  for (const char raw : name) {
    const char c = raw >= 'A' && raw <= 'Z' ? static_cast<char>(raw - 'A' + 'a') : raw;
    if (!is_usable(c)) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += '_';
    gap = false;
    out += c;
  }
  return out;
}

std::string cut(std::string word, std::size_t limit) {
  if (word.size() > limit) word.resize(limit);
  while (!word.empty() && word.back() == '_') word.pop_back();
  return word;
}

}  // namespace

bool is_reserved(std::string_view word) {
  return reserved_words().count(text::lower(word)) != 0;
}

std::string Identifiers::unique(std::string_view name, std::string_view fallback) {
  std::string base = core_of(name);
  if (base.empty()) base = fallback;
  if (!is_letter(base[0]) || is_reserved(base)) base = text::cat(fallback, '_', base);
  base = cut(base, limit_);
  std::string candidate = base;
  for (int number = 2; is_reserved(candidate) || !used_.insert(candidate).second; ++number) {
    const std::string ending = text::cat('_', number);
    candidate = cut(base, limit_ - ending.size()) + ending;
  }
  return candidate;
}

std::string comment_text(std::string_view text) {
  std::string out = "name ";
  for (const char c : text::printable(text)) {
    const bool harmless = c >= ' ' && c <= '~' && c != '*' && c != '/' && c != '\\' && c != '`' && c != '"' &&
                          c != '\'' && c != '?' && c != '$';
    out += harmless ? c : '.';
  }
  return out;
}

}  // namespace thimble::hw

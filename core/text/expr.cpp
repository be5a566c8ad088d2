#include "core/text/expr.h"

#include "core/base/error.h"
#include "core/base/text.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace thimble::expr {
namespace {

enum class Token { number, text, name, symbol, end };

struct Lexeme {
  Token token = Token::end;
  std::string text;
  std::size_t position = 0;
};

[[noreturn]] void fail_text(std::string_view text, std::size_t position, const std::string& name,
                            const std::string& message, const std::string& hint = {}) {
  const auto column = static_cast<long>(std::min(position, text.size())) + 1;
  Error error(ErrorKind::config, message, Place{name, 1, column, ""}, hint);
  throw error.with_excerpt(std::string(text));
}

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

/// Code point at a byte of UTF-8, for the message about characters that cannot be seen.
std::string code_point(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  unsigned code = length == 1 ? first : first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length && at + i < text.size(); ++i) {
    code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fu);
  }
  std::string hex;
  for (int shift = code > 0xffff ? 20 : 12; shift >= 0; shift -= 4) hex += "0123456789ABCDEF"[code >> shift & 15];
  return "U+" + hex;
}

class Lexer {
 public:
  Lexer(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Lexeme next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    if (at_ == text_.size()) return {Token::end, "", at_};
    const char c = text_[at_];
    if (starts_name(c)) return name_token();
    if (digit(c) || (c == '.' && at_ + 1 < text_.size() && digit(text_[at_ + 1]))) return number_token();
    if (c == '"' || c == '\'') return text_token();
    return symbol_token();
  }

 private:
  Lexeme name_token() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (starts_name(text_[at_]) || digit(text_[at_]) || text_[at_] == '.')) ++at_;
    return {Token::name, std::string(text_.substr(begin, at_ - begin)), begin};
  }

  Lexeme number_token() {
    const std::size_t begin = at_;
    const auto digits = [&] {
      while (at_ < text_.size() && digit(text_[at_])) ++at_;
    };
    digits();
    if (at_ < text_.size() && text_[at_] == '.') ++at_, digits();
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      digits();
    }
    if (at_ < text_.size() && (starts_name(text_[at_]) || text_[at_] == '.')) {
      fail_text(text_, at_, name_, "a number must not run into a word");
    }
    return {Token::number, std::string(text_.substr(begin, at_ - begin)), begin};
  }

  Lexeme text_token() {
    const std::size_t begin = at_;
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_++];
    }
    if (at_ >= text_.size()) fail_text(text_, begin, name_, "the text in quotes does not end");
    ++at_;
    return {Token::text, std::move(out), begin};
  }

  Lexeme symbol_token() {
    static const std::vector<std::string_view> two = {"<=", ">=", "==", "!=", "&&", "||"};
    const std::size_t begin = at_;
    const std::string_view pair = text_.substr(at_, 2);
    if (std::find(two.begin(), two.end(), pair) != two.end()) {
      at_ += 2;
      return {Token::symbol, std::string(pair), begin};
    }
    const char c = text_[at_];
    if (std::string_view("<>=!+-*/%()[],").find(c) == std::string_view::npos) refuse_character();
    ++at_;
    return {Token::symbol, std::string(1, c), begin};
  }

  [[noreturn]] void refuse_character() const {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte >= 0x20 && byte < 0x7f) fail_text(text_, at_, name_, text::cat("unexpected '", text_[at_], "'"));
    fail_text(text_, at_, name_, text::cat("unexpected character ", code_point(text_, at_), ", perhaps invisible"));
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

class Parser {
 public:
  Parser(std::string_view text, const std::string& name, const Limits& limits)
      : text_(text), name_(name), limits_(limits), lexer_(text, name) {
    advance();
  }

  Node whole() {
    Node node = any();
    if (now_.token == Token::end) return node;
    if (is("=")) fail("'=' sets nothing here", "compare with ==");
    if (is(")") || is("]")) fail(text::cat("'", now_.text, "' without its opening bracket"));
    fail(text::cat("expected an operator before '", text::printable(now_.text), "'"));
  }

 private:
  /// Counts nested levels for the time it lives.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > parser_.limits_.depth) {
        parser_.fail(text::cat("nested deeper than ", parser_.limits_.depth, " levels"));
      }
    }
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };

  [[noreturn]] void fail(const std::string& message, const std::string& hint = {}) const {
    fail_text(text_, now_.position, name_, message, hint);
  }

  void advance() { now_ = lexer_.next(); }
  bool is(std::string_view symbol) const { return now_.token == Token::symbol && now_.text == symbol; }
  bool is_word(std::string_view word) const { return now_.token == Token::name && now_.text == word; }
  bool take(std::string_view symbol) {
    if (!is(symbol)) return false;
    advance();
    return true;
  }
  void expect(std::string_view symbol) {
    if (take(symbol)) return;
    if (is("=")) fail("'=' sets nothing here", "compare with ==");
    fail(now_.token == Token::end ? text::cat("ends early, '", symbol, "' is missing")
                                  : text::cat("expected '", symbol, "' before '", text::printable(now_.text), "'"));
  }

  Node any() {
    const Level level(*this);
    Node left = conjunction();
    while (is("||") || is_word("or")) left = joined(Kind::logical_or, std::move(left), [&] { return conjunction(); });
    return left;
  }

  Node conjunction() {
    Node left = negation();
    while (is("&&") || is_word("and")) left = joined(Kind::logical_and, std::move(left), [&] { return negation(); });
    return left;
  }

  template <class Next>
  Node joined(Kind kind, Node left, const Next& next) {
    Node node;
    node.kind = kind;
    node.position = now_.position;
    node.text = now_.text;
    advance();
    node.children.push_back(std::move(left));
    node.children.push_back(next());
    return node;
  }

  Node negation() {
    if (!is("!") && !is_word("not")) return comparison();
    const Level level(*this);
    Node node;
    node.kind = Kind::logical_not;
    node.position = now_.position;
    advance();
    node.children.push_back(negation());
    return node;
  }

  bool is_comparison() const { return is("<") || is("<=") || is(">") || is(">=") || is("==") || is("!="); }

  Node comparison() {
    Node left = sum();
    if (is_word("in") || is_word("not")) return membership(std::move(left));
    if (!is_comparison()) return left;
    Node node;
    node.kind = Kind::compare;
    node.position = now_.position;
    node.children.push_back(std::move(left));
    while (is_comparison()) {
      node.operators.push_back(now_.text);
      advance();
      node.children.push_back(sum());
    }
    return node;
  }

  Node membership(Node left) {
    Node node;
    node.kind = Kind::in;
    node.position = now_.position;
    node.text = is_word("not") ? "not in" : "in";
    advance();
    if (node.text == "not in") {
      if (!is_word("in")) fail("expected 'in' behind 'not'");
      advance();
    }
    if (!is("[")) fail("expected a list in brackets behind 'in'");
    node.children.push_back(std::move(left));
    node.children.push_back(list());
    return node;
  }

  Node sum() {
    Node left = product();
    while (is("+") || is("-")) left = joined(Kind::arithmetic, std::move(left), [&] { return product(); });
    return left;
  }

  Node product() {
    Node left = unary();
    while (is("*") || is("/") || is("%")) left = joined(Kind::arithmetic, std::move(left), [&] { return unary(); });
    return left;
  }

  Node unary() {
    if (!is("-")) return atom();
    const Level level(*this);
    Node node;
    node.kind = Kind::negate;
    node.position = now_.position;
    advance();
    node.children.push_back(unary());
    return node;
  }

  Node atom() {
    switch (now_.token) {
      case Token::number:
        return number();
      case Token::text:
        return leaf(Kind::text);
      case Token::name:
        return name_or_call();
      case Token::end:
        fail("ends early, a value is missing");
      case Token::symbol:
        break;
    }
    if (is("[")) return list();
    if (!take("(")) fail(text::cat("expected a value before '", now_.text, "'"));
    Node inner = any();
    expect(")");
    return inner;
  }

  Node leaf(Kind kind) {
    Node node;
    node.kind = kind;
    node.position = now_.position;
    node.text = now_.text;
    advance();
    return node;
  }

  Node number() {
    Node node;
    node.position = now_.position;
    node.text = now_.text;
    if (!text::parse(now_.text, node.number) || !std::isfinite(node.number)) {
      fail(text::cat("the number ", text::printable(now_.text), " is out of range"));
    }
    node.integer = text::parse(now_.text, node.whole);
    advance();
    return node;
  }

  Node name_or_call() {
    static const std::vector<std::string_view> words = {"and", "or", "not", "in"};
    if (std::find(words.begin(), words.end(), now_.text) != words.end()) {
      fail(text::cat("expected a value before '", now_.text, "'"));
    }
    Node node = leaf(Kind::name);
    if (!take("(")) return node;
    const Level level(*this);
    node.kind = Kind::call;
    while (!is(")")) {
      argument(node);
      if (!is(")")) expect(",");
    }
    advance();
    return node;
  }

  void argument(Node& call) {
    if (call.children.size() >= limits_.list) fail(text::cat("more than ", limits_.list, " arguments"));
    Node value = any();
    std::string keyword;
    if (is("=") && value.kind == Kind::name) {
      keyword = value.text;
      advance();
      value = any();
    } else if (!call.keywords.empty() && !call.keywords.back().empty()) {
      fail("a value without name behind one with a name");
    }
    call.keywords.push_back(std::move(keyword));
    call.children.push_back(std::move(value));
  }

  Node list() {
    const Level level(*this);
    Node node;
    node.kind = Kind::list;
    node.position = now_.position;
    advance();
    while (!is("]")) {
      if (node.children.size() >= limits_.list) fail(text::cat("the list has more than ", limits_.list, " elements"));
      node.children.push_back(any());
      if (!is("]")) expect(",");
    }
    advance();
    return node;
  }

  std::string_view text_;
  const std::string& name_;
  Limits limits_;
  Lexer lexer_;
  Lexeme now_;
  int depth_ = 0;
};

std::string printed_list(const Node& node) {
  std::string out;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    out += i > 0 ? ", " : "";
    if (i < node.keywords.size() && !node.keywords[i].empty()) out += node.keywords[i] + "=";
    out += print(node.children[i]);
  }
  return out;
}

std::string printed_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}

std::string printed_compare(const Node& node) {
  std::string out = "(" + print(node.children[0]);
  for (std::size_t i = 0; i < node.operators.size(); ++i) {
    out += " " + node.operators[i] + " " + print(node.children[i + 1]);
  }
  return out + ")";
}

std::string printed_pair(const Node& node, const std::string& between) {
  return "(" + print(node.children[0]) + " " + between + " " + print(node.children[1]) + ")";
}

}  // namespace

Node parse(std::string_view text, const std::string& name, const Limits& limits) {
  if (text.size() > limits.bytes) {
    throw Error(ErrorKind::config, text::cat("the text has ", text.size(), " bytes, the limit is ", limits.bytes),
                Place{name, 0, 0, ""});
  }
  return Parser(text, name, limits).whole();
}

void fail_at(const Node& node, std::string_view text, const std::string& name, const std::string& message,
             const std::string& hint) {
  fail_text(text, node.position, name, message, hint);
}

std::string print(const Node& node) {
  switch (node.kind) {
    case Kind::number:
      return node.text;
    case Kind::text:
      return printed_text(node.text);
    case Kind::name:
      return node.text;
    case Kind::list:
      return "[" + printed_list(node) + "]";
    case Kind::call:
      return node.text + "(" + printed_list(node) + ")";
    case Kind::negate:
      return "-" + print(node.children[0]);
    case Kind::logical_not:
      return "(not " + print(node.children[0]) + ")";
    case Kind::logical_and:
      return printed_pair(node, "and");
    case Kind::logical_or:
      return printed_pair(node, "or");
    case Kind::arithmetic:
    case Kind::in:
      return printed_pair(node, node.text);
    case Kind::compare:
      break;
  }
  return printed_compare(node);
}

}  // namespace thimble::expr

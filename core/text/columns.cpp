#include "core/text/columns.h"

#include "core/base/error.h"
#include "core/base/text.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thimble::expr {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kAggregates = 8;

using Values = std::vector<double>;

struct Function {
  std::size_t least, most;  // number of arguments
  bool over_rows;           // one number from all rows
};

const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> table = {
      {"abs", {1, 1, false}},  {"min", {2, 16, false}},    {"max", {2, 16, false}},  {"log", {1, 1, false}},
      {"sqrt", {1, 1, false}}, {"exp", {1, 1, false}},     {"floor", {1, 1, false}}, {"isnan", {1, 1, false}},
      {"tag", {1, 1, false}},  {"quantile", {2, 2, true}}, {"mean", {1, 1, true}},   {"std", {1, 1, true}},
      {"count", {1, 1, true}},
  };
  return table;
}

bool is_text(const Node& node, const Columns& table) {
  return node.kind == Kind::text || (node.kind == Kind::name && table.texts.count(node.text) != 0);
}

double literal(const Node& node) {
  return node.kind == Kind::negate ? -literal(node.children[0]) : node.number;
}

bool is_literal(const Node& node) {
  return node.kind == Kind::number || (node.kind == Kind::negate && is_literal(node.children[0]));
}

/// Everything that can be wrong with an expression before a single row is looked at.
class ColumnChecker {
 public:
  ColumnChecker(std::string_view text, const Columns& table, const std::string& name)
      : text_(text), table_(table), name_(name) {}

  void number(const Node& node) {
    switch (node.kind) {
      case Kind::number:
        return;
      case Kind::text:
        fail(node, "text where a number is needed");
      case Kind::list:
        fail(node, "a list stands only behind 'in'");
      case Kind::name:
        return column(node);
      case Kind::call:
        return call(node);
      case Kind::in:
        return membership(node);
      case Kind::compare:
        return comparison(node);
      case Kind::negate:
      case Kind::logical_not:
      case Kind::logical_and:
      case Kind::logical_or:
      case Kind::arithmetic:
        break;
    }
    for (const Node& child : node.children) number(child);
  }

 private:
  [[noreturn]] void fail(const Node& node, const std::string& message, const std::string& hint = {}) const {
    fail_at(node, text_, name_, message, hint);
  }

  void column(const Node& node) const {
    if (table_.numbers.count(node.text) != 0) return;
    if (table_.texts.count(node.text) != 0) fail(node, text::cat("column ", node.text, " holds text, no numbers"));
    std::vector<std::string> known;
    for (const auto& [name, values] : table_.numbers) known.push_back(name);
    for (const auto& [name, values] : table_.texts) known.push_back(name);
    const std::string near = text::nearest(node.text, known);
    fail(node, text::cat("unknown name '", text::printable(node.text), "'"),
         near.empty() ? "columns are " + text::join(known, ", ") : text::cat("did you mean '", near, "'?"));
  }

  void comparison(const Node& node) {
    const bool texts = std::any_of(node.children.begin(), node.children.end(),
                                   [&](const Node& child) { return is_text(child, table_); });
    if (!texts) {
      for (const Node& child : node.children) number(child);
      return;
    }
    const bool equality = std::all_of(node.operators.begin(), node.operators.end(),
                                      [](const std::string& word) { return word == "==" || word == "!="; });
    if (!equality) fail(node, "text is compared with == and != only");
    for (const Node& child : node.children) {
      if (!is_text(child, table_)) fail(child, "text is compared with text only");
    }
  }

  void membership(const Node& node) {
    const bool texts = is_text(node.children[0], table_);
    if (!texts) number(node.children[0]);
    for (const Node& element : node.children[1].children) {
      const bool fits = texts ? element.kind == Kind::text : is_literal(element);
      if (!fits) fail(element, texts ? "text in quotes is needed" : "a plain number is needed");
    }
  }

  void call(const Node& node) {
    const auto found = functions().find(node.text);
    if (found == functions().end()) unknown_function(node);
    const Function& function = found->second;
    if (node.children.size() < function.least || node.children.size() > function.most) {
      fail(node, text::cat(node.text, " takes ", function.least, function.most > function.least ? " or more" : "",
                           function.most == 1 ? " argument" : " arguments"));
    }
    for (std::size_t i = 0; i < node.keywords.size(); ++i) {
      const bool named_p = node.text == "quantile" && i == 1 && node.keywords[i] == "p";
      if (!node.keywords[i].empty() && !named_p)
        fail(node.children[i], text::cat(node.text, " has no argument of that name"));
    }
    if (node.text == "tag") return tag(node);
    if (function.over_rows) return over_rows(node);
    for (const Node& child : node.children) number(child);
  }

  [[noreturn]] void unknown_function(const Node& node) const {
    std::vector<std::string> known;
    for (const auto& [name, function] : functions()) known.push_back(name);
    const std::string near = text::nearest(node.text, known);
    fail(node, text::cat("unknown function '", text::printable(node.text), "'"),
         near.empty() ? "functions are " + text::join(known, ", ") : text::cat("did you mean '", near, "'?"));
  }

  void tag(const Node& node) const {
    if (node.children[0].kind != Kind::text) fail(node.children[0], "tag takes a name in quotes");
    if (!table_.tag) fail(node, "this table has no tags");
  }

  void over_rows(const Node& node) {
    if (inside_) fail(node, text::cat(node.text, " over all rows inside another one"));
    if (++count_ > kAggregates) fail(node, text::cat("more than ", kAggregates, " functions over all rows"));
    const Node& first = node.children[0];
    inside_ = true;
    number(first);
    inside_ = false;
    if (node.text != "count" && first.kind != Kind::name) fail(first, text::cat(node.text, " takes a column"));
    if (node.text != "quantile") return;
    const Node& p = node.children[1];
    if (!is_literal(p) || literal(p) < 0 || literal(p) > 1) fail(p, "a number from 0 to 1 is needed");
  }

  std::string_view text_;
  const Columns& table_;
  const std::string& name_;
  bool inside_ = false;
  int count_ = 0;
};

double modulo(double a, double b) {
  if (b == 0) return kNaN;
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double arithmetic(char symbol, double a, double b) {
  switch (symbol) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b == 0 ? kNaN : a / b;
    default:
      return modulo(a, b);
  }
}

bool compared(const std::string& symbol, double a, double b) {
  if (symbol == "<") return a < b;
  if (symbol == "<=") return a <= b;
  if (symbol == ">") return a > b;
  if (symbol == ">=") return a >= b;
  return symbol == "==" ? a == b : a != b;
}

bool truth(double value) {
  return value != 0 && !std::isnan(value);
}

/// Walks a checked tree; every step makes one value per row.
class Evaluator {
 public:
  explicit Evaluator(const Columns& table) : table_(table) {}

  Values values(const Node& node) const {
    switch (node.kind) {
      case Kind::number:
        return Values(table_.rows, node.number);
      case Kind::name:
        return table_.numbers.at(node.text);
      case Kind::call:
        return call(node);
      case Kind::negate:
        return each(values(node.children[0]), [](double x) { return -x; });
      case Kind::logical_not:
        return each(values(node.children[0]), [](double x) { return truth(x) ? 0.0 : 1.0; });
      case Kind::logical_and:
        return both(node, [](double a, double b) { return truth(a) && truth(b) ? 1.0 : 0.0; });
      case Kind::logical_or:
        return both(node, [](double a, double b) { return truth(a) || truth(b) ? 1.0 : 0.0; });
      case Kind::arithmetic:
        return both(node, [symbol = node.text[0]](double a, double b) { return arithmetic(symbol, a, b); });
      case Kind::compare:
        return comparison(node);
      case Kind::in:
        return membership(node);
      case Kind::text:
      case Kind::list:
        break;
    }
    fail(ErrorKind::internal, "this expression was not checked");
  }

 private:
  template <class Step>
  static Values each(Values values, const Step& step) {
    for (double& value : values) value = step(value);
    return values;
  }

  template <class Step>
  Values both(const Node& node, const Step& step) const {
    Values left = values(node.children[0]);
    const Values right = values(node.children[1]);
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = step(left[i], right[i]);
    return left;
  }

  std::vector<std::string> texts(const Node& node) const {
    if (node.kind == Kind::text) return std::vector<std::string>(table_.rows, node.text);
    return table_.texts.at(node.text);
  }

  /// a < b < c holds where each neighbouring pair holds.
  Values comparison(const Node& node) const {
    if (is_text(node.children[0], table_)) return text_comparison(node);
    Values out(table_.rows, 1.0);
    Values left = values(node.children[0]);
    for (std::size_t k = 0; k < node.operators.size(); ++k) {
      Values right = values(node.children[k + 1]);
      for (std::size_t i = 0; i < out.size(); ++i) {
        if (!compared(node.operators[k], left[i], right[i])) out[i] = 0;
      }
      left = std::move(right);
    }
    return out;
  }

  Values text_comparison(const Node& node) const {
    Values out(table_.rows, 1.0);
    for (std::size_t k = 0; k < node.operators.size(); ++k) {
      const std::vector<std::string> left = texts(node.children[k]), right = texts(node.children[k + 1]);
      for (std::size_t i = 0; i < out.size(); ++i) {
        if ((left[i] == right[i]) != (node.operators[k] == "==")) out[i] = 0;
      }
    }
    return out;
  }

  Values membership(const Node& node) const {
    const bool wanted = node.text == "in";
    const std::vector<Node>& elements = node.children[1].children;
    Values out(table_.rows, 0.0);
    if (is_text(node.children[0], table_)) {
      std::vector<std::string> known;
      for (const Node& element : elements) known.push_back(element.text);
      std::sort(known.begin(), known.end());
      const std::vector<std::string> left = texts(node.children[0]);
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = std::binary_search(known.begin(), known.end(), left[i]) == wanted ? 1.0 : 0.0;
      }
      return out;
    }
    Values known;
    for (const Node& element : elements) known.push_back(literal(element));
    std::sort(known.begin(), known.end());
    const Values left = values(node.children[0]);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const bool found = !std::isnan(left[i]) && std::binary_search(known.begin(), known.end(), left[i]);
      out[i] = found == wanted ? 1.0 : 0.0;
    }
    return out;
  }

  Values call(const Node& node) const {
    const std::string& name = node.text;
    if (name == "tag") return table_.tag(node.children[0].text);
    if (functions().at(name).over_rows) return Values(table_.rows, over_rows(node));
    Values first = values(node.children[0]);
    if (name == "abs") return each(std::move(first), [](double x) { return std::abs(x); });
    if (name == "log") return each(std::move(first), [](double x) { return std::log(x); });
    if (name == "sqrt") return each(std::move(first), [](double x) { return std::sqrt(x); });
    if (name == "exp") return each(std::move(first), [](double x) { return std::exp(x); });
    if (name == "floor") return each(std::move(first), [](double x) { return std::floor(x); });
    if (name == "isnan") return each(std::move(first), [](double x) { return std::isnan(x) ? 1.0 : 0.0; });
    return extreme(node, std::move(first), name == "max");
  }

  Values extreme(const Node& node, Values out, bool largest) const {
    for (std::size_t k = 1; k < node.children.size(); ++k) {
      const Values other = values(node.children[k]);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const bool missing = std::isnan(out[i]) || std::isnan(other[i]);
        out[i] = missing ? kNaN : largest ? std::max(out[i], other[i]) : std::min(out[i], other[i]);
      }
    }
    return out;
  }

  double over_rows(const Node& node) const {
    Values all = values(node.children[0]);
    if (node.text == "count") return static_cast<double>(std::count_if(all.begin(), all.end(), truth));
    std::erase_if(all, [](double x) { return std::isnan(x); });
    if (all.empty()) return kNaN;
    const auto n = static_cast<double>(all.size());
    if (node.text == "quantile") {
      // element floor(p n) of the sorted values, as the sample statistics define it
      const std::size_t at = std::min(all.size() - 1, static_cast<std::size_t>(literal(node.children[1]) * n));
      std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(at), all.end());
      return all[at];
    }
    double sum = 0;
    for (const double x : all) sum += x;
    const double mean = sum / n;
    if (node.text == "mean") return mean;
    double squares = 0;
    for (const double x : all) squares += (x - mean) * (x - mean);
    return std::sqrt(squares / n);
  }

  const Columns& table_;
};

}  // namespace

Formula::Formula(std::string_view text, const Columns& table, const std::string& name)
    : text_(text), name_(name), tree_(parse(text, name)) {
  ColumnChecker(text_, table, name_).number(tree_);
}

std::vector<double> Formula::values(const Columns& table) const {
  return Evaluator(table).values(tree_);
}

std::vector<bool> Formula::mask(const Columns& table) const {
  const Values all = values(table);
  std::vector<bool> out(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) out[i] = truth(all[i]);
  return out;
}

}  // namespace thimble::expr

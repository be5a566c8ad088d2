#include "core/text/calls.h"

#include "core/base/error.h"
#include "core/base/text.h"

#include <algorithm>

namespace thimble::expr {
namespace {

/// Turns a parsed text into checked calls.
class CallChecker {
 public:
  CallChecker(std::string_view text, const CallRules& rules, const std::string& name)
      : text_(text), rules_(rules), name_(name) {}

  Call call(const Node& node) {
    if (node.kind != Kind::call) fail(node, "only the listed filters may stand here, as Name(...)", known());
    const Signature& signature = find(node);
    Call out{signature.name, node.position, std::vector<std::optional<Argument>>(signature.parameters.size())};
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const std::size_t at = parameter_index(signature, node, i);
      if (out.arguments[at]) fail(node.children[i], text::cat("'", signature.parameters[at].name, "' is given twice"));
      out.arguments[at] = argument(node.children[i], signature.parameters[at]);
    }
    for (std::size_t i = 0; i < signature.parameters.size(); ++i) {
      const Parameter& parameter = signature.parameters[i];
      if (parameter.required && !out.arguments[i]) {
        fail(node, text::cat(signature.name, " needs the argument '", parameter.name, "'"));
      }
    }
    return out;
  }

 private:
  [[noreturn]] void fail(const Node& node, const std::string& message, const std::string& hint = {}) const {
    fail_at(node, text_, name_, message, hint);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const Signature& signature : rules_.signatures) out.push_back(signature.name);
    return out;
  }
  std::string known() const { return "known are " + text::join(names(), ", "); }

  const Signature& find(const Node& node) const {
    std::string_view wanted = node.text;
    if (!rules_.prefix.empty() && wanted.starts_with(rules_.prefix)) wanted.remove_prefix(rules_.prefix.size());
    for (const Signature& signature : rules_.signatures) {
      if (signature.name == wanted) return signature;
    }
    const std::string near = text::nearest(wanted, names());
    fail(node, text::cat("unknown name '", text::printable(node.text), "'"),
         near.empty() ? known() : text::cat("did you mean '", near, "'?"));
  }

  std::size_t parameter_index(const Signature& signature, const Node& call, std::size_t i) const {
    const auto& parameters = signature.parameters;
    if (call.keywords[i].empty()) {
      if (i >= parameters.size()) {
        fail(call.children[i], text::cat(signature.name, " takes ", parameters.size(), " arguments at most"));
      }
      return i;
    }
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const Parameter& parameter) { return parameter.name == call.keywords[i]; });
    if (found == parameters.end()) {
      fail(call.children[i], text::cat(signature.name, " has no argument '", call.keywords[i], "'"));
    }
    return static_cast<std::size_t>(found - parameters.begin());
  }

  Argument argument(const Node& node, const Parameter& parameter) {
    Argument out;
    switch (parameter.type) {
      case ArgumentType::integer:
        out.integer = integer(node);
        break;
      case ArgumentType::boolean:
        out.boolean = boolean(node);
        break;
      case ArgumentType::range:
        out.range = range(node);
        break;
      case ArgumentType::call:
        out.calls.push_back(call(node));
        break;
      case ArgumentType::calls:
        if (node.kind != Kind::list) fail(node, text::cat("'", parameter.name, "' is a list in brackets"));
        for (const Node& element : node.children) out.calls.push_back(call(element));
        break;
    }
    return out;
  }

  std::int64_t integer(const Node& node) const {
    if (node.kind == Kind::negate && node.children[0].kind == Kind::number) return -integer(node.children[0]);
    if (node.kind != Kind::number || !node.integer) fail(node, "a whole number is needed");
    return node.whole;
  }

  bool boolean(const Node& node) const {
    const std::string word = node.kind == Kind::name ? text::lower(node.text) : "";
    if (word != "true" && word != "false") fail(node, "true or false is needed");
    return word == "true";
  }

  Integers range(const Node& node) const {
    Integers out;
    if (node.kind == Kind::list) {
      out.is_list = true;
      for (const Node& element : node.children) out.listed.push_back(integer(element));
      return out;
    }
    const bool is_range =
        node.kind == Kind::call && node.text == "range" && !node.children.empty() && node.children.size() <= 3;
    if (!is_range) fail(node, "range(stop), range(start, stop), range(start, stop, step) or a list is needed");
    std::vector<std::int64_t> numbers;
    for (const Node& child : node.children) numbers.push_back(integer(child));
    out.start = numbers.size() > 1 ? numbers[0] : 0;
    out.stop = numbers.size() > 1 ? numbers[1] : numbers[0];
    out.step = numbers.size() > 2 ? numbers[2] : 1;
    if (out.step == 0) fail(node, "the step of a range must not be 0");
    if (out.count() > rules_.longest_range) {
      fail(node, text::cat("the range holds ", out.count(), " numbers, the limit is ", rules_.longest_range));
    }
    return out;
  }

  std::string_view text_;
  const CallRules& rules_;
  const std::string& name_;
};

}  // namespace

std::int64_t Integers::count() const {
  if (is_list) return static_cast<std::int64_t>(listed.size());
  // unsigned: the distance of two 64-bit numbers does not fit a signed one
  const auto distance = step > 0 ? static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start)
                                 : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(stop);
  if (step > 0 ? stop <= start : stop >= start) return 0;
  const auto stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = (distance - 1) / stride + 1;
  return static_cast<std::int64_t>(std::min<std::uint64_t>(count, INT64_MAX));
}

std::vector<std::int64_t> Integers::values() const {
  if (is_list) return listed;
  std::vector<std::int64_t> out;
  const std::int64_t number = count();
  for (std::int64_t i = 0; i < number; ++i) out.push_back(start + i * step);
  return out;
}

Call parse_call(std::string_view text, const CallRules& rules, const std::string& name) {
  // call, argument, list, element: four levels of the grammar for each call
  const Node node = parse(text, name, Limits{4096, 4 * rules.depth, 1024});
  return CallChecker(text, rules, name).call(node);
}

}  // namespace thimble::expr

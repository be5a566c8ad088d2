// The only file that sees yaml-cpp. Its event interface is used, not its nodes: aliases are expanded under a budget,
// tags, merge keys and second documents become errors, and no recursion of its own walks hostile input.

#include "core/base/text.h"
#include "core/io/limits.h"

#include "apps/common/config/node.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace thimble::app {
namespace {

constexpr std::size_t kMaxBytes = io::limits::kConfigBytes, kMaxDepth = io::limits::kConfigDepth;
constexpr std::size_t kMaxNodes = io::limits::kConfigNodes, kMaxKey = io::limits::kConfigKeyBytes;
constexpr std::size_t kMaxScalar = io::limits::kConfigScalarBytes, kProblemLimit = io::limits::kProblemsPrinted;

std::size_t count_nodes(const Node& node) {
  std::size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  return count;
}

std::size_t depth_of(const Node& node) {
  std::size_t deepest = 0;
  for (const Node& item : node.items) deepest = std::max(deepest, depth_of(item));
  return deepest + (node.kind == Node::Kind::list || node.kind == Node::Kind::map ? 1 : 0);
}

/// Builds Nodes from the parser's events.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::shared_ptr<const Source> source) : source_(std::move(source)) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    add(std::move(node), origin(mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    if (value.size() > kMaxScalar) stop(mark, text::cat("text of ", value.size(), " bytes, the limit is ", kMaxScalar));
    Node node = Node::scalar(value, tag == "!");
    const bool key = expects_key();
    if (!key && scalar_type(node) == ScalarType::null) node = Node{};
    add(std::move(node), origin(mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(mark, "this alias (*) stands inside the value it names: a cycle");
    nodes_ += count_nodes(found->second);
    check_count(mark);
    if (stack_.size() + depth_of(found->second) > kMaxDepth) stop_depth(mark);
    add(found->second, origin(mark), 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(mark, Node::list(), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(mark, Node::map(), anchor);
  }
  void OnMapEnd() override { close(); }

  Node take_root() { return std::move(root_); }
  bool has_root() const { return has_root_; }
  std::vector<Error>& problems() { return problems_; }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    bool key_read = false, drop = false;
    std::string key;
    Origin key_origin;
  };

  Origin origin(const YAML::Mark& mark) const { return {source_, mark.line + 1, mark.column + 1}; }

  [[noreturn]] void stop(const YAML::Mark& mark, const std::string& message) {
    problems_.push_back(config_error(origin(mark), "", message));
    throw Errors(problems_);
  }
  [[noreturn]] void stop_depth(const YAML::Mark& mark) {
    stop(mark, text::cat("nested deeper than ", kMaxDepth, " levels"));
  }

  void problem(const Origin& at, const std::string& message, std::string hint = {}) {
    if (problems_.size() < kProblemLimit) problems_.push_back(config_error(at, "", message, std::move(hint)));
  }

  void check_count(const YAML::Mark& mark) {
    if (nodes_ > kMaxNodes)
      stop(mark, text::cat("more than ", kMaxNodes, " values (aliases counted as often as used)"));
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    ++nodes_;
    check_count(mark);
    if (tag.empty() || tag == "?" || tag == "!") return;
    problem(origin(mark), text::cat("tags are not allowed: ", text::printable(tag)), "write the plain value");
  }

  bool expects_key() const {
    return !stack_.empty() && stack_.back().node.kind == Node::Kind::map && !stack_.back().key_read;
  }

  void open(const YAML::Mark& mark, Node node, YAML::anchor_t anchor) {
    if (expects_key()) stop(mark, "a key must be a plain word");
    if (stack_.size() >= kMaxDepth) stop_depth(mark);
    node.origin = origin(mark);
    Open frame;
    frame.node = std::move(node);
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    const Origin at = done.node.origin;
    add(std::move(done.node), at, done.anchor);
  }

  void add(Node node, const Origin& at, YAML::anchor_t anchor) {
    node.origin = at;
    if (anchor != 0) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = std::move(node);
      has_root_ = true;
    } else if (expects_key()) {
      read_key(node);
    } else {
      add_item(stack_.back(), std::move(node));
    }
  }

  void read_key(const Node& node) {
    Open& map = stack_.back();
    map.key_read = true;
    map.drop = true;
    map.key = node.text;
    map.key_origin = node.origin;
    if (node.kind != Node::Kind::scalar || node.text.empty()) {
      problem(node.origin, "a key must be a plain word");
    } else if (node.text.size() > kMaxKey) {
      problem(node.origin, text::cat("key of ", node.text.size(), " bytes, the limit is ", kMaxKey));
    } else if (node.text == "<<" && !node.quoted) {
      problem(node.origin, "merge keys (<<) are not applied", "use 'extends: OTHER' for a whole configuration");
    } else if (map.node.find(node.text) != nullptr) {
      const auto first = std::find(map.node.keys.begin(), map.node.keys.end(), node.text) - map.node.keys.begin();
      problem(node.origin, text::cat("key '", text::printable(node.text), "' appears twice, first in line ",
                                     map.node.key_origin[static_cast<std::size_t>(first)].line));
    } else {
      map.drop = false;
    }
  }

  static void add_item(Open& frame, Node node) {
    if (frame.node.kind == Node::Kind::map) {
      frame.key_read = false;
      if (frame.drop) return;
      frame.node.keys.push_back(frame.key);
      frame.node.key_origin.push_back(frame.key_origin);
    }
    frame.node.items.push_back(std::move(node));
  }

  std::shared_ptr<const Source> source_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::vector<Error> problems_;
  Node root_;
  std::size_t nodes_ = 0;
  bool has_root_ = false;
};

Origin place_of(const std::shared_ptr<const Source>& source, std::size_t offset) {
  const std::string& text = source->text;
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(offset);
  const std::size_t line_begin = offset == 0 ? std::string::npos : text.rfind('\n', offset - 1);
  const std::size_t column = line_begin == std::string::npos ? offset : offset - line_begin - 1;
  return {source, std::count(text.begin(), end, '\n') + 1, static_cast<long>(column) + 1};
}

[[noreturn]] void refuse(const Origin& at, const std::string& message, const std::string& hint = {}) {
  throw Errors({config_error(at, "", message, hint)});
}

/// Size, encoding and forbidden bytes, before any parser sees the text.
void check_bytes(std::string_view text, const std::string& file) {
  const Origin whole = named_origin(file);
  if (text.size() > kMaxBytes)
    refuse(whole, text::cat("the file has ", text.size(), " bytes, the limit is ", kMaxBytes));
  const bool marked = text.substr(0, 2) == "\xff\xfe" || text.substr(0, 2) == "\xfe\xff";
  const std::size_t zeros = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\0'));
  if (marked || (text.size() >= 4 && zeros * 3 > text.size())) {
    refuse(whole, "the file is written in UTF-16", "save it as UTF-8");
  }
}

void check_characters(const std::shared_ptr<const Source>& source) {
  const std::string& text = source->text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0) refuse({source, place_of(source, i).line, 0}, "NUL byte in the text");
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f) {
      refuse(place_of(source, i), text::cat("control character ", text::printable(text.substr(i, 1)), " in the text"),
             "write it as an escape inside double quotes");
    }
  }
  if (text::is_utf8(text)) return;
  std::size_t bad = 0;
  while (bad < text.size() && text::is_utf8(std::string_view(text).substr(0, bad + 1))) ++bad;
  const Origin at = place_of(source, std::min(bad, text.size() - 1));
  refuse(named_origin(text::cat(source->file, ":", at.line)), "the text is no valid UTF-8", "save it as UTF-8");
}

bool tab_before(const Origin& at) {
  std::istringstream lines(at.source->text);
  std::string line;
  for (long i = 0; i < at.line && std::getline(lines, line); ++i) {
  }
  const std::size_t first = line.find_first_not_of(" \t");
  return line.substr(0, first).find('\t') != std::string::npos;
}

std::string plain_reason(const std::string& message) {
  static const std::vector<std::pair<const char*, const char*>> known = {
      {"end of map not found", "the map is not closed or its keys are not indented alike"},
      {"end of map flow not found", "a '}' is missing"},
      {"end of sequence flow not found", "a ']' is missing"},
      {"end of sequence not found", "the list is not closed or its items are not indented alike"},
      {"illegal map value", "a ':' where no key may stand"},
      {"Exceeded", "nested too deeply"},
      {"bad file", "nested too deeply"},
      {"the referenced anchor is not defined", "alias (*) without an anchor (&) before it"},
  };
  for (const auto& [theirs, ours] : known) {
    if (message.find(theirs) != std::string::npos) return ours;
  }
  return text::cat("not valid YAML: ", message);
}

[[noreturn]] void refuse_syntax(const std::shared_ptr<const Source>& source, const YAML::Exception& error,
                                std::vector<Error> problems) {
  const bool known = !error.mark.is_null();
  const Origin at = known ? Origin{source, error.mark.line + 1, error.mark.column + 1} : named_origin(source->file);
  if (known && tab_before(at)) {
    problems.push_back(config_error(at, "", "the line is indented with a tab", "indent with spaces"));
  } else {
    problems.push_back(config_error(at, "", plain_reason(error.msg)));
  }
  throw Errors(std::move(problems));
}

/// One document; further ones are refused.
Node parse_document(const std::shared_ptr<const Source>& source) {
  Builder builder(source);
  try {
    std::istringstream stream(source->text);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    Builder second(source);
    if (parser.HandleNextDocument(second)) {
      const std::size_t mark = source->text.find("\n---");
      const Origin at = mark == std::string::npos ? named_origin(source->file) : place_of(source, mark + 1);
      builder.problems().push_back(
          config_error(at, "", "a second document begins here; a configuration is one document", "use one file each"));
    }
  } catch (const YAML::Exception& error) {
    refuse_syntax(source, error, builder.problems());
  }
  if (!builder.problems().empty()) throw Errors(builder.problems());
  if (!builder.has_root()) refuse(named_origin(source->file), "the file is empty");
  return builder.take_root();
}

}  // namespace

Node parse_yaml(std::string_view text, const std::string& file, bool quote_source) {
  check_bytes(text, file);
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  const auto source = std::make_shared<Source>(Source{file, std::string(text), quote_source});
  check_characters(source);
  if (text::trim(text).empty()) refuse(named_origin(file), "the file is empty", "see 'config --schema' for the keys");
  Node root = parse_document(source);
  if (root.kind != Node::Kind::map) refuse(root.origin, "a configuration consists of 'key: value' lines");
  return root;
}

Node parse_value(std::string_view text, const Origin& origin, const std::string& key) {
  if (text::trim(text).empty()) return Node::scalar("", true);
  const auto source = std::make_shared<Source>(Source{origin.file(), std::string(text), false});
  Node node;
  try {
    check_bytes(text, origin.file());
    check_characters(source);
    node = parse_document(source);
  } catch (const Errors& errors) {
    throw config_error(origin, key,
                       text::cat("the value of ", key, " cannot be read: ", errors.list().front().message()),
                       "put quotes around the whole word: '" + key + "=[1, 2]'");
  }
  const auto place = [&](auto&& self, Node& at) -> void {
    at.origin = origin;
    for (Origin& key_origin : at.key_origin) key_origin = origin;
    for (Node& item : at.items) self(self, item);
  };
  place(place, node);
  return node;
}

}  // namespace thimble::app

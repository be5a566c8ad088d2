#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/json.h"

#include "hw/ir/json.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <limits>

namespace thimble::hw {
namespace {

using nlohmann::json;

constexpr std::int64_t kVersion = 1;

/// A JSON value and the place where it stands, for errors.
class Value {
 public:
  Value(const json& value, const std::string& file, std::string path)
      : value_(value), file_(file), path_(std::move(path)) {}

  [[noreturn]] void wrong(std::string_view why, std::string hint = {}) const {
    throw Error(ErrorKind::data, std::string(why), Place{file_, 0, 0, path_}, std::move(hint));
  }
  const std::string& path() const { return path_; }

  Value child(const json& value, std::string_view key) const {
    return {value, file_, path_.empty() ? text::printable(key) : text::cat(path_, '.', text::printable(key))};
  }
  /// Refuses keys that are not in the list: a misspelt key would be silently without effect.
  const Value& only(const std::vector<std::string>& known) const {
    expect(value_.is_object(), "an object");
    for (const auto& [key, ignored] : value_.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const std::string near = text::nearest(key, known);
      wrong(text::cat("unknown key '", text::printable(key), "'"),
            near.empty() ? text::cat("known: ", text::join(known, ", ")) : text::cat("did you mean ", near, "?"));
    }
    return *this;
  }
  bool has(const char* key) const { return value_.is_object() && value_.contains(key); }
  Value at(const char* key) const {
    expect(value_.is_object(), "an object");
    if (!value_.contains(key)) wrong(text::cat("'", key, "' is missing"));
    return child(value_[key], key);
  }
  std::vector<Value> items() const {
    expect(value_.is_array(), "a list");
    std::vector<Value> list;
    list.reserve(value_.size());
    for (std::size_t i = 0; i < value_.size(); ++i) list.push_back({value_[i], file_, text::cat(path_, '[', i, ']')});
    return list;
  }
  std::vector<std::pair<std::string, Value>> fields() const {
    expect(value_.is_object(), "an object");
    std::vector<std::pair<std::string, Value>> list;
    for (const auto& [key, value] : value_.items()) list.emplace_back(key, child(value, key));
    return list;
  }
  bool is_list() const { return value_.is_array(); }
  std::string text() const {
    expect(value_.is_string(), "a text");
    return value_.get<std::string>();
  }
  bool flag() const {
    expect(value_.is_boolean(), "true or false");
    return value_.get<bool>();
  }
  /// A structural number: a plain JSON integer within the bounds.
  int integer(int least, int most) const {
    expect(value_.is_number_integer() && !is_beyond(), "an integer");
    const auto number = value_.get<std::int64_t>();
    if (number < least || number > most) wrong(text::cat(number, " is not within ", least, "..", most));
    return static_cast<int>(number);
  }
  /// A stored integer: any 64-bit integer, or its decimal digits as text.
  std::int64_t stored() const {
    if (value_.is_number_integer() && !is_beyond()) return value_.get<std::int64_t>();
    std::int64_t number = 0;
    if (value_.is_string() && text::parse(value_.get_ref<const std::string&>(), number)) return number;
    wrong("expected an integer of at most 64 bits");
  }
  std::vector<std::int64_t> stored_list() const {
    expect(value_.is_array(), "a list of integers");
    std::vector<std::int64_t> list;
    list.reserve(value_.size());
    for (std::size_t i = 0; i < value_.size(); ++i) {
      const json& item = value_[i];
      // the common case without building a path for every number
      if (item.is_number_integer() && !item.is_number_unsigned())
        list.push_back(item.get<std::int64_t>());
      else
        list.push_back(Value(item, file_, text::cat(path_, '[', i, ']')).stored());
    }
    return list;
  }

 private:
  bool is_beyond() const {
    return value_.is_number_unsigned() &&
           value_.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  }
  void expect(bool holds, std::string_view what) const {
    if (!holds) wrong(text::cat("expected ", what, ", found ", value_.type_name()));
  }

  const json& value_;
  const std::string& file_;
  std::string path_;
};

FxType read_type(const Value& value) {
  value.only({"w", "s", "f"});
  const int w = value.at("w").integer(1, fixed::kMaxWidth);
  const bool s = value.at("s").integer(0, 1) == 1;
  return {w, s, value.at("f").integer(-fixed::kMaxFraction, fixed::kMaxFraction)};
}

Format read_format(const Value& value) {
  if (!value.is_list()) return {read_type(value)};
  Format format;
  for (const Value& item : value.items()) format.channels.push_back(read_type(item));
  if (format.channels.empty()) value.wrong("a list of channel formats is empty");
  format.type = format.channels[0];
  return format;
}

Interval read_interval(const Value& value) {
  const auto ends = value.stored_list();
  if (ends.size() != 2) value.wrong("expected [lo, hi]");
  return {ends[0], ends[1]};
}

std::vector<int> read_fractions(const Value& value) {
  if (!value.is_list()) return {value.integer(-fixed::kMaxFraction, fixed::kMaxFraction)};
  std::vector<int> list;
  for (const Value& item : value.items()) list.push_back(item.integer(-fixed::kMaxFraction, fixed::kMaxFraction));
  return list;
}

constexpr int kAny = std::numeric_limits<int>::max();

/// What a tensor is declared to be.
struct Declared {
  Dims shape;
  Format format;
};

/// Reads nodes one after another into a graph.
class Loader {
 public:
  Loader(const Value& root, const std::string& file) : root_(root), file_(file) {}

  Graph run() {
    root_.only({"fxir", "name", "meta", "tensors", "nodes", "tables", "schedule"});
    const int version = root_.at("fxir").integer(0, kAny);
    if (version != kVersion)
      root_.wrong(text::cat("FXIR version ", version, "; this program reads version ", kVersion));
    graph_.name = root_.at("name").text();
    if (root_.has("meta"))
      for (const auto& [key, value] : root_.at("meta").fields()) graph_.meta[key] = value.text();
    read_declarations();
    if (root_.has("tables")) read_tables();
    if (root_.has("schedule")) read_schedule();
    for (const Value& node : root_.at("nodes").items()) read_node(node);
    check_complete();
    return std::move(graph_);
  }

 private:
  void read_declarations() {
    for (const auto& [name, value] : root_.at("tensors").fields()) {
      value.only({"shape", "type"});
      declared_[name] = {value.at("shape").stored_list(), read_format(value.at("type"))};
    }
  }
  void read_tables() {
    for (const auto& entry : root_.at("tables").fields()) {
      const auto& name = entry.first;
      const auto& value = entry.second;
      value.only({"type", "values"});
      in_file(value, [&, key = name] {
        graph_.add_table({key, read_type(value.at("type")), value.at("values").stored_list()});
      });
    }
  }
  void read_schedule() {
    const Value value = root_.at("schedule");
    value.only({"mode", "levels_per_stage", "ii"});
    Schedule schedule;
    if (value.has("mode")) schedule.mode = value.at("mode").text();
    const std::vector<std::string> modes = {"combinational", "pipeline", "serial", "stream"};
    if (std::find(modes.begin(), modes.end(), schedule.mode) == modes.end())
      value.at("mode").wrong("unknown mode", text::cat("one of ", text::join(modes, ", ")));
    if (value.has("levels_per_stage")) schedule.levels_per_stage = value.at("levels_per_stage").integer(0, 1000);
    if (value.has("ii")) schedule.ii = value.at("ii").integer(1, 1'000'000);
    graph_.schedule = schedule;
  }

  /// Adds file and place to an error of the graph's own checks.
  void in_file(const Value& value, const std::function<void()>& action) const {
    try {
      action();
    } catch (const Error& error) {
      if (!error.place().file.empty()) throw;
      throw Error(ErrorKind::data, error.message(), Place{file_, 0, 0, value.path()}, error.hint());
    }
  }

  std::vector<TensorId> read_inputs(const Value& node) const {
    std::vector<TensorId> ids;
    if (!node.has("in")) return ids;
    for (const Value& item : node.at("in").items()) {
      const std::string name = item.text();
      const auto id = graph_.find(name);
      if (!id && declared_.count(name) != 0)
        item.wrong(text::cat("tensor '", text::printable(name), "' is used before a node makes it"),
                   "nodes stand in topological order");
      if (!id) item.wrong(text::cat("unknown tensor '", text::printable(name), "'"));
      ids.push_back(*id);
    }
    return ids;
  }

  void read_node(const Value& node) {
    const std::string kind = node.at("op").text();
    const auto reader = readers().find(kind);
    if (reader == readers().end()) {
      std::vector<std::string> known;
      for (const auto& [name, ignored] : readers()) known.push_back(name);
      const std::string near = text::nearest(kind, known);
      node.at("op").wrong(
          text::cat("unknown operator '", text::printable(kind), "'"),
          near.empty() ? text::cat("known: ", text::join(known, ", ")) : text::cat("did you mean ", near, "?"));
    }
    std::vector<std::string> keys = reader->second.keys;
    keys.insert(keys.end(), {"op", "in", kind == "output" ? "in" : "out"});
    node.only(keys);
    const std::string name = kind == "output" ? std::string() : node.at("out").text();
    Op op = reader->second.read(*this, node, name);
    std::vector<TensorId> inputs = read_inputs(node);
    const auto declared = declared_.find(name);
    std::optional<Format> format;
    if (kind != "output" && declared != declared_.end()) format = declared->second.format;
    in_file(node, [&] { graph_.append(name, std::move(op), std::move(inputs), std::move(format)); });
    if (kind != "output" && declared != declared_.end()) check_shape(node, declared->second.shape);
  }

  void check_shape(const Value& node, const Dims& shape) const {
    if (graph_.tensors.back().shape != shape)
      node.wrong(text::cat("the declared shape of '", text::printable(graph_.tensors.back().name),
                           "' is not the shape of the result"));
  }
  void check_complete() const {
    for (const auto& [name, ignored] : declared_)
      if (!graph_.find(name))
        root_.at("tensors").wrong(text::cat("no node makes tensor '", text::printable(name), "'"));
    if (graph_.inputs().empty() || graph_.outputs().empty())
      root_.at("nodes").wrong("a graph needs an input and an output");
  }

  const Declared& declaration(const Value& node, const std::string& name) const {
    const auto found = declared_.find(name);
    if (found == declared_.end()) node.wrong(text::cat("tensor '", text::printable(name), "' needs a declaration"));
    return found->second;
  }

  Op read_input(const Value& node, const std::string& name) const {
    const Declared& declared = declaration(node, name);
    op::Input op{declared.shape, declared.format, {}};
    if (!node.has("interval")) return op;
    const auto items = node.at("interval").items();
    if (!items.empty() && items[0].is_list())
      for (const Value& item : items) op.interval.push_back(read_interval(item));
    else
      op.interval.push_back(read_interval(node.at("interval")));
    return op;
  }
  Op read_const(const Value& node, const std::string& name) const {
    const Declared& declared = declaration(node, name);
    return op::Const{declared.shape, declared.format, node.at("data").stored_list()};
  }
  static Op read_cmvm(const Value& node) {
    op::Cmvm op;
    if (node.has("bias")) op.bias = node.at("bias").stored_list();
    op.frac = read_fractions(node.at("fK"));
    const auto rows = node.at("K").items();
    op.n_in = static_cast<std::int64_t>(rows.size());
    op.n_out = static_cast<std::int64_t>(op.bias.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto row = rows[i].stored_list();
      if (i == 0) op.n_out = static_cast<std::int64_t>(row.size());
      if (static_cast<std::int64_t>(row.size()) != op.n_out)
        rows[i].wrong(text::cat(row.size(), " weights, the first row has ", op.n_out));
      op.weights.insert(op.weights.end(), row.begin(), row.end());
    }
    return op;
  }
  static Op read_conv1d(const Value& node) {
    op::Conv1d op;
    op.frac = read_fractions(node.at("fK"));
    if (node.has("bias")) op.bias = node.at("bias").stored_list();
    const auto whole = [&](const char* key, std::int64_t usual) {
      return node.has(key) ? std::int64_t{node.at(key).integer(0, kAny)} : usual;
    };
    op.stride = whole("stride", 1);
    op.dilation = whole("dilation", 1);
    op.groups = whole("groups", 1);
    if (node.has("pad")) {
      const auto sides = node.at("pad").items();
      if (sides.size() != 2) node.at("pad").wrong("expected [before, after]");
      op.before = sides[0].integer(0, kAny);
      op.after = sides[1].integer(0, kAny);
    }
    if (node.has("pad_value")) op.pad = node.at("pad_value").stored();
    const auto taps = node.at("K").items();
    if (taps.empty() || taps[0].items().empty()) node.at("K").wrong("expected [taps][channels][outputs]");
    op.taps = static_cast<std::int64_t>(taps.size());
    op.n_in = static_cast<std::int64_t>(taps[0].items().size()) * op.groups;
    op.n_out = static_cast<std::int64_t>(taps[0].items()[0].stored_list().size());
    for (const Value& tap : taps) {
      if (static_cast<std::int64_t>(tap.items().size()) * op.groups != op.n_in)
        tap.wrong("differs in channels from the first tap");
      for (const Value& row : tap.items()) {
        const auto list = row.stored_list();
        if (static_cast<std::int64_t>(list.size()) != op.n_out) row.wrong("differs in outputs from the first row");
        op.weights.insert(op.weights.end(), list.begin(), list.end());
      }
    }
    return op;
  }
  static Op read_mulshift(const Value& node) {
    fixed::MulShift rule;
    for (const std::int64_t mant : node.at("mant").stored_list()) {
      if (mant < 0 || mant > std::numeric_limits<std::int32_t>::max()) node.at("mant").wrong("not within 0..2^31-1");
      rule.mant.push_back(static_cast<std::int32_t>(mant));
    }
    for (const Value& item : node.at("shift").items()) rule.e.push_back(item.integer(-31, 30));
    rule.zero = node.at("zp").integer(-32768, 32767);
    rule.act_min = node.at("act_min").integer(-kAny, kAny);
    rule.act_max = node.at("act_max").integer(-kAny, kAny);
    rule.rounding = fixed::parse_rounding(node.at("rounding").text());
    return op::MulShift{rule};
  }
  Op read_lut(const Value& node) const {
    op::Lut op{.table = node.at("table").text()};
    const std::string fold = node.at("fold").text();
    if (fold != "none" && fold != "odd" && fold != "half") node.at("fold").wrong("expected none, odd or half");
    op.fold = fold == "none" ? Fold::none : fold == "odd" ? Fold::odd : Fold::half;
    op.drop = node.at("drop").integer(0, fixed::kMaxWidth);
    op.clamp = node.has("clamp") && node.at("clamp").flag();
    in_file(node, [&] {
      if (read_type(node.at("type")) != graph_.table(op.table).type)
        node.at("type").wrong("is not the type of the table");
    });
    return op;
  }
  static Op read_requant(const Value& node) {
    return op::Requant{read_format(node.at("type")), fixed::parse_round(node.at("Q").text()),
                       fixed::parse_overflow(node.at("O").text())};
  }
  static int axis(const Value& node) { return node.at("axis").integer(0, 7); }

  struct Reader {
    std::vector<std::string> keys;  // besides op, in, out
    std::function<Op(const Loader&, const Value&, const std::string&)> read;
  };
  template <class Make>
  static Reader simple(std::vector<std::string> keys, Make make) {
    return {std::move(keys), [make](const Loader&, const Value& node, const std::string&) -> Op { return make(node); }};
  }

  static const std::map<std::string, Reader>& readers() {
    static const std::map<std::string, Reader> kReaders = {
        {"input",
         {{"interval"}, [](const Loader& l, const Value& n, const std::string& o) { return l.read_input(n, o); }}},
        {"const", {{"data"}, [](const Loader& l, const Value& n, const std::string& o) { return l.read_const(n, o); }}},
        {"lut",
         {{"table", "fold", "drop", "clamp", "type"},
          [](const Loader& l, const Value& n, const std::string&) { return l.read_lut(n); }}},
        {"cmvm", simple({"K", "fK", "bias"}, read_cmvm)},
        {"conv1d", simple({"K", "fK", "bias", "stride", "dilation", "groups", "pad", "pad_value"}, read_conv1d)},
        {"requant", simple({"type", "Q", "O"}, read_requant)},
        {"mulshift", simple({"mant", "shift", "zp", "act_min", "act_max", "rounding"}, read_mulshift)},
        {"add", simple({}, [](const Value&) { return op::Add{}; })},
        {"sub", simple({}, [](const Value&) { return op::Sub{}; })},
        {"relu", simple({}, [](const Value&) { return op::Relu{}; })},
        {"abs", simple({}, [](const Value&) { return op::Abs{}; })},
        {"neg", simple({}, [](const Value&) { return op::Neg{}; })},
        {"output", simple({}, [](const Value&) { return op::Output{}; })},
        {"const_add", simple({"c"}, [](const Value& n) { return op::ConstAdd{n.at("c").stored_list()}; })},
        {"leaky_shift",
         simple({"n", "sign"},
                [](const Value& n) {
                  return op::LeakyShift{n.at("n").integer(0, fixed::kMaxWidth), n.at("sign").integer(-1, 1)};
                })},
        {"sum", simple({"axis"}, [](const Value& n) { return op::Sum{axis(n)}; })},
        {"avg_shift", simple({"axis", "d"},
                             [](const Value& n) {
                               return op::AvgShift{axis(n), n.at("d").integer(0, fixed::kMaxWidth)};
                             })},
        {"concat", simple({"axis"}, [](const Value& n) { return op::Concat{axis(n)}; })},
        {"reshape", simple({"shape"}, [](const Value& n) { return op::Reshape{n.at("shape").stored_list()}; })},
        {"slice", simple({"axis", "begin", "end"},
                         [](const Value& n) {
                           return op::Slice{axis(n), n.at("begin").integer(0, kAny), n.at("end").integer(0, kAny)};
                         })},
        {"select", simple({"axis", "indices"}, [](const Value& n) {
           return op::Select{axis(n), n.at("indices").stored_list()};
         })}};
    return kReaders;
  }

  const Value& root_;
  const std::string& file_;
  Graph graph_;
  std::map<std::string, Declared> declared_;
};

}  // namespace

Graph parse_graph(std::string_view text, const std::string& file) {
  const json document = io::parse_json(text, file);
  const Value root(document, file, "");
  try {
    return Loader(root, file).run();
  } catch (const Error& error) {  // modes and formats are read by rooms that know no file
    if (!error.place().file.empty()) throw;
    throw Error(ErrorKind::data, error.message(), Place{file, 0, 0, error.place().name}, error.hint());
  }
}

Graph read_graph(const std::filesystem::path& path) {
  return parse_graph(io::read_file(path, io::limits::kJsonBytes), io::shown(path));
}

}  // namespace thimble::hw

#include "hw/emit/c99.h"

#include "core/base/error.h"

#include "hw/emit/c99_text.h"
#include "hw/emit/identifiers.h"
#include "hw/ir/json.h"

#include <map>

namespace thimble::hw {
namespace {

using fixed::Wide;
using text::cat;

Wide largest(Interval a) {
  return std::max(a.hi, -a.lo);
}

std::string upper(std::string word) {
  for (char& c : word)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return word;
}

/// Hull over all elements of several tensors.
Interval hull_of(const Graph& graph, const std::vector<TensorId>& ids) {
  std::optional<Interval> all;
  for (const TensorId id : ids) {
    if (graph.tensor(id).size() == 0) continue;
    const Interval range = graph.tensor(id).interval();
    all = all ? fixed::hull(*all, range) : range;
  }
  return all.value_or(Interval{0, 0});
}

/// Name of the function: free of every other name in its two files.
std::string design_name(const Graph& graph) {
  Identifiers ids(40);
  for (const char* taken :
       {"in",    "out",   "i",      "j",      "p",       "v",       "m",        "r",        "z",
        "up",    "sum",   "low",    "high",   "half",    "mant",    "e",        "x",        "y",
        "c",     "count", "row",    "file",   "want",    "value",   "stim",     "expect",   "equal",
        "state", "argc",  "argv",   "other",  "asr32",   "in_t",    "asr64",    "out_t",    "design",
        "tap",   "at",    "digits", "lowest", "vectors", "highest", "negative", "read_row", "mismatches"})
    ids.reserve(taken);
  const std::string near = Identifiers(36).unique(graph.name, "net");
  for (const std::string_view prefix : {"k_", "b_", "t_", "c_", "q_", "m_", "e_", "lut_"})
    if (near.rfind(prefix, 0) == 0) return ids.unique("net_" + near);
  return ids.unique(near);
}

/// Writes the body of the function node by node; constants and helper functions collect on the way.
class Writer {
 public:
  explicit Writer(const Graph& graph) : graph_(graph) {
    THIMBLE_CHECK(graph.input_size() > 0 && graph.output_size() > 0, data, "C export of '", text::printable(graph.name),
                  "': the graph needs inputs and outputs with elements");
    design_.name = design_name(graph);
    in_type_ = c99::storage_type(hull_of(graph, graph.inputs()));
    out_type_ = c99::storage_type(hull_of(graph, graph.outputs()));
  }

  CDesign run() {
    find_used();
    for (const Node& node : graph_.nodes) write(node);
    write_outputs();
    design_.files = {{cat("c/", design_.name, ".h"), header()},
                     {cat("c/", design_.name, ".c"), source()},
                     {cat("c/", design_.name, "_test.c"), c99::test_program(graph_, design_.name)}};
    return std::move(design_);
  }

 private:
  // ---- names and storage

  const TensorInfo& info(TensorId id) const { return graph_.tensor(id); }
  const TensorInfo& x(std::size_t i = 0) const { return info(node_->inputs[i]); }
  const TensorInfo& y() const { return info(node_->output); }
  std::string name_of(TensorId id) const { return names_.at(id); }
  std::string xn(std::size_t i = 0) const { return name_of(node_->inputs[i]); }
  std::string yn() const { return name_of(node_->output); }
  std::string y_type() const { return c99::storage_type(y().interval()); }

  void line(const std::string& text) { body_ += cat("  ", text, "\n"); }

  void constant(const std::string& name, const std::vector<std::int64_t>& values) {
    Interval range{0, 0};
    for (const std::int64_t v : values) range = fixed::hull(range, {v, v});
    constant(name, values, c99::storage_type(range));
  }
  void constant(const std::string& name, const std::vector<std::int64_t>& values, const std::string& type) {
    constants_ += c99::array(type, name, values) + "\n";
    design_.table_bytes += static_cast<std::int64_t>(values.size()) * c99::bytes_of(type);
  }

  /// Marks what the outputs depend on; the rest would only be warned about by compilers. A tensor without elements
  /// depends on nothing.
  void find_used() {
    used_.assign(graph_.tensors.size(), false);
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
      const bool matters =
          node->output < 0 || (used_[static_cast<std::size_t>(node->output)] && info(node->output).size() > 0);
      for (const TensorId id : node->inputs)
        if (matters) used_[static_cast<std::size_t>(id)] = true;
    }
  }

  /// Name of the table's array, written when it is used first.
  std::string array_of(const Table& table) {
    std::string& array = table_names_[table.name];
    if (!array.empty()) return array;
    array = cat("lut_", ids_.unique(table.name, "table"));
    constants_ += cat("/* table ", comment_text(table.name), ", ", table.type.str(), " */\n");
    constant(array, table.values);
    return array;
  }

  void write(const Node& node) {
    if (node.output < 0) return;
    node_ = &node;
    const TensorInfo& tensor = y();
    const std::string id = ids_.unique(tensor.name, "t");
    names_[node.output] = cat("t_", id);
    line(cat("/* ", op_name(node.op), " ", comment_text(tensor.name), ": ", tensor.size(), " x ",
             tensor.format.type.str(), ", ", tensor.interval().str(), " */"));
    if (tensor.size() == 0) return;
    if (!used_[static_cast<std::size_t>(node.output)]) return skip();
    id_ = id;
    std::visit([this](const auto& op) { rule(op); }, node.op);
  }

  void skip() {
    line("/* nothing depends on it */");
    if (std::holds_alternative<op::Input>(node_->op)) consumed_ += y().size();
  }

  void declare() {
    line(cat(y_type(), " ", yn(), "[", y().size(), "];"));
    design_.stack_bytes += static_cast<std::int64_t>(y().size()) * c99::bytes_of(y_type());
  }

  /// One statement for every element `i` with the same parameters; per channel where formats differ.
  template <class Statement>
  void each(bool uniform, Statement statement) {
    const std::size_t channels = uniform ? 1 : y().channels();
    for (std::size_t c = 0; c < channels; ++c)
      line(cat("for (i = ", c, "; i < ", y().size(), "; i += ", channels, ") ", statement(c)));
  }
  std::string assigned(const std::string& value) const { return cat(yn(), "[i] = (", y_type(), ")(", value, ");"); }

  // ---- operators

  void rule(const op::Input&) {
    line(cat("const ", in_type_, " *const ", yn(), " = in + ", consumed_, ";"));
    consumed_ += y().size();
  }
  void rule(const op::Const& op) {
    constant(cat("c_", id_), op.data);
    names_[node_->output] = cat("c_", id_);
  }

  /// Type that holds every partial sum of the node.
  std::string sum_type() const {
    const Wide bound = partial_sum_bound(graph_, *node_);
    THIMBLE_CHECK(bound < Wide{1} << 62, data, "C export: node '", text::printable(y().name),
                  "' has partial sums of up to ", fixed::to_string(bound), ", beyond 63 bits; put a requant before it");
    return c99::work_type(bound);
  }

  void rule(const op::Cmvm& op) {
    const std::string type = sum_type();
    std::vector<std::int64_t> transposed;
    for (std::int64_t j = 0; j < op.n_out; ++j)
      for (std::int64_t i = 0; i < op.n_in; ++i) transposed.push_back(op.weight(i, j));
    std::vector<std::int64_t> bias;
    for (std::int64_t j = 0; j < op.n_out; ++j) bias.push_back(op.bias_at(j));
    if (!transposed.empty()) constant(cat("k_", id_), transposed);
    constant(cat("b_", id_), bias);
    declare();
    const std::size_t positions = y().size() / static_cast<std::size_t>(op.n_out);
    line(cat("for (p = 0; p < ", positions, "; ++p)"));
    line(cat("  for (j = 0; j < ", op.n_out, "; ++j) {"));
    line(cat("    ", type, " sum = (", type, ")b_", id_, "[j];"));
    if (!transposed.empty())
      line(cat("    for (i = 0; i < ", op.n_in, "; ++i) sum += (", type, ")k_", id_, "[j * ", op.n_in, " + i] * (",
               type, ")", xn(), "[p * ", op.n_in, " + i];"));
    line(cat("    ", yn(), "[p * ", op.n_out, " + j] = (", y_type(), ")sum;"));
    line("  }");
  }

  void rule(const op::Conv1d& op) {
    const std::string type = sum_type();
    std::vector<std::int64_t> by_output, bias;
    for (std::int64_t o = 0; o < op.n_out; ++o) {
      bias.push_back(op.bias_at(o));
      for (std::int64_t t = 0; t < op.taps; ++t)
        for (std::int64_t i = 0; i < op.group_in(); ++i) by_output.push_back(op.weight(t, i, o));
    }
    constant(cat("k_", id_), by_output);
    constant(cat("b_", id_), bias);
    declare();
    const std::string position = cat("p * ", op.stride, " + tap * ", op.dilation, " - ", op.before);
    const std::string channel = op.groups == 1 ? "i" : cat("j / ", op.n_out / op.groups, " * ", op.group_in(), " + i");
    const std::int64_t length = x().shape[0];
    line(cat("for (p = 0; p < ", y().shape[0], "; ++p)"));
    line(cat("  for (j = 0; j < ", op.n_out, "; ++j) {"));
    line(cat("    ", type, " sum = (", type, ")b_", id_, "[j];"));
    line("    int tap;");
    line(cat("    for (tap = 0; tap < ", op.taps, "; ++tap) {"));
    line(cat("      const int at = ", position, ";"));
    line(cat("      for (i = 0; i < ", op.group_in(), "; ++i)"));
    line(cat("        sum += (", type, ")k_", id_, "[(j * ", op.taps, " + tap) * ", op.group_in(), " + i] *"));
    line(cat("               (", type, ")(at < 0 || at >= ", length, " ? ", c99::literal(op.pad), " : ", xn(), "[at * ",
             op.n_in, " + ", channel, "]);"));
    line("    }");
    line(cat("    ", yn(), "[p * ", op.n_out, " + j] = (", y_type(), ")sum;"));
    line("  }");
  }

  void rule(const op::Add&) { joined('+'); }
  void rule(const op::Sub&) { joined('-'); }
  void joined(char sign) {
    declare();
    each(x(0).format.uniform() && x(1).format.uniform(), [&](std::size_t c) {
      const auto [a, b] = alignment(graph_, *node_, c);
      Wide most = largest(y().interval());
      most = std::max(most, largest(fixed::shifted_left(x(0).interval(), a)));
      most = std::max(most, largest(fixed::shifted_left(x(1).interval(), b)));
      const std::string type = c99::work_type(most);
      const auto aligned = [&](std::size_t operand, int shift) {
        return cat("(", type, ")", xn(operand), "[i]",
                   shift > 0 ? cat(" * ", c99::literal(std::int64_t{1} << shift)) : "");
      };
      return assigned(cat(aligned(0, a), " ", sign, " ", aligned(1, b)));
    });
  }

  void rule(const op::ConstAdd& op) {
    const std::string type = c99::work_type(std::max(largest(y().interval()), largest(x().interval())));
    constant(cat("c_", id_), op.c);
    declare();
    each(true, [&](std::size_t) {
      return assigned(cat("(", type, ")", xn(), "[i] + (", type, ")c_", id_, "[i % ", op.c.size(), "]"));
    });
  }
  /// `v` of the working type, for rules that look at it more than once.
  void each_value(Wide magnitude, const std::string& value) {
    const std::string type = c99::work_type(std::max(magnitude, largest(x().interval())));
    declare();
    line(cat("for (i = 0; i < ", y().size(), "; ++i) {"));
    line(cat("  const ", type, " v = (", type, ")", xn(), "[i];"));
    line(cat("  ", assigned(value)));
    line("}");
  }
  void rule(const op::Relu&) { each_value(0, x().interval().lo < 0 ? "v < 0 ? 0 : v" : "v"); }
  void rule(const op::Abs&) { each_value(largest(x().interval()), x().interval().lo < 0 ? "v < 0 ? -v : v" : "v"); }
  void rule(const op::Neg&) { each_value(largest(x().interval()), "-v"); }
  void rule(const op::LeakyShift& op) {
    const std::string up = cat("v * ", c99::literal(std::int64_t{1} << op.n));
    each_value(largest(y().interval()),
               x().interval().lo < 0 ? cat("v < 0 ? ", op.sign < 0 ? "-v" : "v", " : ", up) : up);
  }

  void rule(const op::Requant& op) {
    declare();
    const bool uniform = op.format.uniform() && x().format.uniform();
    each(uniform, [&](std::size_t c) {
      const c99::Conversion conversion{x().interval(), x().format.at(c).f, op.format.at(c), op.round, op.overflow};
      if (conversion.needs_shift()) use_shift(conversion.type());
      const std::string function = uniform ? cat("q_", id_) : cat("q_", id_, "_", c);
      functions_ += conversion.function(function);
      return assigned(cat(function, "((", conversion.type(), ")", xn(), "[i])"));
    });
  }

  void rule(const op::MulShift& op) {
    const fixed::MulShift& rule = op.rule;
    const std::vector<std::int64_t> mant(rule.mant.begin(), rule.mant.end()), e(rule.e.begin(), rule.e.end());
    constant(cat("m_", id_), mant);
    constant(cat("e_", id_), e);
    use_shift("int64_t");
    declare();
    line(cat("for (i = 0; i < ", y().size(), "; ++i) {"));
    line(cat("  const int64_t mant = (int64_t)m_", id_, "[i % ", mant.size(), "];"));
    line(cat("  const int e = (int)e_", id_, "[i % ", e.size(), "];"));
    if (rule.rounding == fixed::Rounding::once) {
      line(cat("  const int64_t r = asr64((int64_t)", xn(), "[i] * mant + (INT64_C(1) << (30 - e)), 31 - e);"));
    } else {
      line(cat("  const int64_t up = (int64_t)", xn(), "[i] * (INT64_C(1) << (e > 0 ? e : 0));"));
      line("  const int64_t high = asr64(up * mant + (INT64_C(1) << 30), 31);");
      line("  const int64_t half = e < 0 ? INT64_C(1) << (-e - 1) : 0;");
      line("  const int64_t r = e < 0 ? asr64(high + half - (high < 0), -e) : high;");
    }
    line(cat("  const int64_t z = r + ", rule.zero, ";"));
    line(cat("  ", assigned(cat("z < ", rule.act_min, " ? ", rule.act_min, " : z > ", rule.act_max, " ? ", rule.act_max,
                                " : z"))));
    line("}");
  }

  void rule(const op::Lut& op) {
    const Table& table = graph_.table(op.table);
    const std::string rom = array_of(table);
    const auto last = static_cast<std::int64_t>(table.values.size()) - 1;
    const std::string type = c99::work_type(largest(x().interval()) + 1);
    declare();
    each(x().format.uniform() || op.fold != Fold::none, [&](std::size_t c) {
      std::string index;
      if (op.fold == Fold::none) {
        use_shift(type);
        index = cat(c99::floor_shift(type), "(v, ", op.drop, ") - ", c99::literal(x().format.at(c).lo() >> op.drop));
      } else {
        index = cat("(v < 0 ? -v : v) >> ", op.drop);
      }
      const std::string entry = cat(rom, "[m > ", last, " ? ", last, " : m]");
      std::string value = entry;
      if (op.fold == Fold::odd) value = cat("v < 0 ? -", entry, " : ", entry);
      if (op.fold == Fold::half) value = cat("v < 0 ? ", std::int64_t{1} << table.type.f, " - ", entry, " : ", entry);
      return cat("{ const ", type, " v = (", type, ")", xn(), "[i]; const ", type, " m = ", index, "; ",
                 assigned(value), " }");
    });
  }

  void rule(const op::Sum& op) { summed(op.axis); }
  void rule(const op::AvgShift& op) { summed(op.axis); }
  void summed(int axis) {
    const Dims& shape = x().shape;
    std::size_t inner = 1;
    for (std::size_t d = static_cast<std::size_t>(axis) + 1; d < shape.size(); ++d)
      inner *= static_cast<std::size_t>(shape[d]);
    const auto length = static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
    const std::string type = c99::work_type(largest(x().interval()) * static_cast<Wide>(length));
    declare();
    line(cat("for (p = 0; p < ", y().size(), "; ++p) {"));
    line(cat("  ", type, " sum = 0;"));
    if (length > 0)
      line(cat("  for (i = 0; i < ", length, "; ++i) sum += (", type, ")", xn(), "[p / ", inner, " * ", inner * length,
               " + i * ", inner, " + p % ", inner, "];"));
    line(cat("  ", yn(), "[p] = (", y_type(), ")sum;"));
    line("}");
  }

  void rule(const op::Concat&) { moved(); }
  void rule(const op::Reshape&) { moved(); }
  void rule(const op::Slice&) { moved(); }
  void rule(const op::Select&) { moved(); }
  /// One loop for every run of neighbours.
  void moved() {
    declare();
    const std::vector<Source> sources = moved_elements(graph_, *node_);
    for (std::size_t at = 0; at < sources.size();) {
      std::size_t end = at + 1;
      while (end < sources.size() && sources[end].input == sources[at].input &&
             sources[end].element == sources[at].element + (end - at))
        ++end;
      line(cat("for (i = 0; i < ", end - at, "; ++i) ", yn(), "[", at, " + i] = (", y_type(), ")",
               xn(static_cast<std::size_t>(sources[at].input)), "[", sources[at].element, " + i];"));
      at = end;
    }
  }
  void rule(const op::Output&) {}

  void use_shift(const std::string& type) { (type == "int32_t" ? narrow_shift_ : wide_shift_) = true; }

  // ---- files

  void write_outputs() {
    std::size_t at = 0;
    for (const TensorId id : graph_.outputs()) {
      if (info(id).size() == 0) continue;
      line(cat("for (i = 0; i < ", info(id).size(), "; ++i) out[", at, " + i] = (", out_type_, ")", name_of(id),
               "[i];"));
      at += info(id).size();
    }
  }

  std::string preamble() const {
    return cat("/* ", design_.name,
               ": made by Thimble from an integer graph; do not edit.\n * Graph: ", comment_text(graph_.name),
               "\n * SHA-256 of the graph: ", hash_of(graph_), "\n */\n");
  }
  std::string ports(const std::string& title, const std::vector<TensorId>& ids) const {
    std::string out;
    for (const TensorId id : ids) {
      const TensorInfo& port = info(id);
      out += cat("/* ", title, " ", comment_text(port.name), ": ", port.size(), " x ", port.format.type.str(),
                 port.format.uniform() ? "" : " and others per channel", ", stored integers in ", port.interval().str(),
                 "; the value is the integer * 2^-", port.format.type.f, " */\n");
    }
    return out;
  }
  std::string header() const {
    const std::string n = design_.name, upper_n = upper(n);
    return cat(preamble(), "#ifndef ", upper_n, "_H\n#define ", upper_n, "_H\n\n#include <stdint.h>\n\n",
               "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n", ports("input", graph_.inputs()),
               ports("output", graph_.outputs()), "#define ", upper_n, "_INPUTS ", graph_.input_size(), "\n#define ",
               upper_n, "_OUTPUTS ", graph_.output_size(), "\n\ntypedef ", in_type_, " ", n, "_in_t;\ntypedef ",
               out_type_, " ", n, "_out_t;\n\nvoid ", n, "(const ", n, "_in_t in[", upper_n, "_INPUTS], ", n,
               "_out_t out[", upper_n, "_OUTPUTS]);\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
  }
  std::string source() const {
    const std::string n = design_.name, upper_n = upper(n);
    std::string counters;
    for (const char* counter : {"i", "j", "p"})
      if (body_.find(cat("(", counter, " = ")) != std::string::npos)
        counters += cat(counters.empty() ? "" : ", ", counter);
    return cat(preamble(), "#include \"", n, ".h\"\n\n", constants_,
               c99::floor_shift_functions(narrow_shift_, wide_shift_), functions_, "void ", n, "(const ", n,
               "_in_t in[", upper_n, "_INPUTS], ", n, "_out_t out[", upper_n, "_OUTPUTS]) {\n  int ", counters, ";\n",
               body_.find("= in + ") == std::string::npos ? "  (void)in;\n" : "", body_, "}\n");
  }

  const Graph& graph_;
  const Node* node_ = nullptr;
  CDesign design_;
  Identifiers ids_{48};
  std::vector<bool> used_;
  std::map<TensorId, std::string> names_;
  std::map<std::string, std::string> table_names_;
  std::string in_type_, out_type_, id_;
  std::string constants_, functions_, body_;
  std::size_t consumed_ = 0;
  bool narrow_shift_ = false, wide_shift_ = false;
};

}  // namespace

CDesign emit_c99(const Graph& graph) {
  return Writer(graph).run();
}

}  // namespace thimble::hw

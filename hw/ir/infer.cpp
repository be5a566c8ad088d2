// Graph::append: shape, format and exact interval of every operator's result.
#include "core/base/error.h"
#include "core/fixed/convert.h"

#include "hw/ir/graph.h"

namespace thimble::hw {
namespace {

using fixed::Wide;

constexpr std::int64_t kMaxElements = std::int64_t{1} << 24;  // of one tensor
constexpr std::size_t kMaxRank = 8;
constexpr Wide kMaxTerm = Wide{1} << 80;  // beyond any register, small enough that sums of terms stay in 128 bits

/// What an operator's rule yields; the format is inferred from fractions and intervals unless the rule states it.
struct Result {
  Dims shape = {};
  std::vector<Interval> elements = {};
  std::vector<int> f = {};  // per element
  std::optional<Format> format = {};
};

std::string text_of(const Dims& shape) {
  std::vector<std::string> parts;
  for (const std::int64_t n : shape) parts.push_back(std::to_string(n));
  return text::cat('[', text::join(parts, ", "), ']');
}

/// One append in progress: rules per operator, all errors named by the node.
class Inference {
 public:
  Inference(const Graph& graph, const std::string& name, const Node& node) : graph_(graph), name_(name), node_(node) {}

  Result run() {
    check_inputs();
    return std::visit([this](const auto& op) { return rule(op); }, node_.op);
  }

  [[noreturn]] void wrong(std::string_view why, std::string hint = {}) const {
    throw Error(ErrorKind::data, text::cat(title(), ": ", why), Place{"", 0, 0, text::printable(name_)},
                std::move(hint));
  }
  std::string title() const { return text::cat("node '", text::printable(name_), "' (", op_name(node_.op), ")"); }

  std::size_t element_count(const Dims& shape) const {
    if (shape.empty() || shape.size() > kMaxRank) wrong(text::cat("shape ", text_of(shape), " needs 1 to 8 axes"));
    std::int64_t count = 1;
    for (const std::int64_t n : shape) {
      if (n < 0) wrong(text::cat("shape ", text_of(shape), " has a negative length"));
      if (n > kMaxElements || count * n > kMaxElements)
        wrong(text::cat("shape ", text_of(shape), " has more than ", kMaxElements, " elements"));
      count *= n;
    }
    return static_cast<std::size_t>(count);
  }

 private:
  const TensorInfo& x(std::size_t i = 0) const { return graph_.tensor(node_.inputs[i]); }

  void check_inputs() const {
    for (const TensorId id : node_.inputs)
      if (id < 0 || static_cast<std::size_t>(id) >= graph_.tensors.size())
        wrong("an input does not exist yet", "nodes stand in topological order");
    const std::size_t given = node_.inputs.size();
    const auto [least, most] =
        std::visit(Visitor{[](const op::Input&) { return std::pair<std::size_t, std::size_t>(0, 0); },
                           [](const op::Const&) { return std::pair<std::size_t, std::size_t>(0, 0); },
                           [](const op::Add&) { return std::pair<std::size_t, std::size_t>(2, 2); },
                           [](const op::Sub&) { return std::pair<std::size_t, std::size_t>(2, 2); },
                           [](const op::Concat&) { return std::pair<std::size_t, std::size_t>(1, 4096); },
                           [](const auto&) { return std::pair<std::size_t, std::size_t>(1, 1); }},
                   node_.op);
    if (given < least || given > most) wrong(text::cat("takes ", least, " inputs, ", given, " given"));
  }

  void check_format(const Format& format, const Dims& shape) const {
    fixed::check(format.type, title());
    for (const FxType& type : format.channels) fixed::check(type, title());
    if (!format.uniform() && format.channels.size() != static_cast<std::size_t>(shape.back()))
      wrong(text::cat(format.channels.size(), " channel formats for ", shape.back(), " channels"));
  }

  int axis_of(int axis) const {
    const int rank = static_cast<int>(x().shape.size());
    if (axis < 0 || axis >= rank) wrong(text::cat("axis ", axis, " of shape ", text_of(x().shape)));
    return axis;
  }

  /// Element-wise rule: interval and fraction shift per element.
  template <class F>
  Result each(F image, int added_f = 0) const {
    Result out{.shape = x().shape};
    for (std::size_t i = 0; i < x().size(); ++i) {
      out.elements.push_back(image(x().interval(i), i));
      out.f.push_back(x().format.at(i).f + added_f);
    }
    return out;
  }

  Result rule(const op::Input& op) const {
    const std::size_t count = element_count(op.shape);
    check_format(op.format, op.shape);
    if (op.interval.size() > 1 && op.interval.size() != count)
      wrong(text::cat(op.interval.size(), " intervals for ", count, " elements"));
    Result out{.shape = op.shape, .format = op.format};
    for (std::size_t i = 0; i < count; ++i) {
      const Interval range = fixed::range_of(op.format.at(i));
      const Interval given = op.interval.empty() ? range : op.interval[op.interval.size() == 1 ? 0 : i];
      if (given.lo > given.hi || !range.contains(given))
        wrong(text::cat("interval ", given.str(), " is not within ", op.format.at(i).str()));
      out.elements.push_back(given);
    }
    return out;
  }

  Result rule(const op::Const& op) const {
    const std::size_t count = element_count(op.shape);
    check_format(op.format, op.shape);
    if (op.data.size() != count) wrong(text::cat(op.data.size(), " values for shape ", text_of(op.shape)));
    Result out{.shape = op.shape, .format = op.format};
    for (std::size_t i = 0; i < count; ++i) {
      if (!op.format.at(i).contains(op.data[i]))
        wrong(text::cat("value ", op.data[i], " does not fit ", op.format.at(i).str()));
      out.elements.push_back({op.data[i], op.data[i]});
    }
    return out;
  }

  void check_cmvm(const op::Cmvm& op) const {
    if (op.n_in < 0 || op.n_out < 0 || op.n_in > kMaxElements || op.n_out > kMaxElements ||
        op.n_in * op.n_out != static_cast<std::int64_t>(op.weights.size()))
      wrong(text::cat(op.weights.size(), " weights for a ", op.n_in, " x ", op.n_out, " matrix"));
    if (x().shape.back() != op.n_in)
      wrong(text::cat("matrix takes ", op.n_in, " inputs, '", text::printable(x().name), "' has ", x().shape.back()));
    check_columns(op.n_out, op.bias.size(), op.frac);
  }

  /// Biases and weight fractions of the output channels.
  void check_columns(std::int64_t n_out, std::size_t biases, const std::vector<int>& fractions) const {
    if (biases != 0 && static_cast<std::int64_t>(biases) != n_out)
      wrong(text::cat(biases, " biases for ", n_out, " outputs"));
    if (fractions.empty() || (fractions.size() > 1 && static_cast<std::int64_t>(fractions.size()) != n_out))
      wrong(text::cat(fractions.size(), " weight fractions for ", n_out, " outputs"));
    for (const int f : fractions)
      if (f < -fixed::kMaxFraction || f > fixed::kMaxFraction) wrong(text::cat("weight fraction ", f, " out of range"));
  }

  Interval product(Interval value, std::int64_t weight) const {
    const Interval term = value * Wide{weight};
    if (term.lo < -kMaxTerm || term.hi > kMaxTerm)
      wrong(text::cat("weight ", weight, " makes products of more than 80 bits"),
            "lower the fraction of the weights or put a requant before it");
    return term;
  }

  /// All channels of the input share one fraction, else their products cannot be added.
  int common_fraction() const {
    const Format& format = x().format;
    for (const FxType& type : format.channels)
      if (type.f != format.channels[0].f)
        wrong("the channels of its input differ in fraction bits", "put a requant to one format before it");
    return format.at(0).f;
  }

  Interval column(const op::Cmvm& op, std::size_t first, std::int64_t j) const {
    Interval sum{op.bias_at(j), op.bias_at(j)};
    for (std::int64_t i = 0; i < op.n_in; ++i)
      sum = sum + product(x().interval(first + static_cast<std::size_t>(i)), op.weight(i, j));
    return sum;
  }

  Result rule(const op::Cmvm& op) const {
    check_cmvm(op);
    const int f = common_fraction();
    Result out{.shape = x().shape};
    out.shape.back() = op.n_out;
    element_count(out.shape);
    std::size_t positions = 1;
    for (std::size_t d = 0; d + 1 < x().shape.size(); ++d) positions *= static_cast<std::size_t>(x().shape[d]);
    for (std::size_t p = 0; p < positions; ++p)
      for (std::int64_t j = 0; j < op.n_out; ++j) {
        out.elements.push_back(column(op, p * static_cast<std::size_t>(op.n_in), j));
        out.f.push_back(f + op.frac_at(j));
      }
    return out;
  }

  void check_conv(const op::Conv1d& op) const {
    const auto bounded = [](std::int64_t n, std::int64_t least) { return n >= least && n <= kMaxElements; };
    const bool sizes = bounded(op.taps, 1) && bounded(op.n_in, 1) && bounded(op.n_out, 1) && bounded(op.stride, 1) &&
                       bounded(op.dilation, 1) && bounded(op.before, 0) && bounded(op.after, 0);
    if (!sizes) wrong("taps, channels, stride and dilation begin at 1, padding at 0");
    if (op.groups < 1 || op.n_in % op.groups != 0 || op.n_out % op.groups != 0)
      wrong(text::cat(op.groups, " groups for ", op.n_in, " input and ", op.n_out, " output channels"));
    if (op.taps * op.group_in() > kMaxElements ||
        op.taps * op.group_in() * op.n_out != static_cast<std::int64_t>(op.weights.size()))
      wrong(text::cat(op.weights.size(), " weights for ", op.taps, " taps of ", op.group_in(), " x ", op.n_out));
    if (x().shape.size() != 2 || x().shape[1] != op.n_in)
      wrong(text::cat("takes positions x ", op.n_in, " channels, '", text::printable(x().name), "' has shape ",
                      text_of(x().shape)));
    check_columns(op.n_out, op.bias.size(), op.frac);
  }

  /// Interval of one output: the taps inside with the intervals of their elements, the others with the padding.
  Interval correlated(const op::Conv1d& op, std::int64_t p, std::int64_t o) const {
    Interval sum{op.bias_at(o), op.bias_at(o)};
    for (std::int64_t t = 0; t < op.taps; ++t) {
      const std::int64_t at = op.source(p, t);
      const bool inside = at >= 0 && at < x().shape[0];
      for (std::int64_t i = 0; i < op.group_in(); ++i) {
        const Interval value =
            inside ? x().interval(static_cast<std::size_t>(at * op.n_in + op.first(o) + i)) : Interval{op.pad, op.pad};
        sum = sum + product(value, op.weight(t, i, o));
      }
    }
    return sum;
  }

  Result rule(const op::Conv1d& op) const {
    check_conv(op);
    const int f = common_fraction();
    Result out{.shape = {op.outputs(x().shape[0]), op.n_out}};
    element_count(out.shape);
    for (std::int64_t p = 0; p < out.shape[0]; ++p)
      for (std::int64_t o = 0; o < op.n_out; ++o) {
        out.elements.push_back(correlated(op, p, o));
        out.f.push_back(f + op.frac_at(o));
      }
    return out;
  }

  template <class Join>
  Result two_operands(Join join) const {
    if (x(0).shape != x(1).shape)
      wrong(text::cat("operands of shapes ", text_of(x(0).shape), " and ", text_of(x(1).shape)));
    Result out{.shape = x().shape};
    for (std::size_t i = 0; i < x().size(); ++i) {
      const auto [a, b] = alignment(graph_, node_, i);
      if (std::max(a, b) > fixed::kMaxWidth) wrong("operands differ in scale by more than 62 bits");
      out.elements.push_back(join(fixed::shifted_left(x(0).interval(i), a), fixed::shifted_left(x(1).interval(i), b)));
      out.f.push_back(std::max(x(0).format.at(i).f, x(1).format.at(i).f));
    }
    return out;
  }
  Result rule(const op::Add&) const {
    return two_operands([](Interval a, Interval b) { return a + b; });
  }
  Result rule(const op::Sub&) const {
    return two_operands([](Interval a, Interval b) { return a - b; });
  }

  Result rule(const op::ConstAdd& op) const {
    if (op.c.size() != 1 && op.c.size() != x().channels())
      wrong(text::cat(op.c.size(), " constants for ", x().channels(), " channels"));
    return each([&](Interval a, std::size_t i) {
      const Wide c = op.c[i % op.c.size()];
      return a + Interval{c, c};
    });
  }
  Result rule(const op::Relu&) const {
    return each([](Interval a, std::size_t) { return fixed::relu(a); });
  }
  Result rule(const op::Abs&) const {
    return each([](Interval a, std::size_t) { return fixed::abs(a); });
  }
  Result rule(const op::Neg&) const {
    return each([](Interval a, std::size_t) { return -a; });
  }
  Result rule(const op::LeakyShift& op) const {
    if (op.n < 0 || op.n > fixed::kMaxWidth || (op.sign != 1 && op.sign != -1))
      wrong(text::cat("shift ", op.n, " and sign ", op.sign, ", expected 0..62 and -1 or 1"));
    return each([&](Interval a, std::size_t) { return fixed::leaky_shift(a, op.n, op.sign); }, op.n);
  }

  Result rule(const op::Requant& op) const {
    check_format(op.format, x().shape);
    Result out{.shape = x().shape, .format = op.format};
    for (std::size_t i = 0; i < x().size(); ++i) {
      const FxType& to = op.format.at(i);
      if (op.overflow == fixed::Overflow::wrap_mag && !to.s) wrong("WRAP_MAG needs a signed format");
      out.elements.push_back(fixed::converted(x().interval(i), x().format.at(i).f, to, op.round, op.overflow));
    }
    return out;
  }

  Result rule(const op::MulShift& op) const {
    const fixed::MulShift& rule = op.rule;
    const auto fits = [&](std::size_t n) { return n == 1 || n == x().channels(); };
    if (!fits(rule.mant.size()) || !fits(rule.e.size()))
      wrong(text::cat(rule.mant.size(), " multipliers for ", x().channels(), " channels"));
    if (rule.act_min > rule.act_max) wrong("act_min above act_max");
    const Format format{fixed::type_of({rule.act_min, rule.act_max}, 0, title())};
    Result out{.shape = x().shape, .format = format};
    for (std::size_t i = 0; i < x().size(); ++i) {
      const auto [mant, e] = rule.at(i);
      if (mant < 0 || e < -31 || e > 30) wrong(text::cat("multiplier ", mant, " with exponent ", e, " out of range"));
      const Interval a = x().interval(i);
      const Wide limit = Wide{INT32_MAX} >> (rule.rounding == fixed::Rounding::twice ? std::max(e, 0) : 0);
      if (a.lo < -limit - 1 || a.hi > limit)
        wrong(text::cat("accumulator reaches ", a.str(), ", beyond 32 bits"), "int8 scaling takes 32-bit sums");
      out.elements.push_back({rule(static_cast<std::int32_t>(a.lo), i), rule(static_cast<std::int32_t>(a.hi), i)});
    }
    return out;
  }

  /// Image of the indices first..last of a table, cut at its end.
  static Interval entries(const Table& table, Wide first, Wide last) {
    const auto end = static_cast<Wide>(table.values.size()) - 1;
    const auto a = table.values.begin() + static_cast<std::ptrdiff_t>(std::min(first, end));
    const auto b = table.values.begin() + static_cast<std::ptrdiff_t>(std::min(last, end)) + 1;
    return {*std::min_element(a, b), *std::max_element(a, b)};
  }

  void check_reach(const op::Lut& op, const Table& table, Wide index, bool lowest) const {
    const auto n = static_cast<Wide>(table.values.size());
    if (op.clamp || index < n || (lowest && index == n)) return;
    wrong(text::cat("table '", text::printable(op.table), "' has ", table.values.size(),
                    " entries, its input reaches index ", fixed::to_string(index)),
          "extend the table, put a requant before it, or set clamp if its last entry is meant for all beyond");
  }

  Interval looked_up(const op::Lut& op, const Table& table, Interval a, const FxType& in) const {
    if (op.fold == Fold::none) {
      const Wide base = Wide{in.lo()} >> op.drop, last = (a.hi >> op.drop) - base;
      check_reach(op, table, last, false);
      return entries(table, (a.lo >> op.drop) - base, last);
    }
    const Wide one = op.fold == Fold::half ? Wide{1} << table.type.f : 0;
    std::optional<Interval> out;
    if (a.hi >= 0) {
      check_reach(op, table, a.hi >> op.drop, false);
      out = entries(table, std::max<Wide>(a.lo, 0) >> op.drop, a.hi >> op.drop);
    }
    if (a.lo < 0) {
      check_reach(op, table, -a.lo >> op.drop, a.lo == in.lo());
      const Interval low = Interval{one, one} - entries(table, -std::min<Wide>(a.hi, -1) >> op.drop, -a.lo >> op.drop);
      out = out ? fixed::hull(*out, low) : low;
    }
    return *out;
  }

  Result rule(const op::Lut& op) const {
    const Table& table = graph_.table(op.table);
    if (op.drop < 0 || op.drop > fixed::kMaxWidth) wrong(text::cat("drop ", op.drop, " is not within 0..62"));
    if (op.fold == Fold::half && (table.type.f < 0 || table.type.f > fixed::kMaxWidth))
      wrong("fold half needs a table with 0..62 fraction bits");
    Result out{.shape = x().shape};
    std::optional<Interval> last_in, last_out;
    Interval all{table.type.lo(), table.type.hi()};
    for (std::size_t i = 0; i < x().size(); ++i) {
      const Interval a = x().interval(i);
      if (!last_in || !(*last_in == a) || !x().format.uniform()) last_out = looked_up(op, table, a, x().format.at(i));
      last_in = a;
      out.elements.push_back(*last_out);
      if (!all.contains(*last_out))
        wrong(text::cat("results ", last_out->str(), " do not fit the table's ", table.type.str()),
              "give the table a wider (signed) type");
    }
    out.format = Format{table.type};
    return out;
  }

  Result summed(int axis, int added_f) const {
    axis_of(axis);
    if (axis + 1 == static_cast<int>(x().shape.size())) common_fraction();
    Result out{.shape = x().shape};
    const auto length = static_cast<std::size_t>(out.shape[static_cast<std::size_t>(axis)]);
    std::size_t inner = 1;
    for (std::size_t d = static_cast<std::size_t>(axis) + 1; d < out.shape.size(); ++d)
      inner *= static_cast<std::size_t>(out.shape[d]);
    out.shape.erase(out.shape.begin() + axis);
    if (out.shape.empty()) out.shape = {1};
    const std::size_t count = element_count(out.shape);
    for (std::size_t e = 0; e < count; ++e) {
      const std::size_t first = e / inner * inner * length + e % inner;
      Interval sum{};
      for (std::size_t k = 0; k < length; ++k) sum = sum + x().interval(first + k * inner);
      out.elements.push_back(sum);
      out.f.push_back((length == 0 ? x().format.type.f : x().format.at(first).f) + added_f);
    }
    return out;
  }
  Result rule(const op::Sum& op) const { return summed(op.axis, 0); }
  Result rule(const op::AvgShift& op) const {
    if (op.d < 0 || op.d > fixed::kMaxWidth) wrong(text::cat("d ", op.d, " is not within 0..62"));
    return summed(op.axis, op.d);
  }

  /// Data movement keeps formats: one for all if the sources agree, else one per channel.
  Result moved(Dims shape) const {
    Result out{.shape = std::move(shape)};
    element_count(out.shape);
    std::vector<FxType> types;
    for (const Source& source : moved_elements(graph_, node_)) {
      const TensorInfo& from = x(static_cast<std::size_t>(source.input));
      out.elements.push_back(from.interval(source.element));
      types.push_back(from.format.at(source.element));
      out.f.push_back(types.back().f);
    }
    const bool same = std::all_of(types.begin(), types.end(), [&](const FxType& t) { return t == types[0]; });
    if (same) out.format = Format{types.empty() ? x().format.type : types[0]};
    return out;
  }
  Result rule(const op::Concat& op) const {
    axis_of(op.axis);
    const auto axis = static_cast<std::size_t>(op.axis);
    Dims shape = x().shape;
    for (std::size_t k = 1; k < node_.inputs.size(); ++k) {
      Dims other = x(k).shape;
      const std::int64_t added = axis < other.size() ? other[axis] : 0;
      if (axis < other.size()) other[axis] = x().shape[axis];
      if (other != x().shape)
        wrong(text::cat("cannot join shapes ", text_of(x().shape), " and ", text_of(x(k).shape), " along axis ", axis));
      shape[axis] += added;
    }
    return moved(std::move(shape));
  }
  Result rule(const op::Reshape& op) const {
    if (element_count(op.shape) != x().size())
      wrong(text::cat(x().size(), " elements of ", text_of(x().shape), " into ", text_of(op.shape)));
    return moved(op.shape);
  }
  Result rule(const op::Slice& op) const {
    Dims shape = x().shape;
    auto& length = shape[static_cast<std::size_t>(axis_of(op.axis))];
    if (op.begin < 0 || op.begin > op.end || op.end > length)
      wrong(text::cat("elements ", op.begin, " to ", op.end, " of an axis of ", length));
    length = op.end - op.begin;
    return moved(std::move(shape));
  }
  Result rule(const op::Select& op) const {
    Dims shape = x().shape;
    auto& length = shape[static_cast<std::size_t>(axis_of(op.axis))];
    for (const std::int64_t index : op.indices)
      if (index < 0 || index >= length) wrong(text::cat("index ", index, " of an axis of ", length));
    length = static_cast<std::int64_t>(op.indices.size());
    return moved(std::move(shape));
  }
  Result rule(const op::Output&) const { return {}; }

  const Graph& graph_;
  const std::string& name_;
  const Node& node_;
};

/// Smallest format: one type if all fractions agree, else one per channel.
Format inferred_format(const Inference& inference, const Result& result, const std::string& title) {
  if (result.elements.empty()) return {FxType{1, false, result.f.empty() ? 0 : result.f[0]}};
  const auto channels = static_cast<std::size_t>(result.shape.back());
  const bool same = std::all_of(result.f.begin(), result.f.end(), [&](int f) { return f == result.f[0]; });
  const std::size_t groups = same ? 1 : channels;
  std::vector<Interval> hulls(result.elements.begin(), result.elements.begin() + static_cast<std::ptrdiff_t>(groups));
  for (std::size_t i = 0; i < result.elements.size(); ++i) {
    hulls[i % groups] = fixed::hull(hulls[i % groups], result.elements[i]);
    if (result.f[i] != result.f[i % groups])
      inference.wrong("elements of one channel differ in fraction bits", "put a requant to one format before it");
  }
  Format format{fixed::type_of(hulls[0], result.f[0], title)};
  for (std::size_t c = 0; !same && c < channels; ++c)
    format.channels.push_back(fixed::type_of(hulls[c], result.f[c], title));
  return format;
}

void check_width(const Inference& inference, const Result& result) {
  for (std::size_t i = 0; i < result.elements.size(); ++i) {
    const int width = fixed::width_of(result.elements[i]);
    if (width > fixed::kMaxWidth)
      inference.wrong(text::cat("element ", i, " reaches ", result.elements[i].str(), ", which needs ", width,
                                " bits; the limit is ", fixed::kMaxWidth),
                      "put a requant with fewer bits before it");
  }
}

void check_declared(const Inference& inference, const Result& result, const Format& format, const Format& declared) {
  if (result.format && !(declared == format) && !result.elements.empty())
    inference.wrong(text::cat("declared as ", declared.type.str(), " but the operator makes ", format.type.str()),
                    "state the same format twice or leave the tensor undeclared");
  if (!declared.uniform() && declared.channels.size() != static_cast<std::size_t>(result.shape.back()))
    inference.wrong(text::cat(declared.channels.size(), " channel formats for ", result.shape.back(), " channels"));
  for (std::size_t i = 0; i < result.elements.size(); ++i) {
    const FxType& type = declared.at(i);
    if (type.f != format.at(i).f)
      inference.wrong(text::cat("declared with ", type.f, " fraction bits, the result has ", format.at(i).f));
    if (fixed::range_of(type).contains(result.elements[i])) continue;
    const FxType needed = fixed::type_of(result.elements[i], type.f, inference.title());
    inference.wrong(
        text::cat("declared width ", type.w, " is too small: element ", i, " reaches ", result.elements[i].str()),
        text::cat("declare at least ", needed.str(), " or put a requant before it"));
  }
}

}  // namespace

TensorId Graph::append(std::string tensor_name, Op op, std::vector<TensorId> inputs, std::optional<Format> declared) {
  Node node{std::move(op), std::move(inputs), -1};
  const bool is_output = std::holds_alternative<op::Output>(node.op);
  const Inference inference(*this, tensor_name, node);
  if (!is_output && find(tensor_name)) inference.wrong("a tensor of this name exists already");
  Result result = Inference(*this, tensor_name, node).run();
  if (!is_output) {
    check_width(inference, result);
    Format format = result.format ? *result.format : inferred_format(inference, result, inference.title());
    if (declared) {
      fixed::check(declared->type, inference.title());
      for (const FxType& type : declared->channels) fixed::check(type, inference.title());
      check_declared(inference, result, format, *declared);
      format = *declared;
    }
    TensorInfo info;
    info.name = std::move(tensor_name);
    info.shape = std::move(result.shape);
    info.format = std::move(format);
    info.declared = declared.has_value();
    info.producer = static_cast<int>(nodes.size());
    for (const Interval& element : result.elements) {
      info.lo.push_back(static_cast<std::int64_t>(element.lo));
      info.hi.push_back(static_cast<std::int64_t>(element.hi));
    }
    node.output = static_cast<TensorId>(tensors.size());
    tensors.push_back(std::move(info));
  }
  nodes.push_back(std::move(node));
  return nodes.back().output;
}

}  // namespace thimble::hw

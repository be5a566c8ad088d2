#pragma once
// FXIR, the exact integer graph: interpreter, C and Verilog are three printers of it.
//
// Every value is a stored integer q of a format fx(w, s, f) and means q * 2^-f. Every operator is a total function on
// integers; information is lost only in requant, mulshift and lut. Each element carries its exact reachable interval,
// computed when its node is appended, so a graph in memory is always checked: shapes agree, every reference points
// backwards, every declared width holds its interval, nothing needs more than 62 bits.

#include "core/fixed/interval.h"
#include "core/fixed/mulshift.h"
#include "core/fixed/type.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace thimble::hw {

using fixed::FxType;
using fixed::Interval;

using TensorId = int;  // index into Graph::tensors
using Dims = std::vector<std::int64_t>;

/// Format of a tensor: one for all elements, or one per channel of the last axis.
struct Format {
  FxType type;
  std::vector<FxType> channels = {};  // empty: `type` for all

  /// Format of the element with this flat row-major index.
  const FxType& at(std::size_t element) const { return channels.empty() ? type : channels[element % channels.size()]; }
  bool uniform() const { return channels.empty(); }
  bool operator==(const Format&) const = default;
};

/// One edge of the graph. Row-major, channels last, no batch axis.
struct TensorInfo {
  std::string name;  // as the user wrote it; sanitise before it becomes an identifier
  Dims shape = {};
  Format format = {};
  bool declared = false;                       // the format was stated, not inferred; it is written back when saved
  std::vector<std::int64_t> lo = {}, hi = {};  // exact reachable interval of each element, in stored integers
  int producer = -1;                           // index into Graph::nodes

  std::size_t size() const { return lo.size(); }
  std::size_t channels() const { return static_cast<std::size_t>(shape.back()); }
  Interval interval(std::size_t element) const { return {lo[element], hi[element]}; }
  /// Hull over all elements.
  Interval interval() const;
  /// Smallest type that holds this element: what a register for it needs.
  FxType tight(std::size_t element) const;
};

/// Integers of a look-up table, computed once when the graph is made; consumers never recompute them.
struct Table {
  std::string name;
  FxType type;
  std::vector<std::int64_t> values = {};
};

enum class Fold : std::uint8_t { none, odd, half };

std::string_view name(Fold fold);  // "none", "odd", "half"

/// The operators. "channel" means an index of the last axis; f_x is the fraction of the input.
namespace op {

/// A port. Elements come from outside; `interval` narrows the full range of the format: empty, one for all, or one
/// per element.
struct Input {
  Dims shape;
  Format format;
  std::vector<Interval> interval = {};
};
/// Fixed integers, row-major.
struct Const {
  Dims shape;
  Format format;
  std::vector<std::int64_t> data;
};
/// y[..., j] = sum_i K[i][j] * x[..., i] + bias[j], f_j = f_x + frac_j. All channels of x share one f. No rows or no
/// columns is allowed (a pruned layer): then y = bias, or y is empty.
struct Cmvm {
  std::int64_t n_in = 0, n_out = 0;
  std::vector<std::int64_t> weights = {};  // K, row-major [n_in][n_out]
  std::vector<int> frac = {0};             // fraction bits of K: one, or one per column
  std::vector<std::int64_t> bias = {};     // in the scale of y; empty: 0

  std::int64_t weight(std::int64_t i, std::int64_t j) const { return weights[static_cast<std::size_t>(i * n_out + j)]; }
  std::int64_t bias_at(std::int64_t j) const { return bias.empty() ? 0 : bias[static_cast<std::size_t>(j)]; }
  int frac_at(std::int64_t j) const { return frac.size() == 1 ? frac[0] : frac[static_cast<std::size_t>(j)]; }
};
/// Correlation along the first axis of x [L, n_in] -> [outputs(L), n_out]:
///   y[p, o] = bias[o] + sum_t sum_i K[t][i][o] * x[p * stride + t * dilation - before, first(o) + i]
/// with f_o = f_x + frac_o; positions outside 0..L-1 read `pad`. Output channel o sees the n_in / groups channels of
/// its group, which begin at first(o). All channels of x share one f.
struct Conv1d {
  std::int64_t taps = 1, n_in = 1, n_out = 1;
  std::vector<std::int64_t> weights = {};  // K, row-major [taps][n_in / groups][n_out]
  std::int64_t stride = 1, dilation = 1, groups = 1;
  std::int64_t before = 0, after = 0, pad = 0;  // positions of padding, and the integer that stands there
  std::vector<int> frac = {0};                  // fraction bits of K: one, or one per output channel
  std::vector<std::int64_t> bias = {};          // in the scale of y; empty: 0

  std::int64_t group_in() const { return n_in / groups; }
  std::int64_t first(std::int64_t o) const { return o / (n_out / groups) * group_in(); }
  std::int64_t weight(std::int64_t t, std::int64_t i, std::int64_t o) const {
    return weights[static_cast<std::size_t>((t * group_in() + i) * n_out + o)];
  }
  std::int64_t bias_at(std::int64_t o) const { return bias.empty() ? 0 : bias[static_cast<std::size_t>(o)]; }
  int frac_at(std::int64_t o) const { return frac.size() == 1 ? frac[0] : frac[static_cast<std::size_t>(o)]; }
  /// Positions between the first and the last that one output looks at.
  std::int64_t span() const { return (taps - 1) * dilation + 1; }
  std::int64_t outputs(std::int64_t length) const {
    const std::int64_t room = length + before + after - span();
    return room < 0 ? 0 : room / stride + 1;
  }
  /// Position that a tap of output p looks at; outside 0..L-1 is padding.
  std::int64_t source(std::int64_t p, std::int64_t t) const { return p * stride + t * dilation - before; }
};
/// a * 2^(f - f_a) + b * 2^(f - f_b), f = max(f_a, f_b); equal shapes.
struct Add {};
/// a * 2^(f - f_a) - b * 2^(f - f_b), f = max(f_a, f_b); equal shapes.
struct Sub {};
/// x + c[channel], c in the scale of x; one value or one per channel.
struct ConstAdd {
  std::vector<std::int64_t> c;
};
/// max(x, 0)
struct Relu {};
/// |x|
struct Abs {};
/// -x
struct Neg {};
/// x >= 0: x * 2^n; x < 0: sign * x; f = f_x + n. sign +1 is the slope 2^-n, -1 the slope -2^-n (n = 0: |x|).
struct LeakyShift {
  int n = 0;
  int sign = 1;
};
/// convert(x, f_x -> format, round, overflow): round to the new fraction, then treat the overflow.
struct Requant {
  Format format;
  fixed::Round round = fixed::Round::trn;
  fixed::Overflow overflow = fixed::Overflow::wrap;
};
/// clamp(zero + M_c(x), act_min, act_max), f = 0; x must fit 32 bits.
struct MulShift {
  fixed::MulShift rule;
};
/// Table look-up, element by element.
///   fold none: table[(x >> drop) - (L >> drop)], L the lowest integer of the input's format
///   fold odd:  i = min(|x| >> drop, N - 1); x < 0 ? -table[i] : table[i]
///   fold half: the same i;                  x < 0 ? 2^f - table[i] : table[i], f the fraction of `type`
/// A folded table has an entry for every magnitude that occurs, except that the lowest integer -2^(w-1) may fall on
/// the last one; a shorter table is refused unless `clamp` says that its last entry is meant for all beyond.
struct Lut {
  std::string table;  // name in Graph::tables; its type is the type of the result
  Fold fold = Fold::none;
  int drop = 0;
  bool clamp = false;
};
/// Sum over one axis, which disappears (a last remaining axis becomes 1).
struct Sum {
  int axis = 0;
};
/// The same sum with f = f_x + d: division by 2^d without loss.
struct AvgShift {
  int axis = 0;
  int d = 0;
};
/// Joins along an axis.
struct Concat {
  int axis = 0;
};
/// The same elements in another shape.
struct Reshape {
  Dims shape;
};
/// Elements begin <= i < end of an axis.
struct Slice {
  int axis = 0;
  std::int64_t begin = 0, end = 0;
};
/// Elements of an axis by their indices, in this order; an index may be used more than once.
struct Select {
  int axis = 0;
  std::vector<std::int64_t> indices;
};
/// A port. Its tensor leaves the design; several outputs follow one another in node order.
struct Output {};

}  // namespace op

/// Every consumer visits all of them; the compiler names the visitor that forgot one.
using Op = std::variant<op::Input, op::Const, op::Cmvm, op::Add, op::Sub, op::ConstAdd, op::Relu, op::Abs, op::Neg,
                        op::LeakyShift, op::Requant, op::MulShift, op::Lut, op::Sum, op::AvgShift, op::Concat,
                        op::Reshape, op::Slice, op::Select, op::Conv1d, op::Output>;

/// Name of the operator as it stands in the file: "cmvm", "requant".
std::string_view op_name(const Op& op);

/// A node makes one tensor and is named by it; only `output` makes none.
struct Node {
  Op op;
  std::vector<TensorId> inputs = {};
  TensorId output = -1;
};

/// How the hardware is timed; values never depend on it.
struct Schedule {
  std::string mode = "combinational";  // combinational, pipeline, serial, stream
  int levels_per_stage = 0;
  int ii = 1;
};

/// The graph. Read the members freely; change them only through append, add_table and the loader, which keep it
/// checked.
struct Graph {
  std::string name = "net";
  std::map<std::string, std::string> meta = {};
  std::vector<TensorInfo> tensors = {};
  std::vector<Node> nodes = {};  // topological order
  std::vector<Table> tables = {};
  std::optional<Schedule> schedule = {};

  /// Adds a node that makes a tensor of this name; infers shape, format and exact intervals. A declared format must
  /// have the fraction of the result and hold its interval (requant, lut: be the format of the operator).
  /// Throws Error(data) naming the node and the remedy. For op::Output the name is ignored and -1 returned.
  TensorId append(std::string name, Op op, std::vector<TensorId> inputs = {}, std::optional<Format> declared = {});
  /// Throws Error(data) for a second table of that name or a value outside its type.
  void add_table(Table table);

  const TensorInfo& tensor(TensorId id) const { return tensors[static_cast<std::size_t>(id)]; }
  /// Throws Error(data) with the nearest known name.
  const Table& table(std::string_view name) const;
  std::optional<TensorId> find(std::string_view tensor_name) const;
  /// Tensors of the ports, in node order.
  std::vector<TensorId> inputs() const;
  std::vector<TensorId> outputs() const;
  /// Elements of all ports together: the length of a stimulus or expectation vector.
  std::size_t input_size() const;
  std::size_t output_size() const;
};

/// Where an element of a moved tensor comes from.
struct Source {
  int input;            // which input of the node
  std::size_t element;  // flat index in that tensor
};

/// For concat, reshape, slice and select: the source of every element of the result, in order. They cost no hardware.
std::vector<Source> moved_elements(const Graph& graph, const Node& node);

/// Left shifts (a, b) that align the operands of add and sub for one element.
std::pair<int, int> alignment(const Graph& graph, const Node& node, std::size_t element);

/// Largest magnitude of any partial sum of a cmvm or conv1d, in any order: sum_i |K_ij| * max|x_i| + |b_j|, over all
/// columns. Decides whether float32 (< 2^24) or float64 (< 2^53) evaluate the node exactly.
fixed::Wide partial_sum_bound(const Graph& graph, const Node& node);

/// Overload set for std::visit.
template <class... F>
struct Visitor : F... {
  using F::operator()...;
};
template <class... F>
Visitor(F...) -> Visitor<F...>;

}  // namespace thimble::hw

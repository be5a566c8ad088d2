#include "hw/sim/interpreter.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"
#include "core/parallel/blocks.h"

#include "hw/sim/evaluate.h"
#include "hw/sim/rows.h"

#include <array>

namespace thimble::hw {

/// Hides the working integer.
class Interpreter::Engine {
 public:
  virtual ~Engine() = default;
  virtual void run(const Vectors& in, Vectors& out) const = 0;

  explicit Engine(const Graph& g) : graph(g) {}

  Graph graph;
  std::vector<Unit> units;
};

namespace {

using fixed::Wide;

constexpr std::size_t kLanes = 16;         // vectors computed together
constexpr std::size_t kBlocksPerTask = 8;  // lane groups per piece of parallel work

Wide largest(Interval a) {
  return std::max(a.hi, -a.lo);
}

/// Conversions that the row loops take: the others (left shifts out of range) go through core/fixed one by one.
bool is_plain(Interval in, int f_in, const FxType& to, int limit_bits) {
  const int k = f_in - to.f;
  const Wide limit = Wide{1} << limit_bits;
  if (std::max<Wide>(to.hi(), -to.lo()) >= limit) return false;
  if (k > 0) return k < limit_bits && largest(in) + (Wide{1} << k) < limit;
  return k > -limit_bits && largest(in) * (Wide{1} << -k) < limit;
}

/// True if every value and every intermediate of the node fits 32 bits.
bool fits_narrow(const Graph& graph, const Node& node) {
  const Wide limit = Wide{1} << 31;
  const auto fits = [&](TensorId id) {
    return graph.tensor(id).size() == 0 || largest(graph.tensor(id).interval()) < limit;
  };
  if (node.output >= 0 && !fits(node.output)) return false;
  const auto x = [&](std::size_t i = 0) -> const TensorInfo& { return graph.tensor(node.inputs[i]); };
  const auto aligned = [&] {
    for (std::size_t i = 0; i < x().size(); ++i) {
      const auto [a, b] = alignment(graph, node, i);
      if (largest(fixed::shifted_left(x(0).interval(i), a)) >= limit) return false;
      if (largest(fixed::shifted_left(x(1).interval(i), b)) >= limit) return false;
    }
    return true;
  };
  const auto summed = [&](int axis) {
    return largest(x().interval()) * static_cast<Wide>(x().shape[static_cast<std::size_t>(axis)]) < limit;
  };
  return std::visit(
      Visitor{[&](const op::Cmvm&) { return partial_sum_bound(graph, node) < Wide{1} << 53; },
              [&](const op::Conv1d&) { return partial_sum_bound(graph, node) < Wide{1} << 53; },
              [&](const op::Lut& op) {
                const Table& table = graph.table(op.table);
                return (op.fold != Fold::half || table.type.f < 31) &&
                       std::all_of(table.values.begin(), table.values.end(), [&](std::int64_t v) {
                         return largest({v, v}) < limit;
                       });
              },
              [&](const op::Add&) { return aligned(); }, [&](const op::Sub&) { return aligned(); },
              [&](const op::ConstAdd& op) {
                return std::all_of(op.c.begin(), op.c.end(), [&](std::int64_t c) { return largest({c, c}) < limit; });
              },
              [&](const op::Sum& op) { return summed(op.axis); },
              [&](const op::AvgShift& op) { return summed(op.axis); }, [](const auto&) { return true; }},
      node.op);
}

// Eight floats or four doubles of one register; unaligned, because rows lie where they lie.
template <class Real>
struct Simd;
template <>
struct Simd<float> {
  using Register [[gnu::vector_size(32), gnu::aligned(4), gnu::may_alias]] = float;
};
template <>
struct Simd<double> {
  using Register [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = double;
};

/// acc[j] = bias[j] + sum_i K[j][i] * x[i], sixteen lanes each, Columns outputs at once. w is [i][Columns].
template <class Real, int Columns>
void dot_columns(const Real* x, const Real* w, const Real* bias, Real* y, std::size_t n_in) {
  using Register = typename Simd<Real>::Register;
  constexpr std::size_t kPer = sizeof(Register) / sizeof(Real), kRegisters = kLanes / kPer;
  Register sums[Columns][kRegisters];
  for (int j = 0; j < Columns; ++j)
    for (std::size_t r = 0; r < kRegisters; ++r) sums[j][r] = Register{} + bias[j];
  for (std::size_t i = 0; i < n_in; ++i)
    for (std::size_t r = 0; r < kRegisters; ++r) {
      const Register value = *reinterpret_cast<const Register*>(x + i * kLanes + r * kPer);
      for (int j = 0; j < Columns; ++j) sums[j][r] += value * w[i * Columns + static_cast<std::size_t>(j)];
    }
  for (int j = 0; j < Columns; ++j)
    for (std::size_t r = 0; r < kRegisters; ++r)
      *reinterpret_cast<Register*>(y + static_cast<std::size_t>(j) * kLanes + r * kPer) = sums[j][r];
}

/// A constant matrix in floating point, packed in groups of columns. Exact because no partial sum leaves the mantissa.
template <class Real>
class RealMatrix {
 public:
  static constexpr std::size_t kColumns = sizeof(Real) == 4 ? 4 : 2;

  explicit RealMatrix(const op::Cmvm& op)
      : n_in_(static_cast<std::size_t>(op.n_in)), n_out_(static_cast<std::size_t>(op.n_out)) {
    for (std::size_t j = 0; j < n_out_; j += kColumns) {
      for (std::size_t i = 0; i < n_in_; ++i)
        for (std::size_t c = j; c < j + kColumns; ++c)
          weights_.push_back(
              c < n_out_ ? static_cast<Real>(op.weight(static_cast<std::int64_t>(i), static_cast<std::int64_t>(c)))
                         : Real{0});
      for (std::size_t c = j; c < j + kColumns; ++c)
        bias_.push_back(c < n_out_ ? static_cast<Real>(op.bias_at(static_cast<std::int64_t>(c))) : Real{0});
    }
  }

  template <class T>
  void apply(const T* x, T* y) const {
    thread_local std::vector<Real> in;
    in.resize(n_in_ * kLanes);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<Real>(x[i]);
    Real sums[kColumns * kLanes];
    for (std::size_t j = 0; j < n_out_; j += kColumns) {
      dot_columns<Real, static_cast<int>(kColumns)>(in.data(), weights_.data() + j * n_in_, bias_.data() + j, sums,
                                                    n_in_);
      const std::size_t count = std::min(kColumns, n_out_ - j) * kLanes;
      for (std::size_t i = 0; i < count; ++i) y[j * kLanes + i] = static_cast<T>(sums[i]);
    }
  }

 private:
  std::size_t n_in_, n_out_;
  std::vector<Real> weights_, bias_;
};

/// A correlation over the padded input, sixteen lanes; Number is exact for every partial sum (uint64_t: modulo 2^64).
template <class Number>
class Correlation {
 public:
  Correlation(const op::Conv1d& op, std::int64_t length) : op_(op), length_(static_cast<std::size_t>(length)) {
    for (const std::int64_t w : op.weights) weights_.push_back(static_cast<Number>(w));
  }

  template <class T>
  void apply(const T* x, T* y) const {
    thread_local std::vector<Number> in;
    const std::size_t row = static_cast<std::size_t>(op_.n_in) * kLanes;
    const std::size_t before = static_cast<std::size_t>(op_.before) * row,
                      after = static_cast<std::size_t>(op_.after) * row;
    in.assign(before + length_ * row + after, static_cast<Number>(op_.pad));
    for (std::size_t i = 0; i < length_ * row; ++i) in[before + i] = static_cast<Number>(x[i]);
    const std::int64_t count = op_.outputs(static_cast<std::int64_t>(length_));
    for (std::int64_t p = 0; p < count; ++p)
      for (std::int64_t o = 0; o < op_.n_out; ++o, y += kLanes)
        one(in.data() + static_cast<std::size_t>(p * op_.stride) * row, o, y);
  }

 private:
  template <class T>
  void one(const Number* patch, std::int64_t o, T* y) const {
    Number sums[kLanes];
    for (Number& sum : sums) sum = static_cast<Number>(op_.bias_at(o));
    const Number* w = weights_.data() + o;
    for (std::int64_t t = 0; t < op_.taps; ++t) {
      const Number* at = patch + static_cast<std::size_t>(t * op_.dilation * op_.n_in + op_.first(o)) * kLanes;
      for (std::int64_t i = 0; i < op_.group_in(); ++i, at += kLanes, w += op_.n_out)
        for (std::size_t l = 0; l < kLanes; ++l) sums[l] += *w * at[l];
    }
    for (std::size_t l = 0; l < kLanes; ++l) y[l] = static_cast<T>(sums[l]);
  }

  op::Conv1d op_;
  std::size_t length_;
  std::vector<Number> weights_;
};

/// Evaluation in one working integer. Tensors lie one after another in an arena, element by element, sixteen lanes
/// each.
template <class T>
class TypedEngine : public Interpreter::Engine {
 public:
  explicit TypedEngine(const Graph& g) : Engine(g), graph_(Engine::graph) {
    for (const TensorInfo& tensor : graph_.tensors) {
      offsets_.push_back(arena_);
      arena_ += tensor.size() * kLanes;
    }
    for (const Node& node : graph_.nodes) prepare(node);
  }

  void run(const Vectors& in, Vectors& out) const override {
    const std::size_t rows = in.rows(), per_task = kLanes * kBlocksPerTask;
    const std::size_t tasks = (rows + per_task - 1) / per_task;
    parallel_blocks(static_cast<std::int64_t>(tasks), [&](std::int64_t number) {
      const auto task = static_cast<std::size_t>(number);
      std::vector<T> arena(arena_);
      for (std::size_t first = task * per_task; first < std::min(rows, (task + 1) * per_task); first += kLanes)
        run_lanes(in, out, first, std::min(kLanes, rows - first), arena.data());
    });
  }

 private:
  using Step = std::function<void(T* arena)>;

  void run_lanes(const Vectors& in, Vectors& out, std::size_t first, std::size_t count, T* arena) const {
    std::size_t column = 0;
    for (const TensorId id : graph_.inputs())
      for (std::size_t e = 0; e < graph_.tensor(id).size(); ++e, ++column)
        for (std::size_t l = 0; l < kLanes; ++l)  // idle lanes repeat the last vector, which is inside every interval
          arena[at(id) + e * kLanes + l] =
              static_cast<T>(in.data[(first + std::min(l, count - 1)) * in.width + column]);
    for (const Step& step : steps_) step(arena);
    column = 0;
    for (const TensorId id : graph_.outputs())
      for (std::size_t e = 0; e < graph_.tensor(id).size(); ++e, ++column)
        for (std::size_t l = 0; l < count; ++l)
          out.data[(first + l) * out.width + column] = arena[at(id) + e * kLanes + l];
  }

  std::size_t at(TensorId id) const { return offsets_[static_cast<std::size_t>(id)]; }
  const TensorInfo& x(std::size_t i = 0) const { return graph_.tensor(node_->inputs[i]); }
  const TensorInfo& y() const { return graph_.tensor(node_->output); }
  std::size_t xo(std::size_t i = 0) const { return at(node_->inputs[i]); }
  std::size_t yo() const { return at(node_->output); }

  /// 2^n; only zero is ever multiplied by a power that T cannot hold.
  static T power(int n) { return n < static_cast<int>(sizeof(T)) * 8 - 1 ? static_cast<T>(T{1} << n) : T{0}; }

  void prepare(const Node& node) {
    if (node.output < 0) return;
    node_ = &node;
    std::visit([this](const auto& op) { this->step(op); }, node.op);
  }

  /// The same rule for all elements.
  template <class F>
  void whole(F f) {
    steps_.push_back(
        [f, x0 = xo(), y0 = yo(), n = y().size() * kLanes](T* arena) { map_row(arena + x0, arena + y0, n, f); });
  }
  /// rule(element) -> function of an integer.
  template <class Rule>
  void per_element(Rule rule) {
    steps_.push_back([rule, x0 = xo(), y0 = yo(), n = y().size()](T* arena) {
      for (std::size_t e = 0; e < n; ++e) map_row(arena + x0 + e * kLanes, arena + y0 + e * kLanes, kLanes, rule(e));
    });
  }

  void step(const op::Input&) {}
  void step(const op::Const& op) {
    steps_.push_back([data = op.data, y0 = yo()](T* arena) {
      for (std::size_t i = 0; i < data.size() * kLanes; ++i) arena[y0 + i] = static_cast<T>(data[i / kLanes]);
    });
  }

  template <class Matrix>
  void multiply(const op::Cmvm& op) {
    const std::size_t n_in = static_cast<std::size_t>(op.n_in) * kLanes,
                      n_out = static_cast<std::size_t>(op.n_out) * kLanes;
    const std::size_t positions = n_out == 0 ? 0 : y().size() * kLanes / n_out;
    steps_.push_back([matrix = Matrix(op), n_in, n_out, positions, x0 = xo(), y0 = yo()](T* arena) {
      for (std::size_t p = 0; p < positions; ++p) matrix.apply(arena + x0 + p * n_in, arena + y0 + p * n_out);
    });
  }
  /// Sums modulo 2^64; whatever the order, the final sum fits.
  class IntegerMatrix {
   public:
    explicit IntegerMatrix(const op::Cmvm& op) : op_(op) {}
    void apply(const T* x, T* y) const {
      for (std::int64_t j = 0; j < op_.n_out; ++j)
        for (std::size_t l = 0; l < kLanes; ++l) {
          auto sum = static_cast<std::uint64_t>(op_.bias_at(j));
          for (std::int64_t i = 0; i < op_.n_in; ++i)
            sum += static_cast<std::uint64_t>(op_.weight(i, j)) *
                   static_cast<std::uint64_t>(std::int64_t{x[static_cast<std::size_t>(i) * kLanes + l]});
          y[static_cast<std::size_t>(j) * kLanes + l] = static_cast<T>(sum);
        }
    }

   private:
    op::Cmvm op_;
  };
  /// Notes and returns the fastest unit that computes the sums of this node exactly.
  Unit unit() {
    const Wide bound = partial_sum_bound(graph_, *node_);
    units.push_back(bound < Wide{1} << 24 ? Unit::float32 : bound < Wide{1} << 53 ? Unit::float64 : Unit::int64);
    return units.back();
  }
  void step(const op::Cmvm& op) {
    unit();
    if (units.back() == Unit::float32) return multiply<RealMatrix<float>>(op);
    if (units.back() == Unit::float64) return multiply<RealMatrix<double>>(op);
    multiply<IntegerMatrix>(op);
  }

  void step(const op::Conv1d& op) {
    const Unit chosen = unit();
    if (chosen == Unit::float32) return correlate<float>(op);
    if (chosen == Unit::float64) return correlate<double>(op);
    correlate<std::uint64_t>(op);
  }
  template <class Number>
  void correlate(const op::Conv1d& op) {
    steps_.push_back([conv = Correlation<Number>(op, x().shape[0]), x0 = xo(), y0 = yo()](T* arena) {
      conv.apply(arena + x0, arena + y0);
    });
  }

  void step(const op::Add&) { joined(1); }
  void step(const op::Sub&) { joined(-1); }
  void joined(int sign) {
    std::vector<std::pair<T, T>> factors;
    for (std::size_t i = 0; i < y().size(); ++i) {
      const auto [a, b] = alignment(graph_, *node_, i);
      factors.emplace_back(power(a), static_cast<T>(sign * power(b)));
    }
    steps_.push_back([factors, a0 = xo(0), b0 = xo(1), y0 = yo()](T* arena) {
      for (std::size_t e = 0; e < factors.size(); ++e)
        for (std::size_t l = e * kLanes; l < (e + 1) * kLanes; ++l)
          arena[y0 + l] = static_cast<T>(arena[a0 + l] * factors[e].first + arena[b0 + l] * factors[e].second);
    });
  }

  void step(const op::ConstAdd& op) {
    per_element([c = op.c](std::size_t e) {
      return [k = static_cast<T>(c[e % c.size()])](T v) { return static_cast<T>(v + k); };
    });
  }
  void step(const op::Relu&) {
    whole([](T v) { return v < 0 ? T{0} : v; });
  }
  void step(const op::Abs&) {
    whole([](T v) { return static_cast<T>(v < 0 ? -v : v); });
  }
  void step(const op::Neg&) {
    whole([](T v) { return static_cast<T>(-v); });
  }
  void step(const op::LeakyShift& op) {
    whole([up = power(op.n), down = static_cast<T>(op.sign)](T v) { return static_cast<T>(v * (v < 0 ? down : up)); });
  }

  void step(const op::Requant& op) {
    constexpr int kBits = static_cast<int>(sizeof(T)) * 8 - 1;
    const bool uniform = op.format.uniform() && x().format.uniform();
    const std::size_t rows = uniform ? 1 : y().size(), length = uniform ? y().size() * kLanes : kLanes;
    for (std::size_t e = 0; e < rows && y().size() > 0; ++e) {
      const FxType to = op.format.at(e);
      const int f = x().format.at(e).f;
      const std::size_t x0 = xo() + e * kLanes, y0 = yo() + e * kLanes;
      const Interval in = uniform ? x().interval() : x().interval(e);
      if (is_plain(in, f, to, kBits))
        plain_requant(op, to, f - to.f, x0, y0, length);
      else
        steps_.push_back([=, round = op.round, over = op.overflow](T* arena) {
          for (std::size_t i = 0; i < length; ++i)
            arena[y0 + i] = static_cast<T>(fixed::convert(arena[x0 + i], f, to, round, over));
        });
    }
  }
  void plain_requant(const op::Requant& op, FxType to, int k, std::size_t x0, std::size_t y0, std::size_t n) {
    steps_.push_back([=, round = op.round, over = op.overflow](T* arena) {
      if (k > 0)
        round_row(arena + x0, arena + y0, n, k, round);
      else
        map_row(arena + x0, arena + y0, n, [up = static_cast<T>(T{1} << -k)](T v) { return static_cast<T>(v * up); });
      limit_row(arena + y0, n, to, over);
    });
  }

  void step(const op::MulShift& op) {
    per_element([rule = op.rule](std::size_t e) {
      return [&rule, e](T v) { return static_cast<T>(rule(static_cast<std::int32_t>(v), e)); };
    });
  }

  void step(const op::Lut& op) {
    const Table& table = graph_.table(op.table);
    std::vector<T> values;
    for (const std::int64_t value : table.values) values.push_back(static_cast<T>(value));
    const auto last = static_cast<T>(values.size() - 1);
    const int drop = std::min(op.drop, static_cast<int>(sizeof(T)) * 8 - 1);
    if (op.fold == Fold::none) {
      std::vector<T> base;
      for (std::size_t e = 0; e < y().size(); ++e) base.push_back(static_cast<T>(x().format.at(e).lo() >> op.drop));
      per_element([values, base, last, drop](std::size_t e) {
        return [&values, last, drop, b = base[e]](T v) {
          return values[static_cast<std::size_t>(std::min<T>(static_cast<T>((v >> drop) - b), last))];
        };
      });
      return;
    }
    const T one = op.fold == Fold::half ? static_cast<T>(T{1} << table.type.f) : T{0};
    whole([values, last, drop, one](T v) {
      const T value = values[static_cast<std::size_t>(std::min<T>(static_cast<T>((v < 0 ? -v : v) >> drop), last))];
      return static_cast<T>(v < 0 ? one - value : value);
    });
  }

  void step(const op::Sum& op) { summed(op.axis); }
  void step(const op::AvgShift& op) { summed(op.axis); }
  void summed(int axis) {
    const Dims& shape = x().shape;
    std::size_t inner = 1;
    for (std::size_t d = static_cast<std::size_t>(axis) + 1; d < shape.size(); ++d)
      inner *= static_cast<std::size_t>(shape[d]);
    const std::size_t outer = inner * static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
    steps_.push_back([=, x0 = xo(), y0 = yo(), n = x().size(), m = y().size()](T* arena) {
      std::fill(arena + y0, arena + y0 + m * kLanes, T{0});
      for (std::size_t e = 0; e < n; ++e)
        for (std::size_t l = 0; l < kLanes; ++l)
          arena[y0 + (e / outer * inner + e % inner) * kLanes + l] += arena[x0 + e * kLanes + l];
    });
  }

  void step(const op::Concat&) { moved(); }
  void step(const op::Reshape&) { moved(); }
  void step(const op::Slice&) { moved(); }
  void step(const op::Select&) { moved(); }
  void moved() {
    std::vector<std::size_t> from;
    for (const Source& source : moved_elements(graph_, *node_))
      from.push_back(xo(static_cast<std::size_t>(source.input)) + source.element * kLanes);
    steps_.push_back([from, y0 = yo()](T* arena) {
      for (std::size_t e = 0; e < from.size(); ++e)
        std::copy(arena + from[e], arena + from[e] + kLanes, arena + y0 + e * kLanes);
    });
  }
  void step(const op::Output&) {}

  const Graph& graph_;
  const Node* node_ = nullptr;
  std::vector<std::size_t> offsets_;
  std::size_t arena_ = 0;
  std::vector<Step> steps_;
};

/// Vectors come from files: the first element outside its interval is named.
void check_rows(const Graph& graph, const Vectors& in) {
  THIMBLE_CHECK(in.rows() == 0 || in.width == graph.input_size(), data, "vectors have ", in.width,
                " elements, the graph takes ", graph.input_size());
  std::vector<std::int64_t> lo, hi;
  for (const TensorId id : graph.inputs()) {
    const TensorInfo& port = graph.tensor(id);
    lo.insert(lo.end(), port.lo.begin(), port.lo.end());
    hi.insert(hi.end(), port.hi.begin(), port.hi.end());
  }
  for (std::size_t row = 0; row < in.rows(); ++row) {
    const std::int64_t* values = in.data.data() + row * in.width;
    bool inside = true;  // without a way out, so that many elements are compared at a time
    for (std::size_t i = 0; i < in.width; ++i) inside &= values[i] >= lo[i] && values[i] <= hi[i];
    if (!inside) check_input(graph, in.row(row), row);
  }
}

}  // namespace

Interpreter::Interpreter(const Graph& graph) {
  const bool narrow =
      std::all_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) { return fits_narrow(graph, node); });
  if (narrow)
    engine_ = std::make_unique<TypedEngine<std::int32_t>>(graph);
  else
    engine_ = std::make_unique<TypedEngine<std::int64_t>>(graph);
}
Interpreter::~Interpreter() = default;
Interpreter::Interpreter(Interpreter&&) noexcept = default;

Vectors Interpreter::run(const Vectors& in) const {
  check_rows(engine_->graph, in);
  Vectors out{.width = engine_->graph.output_size()};
  out.data.resize(in.rows() * out.width);
  engine_->run(in, out);
  return out;
}

const std::vector<Unit>& Interpreter::units() const {
  return engine_->units;
}

Vectors interpret(const Graph& graph, const Vectors& in) {
  return Interpreter(graph).run(in);
}

std::string_view name(Unit unit) {
  constexpr std::array<std::string_view, 3> kNames = {"float32", "float64", "int64"};
  return kNames[static_cast<std::size_t>(unit)];
}

}  // namespace thimble::hw

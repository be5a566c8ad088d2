#include "hw/sim/evaluate.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"

namespace thimble::hw {
namespace {

using fixed::Wide;
using Integers = std::vector<std::int64_t>;

std::int64_t table_value(const op::Lut& op, const Table& table, std::int64_t q, const FxType& in) {
  const auto last = static_cast<std::int64_t>(table.values.size()) - 1;
  const auto entry = [&](std::int64_t index) { return table.values[static_cast<std::size_t>(std::min(index, last))]; };
  if (op.fold == Fold::none) return entry((q >> op.drop) - (in.lo() >> op.drop));
  const std::int64_t value = entry((q < 0 ? -q : q) >> op.drop);
  if (q >= 0) return value;
  return op.fold == Fold::odd ? -value : (std::int64_t{1} << table.type.f) - value;
}

/// One node at a time; every rule is the sentence of graph.h.
class Evaluation {
 public:
  Evaluation(const Graph& graph, std::span<const std::int64_t> input)
      : graph_(graph), input_(input), values_(graph.tensors.size()) {}

  Values run() {
    for (const Node& node : graph_.nodes) {
      if (node.output < 0) continue;
      node_ = &node;
      auto& result = values_[static_cast<std::size_t>(node.output)];
      result = std::visit([this](const auto& op) { return rule(op); }, node.op);
      check(node, result);
    }
    return std::move(values_);
  }

 private:
  const Integers& x(std::size_t i = 0) const { return values_[static_cast<std::size_t>(node_->inputs[i])]; }
  const TensorInfo& x_info(std::size_t i = 0) const { return graph_.tensor(node_->inputs[i]); }

  void check(const Node& node, const Integers& result) const {
    const TensorInfo& info = graph_.tensor(node.output);
    THIMBLE_CHECK(result.size() == info.size(), internal, "node '", text::printable(info.name), "' made ",
                  result.size(), " elements instead of ", info.size());
    for (std::size_t i = 0; i < result.size(); ++i)
      THIMBLE_CHECK(info.lo[i] <= result[i] && result[i] <= info.hi[i], internal, "node '", text::printable(info.name),
                    "' element ", i, " = ", result[i], " is outside its proven interval ", info.interval(i).str());
  }

  template <class F>
  Integers each(F f) const {
    Integers out(x().size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = f(x()[i], i);
    return out;
  }

  Integers rule(const op::Input&) {
    const std::size_t count = graph_.tensor(node_->output).size();
    const auto from = input_.begin() + static_cast<std::ptrdiff_t>(consumed_);
    consumed_ += count;
    return {from, from + static_cast<std::ptrdiff_t>(count)};
  }
  Integers rule(const op::Const& op) const { return op.data; }

  Integers rule(const op::Cmvm& op) const {
    const std::size_t positions = op.n_in == 0 ? graph_.tensor(node_->output).size() /
                                                     static_cast<std::size_t>(std::max<std::int64_t>(op.n_out, 1))
                                               : x().size() / static_cast<std::size_t>(op.n_in);
    Integers out;
    for (std::size_t p = 0; p < positions; ++p)
      for (std::int64_t j = 0; j < op.n_out; ++j) {
        Wide sum = op.bias_at(j);
        for (std::int64_t i = 0; i < op.n_in; ++i)
          sum += Wide{op.weight(i, j)} * x()[p * static_cast<std::size_t>(op.n_in) + static_cast<std::size_t>(i)];
        out.push_back(static_cast<std::int64_t>(sum));
      }
    return out;
  }

  Integers rule(const op::Add&) const { return joined(1); }
  Integers rule(const op::Sub&) const { return joined(-1); }
  Integers joined(int sign) const {
    return each([&](std::int64_t a, std::size_t i) {
      const auto [shift_a, shift_b] = alignment(graph_, *node_, i);
      return a * (std::int64_t{1} << shift_a) + sign * x(1)[i] * (std::int64_t{1} << shift_b);
    });
  }

  Integers rule(const op::ConstAdd& op) const {
    return each([&](std::int64_t a, std::size_t i) { return a + op.c[i % op.c.size()]; });
  }
  Integers rule(const op::Relu&) const {
    return each([](std::int64_t a, std::size_t) { return a < 0 ? 0 : a; });
  }
  Integers rule(const op::Abs&) const {
    return each([](std::int64_t a, std::size_t) { return a < 0 ? -a : a; });
  }
  Integers rule(const op::Neg&) const {
    return each([](std::int64_t a, std::size_t) { return -a; });
  }
  Integers rule(const op::LeakyShift& op) const {
    return each([&](std::int64_t a, std::size_t) { return a < 0 ? op.sign * a : a * (std::int64_t{1} << op.n); });
  }
  Integers rule(const op::Requant& op) const {
    return each([&](std::int64_t a, std::size_t i) {
      return fixed::convert(a, x_info().format.at(i).f, op.format.at(i), op.round, op.overflow);
    });
  }
  Integers rule(const op::MulShift& op) const {
    return each([&](std::int64_t a, std::size_t i) { return op.rule(static_cast<std::int32_t>(a), i); });
  }
  Integers rule(const op::Lut& op) const {
    const Table& table = graph_.table(op.table);
    return each([&](std::int64_t a, std::size_t i) { return table_value(op, table, a, x_info().format.at(i)); });
  }

  Integers rule(const op::Sum& op) const { return summed(op.axis); }
  Integers rule(const op::AvgShift& op) const { return summed(op.axis); }
  Integers summed(int axis) const {
    const Dims& shape = x_info().shape;
    std::size_t inner = 1;
    for (std::size_t d = static_cast<std::size_t>(axis) + 1; d < shape.size(); ++d)
      inner *= static_cast<std::size_t>(shape[d]);
    const auto length = static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
    Integers out(graph_.tensor(node_->output).size(), 0);
    for (std::size_t e = 0; e < x().size(); ++e) out[e / (inner * length) * inner + e % inner] += x()[e];
    return out;
  }

  Integers rule(const op::Concat&) const { return moved(); }
  Integers rule(const op::Reshape&) const { return moved(); }
  Integers rule(const op::Slice&) const { return moved(); }
  Integers rule(const op::Select&) const { return moved(); }
  Integers moved() const {
    Integers out;
    for (const Source& source : moved_elements(graph_, *node_))
      out.push_back(x(static_cast<std::size_t>(source.input))[source.element]);
    return out;
  }
  Integers rule(const op::Conv1d& op) const {
    Integers out;
    const std::int64_t length = x_info().shape[0];
    for (std::int64_t p = 0; p < op.outputs(length); ++p)
      for (std::int64_t o = 0; o < op.n_out; ++o) out.push_back(correlated(op, length, p, o));
    return out;
  }
  std::int64_t correlated(const op::Conv1d& op, std::int64_t length, std::int64_t p, std::int64_t o) const {
    std::int64_t sum = op.bias_at(o);
    for (std::int64_t t = 0; t < op.taps; ++t) {
      const std::int64_t at = op.source(p, t);
      for (std::int64_t i = 0; i < op.group_in(); ++i)
        sum += op.weight(t, i, o) *
               (at < 0 || at >= length ? op.pad : x()[static_cast<std::size_t>(at * op.n_in + op.first(o) + i)]);
    }
    return sum;
  }
  Integers rule(const op::Output&) const { return {}; }

  const Graph& graph_;
  std::span<const std::int64_t> input_;
  Values values_;
  const Node* node_ = nullptr;
  std::size_t consumed_ = 0;
};

}  // namespace

void check_input(const Graph& graph, std::span<const std::int64_t> input, std::size_t row) {
  THIMBLE_CHECK(input.size() == graph.input_size(), data, "vector ", row, " has ", input.size(),
                " elements, the graph takes ", graph.input_size());
  std::size_t at = 0;
  for (const TensorId id : graph.inputs()) {
    const TensorInfo& port = graph.tensor(id);
    for (std::size_t i = 0; i < port.size(); ++i, ++at)
      THIMBLE_CHECK(port.lo[i] <= input[at] && input[at] <= port.hi[i], data, "vector ", row, ", ",
                    text::printable(port.name), '[', i, "] = ", input[at], " is outside ", port.interval(i).str());
  }
}

Values evaluate(const Graph& graph, std::span<const std::int64_t> input) {
  check_input(graph, input, 0);
  return Evaluation(graph, input).run();
}

std::vector<std::int64_t> outputs_of(const Graph& graph, const Values& values) {
  std::vector<std::int64_t> out;
  for (const TensorId id : graph.outputs()) {
    const auto& port = values[static_cast<std::size_t>(id)];
    out.insert(out.end(), port.begin(), port.end());
  }
  return out;
}

}  // namespace thimble::hw

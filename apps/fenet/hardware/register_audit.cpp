#include "apps/fenet/hardware/register_audit.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"

#include "hw/sim/evaluate.h"

#include <algorithm>

namespace thimble::fenet {

using text::cat;

namespace {

int signed_bits(std::int64_t lo, std::int64_t hi) {
  return fixed::width_of({std::min<std::int64_t>(lo, -1), std::max<std::int64_t>(hi, 0)});
}

/// A register and the tensor whose values it holds, or sums up.
struct Probe {
  RegisterRange range;
  std::size_t tensor = 0;
  int power = 0;  // bits that the chip's register does not keep
};

int power_of(const hw::Graph& graph, const std::string& tensor) {
  const int producer = graph.tensor(*graph.find(tensor)).producer;
  return std::get<hw::op::LeakyShift>(graph.nodes[static_cast<std::size_t>(producer)].op).n;
}

Probe filter_probe(const hw::Graph& graph, const std::string& tensor, const std::string& name, int bits) {
  Probe probe;
  probe.range.name = name;
  probe.range.given_bits = bits;
  probe.tensor = static_cast<std::size_t>(*graph.find(tensor));
  const hw::TensorInfo& info = graph.tensors[probe.tensor];
  probe.range.fraction = info.format.type.f;
  probe.range.worst_lo = static_cast<std::int64_t>(info.interval().lo);
  probe.range.worst_hi = static_cast<std::int64_t>(info.interval().hi);
  return probe;
}

Probe pool_probe(const hw::Graph& graph, const std::string& suffix, const std::string& name, int bits) {
  Probe probe;
  probe.range.name = name;
  probe.range.pool = true;
  probe.range.given_bits = bits;
  probe.power = power_of(graph, "act" + suffix);
  probe.tensor = static_cast<std::size_t>(*graph.find("act" + suffix));
  probe.range.fraction = graph.tensors[probe.tensor].format.type.f - probe.power;
  probe.range.worst_hi =
      static_cast<std::int64_t>(graph.tensor(*graph.find("mean" + suffix)).interval().hi) >> probe.power;
  return probe;
}

std::vector<Probe> probes_of(const hw::Graph& graph, const HardwareKeys& keys) {
  const int sums = static_cast<int>(keys.accumulator_bits), pools = static_cast<int>(keys.pool_bits);
  std::vector<Probe> probes;
  for (std::size_t k = 0; graph.find(cat("feat", k)); ++k) {
    const std::string level = cat("level ", k + 1);
    probes.push_back(filter_probe(graph, cat("feat", k), level + " feature filter", sums));
    probes.push_back(filter_probe(graph, cat("pass", k), level + " pass filter", sums));
    probes.push_back(pool_probe(graph, cat(k), level + " pool", pools));
  }
  probes.push_back(pool_probe(graph, "_final", "final pool", pools));
  return probes;
}

void look(Probe& probe, const std::vector<std::int64_t>& values) {
  std::int64_t lo = 0, hi = 0, sum = 0;
  for (const std::int64_t value : values) {
    sum = probe.range.pool ? sum + value : value;
    lo = std::min(lo, sum >> probe.power);
    hi = std::max(hi, sum >> probe.power);
  }
  RegisterRange& range = probe.range;
  range.seen_lo = std::min(range.seen_lo, lo);
  range.seen_hi = std::max(range.seen_hi, hi);
  range.beyond += signed_bits(lo, hi) > range.given_bits ? 1 : 0;
}

}  // namespace

int RegisterRange::seen_bits() const {
  return signed_bits(seen_lo, seen_hi);
}
int RegisterRange::safe_bits() const {
  return signed_bits(worst_lo, worst_hi);
}

std::vector<RegisterRange> register_ranges(const hw::Graph& graph, const hw::Vectors& windows,
                                           const HardwareKeys& keys) {
  std::vector<Probe> probes = probes_of(graph, keys);
  for (std::size_t w = 0; w < windows.rows(); ++w) {
    const hw::Values values = hw::evaluate(graph, windows.row(w));
    for (Probe& probe : probes) look(probe, values[probe.tensor]);
  }
  std::vector<RegisterRange> out;
  for (const Probe& probe : probes) out.push_back(probe.range);
  return out;
}

report::Table register_table(const std::vector<RegisterRange>& ranges, std::size_t windows) {
  report::Table table;
  table.title = "Registers";
  table.note = cat("seen: on ", text::grouped(static_cast<std::int64_t>(windows)),
                   " windows; worst: over all inputs; beyond: windows that do not fit the register of the chip");
  table.columns = {{"register", "", true, false},  {"fraction", "bits", false, false},
                   {"seen", "", false, false},     {"seen", "bits", false, false},
                   {"worst", "", false, false},    {"safe from", "bits", false, false},
                   {"chip", "bits", false, false}, {"beyond", "windows", false, false}};
  for (const RegisterRange& r : ranges)
    table.rows.push_back({r.name, cat(r.fraction), text::grouped(std::max(r.seen_hi, -r.seen_lo)), cat(r.seen_bits()),
                          text::grouped(std::max(r.worst_hi, -r.worst_lo)), cat(r.safe_bits()), cat(r.given_bits),
                          text::grouped(r.beyond)});
  return table;
}

std::vector<std::string> register_warnings(const std::vector<RegisterRange>& ranges) {
  std::vector<std::string> out;
  for (const RegisterRange& r : ranges) {
    const std::int64_t most = (std::int64_t{1} << (r.given_bits - 1)) - 1;
    if (r.beyond > 0) {
      out.push_back(cat(r.name, " needs ", text::grouped(std::max(r.seen_hi, -r.seen_lo)),
                        " on this data, a register of ", r.given_bits, " bits holds ", text::grouped(most), ": ",
                        r.beyond, " windows are wrong on the chip"));
    } else if (!r.safe()) {
      out.push_back(cat(r.name, " can reach ", text::grouped(std::max(r.worst_hi, -r.worst_lo)), ", safe from ",
                        r.safe_bits(), " bits; the chip has ", r.given_bits, ", this data needs ", r.seen_bits()));
    }
  }
  return out;
}

std::optional<OverflowInput> overflow_input(const hw::Graph& graph, int bits) {
  std::optional<OverflowInput> best;
  const hw::TensorInfo& x = graph.tensor(graph.inputs().front());
  for (const std::string name : {"feat0", "pass0"}) {
    const hw::TensorInfo& sums = graph.tensor(*graph.find(name));
    const auto& conv = std::get<hw::op::Conv1d>(graph.nodes[static_cast<std::size_t>(sums.producer)].op);
    for (const bool up : {true, false}) {
      const auto& ends = up ? sums.hi : sums.lo;
      const auto at = up ? std::max_element(ends.begin(), ends.end()) : std::min_element(ends.begin(), ends.end());
      const fixed::FxType reg{bits, true, 0};
      if (reg.contains(*at) || (best && std::abs(best->sum) >= std::abs(*at))) continue;
      OverflowInput input{name, static_cast<std::size_t>(at - ends.begin()), *at, 0,
                          bits, std::vector<std::int64_t>(x.size(), 0)};
      for (std::int64_t t = 0; t < conv.taps; ++t) {
        const std::int64_t from = conv.source(static_cast<std::int64_t>(input.position), t);
        if (from < 0 || from >= static_cast<std::int64_t>(x.size())) continue;
        const auto i = static_cast<std::size_t>(from);
        input.window[i] = (conv.weight(t, 0, 0) > 0) == up ? x.hi[i] : x.lo[i];
      }
      input.wrapped = fixed::overflow(*at, reg, fixed::Overflow::wrap);
      best = std::move(input);
    }
  }
  return best;
}

}  // namespace thimble::fenet

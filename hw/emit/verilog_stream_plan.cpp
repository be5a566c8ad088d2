#include "hw/emit/verilog_stream_plan.h"

#include "core/base/error.h"

#include "hw/emit/verilog_lower.h"

#include <algorithm>
#include <array>

namespace thimble::hw::rtl {

using text::cat;

namespace {

bool same_geometry(const op::Conv1d& a, const op::Conv1d& b) {
  return a.taps == b.taps && a.stride == b.stride && a.dilation == b.dilation && a.before == b.before &&
         a.after == b.after;
}

class Planner {
 public:
  explicit Planner(const Graph& graph) : graph_(graph) {
    plan_.stage_of.assign(graph.tensors.size(), StreamPlan::kWindow);
  }

  StreamPlan run() {
    const auto ports = graph_.inputs();
    if (ports.size() != 1 || graph_.tensor(ports.front()).shape.size() != 2) {
      return refused("it has no single input of positions x channels");
    }
    for (const Node& node : graph_.nodes) {
      std::string why = take(node);
      if (!why.empty()) return refused(std::move(why));
    }
    if (plan_.stages.empty()) return refused("it has no convolution");
    return std::move(plan_);
  }

 private:
  StreamPlan refused(std::string why) {
    plan_.obstacle = std::move(why);
    return std::move(plan_);
  }
  int stage(TensorId id) const { return plan_.stage_of[static_cast<std::size_t>(id)]; }
  void place(const Node& node, int stage) { plan_.stage_of[static_cast<std::size_t>(node.output)] = stage; }
  std::string title(const Node& node) const {
    return cat("'", text::printable(graph_.tensor(node.output).name), "' (", op_name(node.op), ")");
  }

  std::string take(const Node& node) {
    if (std::holds_alternative<op::Input>(node.op)) {
      place(node, StreamPlan::kInput);
      return "";
    }
    if (const auto* conv = std::get_if<op::Conv1d>(&node.op)) return take_filter(node, *conv);
    const auto of_window = [&](TensorId id) { return stage(id) == StreamPlan::kWindow; };
    if (std::all_of(node.inputs.begin(), node.inputs.end(), of_window)) {
      if (node.output >= 0) plan_.after.push_back(&node);
      return "";
    }
    return take_streamed(node);
  }

  std::string take_filter(const Node& node, const op::Conv1d& conv) {
    const TensorId source = node.inputs.front();
    if (stage(source) == StreamPlan::kWindow) return title(node) + " does not filter a stream";
    if (conv.pad != 0) return title(node) + " pads with something else than zero";
    if (conv.before >= conv.span()) return title(node) + " has outputs that see padding alone";
    for (std::size_t s = 0; s < plan_.stages.size(); ++s) {
      StreamStage& known = plan_.stages[s];
      if (known.source != source || !same_geometry(known.geometry, conv)) continue;
      known.nodes.push_back(&node);
      place(node, static_cast<int>(s));
      return "";
    }
    plan_.stages.push_back({source, conv, {&node}, {}});
    place(node, static_cast<int>(plan_.stages.size()) - 1);
    return "";
  }

  std::string take_streamed(const Node& node) {
    if (node.output < 0) return "an output is a stream, not numbers of a window";
    const int at = stage(node.inputs.front());
    if (at < 0) return title(node) + " works on the input stream itself";
    for (const TensorId id : node.inputs) {
      if (stage(id) != at) return title(node) + " joins streams of different rates";
    }
    const auto* sum = std::get_if<op::Sum>(&node.op);
    const auto* mean = std::get_if<op::AvgShift>(&node.op);
    if ((sum != nullptr && sum->axis == 0) || (mean != nullptr && mean->axis == 0)) {
      plan_.stages[static_cast<std::size_t>(at)].sums.push_back(&node);
      return "";
    }
    if (!is_elementwise(node.op)) return title(node) + " mixes positions of a stream";
    plan_.stages[static_cast<std::size_t>(at)].nodes.push_back(&node);
    place(node, at);
    return "";
  }

  const Graph& graph_;
  StreamPlan plan_;
};

}  // namespace

StreamPlan stream_plan(const Graph& graph) {
  return Planner(graph).run();
}

namespace {

/// What a stage hands on in a clock: a position of a window, and ends of windows.
struct Event {
  bool valid = false;
  int context = 0;
  std::array<bool, 2> end = {false, false};
};

/// Control of one stage, as the Verilog has it.
class StageControl {
 public:
  StageControl(const op::Conv1d& geometry, int depth)
      : geometry_(geometry), delay_(static_cast<std::size_t>(depth) + 1) {
    phase_.fill(geometry.span() - 1 - geometry.before);
  }

  /// What is at the end of the pipeline now.
  const Event& out() const { return delay_.back(); }

  void clock(const Event& in) {
    Event next;
    const auto fires = [&](int c) { return phase_[static_cast<std::size_t>(c)] == 0; };
    const bool hit = in.valid && fires(in.context);
    const bool zero0 = tail_[0] != 0 && !(fires(0) && hit);
    const bool zero1 = tail_[1] != 0 && !(fires(1) && (hit || (zero0 && fires(0))));
    const std::array<bool, 2> zero = {zero0, zero1};
    for (int c = 0; c < 2; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const bool moves = zero[i] || (in.valid && in.context == c), fired = moves && fires(c);
      if (fired) {
        next.valid = true;
        next.context = c;
      }
      next.end[i] = geometry_.after == 0 ? in.end[i] : zero[i] && tail_[i] == 1;
      if (moves) phase_[i] = fired ? geometry_.stride - 1 : phase_[i] - 1;
      if (zero[i]) --tail_[i];
      if (in.end[i]) tail_[i] = geometry_.after;
      if (next.end[i]) phase_[i] = geometry_.span() - 1 - geometry_.before;
    }
    std::rotate(delay_.begin(), delay_.end() - 1, delay_.end());
    delay_.front() = next;
  }

 private:
  const op::Conv1d& geometry_;
  std::vector<Event> delay_;
  std::array<std::int64_t, 2> phase_ = {}, tail_ = {};
};

/// All stages with samples offered in every clock; remembers when windows begin.
class WindowControl {
 public:
  WindowControl(const Graph& graph, const StreamPlan& plan, const std::vector<int>& depths)
      : plan_(plan), length_(graph.tensor(graph.inputs().front()).shape[0]), done_(plan.stages.size()) {
    for (std::size_t s = 0; s < plan.stages.size(); ++s) stages_.emplace_back(plan.stages[s].geometry, depths[s]);
  }

  StreamTiming run() {
    // two windows are under way at most, so a period of two is reached as soon as the first ones are through
    constexpr std::size_t kWindows = 9;
    for (std::int64_t now = 0; starts_.size() < kWindows; ++now) clock(now);
    return {answered_, (starts_[kWindows - 1] - starts_[kWindows - 3] + 1) / 2};
  }

 private:
  void clock(std::int64_t now) {
    Event sample;
    if (position_ > 0 || !busy_[in_]) {
      if (position_ == 0) starts_.push_back(now);
      sample = {true, static_cast<int>(in_), {}};
      sample.end[in_] = position_ + 1 == length_;
    }
    const bool answered = complete(out_);
    std::vector<Event> events;
    for (const StageControl& stage : stages_) events.push_back(stage.out());
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      const int before = plan_.stage_of[static_cast<std::size_t>(plan_.stages[s].source)];
      stages_[s].clock(before == StreamPlan::kInput ? sample : events[static_cast<std::size_t>(before)]);
      for (std::size_t c = 0; c < 2; ++c) done_[s][c] = done_[s][c] || events[s].end[c];
    }
    if (answered) {
      if (answered_ == 0) answered_ = now;
      for (auto& done : done_) done[out_] = false;
      busy_[out_] = false;
      out_ ^= 1;
    }
    if (!sample.valid) return;
    busy_[in_] = true;
    position_ = sample.end[in_] ? 0 : position_ + 1;
    if (sample.end[in_]) in_ ^= 1;
  }

  bool complete(std::size_t context) const {
    for (std::size_t s = 0; s < done_.size(); ++s)
      if (!plan_.stages[s].sums.empty() && !done_[s][context]) return false;
    return true;
  }

  const StreamPlan& plan_;
  std::int64_t length_, position_ = 0, answered_ = 0;
  std::vector<StageControl> stages_;
  std::vector<std::array<bool, 2>> done_;
  std::array<bool, 2> busy_ = {false, false};
  std::size_t in_ = 0, out_ = 0;
  std::vector<std::int64_t> starts_;
};

}  // namespace

StreamTiming stream_timing(const Graph& graph, const StreamPlan& plan, const std::vector<int>& depths) {
  return WindowControl(graph, plan, depths).run();
}

}  // namespace thimble::hw::rtl

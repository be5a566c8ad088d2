// The streaming schedule. Samples of a window enter one per clock; a window may begin in the clock after the last one
// ended. Every stage keeps two window registers, one for each of the two windows that can be under way, and one set of
// multipliers that both share. The zeros behind a window are shifted into its own register after its last sample, in
// clocks in which the multipliers are not needed by a sample of the following window, so that the padding at the end
// costs no input clock wherever the stride leaves one free. A stage hands on positions marked with their window, and
// the end of a window as a strobe of its own, because the last position may be known only after it has gone.
#include "core/base/error.h"

#include "hw/emit/identifiers.h"
#include "hw/emit/verilog_lower.h"
#include "hw/emit/verilog_stream_plan.h"
#include "hw/ir/json.h"

#include <algorithm>
#include <bit>

namespace thimble::hw::rtl {

using text::cat;

namespace {

/// Signals of one stream of positions: `valid` and `context` belong together, `end` has a strobe for each context.
struct Positions {
  std::string valid, context, end;
};

int bits_for(std::int64_t largest) {
  return std::max(1, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest))));
}

/// Range over all positions of one channel.
Interval channel_range(const TensorInfo& info, std::size_t channel) {
  Interval range = info.interval(channel);
  for (std::size_t e = channel; e < info.size(); e += info.channels()) range = hull(range, info.interval(e));
  return range;
}

/// Range of every partial sum over the positions, in their order.
Interval running_range(const TensorInfo& info, std::size_t channel) {
  Interval range{0, 0};
  for (std::size_t e = channel; e < info.size(); e += info.channels()) {
    range.lo += std::min<Wide>(info.lo[e], 0);
    range.hi += std::max<Wide>(info.hi[e], 0);
  }
  return range;
}

class StreamDesign {
 public:
  StreamDesign(Context& context, const VerilogOptions& options, StreamPlan plan)
      : context_(context), graph_(context.graph), design_(context.design), options_(options), plan_(std::move(plan)) {}

  void emit() {
    const TensorInfo& port = graph_.tensor(graph_.inputs().front());
    length_ = port.shape[0];
    design_.samples = static_cast<int>(length_);
    for (std::size_t c = 0; c < port.channels(); ++c) design_.input_bits += port.format.at(c).w;
    control_names();
    samples(port);
    for (std::size_t s = 0; s < plan_.stages.size(); ++s) stage(s);
    window_results();
    sequencer();
    const StreamTiming timing = stream_timing(graph_, plan_, depths_);
    design_.latency = static_cast<int>(timing.complete) + answer_depth_;
    design_.interval = static_cast<int>(timing.interval);
    design_.files.front().text += head() + context_.memory_text + text_ + "endmodule\n";
  }

 private:
  std::string unique(const std::string& wish) { return context_.names.unique(wish); }
  void line(const std::string& text) { text_ += cat("  ", text, "\n"); }
  void reg(const std::string& name, int width) {
    line(width == 1 ? cat("reg ", name, ";") : cat("reg ", bus(width), " ", name, ";"));
    design_.register_bits += width;
  }
  void wire(const std::string& name, int width, const std::string& value) {
    line(width == 1 ? cat("wire ", name, " = ", value, ";") : cat("wire ", bus(width), " ", name, " = ", value, ";"));
  }
  /// A value as `width` bits in the stage `depth` of its netlist.
  static std::string read(Netlist& net, Ref ref, int depth, int width) {
    std::string word = extended(net, ref, 0, width);
    for (std::size_t at; (at = word.find("@0;")) != std::string::npos;) word.replace(at, 3, net.name_in(ref, depth));
    return word;
  }

  void control_names() {
    accept_ = unique("accept");
    open_ = unique("window_open");
    in_ = unique("in_context");
    out_ = unique("out_context");
    busy_ = unique("window_busy");
    take_ = unique("take");
  }

  /// The samples, channel by channel, as they stand at the port.
  void samples(const TensorInfo& port) {
    line(cat("reg ", open_, ", ", in_, ", ", out_, ";"));
    line(cat("reg [1:0] ", busy_, ";"));
    line(cat("wire ", take_, ";"));
    line(cat("assign in_ready = ", open_, " || !", busy_, "[", in_, "];"));
    wire(accept_, 1, "in_valid && in_ready");
    streams_.resize(graph_.tensors.size());
    auto& stream = streams_[static_cast<std::size_t>(graph_.inputs().front())];
    int offset = 0;
    for (std::size_t c = 0; c < port.channels(); ++c) {
      const Interval range = channel_range(port, c);
      const std::string name = unique(context_.element(graph_.inputs().front(), c));
      const int width = fixed::width_of(range);
      wire(name, width, cat("x[", offset + width - 1, ":", offset, "]"));
      offset += port.format.at(c).w;
      stream.push_back({name, range});
      design_.taps.push_back({graph_.inputs().front(), c, port.channels(), static_cast<std::size_t>(length_), name,
                              accept_, width, range.lo < 0});
    }
    input_ = {accept_, in_, unique("in_end")};
    line(cat("wire [1:0] ", input_.end, " = {", accept_, " && in_last && ", in_, ", ", accept_, " && in_last && !", in_,
             "};"));
  }

  /// A channel of a stream: where it can be read, and its range.
  struct Channel {
    std::string name;
    Interval range;
  };

  // ---- one stage

  const Positions& feeding(const StreamStage& stage) const {
    const int before = plan_.stage_of[static_cast<std::size_t>(stage.source)];
    return before == StreamPlan::kInput ? input_ : outputs_[static_cast<std::size_t>(before)];
  }

  void stage(std::size_t number) {
    const StreamStage& stage = plan_.stages[number];
    const std::string s = cat("s", number, "_");
    text_ += cat("\n  // stage ", number, ": ", stage.geometry.taps, " taps, stride ", stage.geometry.stride, ", ",
                 stage.geometry.before, " zeros before and ", stage.geometry.after, " behind a window\n");
    const Positions patch = control(stage, feeding(stage), s);
    Netlist net(context_.names, options_.levels_per_stage);
    Elements values(graph_.tensors.size());
    window_registers(stage, s, patch, net);
    for (const Node* node : stage.nodes) compute(*node, net, values);
    hand_on(number, patch, net, values);
  }

  /// Counters of both contexts; returns the signals that say which patch stands in the registers.
  Positions control(const StreamStage& stage, const Positions& in, const std::string& s) {
    const op::Conv1d& g = stage.geometry;
    const std::int64_t first = g.span() - 1 - g.before;
    const int phase_bits = bits_for(std::max(first, g.stride - 1)), tail_bits = bits_for(g.after);
    const auto own = [&](const char* what, int context) { return cat(s, what, context); };
    for (int c = 0; c < 2; ++c) {
      for (const char* what : {"sample", "phase", "fires", "tail", "zero", "moves", "fresh"}) unique(own(what, c));
      wire(own("sample", c), 1, cat(in.valid, " && ", c == 0 ? "!" : "", in.context));
      reg(own("phase", c), phase_bits);
      reg(own("tail", c), tail_bits);
      reg(own("fresh", c), 1);
      wire(own("fires", c), 1, cat(own("phase", c), " == ", phase_bits, "'d0"));
    }
    const std::string hit = unique(s + "hit"), ended = unique(s + "ended");
    wire(hit, 1,
         cat("(", own("sample", 0), " && ", own("fires", 0), ") || (", own("sample", 1), " && ", own("fires", 1), ")"));
    wire(own("zero", 0), 1, cat(own("tail", 0), " != ", tail_bits, "'d0 && !(", own("fires", 0), " && ", hit, ")"));
    wire(own("zero", 1), 1,
         cat(own("tail", 1), " != ", tail_bits, "'d0 && !(", own("fires", 1), " && (", hit, " || (", own("zero", 0),
             " && ", own("fires", 0), ")))"));
    const auto ends = [&](int c) {
      return g.after == 0 ? cat(in.end, "[", c, "]")
                          : cat(own("zero", c), " && ", own("tail", c), " == ", tail_bits, "'d1");
    };
    line(cat("wire [1:0] ", ended, " = {", ends(1), ", ", ends(0), "};"));
    for (int c = 0; c < 2; ++c) {
      wire(own("moves", c), 1, cat(own("sample", c), " || ", own("zero", c)));
      context_counters(own("phase", c), own("tail", c), own("fresh", c), own("moves", c), own("fires", c),
                       own("zero", c), cat(in.end, "[", c, "]"), cat(ended, "[", c, "]"), g, phase_bits, tail_bits);
    }
    const Positions patch{unique(s + "valid"), unique(s + "context"), unique(s + "end")};
    reg(patch.valid, 1);
    reg(patch.context, 1);
    reg(patch.end, 2);
    line("always @(posedge clk) begin");
    line(cat("  ", patch.valid, " <= !rst && ((", own("moves", 0), " && ", own("fires", 0), ") || (", own("moves", 1),
             " && ", own("fires", 1), "));"));
    line(cat("  ", patch.context, " <= ", own("moves", 1), " && ", own("fires", 1), ";"));
    line(cat("  ", patch.end, " <= rst ? 2'd0 : ", ended, ";"));
    line("end");
    return patch;
  }

  void context_counters(const std::string& phase, const std::string& tail, const std::string& fresh,
                        const std::string& moves, const std::string& fires, const std::string& zero,
                        const std::string& end, const std::string& ended, const op::Conv1d& g, int phase_bits,
                        int tail_bits) {
    const std::string first = cat(phase_bits, "'d", g.span() - 1 - g.before);
    line("always @(posedge clk) begin");
    line(cat("  if (", moves, ") ", phase, " <= ", fires, " ? ", phase_bits, "'d", g.stride - 1, " : ", phase, " - ",
             phase_bits, "'d1;"));
    line(cat("  if (", moves, ") ", fresh, " <= 1'b0;"));
    line(cat("  if (", zero, ") ", tail, " <= ", tail, " - ", tail_bits, "'d1;"));
    line(cat("  if (", end, ") ", tail, " <= ", tail_bits, "'d", g.after, ";"));
    line(cat("  if (rst || ", ended, ") begin"));
    line(cat("    ", phase, " <= ", first, ";"));
    line(cat("    ", fresh, " <= 1'b1;"));
    line("  end");
    line(cat("  if (rst) ", tail, " <= ", tail_bits, "'d0;"));
    line("end");
  }

  /// Both window registers of every channel, newest sample in the lowest bits, and the patch of the one that fires.
  void window_registers(const StreamStage& stage, const std::string& s, const Positions& patch, Netlist& net) {
    const std::int64_t span = stage.geometry.span();
    const auto& source = streams_[static_cast<std::size_t>(stage.source)];
    patch_.assign(static_cast<std::size_t>(span), {});
    for (std::size_t channel = 0; channel < source.size(); ++channel) {
      const Interval held = hull(source[channel].range, {0, 0});
      const int width = fixed::width_of(held), all = width * static_cast<int>(span);
      const std::string sample = widened(source[channel], width);
      std::string names[2];
      for (int c = 0; c < 2; ++c) {
        names[c] = unique(cat(s, "window", c, "_", channel));
        reg(names[c], all);
        const std::string entering = cat("(", s, "sample", c, " ? ", sample, " : ", width, "'d0)");
        const std::string kept =
            cat("(", s, "fresh", c, " ? ", all - width, "'d0 : ", names[c], "[", all - width - 1, ":0])");
        line(cat("always @(posedge clk) if (", s, "moves", c, ") ", names[c],
                 " <= ", span == 1 ? entering : cat("{", kept, ", ", entering, "}"), ";"));
      }
      for (std::int64_t k = 0; k < span; ++k) {
        const auto slot = static_cast<int>(span - 1 - k);  // position k of the patch entered that many shifts ago
        if (k % stage.geometry.dilation != 0) continue;
        const std::string name = unique(cat(s, "patch", k, "_", channel));
        const std::string part = cat("[", (slot + 1) * width - 1, ":", slot * width, "]");
        wire(name, width, cat(patch.context, " ? ", names[1], part, " : ", names[0], part));
        patch_[static_cast<std::size_t>(k)].push_back(net.port(name, held));
      }
    }
  }

  /// The sample extended to the register, whose range also holds zero.
  static std::string widened(const Channel& channel, int width) {
    const int has = fixed::width_of(channel.range);
    if (has == width) return channel.name;
    const std::string top = channel.range.lo < 0 ? cat(channel.name, "[", has - 1, "]") : std::string("1'b0");
    return cat("{{", width - has, "{", top, "}}, ", channel.name, "}");
  }

  void compute(const Node& node, Netlist& net, Elements& values) {
    const TensorInfo& info = graph_.tensor(node.output);
    auto& out = values[static_cast<std::size_t>(node.output)];
    for (std::size_t channel = 0; channel < info.channels(); ++channel) {
      const std::string name = context_.element(node.output, channel);
      const Interval range = channel_range(info, channel);
      if (const auto* conv = std::get_if<op::Conv1d>(&node.op)) {
        out.push_back(filter(*conv, static_cast<std::int64_t>(channel), name, range, net));
        continue;
      }
      std::vector<Ref> x;
      for (const TensorId input : node.inputs) x.push_back(values[static_cast<std::size_t>(input)][channel]);
      out.push_back(elementwise(context_, net, node, name, x, channel, range));
    }
  }

  Ref filter(const op::Conv1d& conv, std::int64_t channel, const std::string& name, Interval range, Netlist& net) {
    std::vector<Term> terms;
    for (std::int64_t t = 0; t < conv.taps; ++t)
      for (std::int64_t i = 0; i < conv.group_in(); ++i) {
        const std::int64_t weight = conv.weight(t, i, channel);
        if (weight == 0) continue;
        const auto& position = patch_[static_cast<std::size_t>(t * conv.dilation)];
        terms.push_back({weight, position[static_cast<std::size_t>(conv.first(channel) + i)]});
        ++design_.constant_multiplications;
      }
    return sum(net, name, terms, conv.bias_at(channel), range);
  }

  /// Registers at the end of the stage, the strobes beside them, and the sums over the positions.
  void hand_on(std::size_t number, const Positions& patch, Netlist& net, const Elements& values) {
    const StreamStage& stage = plan_.stages[number];
    std::vector<TensorId> leaving;
    for (const StreamStage& next : plan_.stages)
      if (plan_.stage_of[static_cast<std::size_t>(next.source)] == static_cast<int>(number))
        leaving.push_back(next.source);
    for (const Node* node : stage.sums) leaving.push_back(node->inputs.front());
    std::vector<Ref> ends;
    for (const TensorId id : leaving)
      for (const Ref ref : values[static_cast<std::size_t>(id)]) ends.push_back(ref);
    const int depth = net.finish(ends);
    depths_.push_back(depth);
    const std::string s = cat("s", number, "_");
    const Positions out{delayed(patch.valid, 1, depth), delayed(patch.context, 1, depth), delayed(patch.end, 2, depth)};
    const std::size_t begin = text_.size();
    for (const TensorId id : leaving) {
      auto& stream = streams_[static_cast<std::size_t>(id)];
      if (!stream.empty()) continue;
      for (std::size_t c = 0; c < values[static_cast<std::size_t>(id)].size(); ++c) {
        const Interval range = channel_range(graph_.tensor(id), c);
        const std::string name = unique(cat(s, "out", id, "_", c));
        wire(name, fixed::width_of(range),
             read(net, values[static_cast<std::size_t>(id)][c], depth, fixed::width_of(range)));
        stream.push_back({name, range});
      }
    }
    trace(values, patch, net);
    text_.insert(begin, net.print());
    design_.register_bits += net.register_bits();
    outputs_.push_back(out);
    for (const Node* node : stage.sums) accumulate(*node, out);
    if (!stage.sums.empty()) note_done(number, out);
  }

  /// `name` after `depth` clocks; reset clears all of them.
  std::string delayed(const std::string& name, int width, int depth) {
    std::string last = name;
    for (int d = 1; d <= depth; ++d) {
      const std::string next = unique(cat(name, "_d", d));
      reg(next, width);
      line(cat("always @(posedge clk) ", next, " <= rst ? ", width, "'d0 : ", last, ";"));
      last = next;
    }
    return last;
  }

  void trace(const Elements& values, const Positions& patch, const Netlist& net) {
    for (std::size_t t = 0; t < values.size(); ++t)
      for (std::size_t c = 0; c < values[t].size(); ++c) {
        const Value& value = net[values[t][c]];
        if (value.kind == Value::Kind::constant) continue;
        const TensorInfo& info = graph_.tensor(static_cast<TensorId>(t));
        const std::string valid = value.stage == 0 ? patch.valid : cat(patch.valid, "_d", value.stage);
        design_.taps.push_back({static_cast<TensorId>(t), c, info.channels(), static_cast<std::size_t>(info.shape[0]),
                                value.name, valid, value.width, value.is_signed});
      }
  }

  /// A sum over all positions for each context; it is taken and cleared when the whole window is complete.
  void accumulate(const Node& node, const Positions& in) {
    const TensorId from = node.inputs.front();
    const TensorInfo& info = graph_.tensor(from);
    for (std::size_t c = 0; c < info.channels(); ++c) {
      const int width = fixed::width_of(running_range(info, c));
      const int kept = fixed::width_of(graph_.tensor(node.output).interval(c));
      const Channel& channel = streams_[static_cast<std::size_t>(from)][c];
      std::string names[2];
      for (int k = 0; k < 2; ++k) {
        names[k] = unique(cat("sum", k, "_", context_.element(node.output, c)));
        reg(names[k], width);
        line(cat("always @(posedge clk) if (rst || (", take_, " && ", k == 0 ? "!" : "", out_, ")) ", names[k],
                 " <= ", width, "'d0;"));
        line(cat("  else if (", in.valid, " && ", k == 0 ? "!" : "", in.context, ") ", names[k], " <= ", names[k],
                 " + ", widened(channel, width), ";"));
      }
      const std::string name = unique(context_.element(node.output, c));
      sums_[node.output].push_back({name, graph_.tensor(node.output).interval(c)});
      late_ += cat("  wire ", bus(kept), " ", name, " = ", out_, " ? ", names[1], "[", kept - 1, ":0] : ", names[0],
                   "[", kept - 1, ":0];\n");
    }
  }

  void note_done(std::size_t number, const Positions& in) {
    const std::string name = unique(cat("s", number, "_done"));
    reg(name, 2);
    line(cat("always @(posedge clk) ", name, " <= rst ? 2'd0 : (", name, " | ", in.end, ") & ~(", take_, " ? (", out_,
             " ? 2'b10 : 2'b01) : 2'b00);"));
    done_.push_back(name);
  }

  // ---- the numbers of a window

  void window_results() {
    text_ += "\n  // results of a window, when all its sums are complete\n";
    std::string complete;
    for (const std::string& name : done_) complete += cat(complete.empty() ? "" : " && ", name, "[", out_, "]");
    line(cat("assign ", take_, " = ", complete, ";"));
    text_ += late_;
    Netlist net(context_.names, options_.levels_per_stage);
    Elements values(graph_.tensors.size());
    for (const auto& [id, channels] : sums_) {
      for (const Channel& channel : channels) {
        const bool fixed = channel.range.lo == channel.range.hi;
        values[static_cast<std::size_t>(id)].push_back(fixed ? net.constant(channel.range.lo)
                                                             : net.port(channel.name, channel.range));
      }
    }
    for (const Node* node : plan_.after)
      values[static_cast<std::size_t>(node->output)] = lower(context_, net, *node, values);
    const std::vector<PortBit> outputs = port_bits(graph_, graph_.outputs(), design_.output_bits);
    std::vector<Ref> results;
    for (const PortBit& bit : outputs) results.push_back(values[static_cast<std::size_t>(bit.tensor)][bit.element]);
    answer_depth_ = net.finish(results);
    std::vector<std::string> words;
    for (std::size_t i = 0; i < results.size(); ++i)
      words.push_back(read(net, results[i], answer_depth_, outputs[i].width));
    const std::string valid = unique("result_valid");
    for (std::size_t t = 0; t < values.size(); ++t)
      for (std::size_t e = 0; e < values[t].size(); ++e) {
        const Value& value = net[values[t][e]];
        if (value.kind == Value::Kind::constant) continue;
        design_.taps.push_back({static_cast<TensorId>(t), e, values[t].size(), 1, value.name,
                                valid_in(valid, take_, value.stage), value.width, value.is_signed});
      }
    text_ += net.print() + valid_chain(valid, take_, answer_depth_) +
             cat("  assign out_valid = ", valid, "[", answer_depth_ - 1, "];\n  assign y = ", packed(words), ";\n");
    design_.register_bits += net.register_bits() + answer_depth_;
  }

  void sequencer() {
    text_ += "\n  // which of the two contexts takes samples, which answers next\n";
    line("always @(posedge clk) begin");
    line(cat("  if (", accept_, ") begin"));
    line(cat("    ", busy_, "[", in_, "] <= 1'b1;"));
    line(cat("    ", open_, " <= !in_last;"));
    line(cat("    if (in_last) ", in_, " <= !", in_, ";"));
    line("  end");
    line(cat("  if (", take_, ") begin"));
    line(cat("    ", busy_, "[", out_, "] <= 1'b0;"));
    line(cat("    ", out_, " <= !", out_, ";"));
    line("  end");
    line("  if (rst) begin");
    for (const std::string& name : {open_, in_, out_}) line(cat("    ", name, " <= 1'b0;"));
    line(cat("    ", busy_, " <= 2'b00;"));
    line("  end");
    line("end");
    design_.register_bits += 5;
    int depth = 0;
    for (const int d : depths_) depth += d;
    design_.stages = depth + answer_depth_;
  }

  std::string head() const {
    return cat("// ", comment_text(graph_.name), ", FXIR sha256 ", hash_of(graph_), "\n// ", name(design_.timing),
               " schedule: windows of ", length_, " samples, one sample per clock with in_valid and in_ready,\n",
               "// in_last with the last of a window; one window every ", design_.interval, " clock cycles, answer ",
               design_.latency, " cycles after its first sample\nmodule ", design_.module,
               " (\n  input wire clk,\n  input wire rst,\n  input wire in_valid,\n  input wire in_last,\n",
               "  output wire in_ready,\n  input wire ", bus(design_.input_bits),
               " x,\n  output wire out_valid,\n  output wire ", bus(design_.output_bits), " y\n);\n");
  }

  Context& context_;
  const Graph& graph_;
  VerilogDesign& design_;
  const VerilogOptions& options_;
  StreamPlan plan_;
  std::int64_t length_ = 0;
  int answer_depth_ = 1;
  std::string text_, late_, accept_, open_, in_, out_, busy_, take_;
  Positions input_;
  std::vector<std::vector<Channel>> streams_;  // per tensor that another stage or a sum reads
  std::vector<std::vector<Ref>> patch_;        // [position of the patch][channel]
  std::vector<Positions> outputs_;             // per stage
  std::vector<int> depths_;
  std::map<TensorId, std::vector<Channel>> sums_;
  std::vector<std::string> done_;
};

}  // namespace

void emit_stream(Context& context, const VerilogOptions& options) {
  StreamDesign(context, options, stream_plan(context.graph)).emit();
}

}  // namespace thimble::hw::rtl

namespace thimble::hw {

std::string stream_obstacle(const Graph& graph) {
  return rtl::stream_plan(graph).obstacle;
}

}  // namespace thimble::hw

// The serial schedule. The first layer makes one neuron per clock and lane from all its inputs (rows of the matrix
// come from ROM); the stream of neurons passes the activation one by one, so one table read per clock and lane is
// enough; every later layer takes the stream and accumulates all its neurons at once (columns come from ROM), then
// sends them on as a stream. Vectors overlap: the next one enters while the last layers still work.
#include "core/base/error.h"

#include "hw/emit/verilog_lower.h"

#include <algorithm>
#include <bit>

namespace thimble::hw::rtl {

using text::cat;

namespace {

/// A dense layer and the elementwise operators behind it.
struct Layer {
  const Node* dense = nullptr;
  std::vector<const Node*> maps = {};

  const op::Cmvm& matrix() const { return std::get<op::Cmvm>(dense->op); }
};

struct Chain {
  std::vector<const Node*> before = {};  // operators on the input
  std::vector<Layer> layers = {};
  std::string obstacle = {};
};

std::string per_channel_obstacle(const Graph& graph, const Node& node) {
  const TensorInfo& info = graph.tensor(node.output);
  const auto* add = std::get_if<op::ConstAdd>(&node.op);
  const auto* scale = std::get_if<op::MulShift>(&node.op);
  if (add != nullptr && add->c.size() > 1) return cat("'", info.name, "' adds another constant to each channel");
  if (scale != nullptr && (scale->rule.mant.size() > 1 || scale->rule.e.size() > 1)) {
    return cat("'", info.name, "' scales each channel differently");
  }
  return info.format.uniform() ? "" : cat("'", info.name, "' has another format in each channel");
}

std::string dense_obstacle(const Graph& graph, const Node& node) {
  const auto& matrix = std::get<op::Cmvm>(node.op);
  const std::string& name = graph.tensor(node.output).name;
  const auto rows = static_cast<std::int64_t>(graph.tensor(node.inputs.front()).size());
  if (matrix.n_in < 1 || matrix.n_out < 1) return cat("layer '", name, "' has no rows or no columns");
  return rows == matrix.n_in ? "" : cat("layer '", name, "' is applied to several positions");
}

/// Adds a node to the chain, or says why it cannot be part of one.
std::string extend(Chain& chain, const Graph& graph, const Node& node, TensorId current) {
  if (node.inputs.size() != 1 || node.inputs.front() != current) return "the graph is not a chain";
  if (std::holds_alternative<op::Cmvm>(node.op)) {
    chain.layers.push_back({&node});
    const std::string why = dense_obstacle(graph, node);
    return why.empty() ? per_channel_obstacle(graph, node) : why;
  }
  if (!is_elementwise(node.op)) return cat("'", op_name(node.op), "' is neither dense nor elementwise");
  if (chain.layers.empty()) {
    chain.before.push_back(&node);
    return "";
  }
  chain.layers.back().maps.push_back(&node);
  return per_channel_obstacle(graph, node);
}

Chain chain_of(const Graph& graph) {
  Chain chain;
  const auto ports = graph.inputs();
  const auto outputs = graph.outputs();
  if (ports.size() != 1 || outputs.size() != 1) return Chain{{}, {}, "it has several ports"};
  TensorId current = ports.front();
  for (const Node& node : graph.nodes) {
    if (std::holds_alternative<op::Input>(node.op) || std::holds_alternative<op::Output>(node.op)) continue;
    chain.obstacle = extend(chain, graph, node, current);
    if (!chain.obstacle.empty()) return chain;
    current = node.output;
  }
  if (chain.layers.empty()) chain.obstacle = "it has no dense layer";
  if (outputs.front() != current) chain.obstacle = "the graph is not a chain";
  return chain;
}

/// Words of several fields, the first in the lowest bits, as hex.
std::string packed_word(const std::vector<std::pair<std::int64_t, int>>& fields) {
  std::vector<bool> bits;
  for (const auto& [value, width] : fields) {
    for (int i = 0; i < width; ++i) bits.push_back(((value >> std::min(i, 63)) & 1) != 0);
  }
  std::string out;
  for (std::size_t low = 0; low < bits.size(); low += 4) {
    Wide nibble = 0;
    for (std::size_t i = low; i < std::min(low + 4, bits.size()); ++i) nibble |= Wide{bits[i]} << (i - low);
    out.insert(0, hex_word(nibble, 4));
  }
  return out;
}

int counter_width(std::size_t count) {
  return count <= 2 ? 1 : static_cast<int>(std::bit_width(count - 1));
}

/// Elements that come `lanes` at a time.
struct Stream {
  std::vector<std::string> lanes;
  Interval range;
  std::string valid;
  std::size_t groups = 0;
};

class Serial {
 public:
  Serial(Context& context, const VerilogOptions& options, const Chain& chain)
      : context_(context), graph_(context.graph), design_(context.design), options_(options), chain_(chain) {
    std::size_t widest = 0;
    for (const Layer& layer : chain.layers) widest = std::max(widest, width_of_layer(layer));
    const auto reuse = static_cast<std::size_t>(std::max(options.reuse, 0));
    lanes_ = reuse == 0 ? 1 : (widest + reuse - 1) / reuse;
    most_groups_ = groups(widest);
  }

  void emit() {
    const PortList inputs = port_bits(graph_, graph_.inputs(), design_.input_bits);
    const PortList outputs = port_bits(graph_, graph_.outputs(), design_.output_bits);
    design_.lanes = static_cast<int>(lanes_);
    design_.interval = static_cast<int>(most_groups_) + 1;
    sequencer();
    Stream stream = first_layer(inputs);
    std::string tail;
    for (std::size_t i = 1; i < chain_.layers.size(); ++i) {
      const Layer& layer = chain_.layers[i];
      const std::vector<std::string> sums = accumulate(layer, stream, i);
      const bool direct = i + 1 == chain_.layers.size() && layer.maps.empty();
      if (direct) {
        tail = cat("  assign out_valid = ", done_, ";\n  assign y = ", packed(port_words(layer, sums, outputs)), ";\n");
      } else {
        stream = map(layer, serialise(layer, sums));
      }
    }
    if (tail.empty()) tail = collect(stream, outputs);
    design_.files.front().text += module_head(context_, true) + context_.memory_text + text_ + tail + "endmodule\n";
  }

 private:
  using PortList = std::vector<PortBit>;

  static std::size_t width_of_layer(const Layer& layer) { return static_cast<std::size_t>(layer.matrix().n_out); }
  std::size_t groups(std::size_t elements) const { return (elements + lanes_ - 1) / lanes_; }
  const TensorInfo& output_of(const Node& node) const { return graph_.tensor(node.output); }

  std::string unique(const std::string& wish) { return context_.names.unique(wish); }
  std::string reg(const std::string& wish, int width) {
    const std::string name = unique(wish);
    text_ += cat("  reg ", bus(width), " ", name, ";\n");
    design_.register_bits += width;
    return name;
  }
  void clocked(const std::string& body) { text_ += cat("  always @(posedge clk) ", body, "\n"); }
  void valid(const std::string& name, const std::string& source, int depth) {
    text_ += valid_chain(name, source, depth);
    design_.register_bits += depth;
  }

  /// Takes a vector and counts the rows of the first layer.
  void sequencer() {
    const std::size_t rows = groups(width_of_layer(chain_.layers.front()));
    const int width = counter_width(most_groups_);
    text_ += "  // takes a vector while idle, then walks through the rows of the first layer\n";
    busy_ = reg("busy", 1);
    row_ = reg("row", width);
    take_ = unique("take");
    issue_ = unique("issue");
    text_ += cat("  assign in_ready = !", busy_, ";\n  wire ", take_, " = in_valid && in_ready;\n  wire ", issue_,
                 " = ", busy_, rows < most_groups_ ? cat(" && ", row_, " < ", width, "'d", rows) : "", ";\n");
    clocked(cat("begin\n    if (rst) ", busy_, " <= 1'b0;\n    else if (", take_, ") ", busy_,
                " <= 1'b1;\n    else if (", row_, " == ", width, "'d", most_groups_ - 1, ") ", busy_, " <= 1'b0;\n    ",
                row_, " <= ", take_, " ? ", width, "'d0 : ", row_, " + 1'b1;\n  end"));
    design_.latency = 1;
  }

  void tap(const Netlist& net, Ref ref, TensorId tensor, std::size_t lane, std::size_t count, const std::string& chain,
           const std::string& source) {
    const Value& value = net[ref];
    if (value.kind == Value::Kind::constant) return;
    design_.taps.push_back({tensor, lane, lanes_, groups(count), value.name, valid_in(chain, source, value.stage),
                            value.width, value.is_signed});
  }

  /// Elementwise operators on one lane; returns the last value.
  Ref apply(Netlist& net, const Layer& layer, Ref x, std::size_t lane, const std::string& chain,
            const std::string& source) {
    for (const Node* node : layer.maps) {
      const TensorInfo& info = output_of(*node);
      x = elementwise(context_, net, *node, context_.element(node->output, lane), {x}, 0, info.interval());
      tap(net, x, node->output, lane, info.size(), chain, source);
    }
    return x;
  }

  Stream finish(Netlist& net, const std::vector<Ref>& values, const std::string& chain, const std::string& source,
                std::size_t count) {
    const int depth = net.finish(values);
    Stream out;
    for (const Ref ref : values) {
      out.lanes.push_back(net.name_in(ref, depth));
      out.range = out.lanes.size() == 1 ? net[ref].range : hull(out.range, net[ref].range);
    }
    // lanes may differ where a padded lane is constant; the widest type holds all
    for (std::size_t i = 0; i < values.size(); ++i) out.lanes[i] = widened(net, values[i], out.lanes[i], out.range);
    text_ += net.print();
    valid(chain, source, depth);
    out.valid = valid_in(chain, source, depth);
    out.groups = groups(count);
    design_.register_bits += net.register_bits();
    design_.stages += depth;
    design_.latency += depth;
    return out;
  }

  static std::string widened(const Netlist& net, Ref ref, const std::string& name, Interval range) {
    std::string word = extended(net, ref, 0, fixed::width_of(range));
    for (std::size_t at; (at = word.find("@0;")) != std::string::npos;) word.replace(at, 3, name);
    return word;
  }

  /// A field of a ROM word as a port of the netlist.
  Ref field(Netlist& net, const std::string& wish, const std::string& word, int offset, Interval range) {
    const std::string name = unique(wish);
    const int width = fixed::width_of(range);
    text_ += cat("  wire ", bus(width), " ", name, " = ", word, "[", offset + width - 1, ":", offset, "];\n");
    return net.port(name, range);
  }

  /// Hull of the weights that share a place in the ROM words; padded places hold 0.
  static Interval weight_range(const op::Cmvm& matrix) {
    Interval out{0, 0};
    for (const std::int64_t weight : matrix.weights) out = hull(out, {weight, weight});
    return out;
  }
  static Interval bias_range(const op::Cmvm& matrix) {
    Interval out{0, 0};
    for (const std::int64_t bias : matrix.bias) out = hull(out, {bias, bias});
    return out;
  }

  /// One word per row group: for each lane the weights of its neuron, then its bias.
  std::string row_memory(const op::Cmvm& matrix, int weight_width, int bias_width) {
    std::vector<std::string> words;
    for (std::size_t group = 0; group < groups(static_cast<std::size_t>(matrix.n_out)); ++group) {
      std::vector<std::pair<std::int64_t, int>> fields;
      for (std::size_t lane = 0; lane < lanes_; ++lane) {
        const auto j = static_cast<std::int64_t>(group * lanes_ + lane);
        const bool used = j < matrix.n_out;
        for (std::int64_t i = 0; i < matrix.n_in; ++i)
          fields.emplace_back(used ? matrix.weight(i, j) : 0, weight_width);
        fields.emplace_back(used ? matrix.bias_at(j) : 0, bias_width);
      }
      words.push_back(packed_word(fields));
    }
    return context_.memory("rom_layer_0", word_width(matrix.n_in, weight_width, bias_width), words);
  }
  int word_width(std::int64_t weights, int weight_width, int bias_width) const {
    return static_cast<int>(lanes_) * (static_cast<int>(weights) * weight_width + bias_width);
  }

  /// Registers of the input vector, and the operators on it.
  std::vector<Ref> input_values(Netlist& net, const PortList& bits) {
    Elements values(graph_.tensors.size());
    auto& x = values[static_cast<std::size_t>(graph_.inputs().front())];
    for (const PortBit& bit : bits) {
      const Interval range = graph_.tensor(bit.tensor).interval(bit.element);
      const int width = fixed::width_of(range);
      const std::string name = reg(context_.element(bit.tensor, bit.element), width);
      clocked(cat("if (", take_, ") ", name, " <= x[", bit.offset + width - 1, ":", bit.offset, "];"));
      x.push_back(net.port(name, range));
    }
    TensorId current = graph_.inputs().front();
    for (const Node* node : chain_.before) {
      values[static_cast<std::size_t>(node->output)] = lower(context_, net, *node, values);
      current = node->output;
    }
    return values[static_cast<std::size_t>(current)];
  }

  Stream first_layer(const PortList& bits) {
    const Layer& layer = chain_.layers.front();
    const op::Cmvm& matrix = layer.matrix();
    const TensorInfo& info = output_of(*layer.dense);
    const Interval weights = weight_range(matrix), biases = bias_range(matrix);
    const int weight_width = fixed::width_of(weights), bias_width = fixed::width_of(biases);
    const std::string memory = row_memory(matrix, weight_width, bias_width);
    text_ += cat("  // layer '", context_.tensor_names[static_cast<std::size_t>(layer.dense->output)],
                 "': one neuron per clock and lane\n");
    const std::string word = reg("word_0", word_width(matrix.n_in, weight_width, bias_width));
    clocked(cat(word, " <= ", memory, "[", row_, "];"));
    const std::string source = unique("valid_0");
    valid(source, issue_, 1);
    const std::string chain = unique("valid_0_out");
    ++design_.latency;
    Netlist net(context_.names, options_.levels_per_stage);
    const std::vector<Ref> x = input_values(net, bits);
    std::vector<Ref> out;
    int offset = 0;
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      std::vector<Term> terms;
      for (std::size_t i = 0; i < x.size(); ++i, offset += weight_width) {
        terms.push_back({1, field(net, cat("w_0_", lane, "_", i), word, offset, weights), x[i]});
      }
      terms.push_back({1, field(net, cat("b_0_", lane), word, offset, biases)});
      offset += bias_width;
      design_.multipliers += matrix.n_in;
      const Ref acc = sum(net, context_.element(layer.dense->output, lane), terms, 0, info.interval());
      tap(net, acc, layer.dense->output, lane, info.size(), chain, source);
      out.push_back(apply(net, layer, acc, lane, chain, source));
    }
    Stream stream = finish(net, out, chain, source, info.size());
    design_.latency += static_cast<int>(stream.groups) - 1;
    return stream;
  }

  /// One word per input group: for each lane the weights from its element to all neurons.
  std::string column_memory(const op::Cmvm& matrix, int weight_width, std::size_t index) {
    std::vector<std::string> words;
    for (std::size_t group = 0; group < groups(static_cast<std::size_t>(matrix.n_in)); ++group) {
      std::vector<std::pair<std::int64_t, int>> fields;
      for (std::size_t lane = 0; lane < lanes_; ++lane) {
        const auto i = static_cast<std::int64_t>(group * lanes_ + lane);
        for (std::int64_t j = 0; j < matrix.n_out; ++j) {
          fields.emplace_back(i < matrix.n_in ? matrix.weight(i, j) : 0, weight_width);
        }
      }
      words.push_back(packed_word(fields));
    }
    return context_.memory(cat("rom_layer_", index), word_width(matrix.n_out, weight_width, 0), words);
  }

  /// Takes the stream; returns the accumulators, complete while done_ is high.
  std::vector<std::string> accumulate(const Layer& layer, const Stream& in, std::size_t index) {
    const op::Cmvm& matrix = layer.matrix();
    const TensorInfo& info = output_of(*layer.dense);
    const Interval weights = weight_range(matrix);
    const int weight_width = fixed::width_of(weights), count_width = counter_width(in.groups);
    const std::string memory = column_memory(matrix, weight_width, index);
    text_ += cat("  // layer '", context_.tensor_names[static_cast<std::size_t>(layer.dense->output)],
                 "': all neurons take one input per clock and lane\n");
    const std::string count = reg(cat("count_", index), count_width);
    const std::string last_count = cat(count, " == ", count_width, "'d", in.groups - 1);
    clocked(cat("\n    if (rst) ", count, " <= ", count_width, "'d0;\n    else if (", in.valid, ") ", count,
                " <= ", last_count, " ? ", count_width, "'d0 : ", count, " + 1'b1;"));
    const std::string word = reg(cat("word_", index), word_width(matrix.n_out, weight_width, 0));
    clocked(cat(word, " <= ", memory, "[", count, "];"));
    std::vector<std::string> data;
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      data.push_back(reg(cat("in_", index, "_", lane), fixed::width_of(in.range)));
      clocked(cat(data.back(), " <= ", in.lanes[lane], ";"));
    }
    const std::string source = unique(cat("valid_", index)), chain = unique(cat("valid_", index, "_sum"));
    valid(source, in.valid, 1);
    Netlist net(context_.names, options_.levels_per_stage);
    const std::vector<Ref> parts = column_products(net, layer, in, index, word, weight_width, data);
    const int depth = net.finish(parts);
    std::vector<std::string> names;
    for (const Ref ref : parts) names.push_back(net.name_in(ref, depth));
    text_ += net.print();
    valid(chain, source, depth);
    const std::string first = flag(cat("first_", index), cat(count, " == ", count_width, "'d0"), depth + 1);
    const std::string last = flag(cat("last_", index), last_count, depth + 1);
    design_.register_bits += net.register_bits();
    design_.stages += depth + 2;
    design_.latency += depth + 2;
    const std::string ready = valid_in(chain, source, depth);
    done_ = unique(cat("done_", index));
    std::vector<std::string> sums;
    for (std::size_t j = 0; j < info.size(); ++j) {
      const int width = fixed::width_of(info.interval(j));
      sums.push_back(reg(context_.element(layer.dense->output, j), width));
      clocked(cat("if (", ready, ") ", sums.back(), " <= (", first, " ? ",
                  literal(matrix.bias_at(static_cast<std::int64_t>(j)), width), " : ", sums.back(), ") + ",
                  resized(net, parts[j], names[j], width), ";"));
      design_.taps.push_back({layer.dense->output, j, info.size(), 1, sums.back(), done_, width, info.lo[j] < 0});
    }
    valid(done_, cat(ready, " && ", last), 1);
    return sums;
  }

  std::vector<Ref> column_products(Netlist& net, const Layer& layer, const Stream& in, std::size_t index,
                                   const std::string& word, int weight_width, const std::vector<std::string>& data) {
    const op::Cmvm& matrix = layer.matrix();
    const Interval weights = weight_range(matrix);
    std::vector<std::vector<Term>> terms(static_cast<std::size_t>(matrix.n_out));
    int offset = 0;
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      const Ref x = net.port(data[lane], in.range);
      for (std::size_t j = 0; j < terms.size(); ++j, offset += weight_width) {
        terms[j].push_back({1, field(net, cat("w_", index, "_", lane, "_", j), word, offset, weights), x});
      }
    }
    design_.multipliers += static_cast<std::int64_t>(terms.size() * lanes_);
    std::vector<Ref> out;
    for (std::size_t j = 0; j < terms.size(); ++j) {
      Interval range{0, 0};
      const Interval x = in.range;
      for (const Wide w : {weights.lo, weights.hi}) range = hull(range, x * w);
      const Wide count = static_cast<Wide>(lanes_);
      out.push_back(sum(net, cat("p_", index, "_", j), terms[j], 0, {range.lo * count, range.hi * count}));
    }
    return out;
  }

  static std::string resized(const Netlist& net, Ref ref, const std::string& name, int width) {
    std::string word = extended(net, ref, 0, width);
    for (std::size_t at; (at = word.find("@0;")) != std::string::npos;) word.replace(at, 3, name);
    return word;
  }

  /// A condition after `depth` clocks.
  std::string flag(const std::string& wish, const std::string& condition, int depth) {
    const std::string name = reg(wish, depth);
    clocked(depth == 1 ? cat(name, " <= ", condition, ";")
                       : cat(name, " <= {", name, "[", depth - 2, ":0], ", condition, "};"));
    return cat(name, "[", depth - 1, "]");
  }

  /// Sends the accumulators out `lanes_` per clock.
  Stream serialise(const Layer& layer, const std::vector<std::string>& sums) {
    const TensorInfo& info = output_of(*layer.dense);
    Stream out;
    out.range = hull(info.interval(), {0, 0});
    out.groups = groups(info.size());
    const int width = fixed::width_of(out.range);
    const int step = width * static_cast<int>(lanes_), all = step * static_cast<int>(out.groups);
    std::vector<std::string> words;
    for (std::size_t j = 0; j < out.groups * lanes_; ++j) {
      words.push_back(j < sums.size() ? sign_extended(sums[j], info.interval(j), width) : cat(width, "'d0"));
    }
    text_ += "  // the neurons one after another\n";
    const std::string shift = reg("send", all);
    const std::string zeros = cat(step, "'d0");
    clocked(cat(shift, " <= ", done_, " ? ", packed(words), " : ",
                all == step ? zeros : cat("{", zeros, ", ", shift, "[", all - 1, ":", step, "]}"), ";"));
    const int count_width = counter_width(out.groups);
    const std::string busy = reg("sending", 1), count = reg("sent", count_width);
    clocked(cat("begin\n    if (rst) ", busy, " <= 1'b0;\n    else if (", done_, ") ", busy, " <= 1'b1;\n    else if (",
                count, " == ", count_width, "'d", out.groups - 1, ") ", busy, " <= 1'b0;\n    ", count, " <= ", done_,
                " ? ", count_width, "'d0 : ", count, " + 1'b1;\n  end"));
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      const std::string name = unique("sent_element");
      const int low = width * static_cast<int>(lane);
      text_ += cat("  wire ", bus(width), " ", name, " = ", shift, "[", low + width - 1, ":", low, "];\n");
      out.lanes.push_back(name);
    }
    out.valid = busy;
    design_.latency += static_cast<int>(out.groups);
    return out;
  }

  static std::string sign_extended(const std::string& name, Interval range, int width) {
    const int own = fixed::width_of(range);
    if (own == width) return name;
    return cat("{{", width - own, "{", range.lo < 0 ? cat(name, "[", own - 1, "]") : std::string("1'b0"), "}}, ", name,
               "}");
  }

  Stream map(const Layer& layer, const Stream& in) {
    if (layer.maps.empty()) return in;
    Netlist net(context_.names, options_.levels_per_stage);
    const std::string chain = unique("valid_map");
    std::vector<Ref> out;
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      out.push_back(apply(net, layer, net.port(in.lanes[lane], in.range), lane, chain, in.valid));
    }
    return finish(net, out, chain, in.valid, width_of_layer(layer));
  }

  std::vector<std::string> port_words(const Layer& layer, const std::vector<std::string>& sums, const PortList& bits) {
    const TensorInfo& info = output_of(*layer.dense);
    std::vector<std::string> words;
    for (std::size_t j = 0; j < sums.size(); ++j) {
      words.push_back(sign_extended(sums[j], info.interval(j), bits[j].width));
    }
    return words;
  }

  /// Gathers the stream into y.
  std::string collect(const Stream& in, const PortList& bits) {
    const int width = bits.front().width, step = width * static_cast<int>(lanes_);
    const int all = step * static_cast<int>(in.groups), own = fixed::width_of(in.range);
    text_ += "  // the last stream becomes the output vector\n";
    std::vector<std::string> words;
    for (const std::string& lane : in.lanes) {
      const std::string name = unique("got");
      text_ += cat("  wire ", bus(own), " ", name, " = ", lane, ";\n");
      words.push_back(own > width ? cat(name, bus(width)) : sign_extended(name, in.range, width));
    }
    const std::string gathered = reg("gathered", all);
    clocked(cat("if (", in.valid, ") ", gathered, " <= ",
                all == step ? packed(words) : cat("{", packed(words), ", ", gathered, "[", all - 1, ":", step, "]}"),
                ";"));
    const int count_width = counter_width(in.groups);
    const std::string count = reg("got_count", count_width);
    const std::string last = cat(count, " == ", count_width, "'d", in.groups - 1);
    clocked(cat("\n    if (rst) ", count, " <= ", count_width, "'d0;\n    else if (", in.valid, ") ", count,
                " <= ", last, " ? ", count_width, "'d0 : ", count, " + 1'b1;"));
    const std::string complete = unique("complete");
    valid(complete, cat(in.valid, " && ", last), 1);
    ++design_.latency;
    return cat("  assign out_valid = ", complete, ";\n  assign y = ", gathered, bus(design_.output_bits), ";\n");
  }

  Context& context_;
  const Graph& graph_;
  VerilogDesign& design_;
  const VerilogOptions& options_;
  const Chain& chain_;
  std::size_t lanes_ = 1, most_groups_ = 1;
  std::string text_, busy_, row_, take_, issue_, done_;
};

}  // namespace

void emit_serial(Context& context, const VerilogOptions& options) {
  const Chain chain = chain_of(context.graph);
  Serial(context, options, chain).emit();
}

}  // namespace thimble::hw::rtl

namespace thimble::hw {

std::string serial_obstacle(const Graph& graph) {
  return rtl::chain_of(graph).obstacle;
}

}  // namespace thimble::hw

#include "hw/emit/testbench.h"

#include "core/base/text.h"

namespace thimble::hw {

using text::cat;

namespace {

std::string range(int width) {
  return cat("[", width - 1, ":0]");
}

/// Clocks without any event after which nothing can be under way any more.
int patience(const VerilogDesign& design) {
  return design.latency + design.interval + 8;
}

std::string replaced(std::string text, const std::vector<std::pair<std::string, std::string>>& marks) {
  for (const auto& [mark, value] : marks) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size()) {
      text.replace(at, mark.size(), value);
    }
  }
  return text;
}

// Offers a vector as a whole.
constexpr const char* kWholeVector = R"(      x = stim[sent];
      if (sent == 0) first_in = cycle;
      sent = sent + 1;
)";

// Offers one sample of a window.
constexpr const char* kOneSample = R"(      x = stim[sent][sample*<XBITS> +: <XBITS>];
      in_last = sample == <SAMPLES> - 1;
      if (sent == 0 && sample == 0) first_in = cycle;
      sample = sample + 1;
      if (sample == <SAMPLES>) begin
        sample = 0;
        sent = sent + 1;
      end
)";

using Marks = std::vector<std::pair<std::string, std::string>>;

Marks marks_of(const VerilogDesign& design, std::size_t vectors) {
  const bool stream = design.timing == Timing::stream, ready = stream || design.timing == Timing::serial;
  return {{"<DRIVE>", stream ? kOneSample : kWholeVector},
          {"<DESIGN>", design.module},
          {"<X>", range(design.input_bits)},
          {"<STIM>", range(design.input_bits * design.samples)},
          {"<SAMPLES>", cat(design.samples)},
          {"<MIDDLE>", cat(design.samples / 2)},
          {"<Y>", range(design.output_bits)},
          {"<XBITS>", cat(design.input_bits)},
          {"<LAST>", cat(vectors - 1)},
          {"<N>", cat(vectors)},
          {"<READY_WIRE>", ready ? "wire in_ready;" : "wire in_ready = 1'b1;"},
          {"<READY_PORT>", cat(stream ? ".in_last(in_last), " : "", ready ? ".in_ready(in_ready), " : "")},
          {"<PATIENCE>", cat(patience(design))}};
}

// Everything the benches share. They differ in when they offer a vector (<OFFER>), what else they do each clock
// (<EXTRA>) and how many outputs are due (<DUE>).
constexpr const char* kBench = R"(`timescale 1ns/1ps
module <BENCH>;
  reg clk = 1'b0;
  reg rst = 1'b1;
  reg in_valid = 1'b0;
  reg in_last = 1'b0;
  reg <X> x;
  wire out_valid;
  wire <Y> y;
  <READY_WIRE>
  reg <STIM> stim [0:<LAST>];
  reg <Y> expected [0:<LAST>];
  reg [8191:0] file_name;
  integer vectors, sent, sample, next, got, dropped, mismatches, cycle, idle, first_in, latency, file, seed;

  <DESIGN> dut (.clk(clk), .rst(rst), .in_valid(in_valid), <READY_PORT>.x(x), .out_valid(out_valid), .y(y));

  always #5 clk = ~clk;

  initial begin
    vectors = <N>;
    if ($value$plusargs("vectors=%d", vectors)) begin
      if (vectors > <N>) vectors = <N>;
    end
    file = 0;
    if ($value$plusargs("got=%s", file_name)) file = $fopen(file_name, "w");
    $readmemh("../vec/stim.mem", stim);
    $readmemh("../vec/expect.mem", expected);
    x = {<XBITS>{1'bx}};
    sent = 0;
    sample = 0;
    next = 0;
    got = 0;
    dropped = <DROPPED>;
    mismatches = 0;
    cycle = 0;
    idle = 0;
    first_in = 0;
    latency = 0;
    seed = 1;
  end

  task check;
    begin
      if (next >= vectors) begin
        mismatches = mismatches + 1;
      end else if (^expected[next] === 1'bx || y !== expected[next]) begin
        mismatches = mismatches + 1;
        if (mismatches <= 5) $display("MISMATCH vector=%0d got=%h expected=%h", next, y, expected[next]);
      end
      if (file != 0) $fdisplay(file, "%h", y);
      if (got == 0) latency = cycle - first_in;
      next = next + 1;
      got = got + 1;
      idle = 0;
    end
  endtask

  task finish;
    begin
      $display("LATENCY cycles=%0d", latency);
      $display("RESULT vectors=%0d mismatches=%0d", got, mismatches);
      if (mismatches == 0 && got + (dropped > 0 ? dropped : 0) == vectors) $display("PASS");
      else $display("FAIL");
      if (file != 0) $fclose(file);
      $finish;
    end
  endtask

  always @(negedge clk) begin
    cycle = cycle + 1;
    idle = idle + 1;
    if (cycle > 2 && out_valid !== 1'b0) begin
      if (out_valid === 1'b1) check;
      else mismatches = mismatches + 1;
    end
<EXTRA>    in_valid = 1'b0;
    in_last = 1'b0;
    x = {<XBITS>{1'bx}};
    if (cycle == 4) rst = 1'b0;
    if (!rst && sent < vectors && in_ready === 1'b1<OFFER>) begin
      in_valid = 1'b1;
<DRIVE>      idle = 0;
    end
    if (idle > <PATIENCE>) finish;
  end
endmodule
)";

// A reset in the middle: what was under way is gone and must not appear later.
constexpr const char* kReset = R"(    if (rst && cycle > 4) rst = 1'b0;
    if (sent == vectors / 2 && dropped == 0 && sent > next) begin
      rst = 1'b1;
      dropped = sent - next;
      next = sent;
    end
)";

// The same between two samples; the window that was begun is sent again.
constexpr const char* kResetInWindow = R"(    if (rst && cycle > 4) rst = 1'b0;
    if (sent == vectors / 2 && sample >= <MIDDLE> && dropped < 0) begin
      rst = 1'b1;
      dropped = sent - next;
      next = sent;
      sample = 0;
    end
)";

std::string trace_lines(const VerilogDesign& design) {
  std::string out;
  for (const TraceTap& tap : design.taps) {
    const std::string value = cat("dut.", tap.signal);
    out += cat("    if (dut.", tap.valid, " === 1'b1) $display(\"TRACE ", tap.tensor, " ", tap.lane, " %0d\", ",
               tap.is_signed ? cat("$signed(", value, ")") : value, ");\n");
  }
  return out;
}

constexpr const char* kDriver = R"(// Drives <DESIGN> with ../vec/stim.mem and compares with ../vec/expect.mem.
// usage: sim [FILE FOR OUTPUTS]; run in the folder rtl.
#include "V<DESIGN>.h"
#include "verilated.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

const char kDigits[] = "0123456789abcdef";

unsigned nibble(const std::string& hex, unsigned at) {
  if (at >= hex.size()) return 0;
  const char c = hex[hex.size() - 1 - at];
  return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
}

<PART>
template <class T>
void put(T& port, const std::string& hex) {
  port = 0;
  for (unsigned i = 0; i < 2 * sizeof(T); ++i) port = static_cast<T>(port | static_cast<T>(nibble(hex, i)) << (4 * i));
}
template <std::size_t Words>
void put(VlWide<Words>& port, const std::string& hex) {
  for (unsigned word = 0; word < Words; ++word) {
    EData bits = 0;
    for (unsigned i = 0; i < 8; ++i) bits |= static_cast<EData>(nibble(hex, 8 * word + i)) << (4 * i);
    port[word] = bits;
  }
}

template <class T>
unsigned digit(const T& port, unsigned at) {
  return static_cast<unsigned>(port >> (4 * at)) & 15u;
}
template <std::size_t Words>
unsigned digit(const VlWide<Words>& port, unsigned at) {
  return (port[at / 8] >> (4 * (at % 8))) & 15u;
}

std::vector<std::string> lines(const char* name) {
  std::vector<std::string> out;
  std::FILE* in = std::fopen(name, "r");
  if (!in) return out;
  std::string line;
  for (int c; (c = std::fgetc(in)) != EOF;) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    out.push_back(line);
    line.clear();
  }
  std::fclose(in);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> stim = lines("../vec/stim.mem"), expected = lines("../vec/expect.mem");
  if (stim.size() != <N> || expected.size() != <N>) {
    std::printf("FAIL: %zu inputs and %zu outputs in ../vec, <N> expected\n", stim.size(), expected.size());
    return 1;
  }
  std::FILE* file = argc > 1 ? std::fopen(argv[1], "w") : nullptr;
  const std::unique_ptr<VerilatedContext> context(new VerilatedContext);
  V<DESIGN> dut(context.get());
  std::size_t sent = 0,<SAMPLE_COUNTER> got = 0, mismatches = 0, first_in = 0, latency = 0;
  unsigned idle = 0;
  dut.clk = 0;
  dut.rst = 1;
  dut.in_valid = 0;
  dut.eval();
  for (std::size_t cycle = 1; idle <= <PATIENCE>; ++cycle) {
    dut.clk = 1;
    dut.eval();
    dut.clk = 0;
    dut.eval();
    ++idle;
    if (cycle > 2 && dut.out_valid) {
      std::string y(<YDIGITS>, '0');
      for (unsigned i = 0; i < <YDIGITS>; ++i) y[<YDIGITS> - 1 - i] = kDigits[digit(dut.y, i)];
      if (got >= expected.size() || y != expected[got]) {
        if (++mismatches <= 5) std::printf("MISMATCH vector=%zu got=%s\n", got, y.c_str());
      }
      if (file) std::fprintf(file, "%s\n", y.c_str());
      if (got == 0) latency = cycle - first_in;
      ++got;
      idle = 0;
    }
    dut.in_valid = 0;
    if (cycle == 4) dut.rst = 0;
    dut.eval();
    if (!dut.rst && sent < stim.size()<READY>) {
      dut.in_valid = 1;
<DRIVE_C>      idle = 0;
      dut.eval();
    }
  }
  const bool pass = mismatches == 0 && got == stim.size();
  if (file && std::fclose(file) != 0) return 1;
  std::printf("LATENCY cycles=%zu\nRESULT vectors=%zu mismatches=%zu\n%s\n", latency, got, mismatches,
              pass ? "PASS" : "FAIL");
  return pass ? 0 : 1;
}
)";

constexpr const char* kDriveVector = R"(      put(dut.x, stim[sent]);
      if (sent == 0) first_in = cycle;
      ++sent;
)";
constexpr const char* kDriveSample = R"(      put(dut.x, part(stim[sent], sample * <XBITS>, <XBITS>));
      dut.in_last = sample == <SAMPLES> - 1;
      if (sent == 0 && sample == 0) first_in = cycle;
      if (++sample == <SAMPLES>) {
        sample = 0;
        ++sent;
      }
)";
// One sample out of the line of a window.
constexpr const char* kPart = R"(
std::string part(const std::string& hex, std::size_t first, std::size_t width) {
  std::string out((width + 3) / 4, '0');
  for (std::size_t bit = 0; bit < width; ++bit) {
    const unsigned set = (nibble(hex, static_cast<unsigned>((first + bit) / 4)) >> ((first + bit) % 4)) & 1u;
    char& digit = out[out.size() - 1 - bit / 4];
    digit = kDigits[static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10) | set << (bit % 4)];
  }
  return out;
}
)";

std::string bench(const std::string& name, const std::string& extra, const std::string& offer,
                  const std::string& dropped, const Marks& marks) {
  return replaced(replaced(kBench, {{"<BENCH>", name}, {"<EXTRA>", extra}, {"<OFFER>", offer}, {"<DROPPED>", dropped}}),
                  marks);
}

}  // namespace

std::vector<VerilogFile> emit_benches(const VerilogDesign& design, std::size_t vectors) {
  const Marks marks = marks_of(design, vectors);
  const bool stream = design.timing == Timing::stream;
  const std::string driver =
      replaced(kDriver, {{"<DRIVE_C>", stream ? kDriveSample : kDriveVector},
                         {"<PART>\n", stream ? kPart : ""},
                         {"<SAMPLE_COUNTER>", stream ? " sample = 0," : ""},
                         {"<YDIGITS>", cat((design.output_bits + 3) / 4)},
                         {"<READY>", stream || design.timing == Timing::serial ? " && dut.in_ready" : ""}});
  // a design that works on two windows at once is traced one by one, so that their positions do not mix
  const std::string alone = stream ? " && (sample != 0 || sent == next)" : "";
  return {{"rtl/tb.v", bench("tb", "", "", "0", marks)},
          {"rtl/tb_stress.v", bench("tb_stress", stream ? kResetInWindow : kReset, " && ($random(seed) & 3) != 0",
                                    stream ? "-1" : "0", marks)},
          {"rtl/tb_trace.v", bench("tb_trace", trace_lines(design), alone, "0", marks)},
          {"scripts/drive.cpp", replaced(driver, marks)}};
}

}  // namespace thimble::hw

#pragma once
// Settings of the integers a FENet is rounded to, and of the chip it is exported for. Defaults are the published ones.

#include "apps/common/config/schema.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fenet {

/// Block `quant`: signed fixed point of `word_length` bits, `fraction` of them behind the point.
struct QuantKeys {
  std::int64_t word_length = 9, fraction = 6;
  std::string rounding = "nearest";
  std::int64_t draws = 16;
  bool decoder = false, train = false, evaluate = false;
  std::vector<std::int64_t> word_lengths = {4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

  static void fields(auto& self, auto&& f) {
    f("word_length", self.word_length, "bits of weights and activations with their sign", app::between(2, 24),
      app::unit("bits"), app::alias("wl"));
    f("fraction", self.fraction, "fraction bits of both", app::between(0, 23), app::unit("bits"), app::alias("fl"));
    f("rounding", self.rounding,
      "weights: to the nearest and saturated, truncated and wrapped, or up or down at random, the best of `draws`",
      app::one_of({"nearest", "wrap", "stochastic"}));
    f("draws", self.draws, "stochastic: roundings judged on validation data", app::between(1, 1e6));
    f("decoder", self.decoder, "round inputs, coefficients and intercepts of the decoder too");
    f("train", self.train, "train through the rounding, so that the trained network is the one of the chip");
    f("evaluate", self.evaluate, "judge the rounded network beside the trained one at every evaluation");
    f("word_lengths", self.word_lengths, "verb quantise: word lengths, each with fractions 1 .. word length - 2",
      app::between(3, 24), app::unit("bits"));
  }
};

/// Block `hw`: registers, configuration fields and text files of the chip.
struct HardwareKeys {
  std::int64_t pool_bits = 22, accumulator_bits = 16;
  std::int64_t data_valid_delay = 0, channels = 40, cycles = 450;
  std::int64_t channels_built = 64, levels_built = 7, weight_depth = 256, max_cycles = 900;
  std::string code = "oct";
  std::int64_t code_bits = 0, first_n = 4, pipeline = 6;

  static void fields(auto& self, auto&& f) {
    f("pool_bits", self.pool_bits, "register that sums the values of a level", app::between(2, 62), app::unit("bits"));
    f("accumulator_bits", self.accumulator_bits, "register that sums the products of a filter", app::between(2, 62),
      app::unit("bits"));
    f("data_valid_delay", self.data_valid_delay, "field of configs.txt", app::between(0, 1 << 20), app::unit("cycles"));
    f("channels", self.channels, "channels switched on, field of configs.txt", app::between(1, 1 << 20));
    f("cycles", self.cycles, "field num_cycles of configs.txt", app::between(1, 1 << 20), app::unit("cycles"));
    f("channels_built", self.channels_built, "FENets built on the chip: width of a field", app::between(1, 1 << 20));
    f("levels_built", self.levels_built, "levels built per FENet: entries of configs.txt", app::between(1, 32));
    f("weight_depth", self.weight_depth, "taps that the weight memory holds", app::between(1, 1 << 20));
    f("max_cycles", self.max_cycles, "most cycles of a window: width of a field", app::between(1, 1 << 20),
      app::unit("cycles"));
    f("code", self.code, "how numbers stand in the text files",
      app::one_of({"float", "hex", "oct", "bin", "hex_2s_comp", "oct_2s_comp", "bin_2s_comp"}));
    f("code_bits", self.code_bits, "bits of a code, the word in its upper ones; 0: the word length",
      app::between(0, 62), app::unit("bits"));
    f("first_n", self.first_n, "segments of the chosen day in the text files", app::between(1, 1e6),
      app::unit("segments"));
    f("pipeline", self.pipeline, "logic levels between registers of the Verilog, 0: none", app::between(0, 1000));
  }
};

}  // namespace thimble::fenet

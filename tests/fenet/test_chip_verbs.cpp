// The verbs of the hardware as a user types them.
#include "core/io/file.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/hw/rtl_support.h"
#include "tests/support/program.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;

namespace {

test::ProgramResult fenet_verb(const test::TempFolder& folder, std::vector<std::string> words) {
  words.insert(words.begin(), THIMBLE_BINARY_DIR "/bin/thimble-fenet");
  return test::run_program(words, folder.path());
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::string kFewChannels = "synth.channels=3", kFewSegments = "synth.segments=30",
                  kTwoSessions = "synth.sessions=2", kShort = "synth.samples=120";

}  // namespace

TEST_CASE("[FN F21] [FN N10] export writes one folder that checks itself, and verify notices a changed word") {
  if (!test::installed({"iverilog", "vvp", "cc"})) return;
  const test::TempFolder folder;
  const auto made = fenet_verb(folder, {"export", "efficient", "--out", "chip", "--vectors", "40", kFewChannels,
                                        kFewSegments, kTwoSessions, kShort, "hw.first_n=2", "hw.code=hex_2s_comp",
                                        "run.quantized_model_dir=models", "run.quantized_data_dir=vectors"});
  INFO(made.output);
  REQUIRE(made.exit_code == 0);
  CHECK(contains(made.output, "text bundle: 0 mismatches"));
  CHECK(contains(made.output, "one window every 120 clocks"));
  for (const char* file : {"fxir.json", "report.md", "rtl/fenet_efficient.v", "c/fenet_efficient.h", "text/configs.txt",
                           "text/qfe_net.h5", "text/model_info.txt", "firmware/words/fenet_efficient_words.h",
                           "firmware/words/mem/feat0_weights.mem", "manifest.sha256"})
    CHECK(std::filesystem::exists(folder / "chip" / file));
  CHECK(std::filesystem::exists(folder / "models" / "feat_weights.txt"));
  CHECK(!std::filesystem::exists(folder / "models" / "inputs.txt"));
  CHECK(std::filesystem::exists(folder / "vectors" / "inputs.txt"));
  CHECK(contains(io::read_file(folder / "chip" / "report.md"), "## Registers"));
  const auto proof = fenet_verb(folder, {"verify", "chip", "--sim", "interpreter,c,icarus"});
  INFO(proof.output);
  CHECK(proof.exit_code == 0);
  CHECK(contains(proof.output, "proven: every engine that ran agrees bit for bit"));
  test::edit(folder / "chip" / "text" / "outputs.txt", "\n0", "\n1");
  const auto broken = fenet_verb(folder, {"verify", "chip", "--text"});
  CHECK(broken.exit_code == 1);
  CHECK(contains(broken.output, "outputs.txt line"));
}

TEST_CASE("[FN F21] a network that does not fit the chip is refused before anything is written, rtl alone is not") {
  const test::TempFolder folder;
  const auto refused =
      fenet_verb(folder, {"export", "db20", "--out", "chip", kFewChannels, kFewSegments, kTwoSessions});
  CHECK(refused.exit_code == 2);
  CHECK(contains(refused.output, "kernel_offset 7: 280 in 8 bits"));
  CHECK(!std::filesystem::exists(folder / "chip"));
  const auto made = fenet_verb(folder, {"export", "db20", "--target", "rtl", "--out", "chip", "--vectors", "8",
                                        kFewChannels, kFewSegments, kTwoSessions, kShort});
  INFO(made.output);
  CHECK(made.exit_code == 0);
  CHECK(!std::filesystem::exists(folder / "chip" / "text" / "configs.txt"));
}

TEST_CASE("[FN F22] [FN F24] quantise writes table, page and words, and the words are exported as they are") {
  const test::TempFolder folder;
  const auto made =
      fenet_verb(folder, {"quantise", "efficient", "--out", "q", kFewChannels, "synth.segments=60", kTwoSessions,
                          kShort, "quant.word_lengths=[8,9]", "quant.word_length=8", "quant.fraction=5",
                          "quant.rounding=stochastic", "quant.draws=3", "model.normalize_at_end=true"});
  INFO(made.output);
  REQUIRE(made.exit_code == 0);
  CHECK(contains(made.output, "best of 3 stochastic roundings"));
  const std::string csv = io::read_file(folder / "q" / "quantisation.csv");
  CHECK(csv.rfind(",WordLen,fracLen,unQuantized_R2,Quantized_R2,day\n0,8,1,", 0) == 0);
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 1 + 6 + 7);
  CHECK(std::filesystem::exists(folder / "q" / "report.html"));
  const auto chip = fenet_verb(folder, {"export", "q/qfe_net.h5", "--out", "chip", "--vectors", "8", kFewChannels,
                                        kFewSegments, kTwoSessions, kShort});
  INFO(chip.output);
  CHECK(chip.exit_code == 0);
  CHECK(contains(chip.output, "fx<8,1,5>"));
}

TEST_CASE("[FN F20] impossible formats and unknown networks end with a remedy and exit code 2") {
  const test::TempFolder folder;
  const auto wide = fenet_verb(folder, {"export", "efficient", "quant.word_length=6", "quant.fraction=6"});
  CHECK(wide.exit_code == 2);
  CHECK(contains(wide.output, "quant.fraction"));
  const auto unknown = fenet_verb(folder, {"export", "nothing_here"});
  CHECK(unknown.exit_code == 2);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);  // output.txt of this test
}

TEST_SUITE("slow") {
  TEST_CASE("[FN N3] what was trained through the rounding of chip.yaml is exported without a mismatch") {
    const test::TempFolder folder;
    const std::string config = THIMBLE_SOURCE_DIR "/configs/fenet/chip.yaml";
    const auto trained =
        fenet_verb(folder, {"train", config, "synth.sessions=3", "synth.segments=60", kFewChannels, kShort,
                            "train.folds=3", "train.fold=2", "train.epochs=3", "train.eval_steps=2", "eval.folds=3",
                            "model.kernels=[4,6]", "model.strides=[2,2]"});
    INFO(trained.output);
    REQUIRE(trained.exit_code == 0);
    const auto made = fenet_verb(folder, {"export", "latest", "--out", "chip", "--vectors", "40"});
    INFO(made.output);
    REQUIRE(made.exit_code == 0);
    CHECK(contains(made.output, "fx<9,1,6>"));
    CHECK(contains(made.output, "text bundle: 0 mismatches"));
    if (!test::installed({"iverilog", "vvp"})) return;
    const auto proof = fenet_verb(folder, {"verify", "chip", "--sim", "interpreter,icarus"});
    INFO(proof.output);
    CHECK(proof.exit_code == 0);
    CHECK(contains(proof.output, "proven: every engine that ran agrees bit for bit"));
  }

  TEST_CASE("[HW-24] the published efficient network streams through Verilator without a mismatch") {
    if (!test::installed({"verilator", "make", "g++"})) return;
    THIMBLE_SHARED(weights, "data/fenet/weights_efficient_volcanic486.h5");
    const test::TempFolder folder;
    const auto made =
        fenet_verb(folder, {"export", weights.string(), "--out", "chip", "--vectors", "300", "synth.segments=20"});
    INFO(made.output);
    REQUIRE(made.exit_code == 0);
    CHECK(contains(made.output, "one window every 900 clocks"));
    const auto proof = fenet_verb(folder, {"verify", "chip", "--sim", "verilator"});
    INFO(proof.output);
    CHECK(contains(proof.output, "verilator: 0 mismatches of 300"));
  }
}

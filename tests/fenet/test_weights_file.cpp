#include "core/io/file.h"
#include "core/io/hdf5_foreign.h"
#include "core/io/json.h"
#include "core/io/npy.h"
#include "core/io/torch.h"
#include "core/kernels/wavelet_conv.h"

#include "nn/train/checkpoint.h"

#include "apps/fenet/model/weights_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::fenet;
using test::error_of;
using test::says;

namespace {

WeightsFile small_weights() {
  WeightsFile out;
  out.architecture.kernels = {4, 6};
  out.architecture.strides = {2, 3};
  out.architecture.relu_powers = {0, 1};
  out.architecture.features_by_layer = {1, 2, 1};
  out.architecture.normalize_at_end = true;
  for (const int taps : {4, 4, 6, 6}) {
    std::vector<float> values;
    for (int i = 0; i < taps; ++i)
      values.push_back(0.1f * static_cast<float>(i + 1) * static_cast<float>(out.weights.size() + 1));
    out.weights.push_back(Tensor::from(values));
  }
  out.config["optim.lr"] = 0.00125;
  out.config["kernel7"] = std::int64_t{16};
  out.config["note"] = std::string("first try");
  return out;
}

bool same_weights(const WeightsFile& a, const WeightsFile& b) {
  bool same = a.weights.size() == b.weights.size();
  for (std::size_t i = 0; same && i < a.weights.size(); ++i)
    same = a.weights[i].to_vector() == b.weights[i].to_vector();
  return same;
}

/// The signal of the published-weight cases: data/fenet/README.md, a = 0.
Tensor published_signal(int chunks, int channels, int samples) {
  std::vector<float> x;
  for (int b = 0; b < chunks; ++b)
    for (int c = 0; c < channels; ++c)
      for (int t = 0; t < samples; ++t)
        x.push_back(static_cast<float>(std::sin(0.05 * t * (c + 1) + b) + 0.3 * std::sin(0.73 * t + 0.1 * c) +
                                       0.1 * (((37 * t + 11 * c + 5 * b) % 17) / 17.0 - 0.5)));
  return Tensor::from(x, {chunks * channels, samples});
}

std::vector<double> first_row(const std::filesystem::path& path) {
  const WeightsFile file = read_weights(path);
  const Tensor x = published_signal(4, 3, 900);
  const Tensor out = Tensor::empty({x.size(0), file.architecture.features()});
  kernels::wavelet_features(file.architecture.chain(), x, file.weights, out);
  return out.rows(0, 1).to_vector();
}

void check_near(const std::vector<double>& found, const std::vector<double>& expected, double relative) {
  REQUIRE(found.size() == expected.size());
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(std::abs(found[i] - expected[i]) <= relative * largest + 5e-9 * std::abs(expected[i]));
}

std::vector<float> random_taps(std::size_t n, float scale) {
  std::vector<float> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(scale * static_cast<float>((i * 37 + 11) % 17) - 0.5f);
  return out;
}

void write_torch(const std::filesystem::path& path, const std::vector<std::pair<std::string, Tensor>>& state) {
  test::write_text(path, io::torch_bytes(state));
}

}  // namespace

TEST_CASE("the published weights load and give the published features [FN F18] [FN F02]") {
  THIMBLE_SHARED(folder, "data/fenet");
  // fenet.md section 11, case D
  check_near(first_row(folder / "weights_efficient_volcanic486.h5"), {0.0535199, 0.27886322, 0.01799539, 0.60661982},
             1e-6);
  check_near(first_row(folder / "weights_db20_alternative_iqk20aq0.h5"),
             {0.06943586, 0.2115149, 0.46913588, 0.07425585, 0.12985182, 0.61519569, 0.96370517}, 1e-6);
  check_near(first_row(folder / "weights_db20_architecture.h5"),
             {1.57863372, 55.3048746, 37.9409876, 619.106826, 3189.95436, 8839.36705, 39875.5454, 23019.3011}, 1e-6);
}

TEST_CASE("the efficient checkpoint has the published first layer and its optimiser [FN F18]") {
  THIMBLE_SHARED(path, "data/fenet/weights_efficient_volcanic486.h5");
  const WeightsFile file = read_weights(path);
  CHECK(file.architecture.kernels == std::vector<int>{4, 30, 30});
  CHECK(file.architecture.strides == std::vector<int>{3, 2, 2});
  // fenet.md section 11, case C
  check_near(file.weights[0].to_vector(), {-0.0978412628, -0.2434098423, 0.8051403165, -0.4800451100}, 1e-9);
  check_near(file.weights[1].to_vector(), {0.4218261838, 0.7748386264, 0.1638464779, -0.1882445514}, 1e-9);
  REQUIRE(file.optimizer);
  CHECK(file.optimizer->step == 57);
  CHECK(file.optimizer->lr == 0.00125);
  CHECK(file.optimizer->mean.size() == 6);
  CHECK(std::get<std::int64_t>(file.config.at("fold")) == 5);
  CHECK(std::get<std::int64_t>(file.config.at("kernel7")) == 16);  // of a level that is not there
}

TEST_CASE("weights written are read back to the same bits [FN F18]") {
  const test::TempFolder folder;
  WeightsFile file = small_weights();
  file.optimizer = AdamWState{0.001, 0.9, 0.999, 1e-8, 0.02, 12, file.weights, file.weights};
  write_weights(folder / "w.h5", file);
  CHECK(io::read_file(folder / "w.h5") == weights_bytes(file));
  const WeightsFile back = read_weights(folder / "w.h5");
  CHECK(same_weights(file, back));
  CHECK(back.architecture.strides == file.architecture.strides);
  CHECK(back.architecture.relu_powers == file.architecture.relu_powers);
  CHECK(back.architecture.features_by_layer == file.architecture.features_by_layer);
  CHECK(back.architecture.normalize_at_end);
  CHECK(std::get<std::string>(back.config.at("note")) == "first try");
  REQUIRE(back.optimizer);
  CHECK(back.optimizer->step == 12);
  CHECK(back.optimizer->square[3].to_vector() == file.weights[3].to_vector());
  CHECK(weights_bytes(back) == weights_bytes(file));
}

TEST_CASE("a learned reduction is kept in weights files and must fit the network [FN T5]") {
  const test::TempFolder folder;
  WeightsFile file = small_weights();
  const std::int64_t features = file.architecture.features();
  for (const Shape& shape : {Shape{features, 2}, Shape{5, features, 2}}) {
    file.reduction = Tensor::full(shape, 0.25);
    file.reduction.mut<float>()[1] = -3;
    write_weights(folder / "w.h5", file);
    const WeightsFile back = read_weights(folder / "w.h5");
    CHECK(back.reduction.shape() == shape);
    CHECK(back.reduction.to_vector() == file.reduction.to_vector());
    const Network network = network_of(back, 64);
    CHECK(network.reduces());
    CHECK(network.all_weights().size() == network.weights().size() + 1);
    CHECK(weights_bytes(weights_of(network, back.config)) == weights_bytes(file));
  }
  file.reduction = Tensor::full({features + 1, 2}, 1);
  write_weights(folder / "w.h5", file);
  CHECK(says(error_of([&] { read_weights(folder / "w.h5"); }), "features"));
}

TEST_CASE("published weights written again are the same weights [FN F18]") {
  THIMBLE_SHARED(path, "data/fenet/weights_efficient_volcanic486.h5");
  const test::TempFolder folder;
  const WeightsFile file = read_weights(path);
  write_weights(folder / "again.h5", file);
  const io::Hdf5Tree ours = io::read_foreign_hdf5(folder / "again.h5"), theirs = io::read_foreign_hdf5(path);
  CHECK(ours.datasets == theirs.datasets);
  for (const char* name : {"kernels", "strides", "relu_powers", "features_by_layer"})
    CHECK(ours.attributes.at("/").at(name) == theirs.attributes.at("/").at(name));
}

TEST_CASE("the sample checkpoint gives network, settings and optimiser [FN N11] [FN F18]") {
  THIMBLE_SHARED(sample, "data/fenet/sample_pytorch_checkpoint.pt");
  THIMBLE_SHARED(answers, "data/fenet/sample_pytorch_checkpoint_expected.h5");
  const WeightsFile file = read_weights(sample);
  const io::Hdf5Tree expected = io::read_foreign_hdf5(answers);
  CHECK(file.architecture.kernels == std::vector<int>{4, 6});
  CHECK(file.architecture.strides == std::vector<int>{2, 3});
  CHECK(file.architecture.relu_powers == std::vector<int>{0, 1});
  CHECK(std::get<bool>(file.config.at("anneal")) == false);
  CHECK(std::get<double>(file.config.at("annealing_alpha")) == 0.25);
  CHECK(std::get<std::int64_t>(file.config.at("random_seed")) == 5);
  REQUIRE(file.optimizer);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string part = text::cat(i / 2, i % 2 == 0 ? "/feat" : "/pass");
    CHECK(file.weights[i].to_vector() == expected.datasets.at("/weights/" + part).numbers.doubles());
    CHECK(file.optimizer->mean[i].to_vector() ==
          expected.datasets.at(text::cat("/optimizer/", part, "/exp_avg")).numbers.doubles());
  }
  CHECK(file.optimizer->step > 0);
  CHECK(file.optimizer->weight_decay == 1.5e-5);
}

TEST_CASE("old names hpf and lpf stand for feature and pass filters [FN F29]") {
  const test::TempFolder folder;
  std::vector<std::pair<std::string, Tensor>> old_names, new_names;
  for (int level = 0; level < 7; ++level) {
    const Tensor feat = Tensor::from(random_taps(40, 0.1f), {1, 1, 40});
    const Tensor pass = Tensor::from(random_taps(40, 0.01f * static_cast<float>(level + 1)), {1, 1, 40});
    old_names.emplace_back(text::cat("lpf", level + 1, ".weight"), pass);  // any order
    old_names.emplace_back(text::cat("hpf", level + 1, ".weight"), feat);
    new_names.emplace_back(text::cat("layers.", level, ".feat_l.weight"), feat);
    new_names.emplace_back(text::cat("layers.", level, ".pass_l.weight"), pass);
  }
  write_torch(folder / "old.pt", old_names);
  write_torch(folder / "new.pt", new_names);
  CHECK(says(error_of([&] { read_weights(folder / "old.pt"); }), "stride1"));
  const ShapeOverride shape{std::vector<int>(7, 2), {}, true};
  const WeightsFile old_file = read_weights(folder / "old.pt", shape),
                    new_file = read_weights(folder / "new.pt", shape);
  CHECK(same_weights(old_file, new_file));
  CHECK(old_file.architecture.kernels == std::vector<int>(7, 40));
  CHECK(old_file.architecture.normalize_at_end);
  CHECK(weights_bytes(old_file) == weights_bytes(new_file));
}

TEST_CASE("the checkpoint of a run gives the filters of its network [FN F18]") {
  const test::TempFolder folder;
  const WeightsFile file = small_weights();
  Network network = network_of(file, 64);
  nn::Checkpoint checkpoint;
  checkpoint.about = {{"app", "fenet"}};
  checkpoint.arch = io::canonical_json(nn::to_json(network.graph));
  nn::store_model(checkpoint, nn::parts_of(network.graph));
  test::write_text(folder / "last.h5", nn::checkpoint_bytes(checkpoint));
  const WeightsFile back = read_weights(folder / "last.h5", {{}, {}, true});
  CHECK(same_weights(back, file));
  CHECK(back.architecture.strides == file.architecture.strides);
  CHECK(back.architecture.relu_powers == file.architecture.relu_powers);
  CHECK(back.architecture.features_by_layer == file.architecture.features_by_layer);
  CHECK(back.architecture.normalize_at_end);
  std::string damaged = test::read_text(folder / "last.h5");
  damaged[damaged.size() / 2] = static_cast<char>(~damaged[damaged.size() / 2]);
  test::write_text(folder / "last.h5", damaged);
  CHECK(error_of([&] { read_weights(folder / "last.h5"); }));
}

TEST_CASE("a shape given by the caller goes before that of the file [FN F18]") {
  const test::TempFolder folder;
  write_weights(folder / "w.h5", small_weights());
  const WeightsFile file = read_weights(folder / "w.h5", {{1, 2}, {3, 0}, false});
  CHECK(file.architecture.strides == std::vector<int>{1, 2});
  CHECK(file.architecture.relu_powers == std::vector<int>{3, 0});
  CHECK_FALSE(file.architecture.normalize_at_end);
  CHECK(says(error_of([&] { read_weights(folder / "w.h5", {{1, 2, 3}, {}, {}}); }), "3 numbers for 2 levels"));
}

TEST_CASE("checkpoints whose parts do not fit together are refused by name [FN F18] [FN N11]") {
  const test::TempFolder folder;
  const Tensor four = Tensor::zeros({1, 1, 4}), six = Tensor::zeros({1, 1, 6}), square = Tensor::zeros({2, 2});
  const auto trouble = [&](const std::vector<std::pair<std::string, Tensor>>& state) {
    write_torch(folder / "w.pt", state);
    return error_of([&] { read_weights(folder / "w.pt", {{2}, {}, {}}); });
  };
  CHECK_FALSE(trouble({{"layers.0.feat_l.weight", four}, {"layers.0.pass_l.weight", four}}));
  CHECK(says(trouble({{"layers.0.feat_l.weight", four}}), "only one filter"));
  CHECK(says(trouble({{"layers.0.feat_l.weight", four}, {"layers.0.pass_l.weight", six}}), "4 and 6 taps"));
  CHECK(says(trouble({{"layers.1.feat_l.weight", four}, {"layers.1.pass_l.weight", four}}), "before it is missing"));
  CHECK(says(trouble({{"layers.0.feat_l.weight", square}, {"layers.0.pass_l.weight", square}}), "[2, 2]"));
  CHECK(says(trouble({{"layers.0.feat_l.bias", four}}), "is no filter of a FENet"));
  CHECK(says(trouble({{"layers.0.feat_l.weight", four}, {"hpf1.weight", four}}), "is there already"));
  CHECK(says(trouble({{"layers.-1.feat_l.weight", four}}), "is no filter"));
  WeightsFile wrong = small_weights();
  wrong.architecture.strides = {0, 3};
  write_weights(folder / "w.h5", wrong);
  const auto error = error_of([&] { read_weights(folder / "w.h5"); });
  CHECK(says(error, "stride1"));
  CHECK(says(error, "w.h5"));
  wrong = small_weights();
  wrong.architecture.kernels = {4, 8};
  write_weights(folder / "w.h5", wrong);
  CHECK(says(error_of([&] { read_weights(folder / "w.h5"); }), "kernel"));
  test::write_text(folder / "w.h5", "no HDF5");
  CHECK(error_of([&] { read_weights(folder / "w.h5"); }));
}

TEST_SUITE("slow") {
  TEST_CASE("arrays for the neural data transformer have the names, shapes and bytes of the format [FN F23]") {
    const test::TempFolder folder;
    const auto run = [&](std::vector<std::string> words) {
      for (const char* setting : {"synth.sessions=2", "synth.segments=40", "synth.channels=3", "synth.samples=300"})
        words.emplace_back(setting);
      return test::run_program("thimble-fenet", words, folder.path());
    };
    const test::Ended ended = run({"export", "efficient", "--target", "ndt", "--out", "ndt"});
    CHECK_MESSAGE(ended.code == 0, ended.err);
    for (const int day : {0, 1}) {
      const io::Array outputs = io::read_npy(folder / text::cat("ndt/gitignoreme_outputs_day", day, ".npy"));
      const io::Array labels = io::read_npy(folder / text::cat("ndt/gitignoreme_labels_day", day, ".npy"));
      CHECK(outputs.element() == io::Element::f32);
      CHECK(outputs.dims() == std::vector<std::int64_t>{40, 3 * 2});
      CHECK(labels.dims() == std::vector<std::int64_t>{40, 2});
    }
    const std::string bytes = test::read_text(folder / "ndt/gitignoreme_labels_day0.npy");
    CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
    CHECK(bytes.find("'descr': '<f4', 'fortran_order': False, 'shape': (40") != std::string::npos);
    CHECK(bytes.size() % 64 == 40 * 2 * 4 % 64);
    CHECK(run({"export", "efficient", "--target", "ndt", "--what", "features", "--out", "all"}).code == 0);
    CHECK(io::read_npy(folder / "all/gitignoreme_outputs_day1.npy").dims() == std::vector<std::int64_t>{40, 3 * 4});
    CHECK(run({"export", "efficient", "--target", "ndt", "--what", "predictions", "--out", "said"}).code == 0);
    CHECK(io::read_npy(folder / "said/gitignoreme_outputs_day0.npy").dims() == std::vector<std::int64_t>{40, 2});
    CHECK_FALSE(std::filesystem::exists(folder / "all/gitignoreme_outputs_day2.npy"));
  }

  TEST_CASE("weights go through import and export without a change of bits [FN F18] [FN N11]") {
    THIMBLE_SHARED(sample, "data/fenet/sample_pytorch_checkpoint.pt");
    const test::TempFolder folder;
    const auto code = [&](const std::vector<std::string>& words) {
      return test::run_program("thimble-fenet", words, folder.path()).code;
    };
    CHECK(code({"import", sample.string(), "--to", "a.h5"}) == 0);
    CHECK(code({"export", "a.h5", "--target", "weights", "--out", "b.h5"}) == 0);
    CHECK(code({"export", "b.h5", "--target", "weights", "--out", "c.pt"}) == 0);
    CHECK(code({"import", "c.pt", "--to", "d.h5"}) == 2);
    CHECK(code({"import", "c.pt", "--strides", "2,3", "--relus", "0,1", "--to", "d.h5"}) == 0);
    CHECK(test::read_text(folder / "a.h5") == test::read_text(folder / "b.h5"));
    CHECK(same_weights(read_weights(folder / "d.h5"), read_weights(sample)));
    CHECK(code({"export", "latest", "--target", "weights"}) == 2);
    CHECK(code({"export", "a.h5", "--target", "weights", "--out", "b.txt"}) == 2);
  }
}

// Computes one step and then 100 steps of workload W2 on inputs that run-peers wrote, for comparison with the peer.
// Usage: bench_check DIR BATCH. Reads x, y, w1, b1, w2, b2 (plain float32 files, NAME.f32) and writes ours_*.f32.

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/file.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "bench/w2_network.h"

namespace thimble::bench {
namespace {

constexpr std::int64_t kRows = 65536, kSteps = 100;

class Folder {
 public:
  explicit Folder(std::filesystem::path path) : path_(std::move(path)) {}

  Tensor read(const char* name, Shape shape) const {
    const std::string bytes = io::read_file(path_ / (std::string(name) + ".f32"));
    Tensor tensor = Tensor::empty(shape);
    THIMBLE_CHECK(bytes.size() == tensor.bytes(), data, name, ".f32 has ", bytes.size(), " bytes, ", tensor.bytes(),
                  " are wanted");
    std::memcpy(tensor.raw_mut(), bytes.data(), bytes.size());
    return tensor;
  }
  void write(const std::string& name, const Tensor& tensor) const {
    const Tensor rows = tensor.to(Layout::rows);
    io::atomic_replace(path_ / ("ours_" + name + ".f32"), {static_cast<const char*>(rows.raw()), rows.bytes()});
  }
  void write(const std::string& name, double value) const { write(name, Tensor::full(Shape{1}, value)); }

 private:
  std::filesystem::path path_;
};

/// Writes loss and gradients of the first step and the loss of step 100.
struct Recorder : nn::Callback {
  Recorder(const Folder& to, const nn::Parts& parts) : folder(to), model(parts) {}

  void on_step(const nn::TrainingView& view) override {
    if (view.at.step == 1) {
      folder.write("loss", view.loss);
      for (const auto& [path, name] : {std::pair("hidden.weight", "grad_w1"), std::pair("hidden.bias", "grad_b1"),
                                       std::pair("output.weight", "grad_w2"), std::pair("output.bias", "grad_b2")})
        folder.write(name, model.find(path)->grad);
    }
    if (view.at.step == kSteps) {
      folder.write("loss100", view.loss);
      view.request_stop("enough");
    }
  }

  const Folder& folder;
  nn::Parts model;
};

void check(const Folder& folder, std::int64_t batch) {
  auto data = std::make_shared<nn::Dataset>();
  data->x = folder.read("x", {kRows, 27});
  data->y = folder.read("y", {kRows, 2});
  nn::Graph network = w2_network();
  nn::Parts parts = nn::parts_of(network);
  copy_into(folder.read("w1", {81, 27}), parts.find("hidden.weight")->value);
  copy_into(folder.read("b1", {81}), parts.find("hidden.bias")->value);
  copy_into(folder.read("w2", {2, 81}), parts.find("output.weight")->value);
  copy_into(folder.read("b2", {2}), parts.find("output.bias")->value);

  const Tensor first = data->x.rows(0, batch).clone().to(Layout::lanes);
  folder.write("output", network(constant(first)).value());
  // position = (position + batch) mod (rows - batch) visits the rows below the last batch in order
  nn::Trainer trainer =
      w2_trainer(network, data, nn::all_rows(kRows - batch), batch, kSteps * batch / (kRows - batch) + 1);
  trainer.add(std::make_unique<Recorder>(folder, parts));
  trainer.fit();
}

}  // namespace
}  // namespace thimble::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_check DIR BATCH\n");
    return 2;
  }
  try {
    thimble::bench::check(thimble::bench::Folder(argv[1]), std::atol(argv[2]));
  } catch (const thimble::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return thimble::exit_code(error.kind());
  }
  return 0;
}

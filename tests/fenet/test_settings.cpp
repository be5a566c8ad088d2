// Keys of FENet: grouped and flat names, environment, presets, what is refused.

#include "apps/fenet/settings.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

Settings settings_of(const std::string& config, const std::vector<app::Override>& overrides = {}) {
  app::LoadOptions options = load_options();
  options.announce = false;
  return bind_settings(app::load_config(config, overrides, options));
}

app::Override set(const std::string& key, const std::string& value) {
  return {app::Override::Kind::set, key, value, key + "=" + value};
}

/// An environment variable while this object lives.
struct Variable {
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  const char* name_;
};

}  // namespace

TEST_CASE("flat keys of published configurations stand for the grouped ones [FN F28]") {
  const Settings s = settings_of(
      "{n_feat_layers: 4, kernel1: 4, kernel2: 30, kernel3: 30, kernel4: 12, kernel7: 16, stride1: 3, stride2: 2, "
      "stride3: 2, stride6: 3, relu1: 0, relu3: 1, relu7: 0, pls_dims: 2, normalize_at_end: true, decoder: 0, "
      "random_seed: 9255, optim.lr: 0.00125, optim.adamw_eps: 1e-8, optim.adamw_wd: 1.5e-5, annealing_alpha: 0.367879, "
      "thermal_sigma: 0.5, anneal: false, n_channels: 40, fold: 5}");
  const Architecture a = architecture_of(s.model);
  CHECK(a.kernels == std::vector<int>{4, 30, 30});
  CHECK(a.strides == std::vector<int>{3, 2, 2});
  CHECK(a.relu_powers == std::vector<int>{0, 0, 1});
  CHECK(a.features() == 4);
  CHECK(a.normalize_at_end);
  CHECK(s.seed == 9255);
  CHECK(s.optim.lr == 0.00125);
  CHECK(s.optim.adamw_eps == 1e-8);
  CHECK(s.optim.adamw_wd == 1.5e-5);
  CHECK(s.pls.dims == 2);
  CHECK(s.decoder.kind == "linear");
  CHECK(s.train.fold == 5);
  CHECK(s.run.n_channels == 40);
}

TEST_CASE("defaults are those of the published program [FN F28]") {
  const Settings s;
  CHECK(s.seed == 1335);
  CHECK(s.optim.lr == 0.00078);
  CHECK(s.optim.adamw_eps == 1e-7);
  CHECK(s.optim.adamw_wd == 0.02);
  CHECK(s.train.folds == 9);
  CHECK(s.train.epochs == 27);
  CHECK(s.train.eval_steps == 8);
  CHECK(s.train.n_saves == 10);
  CHECK(s.eval.folds == 10);
  CHECK(s.eval.compute_cost_divisor == 30000);
  const Architecture a = architecture_of(s.model);
  CHECK(a.kernels == std::vector<int>(7, 40));
  CHECK(a.strides == std::vector<int>(7, 2));
}

TEST_CASE("the command line beats the environment and the environment beats the file [FN F28]") {
  const std::string file = "{run: {model_save_dir: from_file, workers: 3}}";
  CHECK(settings_of(file).run.model_save_dir == "from_file");
  const Variable folder("FENET_MODEL_MODEL_SAVE_DIR", "from_environment");
  const Variable workers("FENET_MODEL_MAX_POOL_WORKERS", "2");
  const Settings s = settings_of(file);
  CHECK(s.run.model_save_dir == "from_environment");
  CHECK(s.run.workers == 2);
  CHECK(settings_of(file, {set("run.model_save_dir", "typed")}).run.model_save_dir == "typed");
}

TEST_CASE("all six environment variables have a key and a wrong value names its variable [FN F28]") {
  {
    const Variable a("FENET_MODEL_DATA_DIR", "/data"), b("FENET_MODEL_QUANTIZED_MODEL_DIR", "qm"),
        c("FENET_MODEL_QUANTIZED_DATA_DIR", "qd"), d("FENET_MODEL_BEST_MODEL", "best.h5");
    const Settings s = settings_of("{}");
    CHECK(s.data.dir == "/data");
    CHECK(s.run.quantized_model_dir == "qm");
    CHECK(s.run.quantized_data_dir == "qd");
    CHECK(s.run.best_model == "best.h5");
  }
  const Variable wrong("FENET_MODEL_MAX_POOL_WORKERS", "many");
  const auto error = test::error_of([] { settings_of("{}"); });
  CHECK(test::says(error, "FENET_MODEL_MAX_POOL_WORKERS"));
}

TEST_CASE("lists and numbered keys change the preset and more levels are 40 taps with stride 2 [FN F02]") {
  const Architecture a = architecture_of(settings_of("{model: {preset: efficient, kernel2: 20}}").model);
  CHECK(a.kernels == std::vector<int>{4, 20, 30});
  const Architecture b = architecture_of(settings_of("{model: {kernels: [8, 8, 8, 8]}}").model);
  CHECK(b.strides == std::vector<int>(4, 2));
  CHECK(b.features() == 5);
  const Architecture c = architecture_of(settings_of("{model: {preset: efficient, n_feat_layers: 6}}").model);
  CHECK(c.kernels == std::vector<int>{4, 30, 30, 40, 40});
  CHECK(c.strides == std::vector<int>{3, 2, 2, 2, 2});
}

TEST_CASE("impossible settings are refused before work starts [FN F02]") {
  const auto refused = [](const std::string& config, const std::string& part) {
    const auto error = test::error_of([&] { settings_of(config); });
    INFO(config);
    CHECK(test::says(error, part));
  };
  refused("{model: {kernels: [8, 8], strides: [2]}}", "strides has 1 entries, 2 levels need 2");
  refused("{model: {kernels: [8, 8], features_by_layer: [1, 1, 2]}}", "must be 1");
  refused("{model: {preset: efficient}, pls: {dims: 5}}", "a channel has 4 features");
  refused("{train: {folds: 3, fold: 3}}", "fold 3 of 3");
  refused("{kernal1: 4}", "kernal1");
  refused("{decoder: 1}", "decoder.kind");
}

#pragma once
// A small schema in the manner of the applications, and the keys that the hostile configurations use.

#include "core/text/calls.h"

#include "apps/common/config/schema.h"

#include <map>
#include <string>
#include <vector>

namespace thimble::test {

struct DemoExperiment {
  std::string name = "demo", note;
  std::int64_t seed = 1;
  static void fields(auto& self, auto&& f) {
    f("name", self.name, "name of the experiment", app::path_name);
    f("note", self.note, "free text");
    f("seed", self.seed, "start of the random numbers", app::at_least(0));
  }
};

struct DemoTrain {
  double lr = 1e-3;
  std::int64_t batch = 32, steps = 10;
  std::vector<std::int64_t> experts = {0, 1, 2, 3, 4};
  std::string act = "tanh";
  std::optional<std::string> compare_to;
  static void fields(auto& self, auto&& f) {
    f("lr", self.lr, "step size of the optimiser", app::greater_than(0), app::alias("learning_rate"));
    f("batch", self.batch, "samples per step", app::at_least(1), app::unit("samples"));
    f("steps", self.steps, "steps of the optimiser", app::between(1, 1e6), app::resumable);
    f("experts", self.experts, "networks to train", app::between(-1, 4));
    f("act", self.act, "activation", app::one_of({"tanh", "relu", "softsign"}));
    f("compare_to", self.compare_to, "run to compare with");
  }
};

struct DemoLayer {
  std::string linear, conv2d;
  std::int64_t out = 1, kernel = 3;
  static void fields(auto& self, auto&& f) {
    f("linear", self.linear, "name of a dense layer");
    f("conv2d", self.conv2d, "name of a convolution");
    f("out", self.out, "outputs", app::between(1, 65536));
    f("kernel", self.kernel, "width of the kernel", app::between(1, 31));
  }
};

struct DemoModel {
  std::vector<std::int64_t> input = {1, 8, 8};
  std::vector<DemoLayer> layers;
  static void fields(auto& self, auto&& f) {
    f("input", self.input, "shape of one sample", app::at_least(1));
    f("layers", self.layers, "layers in order");
  }
};

struct DemoNorm {
  double mean = 0, std = 0.5;
  static void fields(auto& self, auto&& f) {
    f("mean", self.mean, "centre");
    f("std", self.std, "width", app::greater_than(0));
  }
};

inline std::string filter_trouble(const app::Node& node) {
  expr::CallRules rules;
  rules.prefix = "dataset_filters.";
  rules.signatures = {{"RangeFilter", {{"rng", expr::ArgumentType::range}}},
                      {"ConCatFilter", {{"filters", expr::ArgumentType::calls}}},
                      {"IdentityFilter", {}}};
  try {
    static_cast<void>(expr::parse_call(node.text, rules, "filter"));
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

struct DemoConfig : app::CommonKeys {
  DemoExperiment experiment;
  DemoTrain train;
  DemoModel model;
  std::map<std::string, DemoNorm> dists;
  std::string filter = "IdentityFilter()", data;
  static void fields(auto& self, auto&& f) {
    app::CommonKeys::fields(self, f);
    f("experiment", self.experiment, "who and what");
    f("train", self.train, "training");
    f("model", self.model, "the network");
    f("dists", self.dists, "distributions by name");
    f("filter", self.filter, "rows to keep", app::check(filter_trouble));
    f("data", self.data, "training data", app::file_path);
  }
};

}  // namespace thimble::test

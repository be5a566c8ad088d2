#pragma once
// Every key of a NeuroTrigger configuration: spelling of the original trainer where it has one, ours elsewhere.

#include "apps/common/config/load.h"
#include "apps/common/config/schema.h"
#include "apps/common/config/verb.h"
#include "apps/common/run/training.h"
#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/hardware/hardware_keys.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Paths of data files; a single text is a list of one.
struct FileList {
  std::vector<std::string> paths;
  bool empty() const { return paths.empty(); }
};
void read_value(const app::Node& node, FileList& value);
app::Node write_value(const FileList& value);
std::string type_name(const FileList*);

/// Wanted distribution of z in the training rows ("dist"); absent unless n_buckets is set.
struct DistKeys {
  struct Norm {
    std::optional<double> mean, std;
    static void fields(auto& self, auto&& f) {
      f("mean", self.mean, "middle of a normal distribution of z, scaled units");
      f("std", self.std, "its width, scaled units", app::greater_than(0));
    }
  };
  struct Uniform {
    std::optional<double> lower, upper;
    static void fields(auto& self, auto&& f) {
      f("lower", self.lower, "lower end of a flat distribution of z, scaled units");
      f("upper", self.upper, "its upper end, scaled units");
    }
  };
  std::int64_t n_buckets = 0;
  bool inf_bounds = false;
  Norm norm;
  Uniform uniform;
  static void fields(auto& self, auto&& f) {
    f("n_buckets", self.n_buckets, "buckets of z for weighted sampling, 0: every row once per epoch",
      app::between(0, 100000));
    f("inf_bounds", self.inf_bounds, "outer buckets take the tails of the distribution");
    f("norm", self.norm, "normal distribution");
    f("uniform", self.uniform, "flat distribution");
  }
};

struct SimulateKeys {
  std::string preset = "ideal";
  std::string z = "preset";
  std::int64_t train = 200'000, val = 40'000, test = 40'000;
  static void fields(auto& self, auto&& f) {
    f("preset", self.preset, "detector effects of simulated tracks", app::one_of({"clean", "ideal", "data-like"}));
    f("z", self.z, "origins of the tracks: flat as the preset says, or a mixture like recorded data",
      app::one_of({"preset", "mixture"}));
    f("train", self.train, "tracks thrown for training; some have no expert", app::between(1, 1e9),
      app::unit("tracks"));
    f("val", self.val, "tracks thrown for validation", app::between(1, 1e9), app::unit("tracks"));
    f("test", self.test, "tracks thrown for the final test", app::between(0, 1e9), app::unit("tracks"));
  }
};

struct DataKeys {
  FileList train, val, test;
  bool cache = true;
  SimulateKeys simulate;
  static void fields(auto& self, auto&& f) {
    f("train", self.train, "track files (text or .gz) to train on; none: simulated tracks", app::file_path);
    f("val", self.val, "track files for validation after each epoch", app::file_path);
    f("test", self.test, "track files for the final test", app::file_path);
    f("cache", self.cache, "keep parsed files in .cache of the current folder");
    f("simulate", self.simulate, "tracks made by the simulator when data.train is empty");
  }
};

/// Learning rate from an epoch on: epochs [10, 18], rates [1e-3, 2e-4] after `learning_rate`.
struct RateStages {
  std::vector<std::int64_t> epochs;
  std::vector<double> rates;
  static void fields(auto& self, auto&& f) {
    f("epochs", self.epochs, "epochs at which the learning rate changes", app::at_least(0));
    f("rates", self.rates, "learning rate from each of these epochs on", app::greater_than(0));
  }
};

struct PlotKeys {
  std::int64_t every = 10;
  double budget = 0.05;
  bool final_set = true;
  static void fields(auto& self, auto&& f) {
    f("every", self.every, "epochs between two sets of TensorBoard images, 0: none", app::at_least(0), app::resumable);
    f("budget", self.budget, "share of the elapsed time that drawing may take", app::between(0, 1), app::resumable);
    f("final", self.final_set, "post_training_plots of every expert when training ends", app::resumable);
  }
};

/// What is wrong with a filter text, a list of activations or a number of inputs, or "".
std::string filter_fault(const app::Node& node);
std::string activation_fault(const app::Node& node);
std::string input_count_fault(const app::Node& node);

struct Settings : app::CommonKeys {
  double version = 0.2;
  std::string description;
  std::string model = "BaselineModel", loss = "MSELoss", optim = "Adam", act = "relu", init = "default";
  std::string quant = "none", hw_quirk = "none", uncertainty = "none";
  double uncertainty_weight = 0.01;
  double learning_rate = 1e-3, weight_decay = 1e-6;
  RateStages learning_rate_stages;
  std::int64_t batch_size = 2048, epochs = 10, patience = 30;
  std::string stop_rule = "patience";
  std::int64_t stop_window = 500, restarts = 1;
  double clip_grad = 0.0, weight_limit = 0.0;
  double z_weight = 0.5, huber_delta = 1.0;
  std::string sample_weight = "none";
  std::int64_t sample_weight_buckets = 11;
  std::int64_t in_size = 27, out_size = 2, workers = 5;
  std::vector<std::int64_t> hidden = {81};
  std::vector<std::string> layer_acts;
  std::vector<std::int64_t> experts = {0, 1, 2, 3, 4};
  std::optional<std::string> compare_to, load_pre_trained_weights, filter;
  std::vector<std::string> tags;
  std::string predictions = "auto";
  bool legacy_names = false;
  DistKeys dist;
  DataKeys data;
  app::CheckpointKeys checkpoint;
  PlotKeys plots;
  HardwareKeys hw;
  bool legacy_merge = false;

  static void fields(auto& self, auto&& f) {
    app::CommonKeys::fields(self, f);
    f("version", self.version, "free number kept with the run");
    f("description", self.description, "what this configuration is for");
    f("model", self.model,
      "network: 27-81-2, the same with batch normalisation, four narrow hidden layers, or MLP with layers of one's own",
      app::one_of({"BaselineModel", "BaselineModelBN", "SimpleModel", "MLP"}));
    f("hidden", self.hidden, "MLP: nodes of its hidden layers, none: inputs and outputs alone", app::between(1, 65536));
    f("layer_acts", self.layer_acts, "MLP: activation behind every layer, the output last; none: act for all",
      app::check(activation_fault));
    f("act", self.act, "activation; tanh/2 is the one in hardware",
      app::one_of({"tanh", "tanh/2", "softsign", "relu", "sigmoid", "leaky_relu", "selu"}));
    f("init", self.init, "start weights: uniform +-1/sqrt(fan in), Xavier uniform, or uniform +-0.1",
      app::one_of({"default", "xavier_uniform", "fann_uniform_0.1"}));
    f("quant", self.quant, "train with the integers of the present hardware (hw-a) or of its successor (hw-b)",
      app::one_of({"none", "hw-a", "hw-b"}));
    f("hw_quirk", self.hw_quirk, "fault of recorded preprocessing that evaluate and predict apply to the inputs",
      app::one_of({"none", "id_shuffle"}));
    f("loss", self.loss, "mean over rows and outputs of squared differences, or of Huber's function of them",
      app::one_of({"MSELoss", "HuberLoss"}));
    f("huber_delta", self.huber_delta, "difference from which HuberLoss grows like a line, scaled units",
      app::greater_than(0));
    f("z_weight", self.z_weight, "share of z in the training loss, theta has the rest; 0.5: both alike",
      app::between_open(0, 1));
    f("sample_weight", self.sample_weight, "weight of a track in the training loss: all alike, or rare z count more",
      app::one_of({"none", "inverse_density"}));
    f("sample_weight_buckets", self.sample_weight_buckets, "buckets of z that inverse_density counts tracks in",
      app::between(1, 100000));
    f("uncertainty", self.uncertainty,
      "how sure the network is of z: one output more (sigma), two more (quantiles), calibrated on the validation "
      "tracks",
      app::one_of({"none", "sigma", "quantiles"}));
    f("uncertainty_weight", self.uncertainty_weight, "weight of the loss that trains these outputs",
      app::greater_than(0));
    f("optim", self.optim, "optimiser", app::one_of({"Adam", "Rprop", "Rprob", "SGD"}));
    f("learning_rate", self.learning_rate, "step size; first step for Rprop", app::greater_than(0), app::alias("lr"));
    f("learning_rate_stages", self.learning_rate_stages, "later learning rates");
    f("weight_decay", self.weight_decay, "added to the gradient as a multiple of the weight, Adam only",
      app::at_least(0));
    f("batch_size", self.batch_size, "rows per step; the last batch of an epoch may be smaller", app::between(1, 1e9),
      app::unit("rows"));
    f("epochs", self.epochs, "most epochs", app::between(1, 1e7), app::resumable);
    f("patience", self.patience, "epochs without a better validation loss before training stops, 0: never",
      app::at_least(0), app::resumable);
    f("stop_rule", self.stop_rule,
      "patience: no better validation loss for so long; fann: worse than stop_window epochs earlier",
      app::one_of({"patience", "fann"}));
    f("stop_window", self.stop_window, "epochs that stop_rule=fann looks back", app::between(1, 1e6));
    f("weight_limit", self.weight_limit, "weights and biases are kept within +-this after every step, 0: no limit",
      app::at_least(0));
    f("restarts", self.restarts, "trainings from other start weights; the one with the least rms of z is taken",
      app::between(1, 1000));
    f("clip_grad", self.clip_grad, "largest norm of the gradient, 0: no limit", app::at_least(0));
    f("in_size", self.in_size, "inputs: 27, or 126 with the eleven wires around every hit (simulated tracks)",
      app::check(input_count_fault));
    f("out_size", self.out_size, "outputs: 2 = z and theta, 1 = z only", app::between(1, 2));
    f("workers", self.workers, "accepted for older configurations; changes nothing", app::at_least(0));
    f("experts", self.experts, "networks to train; [-1]: one on all tracks", app::between(-1, 4));
    f("compare_to", self.compare_to, "run whose outputs stand for the old network: CONFIG/version_N or a path");
    f("load_pre_trained_weights", self.load_pre_trained_weights, "weights.json to start from", app::file_path);
    f("filter", self.filter, "rows to use, for example DuplicateEventsFilter()", app::check(filter_fault));
    f("dist", self.dist, "weighted sampling of the training rows by z");
    f("data", self.data, "where the tracks come from");
    f("checkpoint", self.checkpoint, "when the state is saved during training");
    f("plots", self.plots, "figures during training");
    f("hw", self.hw, "widths of hardware numbers and constants of the estimates");
    f("tags", self.tags, "words to find runs by: runs --tag WORD", app::resumable);
    f("predictions", self.predictions, "pred_data_*.csv: auto = of files, and of up to 20,000 simulated tracks",
      app::one_of({"auto", "all", "none"}));
    f("legacy_names", self.legacy_names, "names and forms of the original trainer for results, plots, summary");
    f("legacy_merge", self.legacy_merge, "resolve configurations exactly as the original trainer did");
  }
};

/// A configuration after loading: settings of the run and of every expert.
struct RunSettings {
  std::string config;    // name
  app::ConfigTree tree;  // resolved, before the expert blocks act
  Settings all;
  std::vector<int> experts;     // ascending, each once
  std::map<int, Settings> own;  // `all` with the keys of expert_<e> in place
};

/// How configurations of this application are found and merged.
app::LoadOptions load_options();
/// That with the settings: what the verbs config and sweep need.
app::ConfigApp config_app();
/// Top-level blocks that hold overrides: expert_-1, expert_0 .. expert_4.
const std::vector<std::string>& expert_blocks();
/// Binds and checks everything, the expert blocks included; in_size, out_size, experts and compare_to cannot differ per
/// expert.
/// Throws Errors with every problem.
RunSettings bind_settings(const app::LoadedConfig& loaded);

}  // namespace thimble::neurotrigger

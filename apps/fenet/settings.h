#pragma once
// Every key of a FENet configuration. The flat names of the published sweep files and checkpoints (kernel1, optim.lr,
// pls_dims, ...) load too; the grouped ones are written.

#include "core/linalg/pls.h"

#include "apps/common/config/load.h"
#include "apps/common/config/schema.h"
#include "apps/common/config/verb.h"
#include "apps/common/run/training.h"
#include "apps/fenet/data/data_keys.h"
#include "apps/fenet/decode/decoder.h"
#include "apps/fenet/evaluate/protocol.h"
#include "apps/fenet/hardware/hardware_keys.h"
#include "apps/fenet/model/architecture.h"
#include "apps/fenet/model/network.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace thimble::fenet {

/// Levels that have keys of their own (kernel1 .. kernel7); lists may be longer.
inline constexpr std::size_t kNumberedLevels = 7;

struct ModelKeys {
  std::string preset = "db20";
  std::vector<std::int64_t> kernels, strides, relu_powers, features_by_layer;
  std::optional<std::int64_t> n_feat_layers;
  std::array<std::optional<std::int64_t>, kNumberedLevels> kernel, stride, relu;
  bool normalize_at_end = false;
  double dropout = 0.2;
  std::string pool = "mean";
  std::optional<std::string> weights;
  static void fields(auto& self, auto&& f) {
    f("preset", self.preset, "filters to start from: db20, db20-6, efficient, genial-57, desert-21",
      app::one_of({"db20", "db20-6", "efficient", "genial-57", "desert-21"}));
    f("kernels", self.kernels, "taps of the filters of every level, in place of those of the preset",
      app::between(1, 4096));
    f("strides", self.strides, "strides of every level", app::between(1, 4096));
    f("relu_powers", self.relu_powers, "every level: a negative y counts as -y / 2^p", app::between(0, 30));
    f("features_by_layer", self.features_by_layer, "features of every level and, last, of the final pass output: 1",
      app::between(1, 4096));
    f("n_feat_layers", self.n_feat_layers,
      "levels + 1: more levels are 40 taps with stride 2, further ones are dropped", app::between(2, 33));
    for (std::size_t i = 0; i < kNumberedLevels; ++i) {
      const std::string number = std::to_string(i + 1);
      f("kernel" + number, self.kernel[i], "taps of level " + number + "; ignored where there is no such level",
        app::between(1, 4096));
      f("stride" + number, self.stride[i], "its stride", app::between(1, 4096));
      f("relu" + number, self.relu[i], "its power p", app::between(0, 30));
    }
    f("normalize_at_end", self.normalize_at_end, "normalise every feature over the session");
    f("dropout", self.dropout, "share of the pass outputs dropped in training", app::between(0, 0.99));
    f("pool", self.pool, "a feature is the mean, or the sum shifted as the hardware does it",
      app::one_of({"mean", "bitshift"}));
    f("weights", self.weights, "filters to start from in place of Daubechies wavelets: weights_*.h5 or .pt",
      app::file_path);
  }
};

struct PlsKeys {
  std::int64_t dims = 2;
  std::string solver = "nipals", apply = "raw", learned = "none";
  std::int64_t train_batch = 1600;
  static void fields(auto& self, auto&& f) {
    f("dims", self.dims, "numbers kept per channel, 0: no reduction", app::between(0, 64));
    f("solver", self.solver, "how they are found", app::one_of({"nipals", "svd", "simpls"}));
    f("apply", self.apply, "rotate the features as they are, or centred and divided by their deviation",
      app::one_of({"raw", "standardized"}));
    f("learned", self.learned,
      "reduce by a linear map that is trained with the filters, one for all channels or one for each, in place of PLS",
      app::one_of({"none", "shared", "per_channel"}));
    f("train_batch", self.train_batch, "standardized: fitted on so many first rows", app::at_least(2),
      app::unit("segments"));
  }
};

struct OptimKeys {
  double lr = 0.00078, adamw_eps = 1e-7, adamw_wd = 0.02, beta1 = 0.9, beta2 = 0.999;
  bool anneal = false;
  double annealing_alpha = 1, thermal_sigma = 0.99;
  std::int64_t anneal_eval_window = 1;
  static void fields(auto& self, auto&& f) {
    f("lr", self.lr, "learning rate of AdamW", app::greater_than(0));
    f("adamw_eps", self.adamw_eps, "added to the root of the second moment", app::greater_than(0), app::alias("eps"));
    f("adamw_wd", self.adamw_wd, "decoupled weight decay", app::at_least(0), app::alias("weight_decay"));
    f("beta1", self.beta1, "decay of the first moment", app::between(0, 0.999999));
    f("beta2", self.beta2, "decay of the second moment", app::between(0, 0.999999));
    f("anneal", self.anneal, "accepted for published configurations; changes nothing");
    f("annealing_alpha", self.annealing_alpha, "accepted; changes nothing");
    f("thermal_sigma", self.thermal_sigma, "accepted; changes nothing");
    f("anneal_eval_window", self.anneal_eval_window, "accepted; changes nothing");
  }
};

struct TrainKeys {
  std::int64_t folds = 9, epochs = 27, eval_steps = 8, n_saves = 10;
  std::optional<std::int64_t> fold;
  std::int64_t batch = 0;
  double weight_penalty = 0, range_penalty = 0, range_limit = 1;
  std::optional<std::int64_t> average_from;
  std::int64_t average_every = 1;
  static void fields(auto& self, auto&& f) {
    f("folds", self.folds, "parts of the sessions, each held out once; 1: train on all, judge on the test days",
      app::between(1, 1000));
    f("fold", self.fold, "train this fold alone, counted from 0", app::between(0, 999));
    f("epochs", self.epochs, "passes over the training sessions, one step per session", app::between(1, 1e6),
      app::resumable);
    f("eval_steps", self.eval_steps, "steps between two looks at the held-out sessions, the first after step 0",
      app::between(1, 1e9));
    f("n_saves", self.n_saves, "best weights files kept per fold", app::between(1, 1e6));
    f("batch", self.batch, "segments of a random mini-batch, the decoder still fitted on the session; 0: the session",
      app::between(0, 1e9), app::unit("segments"));
    f("weight_penalty", self.weight_penalty, "weight of the sum of squared filter taps in the loss", app::at_least(0));
    f("range_penalty", self.range_penalty, "weight of the sum of max(0, |tap| - range_limit)^2 in the loss",
      app::at_least(0));
    f("range_limit", self.range_limit, "magnitude from which range_penalty counts", app::at_least(0));
    f("average_from", self.average_from, "epoch from which the weights are averaged as well; null: never",
      app::at_least(0));
    f("average_every", self.average_every, "steps between two weights that enter the average", app::between(1, 1e9));
  }
};

struct EvalKeys {
  std::int64_t folds = 10;
  bool leak_free = false;
  std::vector<std::string> criteria = {"pearson", "mse", "efficiency"};
  std::int64_t efficiency_samples = 900;
  double compute_cost_divisor = 30000;
  std::int64_t permutations = 0;
  std::vector<std::string> compare;
  bool baselines = true;
  static void fields(auto& self, auto&& f) {
    f("folds", self.folds, "contiguous parts of a session, each predicted by a decoder fitted on the others",
      app::between(2, 1e6));
    f("leak_free", self.leak_free, "normalise with the statistics of the training rows of a fold alone");
    f("criteria", self.criteria, "figures to compute",
      app::one_of({"pearson", "mse", "efficiency", "r2", "directional", "histogram"}));
    f("efficiency_samples", self.efficiency_samples, "window that operations are counted for", app::between(1, 1e9),
      app::unit("samples"));
    f("compute_cost_divisor", self.compute_cost_divisor, "operations that cost one unit of R2", app::greater_than(0));
    f("permutations", self.permutations, "verb evaluate: shifts of the labels for a p-value, 0: none",
      app::between(0, 1e6));
    f("compare", self.compare, "weights files judged beside the trained network", app::file_path);
    f("baselines", self.baselines, "judge threshold crossings, spiking-band power and the like on the same folds");
  }
};

/// Folders and names that the environment variables of the published program set.
struct RunKeys {
  std::string model_save_dir, best_model, quantized_model_dir, quantized_data_dir;
  std::int64_t workers = 0;
  std::optional<std::int64_t> n_channels;
  static void fields(auto& self, auto&& f) {
    f("model_save_dir", self.model_save_dir, "folder for the saved weights; empty: in the run folder");
    f("best_model", self.best_model, "file that evaluate and export take from model_save_dir");
    f("quantized_model_dir", self.quantized_model_dir, "folder for the quantised model and hardware weights");
    f("quantized_data_dir", self.quantized_data_dir, "folder for quantised data vectors");
    f("workers", self.workers, "most folds trained side by side, 0: as many as threads", app::between(0, 1024),
      app::resumable);
    f("n_channels", self.n_channels, "channels of a published configuration; told only", app::at_least(1));
  }
};

struct Settings : app::CommonKeys {
  Settings() { seed = 1335; }
  std::string description;
  DataKeys data;
  SimulateKeys synth;
  ModelKeys model;
  PlsKeys pls;
  DecoderKeys decoder;
  OptimKeys optim;
  TrainKeys train;
  EvalKeys eval;
  QuantKeys quant;
  HardwareKeys hw;
  app::CheckpointKeys checkpoint;
  RunKeys run;
  std::vector<std::string> tags;
  static void fields(auto& self, auto&& f) {
    app::CommonKeys::fields(self, f);
    f("description", self.description, "what this configuration is for");
    f("data", self.data, "where the recordings come from, and what is done to them");
    f("synth", self.synth, "recordings made by the simulator when data.train is empty");
    f("model", self.model, "the network");
    f("pls", self.pls, "reduction of the features of a channel");
    f("decoder", self.decoder, "from features to movement");
    f("optim", self.optim, "optimiser");
    f("train", self.train, "training");
    f("eval", self.eval, "how features are judged");
    f("quant", self.quant, "the integers of the chip");
    f("hw", self.hw, "the chip that the network is exported for");
    f("checkpoint", self.checkpoint, "when the state is saved during training");
    f("run", self.run, "folders and workers");
    f("tags", self.tags, "words to find runs by: runs --tag WORD", app::resumable);
  }
};

/// Flat names of published sweep files and checkpoints, and the keys they stand for.
const std::vector<std::pair<std::string, std::string>>& flat_keys();
/// How configurations of this application are found and merged.
app::LoadOptions load_options();
/// That with the settings: what the verbs config and sweep need.
app::ConfigApp config_app();
/// Binds and checks everything. Throws Errors with every problem.
Settings bind_settings(const app::LoadedConfig& loaded);

/// The network of these settings: preset, then lists, then n_feat_layers, then numbered keys. Throws Error(config)
/// naming the key.
Architecture architecture_of(const ModelKeys& keys);
/// That network, in the integers of `quant` when it is trained through the rounding (quant.train).
Architecture architecture_of(const Settings& settings);
linalg::PlsOptions pls_options(const PlsKeys& keys);
/// Protocol of the settings' evaluation.
Protocol protocol_of(const Settings& settings);
/// With the learned reduction of a network, if it has one.
Protocol with_reduction(Protocol protocol, const Network& network);

}  // namespace thimble::fenet

#include "apps/common/config/verb.h"
#include "apps/common/run/run_folder.h"
#include "apps/neurotrigger/run/run_mode.h"
#include "apps/neurotrigger/run/subject.h"
#include "apps/neurotrigger/settings.h"
#include "apps/neurotrigger/study/studies.h"
#include "apps/neurotrigger/verbs/verbs.h"

namespace thimble::neurotrigger {
namespace {

app::Verb verb(std::string name, std::string group, std::string summary, app::Handler run) {
  app::Verb v;
  v.name = std::move(name);
  v.group = std::move(group);
  v.summary = std::move(summary);
  v.run = std::move(run);
  return v;
}

app::Verb train_verb() {
  app::Verb v = verb("train", "Work", "train one network per expert, write a run folder and a report", run_train);
  v.stops_cleanly = true;
  v.flags = train_flags();
  v.examples = {"thimble-neurotrigger train demo",
                "thimble-neurotrigger train baseline_v3 --data train=random1.gz,val=random2.gz",
                "thimble-neurotrigger train '{extends: demo, experts: [0], epochs: 3}'",
                "thimble-neurotrigger train --resume latest"};
  v.more =
      "Without data.train the tracks come from the simulator. Experts train side by side, at most --threads at a time; "
      "the "
      "results do not depend on the number of threads. Ctrl-C saves everything; --resume goes on to the same bits. "
      "The form of the original trainer, 'CONFIG [-p] [-s] [-d TEXT] [-m key=value ...]', is understood too: with -p "
      "it "
      "is this verb, without it is a debug run.";
  return v;
}

app::Operands run_operands(std::string usage, bool overrides) {
  app::Operands o = app::plain_operands(std::move(usage), 1, 1);
  o.overrides = overrides;
  return o;
}

/// A verb that looks at a run, or at networks and tracks from files.
app::Verb subject_verb(std::string name, std::string group, std::string summary, app::Handler run,
                       const std::vector<app::Flag>& more) {
  app::Verb v = verb(std::move(name), std::move(group), std::move(summary), std::move(run));
  v.operands = app::plain_operands("[RUN] [key=value ...]", 0, 1);
  v.operands.overrides = true;
  v.flags = subject_flags();
  v.flags.insert(v.flags.end(), more.begin(), more.end());
  return v;
}

app::Verb evaluate_verb() {
  app::Verb v =
      subject_verb("evaluate", "Work",
                   "loss and z resolution of a run or of a weights file, on its own or on other tracks", run_evaluate,
                   {{"--worst", "N", "show the N tracks with the highest loss", "0", {}, 0},
                    {"--to", "DIR", "write metrics.json, worst.csv, plots and report.html there", "", {}, 0}});
  v.examples = {"thimble-neurotrigger evaluate latest",
                "thimble-neurotrigger evaluate latest data.simulate.preset=data-like --worst 20",
                "thimble-neurotrigger evaluate --weights weights.json --data random3.gz --to evaluation"};
  return v;
}

app::Verb predict_verb() {
  app::Verb v = subject_verb(
      "predict", "Work", "write tracks with network outputs behind them (44 columns)", run_predict,
      {{"--what",
        "KIND",
        "outputs: 44 columns; words: 42 columns with the words of the hardware network for the recorded ones",
        "outputs",
        {"outputs", "words"},
        0},
       {"--to", "FILE", "file to write; .gz compresses", "predictions.csv", {}, 0},
       {"--no-header", "", "rows alone, as the original's tool writes them", "", {}, 0},
       {"--legacy-names", "", "header with spaces, byte for byte as the original trainer", "", {}, 0}});
  v.examples = {"thimble-neurotrigger predict latest --data random3.gz --to predicted.csv",
                "thimble-neurotrigger predict latest --data random3.gz --what words --to words.csv"};
  v.more = "Without --data the tracks are those of the run's test split, or of its validation split when it has none.";
  return v;
}

app::Verb plots_verb() {
  app::Verb v = subject_verb(
      "plots", "Look", "draw the figures of a run again, from its weights", run_plots,
      {{"--what", "LIST", "all, training (z-plot, z-hist, z-diff, ...), overlay, or names of plots", "all", {}, 0},
       {"--split", "SPLIT", "tracks to draw; val, with --data test", "", {"train", "val", "test"}, 0},
       {"--to", "DIR", "folder to write; standard: figures/SPLIT in the run", "", {}, 0}});
  v.examples = {"thimble-neurotrigger plots latest", "thimble-neurotrigger plots latest --what z-diff,z-std --to talk"};
  v.more =
      "Every expert has a folder, mean_expert holds the tracks of all. NAME.png is the figure, NAME.csv what it draws, "
      "NAME.json its legend. -old: the network in the hardware at data taking; overlay: both in one figure, and z-std "
      "as points with their uncertainty.";
  return v;
}

app::Verb export_verb() {
  app::Verb v = verb("export", "Work", "weights, integer graph, C, Verilog, memory images, test vectors", run_export);
  v.operands = run_operands("RUN [key=value ...]", true);
  v.flags = {
      {"--target",
       "KIND",
       "hw-a: present trigger hardware; hw-b: its successor; weights alone: json, h5, flat lists",
       "hw-a",
       {"hw-a", "hw-b", "json", "h5", "flat"},
       0},
      {"--expert", "N", "network to export", "0", {}, 0},
      {"--vectors", "N", "test vectors for the hardware target, half of them tracks", "10000", {}, 0},
      {"--reuse", "R", "Verilog: clocks that each layer may take, 0: one neuron or input per clock", "0", {}, 0}};
  v.more =
      "A hardware target writes one folder: integer graph, Verilog, C, test vectors, scripts, and in firmware/ "
      "weights, "
      "tables and the values of every node as .coe, .mem, VHDL and SystemVerilog packages, C header and JSON; "
      "report.md "
      "has ranges, latency and resources. Widths: hw.input_bits, hw.node_bits, hw.weight_bits, hw.lut_bits.";
  v.examples = {"thimble-neurotrigger export latest --target hw-a --expert 0 --out build/expert0",
                "thimble-neurotrigger export latest --target hw-b --reuse 4 --out build/expert0b",
                "thimble-hw verify build/expert0"};
  return v;
}

app::Verb scan_verb() {
  app::Verb v = verb("scan", "Work", "which widths the hardware needs: resolution and memory over a grid", run_scan);
  v.operands = run_operands("RUN [key=value ...]", true);
  v.flags = {{"--target", "KIND", "hw-a: present trigger hardware; hw-b: its successor", "hw-a", {"hw-a", "hw-b"}, 0},
             {"--expert", "N", "network to round", "0", {}, 0},
             {"--values", "LIST", "fraction bits of inputs and nodes; empty: usual ones", "", {}, 0},
             {"--weights", "LIST", "bits of weights: fraction (hw-a) or magnitude (hw-b)", "", {}, 0},
             {"--address", "LIST", "bits of the table's address", "", {}, 0},
             {"--tracks", "N", "validation tracks to judge with", "20000", {}, 0},
             {"--tolerance", "SHARE", "by how much the resolution may grow", "0.02", {}, 0}};
  v.examples = {"thimble-neurotrigger scan latest",
                "thimble-neurotrigger scan latest --values 10,12 --weights 6,8,10 --address 6,8 --tolerance 0.05"};
  v.more =
      "Every combination is evaluated with exact integers, as the exported hardware computes. Written to "
      "RUN/scan_expert_N "
      "or --out: report.html, scan.json, scan.csv with resolution, deviation from the float network, saturated sums, "
      "memory; the Pareto front and the smallest widths within the tolerance.";
  return v;
}

app::Verb import_verb() {
  app::Verb v = verb("import", "Work", "weights of other programs to weights.json, and between its forms", run_import);
  v.operands = run_operands("FILE", false);
  v.flags = {{"--to", "FILE", "file to write: .json, .h5, or .txt for flat lists", "weights.json", {}, 0}};
  v.examples = {"thimble-neurotrigger import basf2_weights.txt --to weights.json"};
  v.more =
      "FILE holds flat lists (text: 'expert 0', 'nodes 27 81 2', then per output the weights of its inputs and the "
      "bias, "
      "layer by layer; or the same as JSON), or it is a weights.json or HDF5 file. The numbers keep their bits.";
  return v;
}

app::Verb sweep_verb() {
  app::Verb v = verb("sweep", "Work", "try many settings or configurations, rank them", run_sweep);
  v.operands = {"[SWEEP | CONFIG] [key=value | key=[A,B] ...]", 0, 1, true};
  v.stops_cleanly = true;
  v.examples = {"thimble-neurotrigger sweep documented",
                "thimble-neurotrigger sweep baseline_v2 learning_rate=[1e-3,3e-3] act=[tanh,tanh/2] epochs=20",
                "thimble-neurotrigger sweep config=[baseline_v2,baseline_v2_softsign] seeds=[1,2,3] epochs=20",
                "thimble-neurotrigger sweep --resume latest"};
  v.more =
      "SWEEP is a file or a name in configs/neurotrigger/sweeps; files of W&B sweeps work as they are. A list for a "
      "setting that takes one value is tried value by value, every combination once; 'config' names configurations; "
      "seeds=[1,2] trains every arm once per seed. method=random run_cap=N draws instead. Arms are ranked by "
      "metric.name (z_cm: trimmed std of z, mean over the experts, on validation tracks). Neither threads nor "
      "interruptions change the table; --resume of a finished sweep writes its report again.";
  return v;
}

app::Verb report_verb() {
  app::Verb v = verb("report", "Look", "rebuild report.html of a run", run_report);
  v.operands = run_operands("RUN", false);
  v.examples = {"thimble-neurotrigger report latest"};
  return v;
}

app::Verb compare_runs_verb() {
  app::Verb v = app::compare_verb("neurotrigger");
  v.summary = "settings and metrics of several runs, and all of them on the same tracks";
  v.flags.insert(v.flags.end(),
                 {{"--data", "FILE,...", "track files to compare on; standard: the tracks of the first run", "", {}, 0},
                  {"--to", "DIR", "write comparison.csv and a report with all runs in one figure", "", {}, 0}});
  v.examples = {"thimble-neurotrigger compare baseline_v2 baseline_v3",
                "thimble-neurotrigger compare baseline_v2/1 baseline_v2/2 baseline_v3 --to comparison"};
  v.more +=
      " The first run is what the others are compared with. Only tracks count that all runs have outputs for and that "
      "all their filters keep. The network in the hardware at data taking stands beside them when the tracks have one.";
  v.run = [common = v.run](app::Context& context) {
    const int failed = common(context), code = run_compare(context);
    return failed != 0 ? failed : code;
  };
  return v;
}

app::Verb study_verb() {
  app::Verb v = verb("study", "Look", "what a trigger physicist asks of the networks of a run", run_study);
  v.operands = app::plain_operands("[RUN] [key=value ...]", 0, 1);
  v.operands.overrides = true;
  v.flags = subject_flags();
  v.flags.push_back({"--what",
                     "LIST",
                     text::cat("studies, separated by commas: all, ", text::join(study_names(), ", ")),
                     "all",
                     {},
                     0});
  v.flags.push_back({"--split",
                     "NAME",
                     "tracks to look at; without it test, or val where there is no test",
                     "",
                     {"train", "val", "test"},
                     0});
  v.examples = {"thimble-neurotrigger study latest", "thimble-neurotrigger study latest --what trigger,feed-down",
                "thimble-neurotrigger study latest --what feed-down data.simulate.preset=data-like --out looks"};
  v.more =
      "trigger: efficiency against background rejection of cuts on |z|, by expert, momentum and angle, and per event. "
      "feed-down: which way far tracks are pulled, bucket by bucket, and the migration matrix. uncertainty: do the "
      "intervals of a network with uncertainty outputs hold what they promise. robustness: what a super layer without "
      "hits, a wrong event time, unknown sides or noise do. sensitivity: which inputs z is made of, which neurons do "
      "nothing. Tables are printed; numbers (JSON, CSV), figures and report.html go to the folder studies of the run, "
      "or "
      "to --out. Settings given here choose the tracks: the networks stay as they were trained.";
  return v;
}

app::Verb drift_verb() {
  app::Verb v = verb("drift", "Look", "whether new tracks look like the training tracks; exit 1 if not", run_drift);
  v.operands = run_operands("RUN [key=value ...]", true);
  v.flags = {{"--data", "FILE,...", "the new tracks, text or .gz", "", {}, 0},
             {"--p", "P", "probability of a false alarm, all comparisons together", "0.01", {}, 0},
             {"--to", "DIR", "also write drift.json, drift.csv and a report with the shapes that moved", "", {}, 0}};
  v.examples = {"thimble-neurotrigger drift latest --data random3.gz",
                "thimble-neurotrigger drift latest --data random3.gz --to drift"};
  v.more =
      "Compares the shapes of all 27 inputs and of z and theta, hit efficiency and unknown sides of every super layer, "
      "and "
      "the shares of the experts with reference_statistics.json of the run, written when training ends; the training "
      "tracks are not needed. A difference is flagged when it is certain (--p, corrected for the number of "
      "comparisons, an "
      "event counts once) and large enough to matter (0.03 of the cumulated shares, 2 % of a share).";
  return v;
}

app::Verb simulate_verb() {
  app::Verb v = verb("simulate", "Work", "write simulated tracks as data files", run_simulate);
  v.flags = {{"--plain", "", "text instead of gzip", "", {}, 0},
             {"--weights", "FILE", "fill ScaleZ, RawZ and theta with these networks as hardware model A", "", {}, 0}};
  v.examples = {"thimble-neurotrigger simulate demo data.simulate.train=20000 --out tracks"};
  return v;
}

app::Verb split_verb() {
  app::Verb v = verb("split", "Work", "part track files into training, validation and test by event", run_split);
  v.operands = app::plain_operands("FILE...", 1, 64);
  v.flags = {{"--to", "DIR", "new folder for random1, random2, random3 and manifest.json", "tracks", {}, 0},
             {"--shares", "A,B,...", "shares of the events", "0.6,0.2,0.2", {}, 0},
             {"--by-run", "", "events of the same number in different runs are different ones", "", {}, 0},
             {"--filter", "TEXT", "keep only these tracks, for example FirstTrackFilter()", "", {}, 0},
             {"--plain", "", "text instead of gzip", "", {}, 0}};
  v.examples = {"thimble-neurotrigger split recorded.gz --to tracks",
                "thimble-neurotrigger split a.gz b.gz --shares 0.5,0.5 --seed 7 --filter 'DuplicateEventsFilter()'"};
  v.more =
      "All tracks of an event go to the same file, so that no event is both trained on and judged. Where an event goes "
      "depends on --seed and its number alone: it stays there when files are added. Rows are copied byte by byte. "
      "manifest.json tells sources, settings and counts; equal versions are equal data sets.";
  return v;
}

}  // namespace

app::Program program() {
  const app::ConfigApp config = config_app();
  app::Program p;
  p.name = "neurotrigger";
  p.purpose = "Train the Belle II neural track trigger and take it to hardware.";
  p.try_first = "Try this first (simulated tracks, about half a minute):";
  p.examples = {"thimble-neurotrigger train demo",
                "thimble-neurotrigger train baseline_v2 data.train=random1.gz data.val=random2.gz",
                "thimble-neurotrigger export latest --target hw-a --out build/expert0"};
  p.verbs = {simulate_verb(),     split_verb(),
             train_verb(),        evaluate_verb(),
             predict_verb(),      export_verb(),
             scan_verb(),         import_verb(),
             sweep_verb(),        report_verb(),
             plots_verb(),        study_verb(),
             drift_verb(),        app::runs_verb("neurotrigger"),
             compare_runs_verb(), app::config_verb(config)};
  p.synonyms = {{"eval", "evaluate"}, {"synth", "simulate"}, {"run", "train"}};
  p.legacy = [p](std::vector<std::string> words) { return modern_words(std::move(words), p); };
  p.complete = [config](const app::Verb& v, const std::string& word) { return app::complete_config(v, word, config); };
  return p;
}

}  // namespace thimble::neurotrigger

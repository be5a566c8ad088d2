// A program with everything the command line offers and no work to do: what the tests of apps/common run.

#include "apps/common/cli/context.h"
#include "apps/common/config/verb.h"
#include "apps/common/run/run_folder.h"

#include <chrono>
#include <thread>

#include "tests/support/demo_config.h"

namespace {

using namespace thimble;
using namespace thimble::app;

ConfigApp demo_app() {
  ConfigApp app;
  app.load.app = "demo";
  app.schema = Schema::of<test::DemoConfig>();
  app.override_blocks = {"expert_0", "expert_1"};
  return app;
}

int train(Context& context) {
  const LoadedConfig loaded = check_config(context.config(), context.all_overrides(), demo_app());
  const auto config = bind_config<test::DemoConfig>(loaded.tree, {"extends", "description", "expert_0", "expert_1"});
  if (context.flags().dry_run) return 0;
  const RunFolder run = RunFolder::create({config.out, "demo", config.name.empty() ? loaded.name : config.name});
  run.write("config.yaml", resolved_yaml(loaded, demo_app()));
  run.write_manifest(context, {});
  context.result().run(run.path());
  context.result().seed(config.seed);
  log::note("training ", loaded.name);
  for (std::int64_t step = 0; step < config.train.steps && !context.stop().requested(); ++step) {
    context.set_position(text::cat("step ", step, " of ", config.train.steps));
    if (context.has("--slow")) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  context.result().metric("expert_0.val_loss", config.train.lr);
  context.result().line(text::cat("val_loss ", config.train.lr));
  run.write_summary(context, context.stop().requested() ? "interrupted" : "ok", to_json(dump_config(config)));
  return 0;
}

int fail_verb(Context& context) {
  const std::string how = context.word(0);
  if (how == "no") return 1;
  if (how == "nan") context.result().metric("loss", 0.0 / 0.0);
  if (how == "diverged") {
    throw Error(ErrorKind::failed, "training diverged: loss became NaN in expert 3, epoch 41, step 5,207",
                Place{"runs/demo/fast/version_0", 0, 0, ""},
                "last good state is checkpoints/epoch-0040-step-005120.h5; try train.lr=0.001");
  }
  if (how == "data") {
    throw Error(ErrorKind::data, "random1.gz is cut off: the gzip stream ends inside row 412,077",
                Place{"/data/random1.gz", 0, 0, "data.train"}, "fetch the file again");
  }
  if (how == "fault") throw std::logic_error("vector::at");
  if (how == "memory") throw std::bad_alloc();
  if (how == "warn") log::warning("something odd\x1b[31m");
  return 0;
}

Program demo_program() {
  Program program;
  program.name = "demo";
  program.purpose = "Show what every program of the house can do.";
  program.try_first = "Try this first:";
  program.examples = {"thimble-demo train small", "thimble-demo train small train.lr=0.01 --threads 2"};
  Verb trainer;
  trainer.name = "train";
  trainer.group = "Work";
  trainer.summary = "train nothing for a while and write a run folder";
  trainer.run = train;
  trainer.flags = {{"--slow", "", "two milliseconds a step", "", {}, 's'},
                   {"--target", "KIND", "what to write", "json", {"json", "h5"}, 't'}};
  trainer.operands.least = 1;
  trainer.examples = {"thimble-demo train small --slow"};
  trainer.stops_cleanly = true;
  Verb failing;
  failing.name = "fail";
  failing.group = "Look";
  failing.summary = "end in a chosen way";
  failing.run = fail_verb;
  failing.operands = plain_operands("HOW", 1, 1);
  program.verbs = {trainer, failing, runs_verb("demo"), compare_verb("demo"), config_verb(demo_app())};
  program.synonyms = {{"synth", "train"}};
  program.complete = [](const Verb& verb, const std::string& word) { return complete_config(verb, word, demo_app()); };
  return program;
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv, demo_program());
}

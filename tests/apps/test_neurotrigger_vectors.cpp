// Reference vectors that no other test takes apart: buckets and sampling, filters row by row, and what the original's
// own tests only look at without a number (section 4.3).

#include "core/io/json.h"
#include "core/parallel/blocks.h"

#include "nn/data/plan.h"

#include "apps/neurotrigger/data/filters.h"
#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/hardware/hardware_model.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <numeric>

#include "tests/apps/neurotrigger_networks.h"
#include "tests/apps/neurotrigger_reference.h"
#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

nn::BucketTarget bucket_target(const nlohmann::json& one) {
  nn::BucketTarget target{one.at("n_buckets"), one.at("inf_bounds"), nn::BucketTarget::Norm{}};
  const nlohmann::json& dist = one.at("dist");
  if (dist.contains("norm"))
    target.shape = nn::BucketTarget::Norm{dist["norm"].at("mean"), dist["norm"].at("std")};
  else
    target.shape = nn::BucketTarget::Uniform{dist["uniform"].at("lower"), dist["uniform"].at("upper")};
  return target;
}

std::vector<float> z_of(const Dataset& data, const std::vector<std::int64_t>& rows) {
  std::vector<float> z;
  for (const std::int64_t row : rows) z.push_back(data.targets.data<float>()[2 * row]);
  return z;
}

std::vector<std::int64_t> bucket_sizes(const nn::Buckets& buckets) {
  std::vector<std::int64_t> sizes;
  for (const nn::Rows& rows : buckets.rows) sizes.push_back(static_cast<std::int64_t>(rows.size()));
  return sizes;
}

/// Members of every bucket, all tracks and per expert, as counted by the original.
void check_members(const Dataset& data, const nlohmann::json& one) {
  const auto sizes = [&](int expert) {
    const std::vector<std::int64_t> rows = data.rows_of(expert);
    return bucket_sizes(nn::make_buckets(bucket_target(one), rows, z_of(data, rows), [](const std::string&) {}));
  };
  const auto all = sizes(-1);
  CHECK(all == one.at("counts_test_data").get<std::vector<std::int64_t>>());
  const auto filled = std::count_if(all.begin(), all.end(), [](std::int64_t n) { return n > 0; });
  CHECK(filled == one.at("original_number_of_nonempty_buckets").get<std::int64_t>());
  for (const auto& [expert, counts] : one.at("counts_per_expert").items())
    CHECK(sizes(std::stoi(expert)) == counts.get<std::vector<std::int64_t>>());
}

/// Simulated tracks for an ExpertTask whose rows may be poisoned: a row that is ever trained on has an infinite loss.
struct Poisoned {
  Dataset train, validation;
  std::vector<std::int64_t> rows;  // of expert 0
  Settings settings = test::plain_settings();

  Poisoned() {
    train = simulate_tracks(simulation_preset("ideal"), 4, "train", 4000);
    validation = simulate_tracks(simulation_preset("ideal"), 4, "val", 500);
    rows = train.rows_of(0);
    settings.epochs = 6;
    settings.batch_size = 64;
  }
  void poison(std::int64_t row) { train.targets.mut<float>()[2 * row + 1] = 1e30F; }
  /// The run of expert 0 as the program makes it.
  RunResult run(const std::filesystem::path& folder) const {
    Splits splits;
    splits[Split::train] = train;
    splits[Split::val] = validation;
    splits[Split::test] = empty_dataset(0);
    RunPlan plan;
    std::filesystem::create_directories(folder);
    plan.folder = folder.string();
    return train_experts(test::plain_run({0}, settings), splits, plan);
  }
};

}  // namespace

TEST_CASE("Buckets have the bounds, masses, members and examples of the original [NT F13]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const nlohmann::json file = io::read_json(folder / "buckets.json");
  const Dataset data = read_tracks(folder / "test_data.csv.gz");
  REQUIRE(file.at("cases").size() == 9);
  for (const nlohmann::json& one : file.at("cases")) {
    CAPTURE(one.at("name").get<std::string>());
    const auto n = one.at("n_buckets").get<std::int64_t>();
    REQUIRE(one.at("bounds").size() == static_cast<std::size_t>(n));
    for (std::int64_t b = 0; b < n; ++b) {
      // the middle of the bounds lies in the bucket; outer bounds may be infinite, written as null or text
      const nlohmann::json& bound = one.at("bounds")[static_cast<std::size_t>(b)];
      const double low = bound[0].is_number() ? std::max(-1.0, bound[0].get<double>()) : -1.0;
      const double high = bound[1].is_number() ? std::min(1.0, bound[1].get<double>()) : 1.0;
      CHECK(low == doctest::Approx(-1.0 + 2.0 * static_cast<double>(b) / static_cast<double>(n)).epsilon(1e-12));
      CHECK(high == doctest::Approx(-1.0 + 2.0 * static_cast<double>(b + 1) / static_cast<double>(n)).epsilon(1e-12));
      CHECK(nn::bucket_of((low + high) / 2, n) == b);
    }
    const auto probability = nn::bucket_probabilities(bucket_target(one));
    const double sum = one.at("mass_sum").get<double>();
    for (std::size_t b = 0; b < probability.size(); ++b)
      CHECK(probability[b] * sum == doctest::Approx(one.at("cdf_mass")[b].get<double>()).epsilon(1e-12));
    check_members(data, one);
  }
  const nlohmann::json& examples = file.at("get_bucket_examples");
  for (std::size_t i = 0; i < examples.at("z").size(); ++i)
    CHECK(nn::bucket_of(static_cast<double>(examples.at("z")[i].get<float>()), examples.at("n_buckets")) ==
          examples.at("bucket")[i].get<std::int64_t>());
}

TEST_CASE(
    "One epoch draws as many tracks as there are, every bucket within five sigma, from the right bucket [NT F13]") {
  // The original's test of its sampler allows 0.1; here the binomial spread decides.
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset data = read_tracks(folder / "test_data.csv.gz");
  const std::vector<std::int64_t> rows = data.rows_of(-1);
  const std::vector<float> z = z_of(data, rows);
  const nn::BucketTarget targets[] = {{11, false, nn::BucketTarget::Uniform{-1, 1}},
                                      {11, true, nn::BucketTarget::Uniform{-1, 1}},
                                      {11, false, nn::BucketTarget::Norm{0, 0.6}},
                                      {11, true, nn::BucketTarget::Norm{0, 0.6}}};
  const std::uint64_t seed = 1;
  MESSAGE("seed " << seed);
  for (const nn::BucketTarget& target : targets) {
    const nn::Buckets buckets = nn::make_buckets(target, rows, z, [](const std::string&) {});
    const nn::Rows plan = nn::epoch_plan(buckets, rows, Rng(seed).stream("sampler"), 0);
    REQUIRE(plan.size() == rows.size());
    std::array<double, 11> drawn{};
    for (const std::int64_t row : plan) {
      const auto b = nn::bucket_of(static_cast<double>(z[static_cast<std::size_t>(row)]), 11);
      const nn::Rows& members = buckets.rows[static_cast<std::size_t>(b)];
      CHECK(std::binary_search(members.begin(), members.end(), row));
      drawn[static_cast<std::size_t>(b)] += 1;
    }
    const std::vector<double> wanted = nn::bucket_probabilities(target);
    const auto count = static_cast<double>(plan.size());
    for (std::size_t b = 0; b < drawn.size(); ++b)
      CHECK(std::abs(drawn[b] - wanted[b] * count) <= 5 * std::sqrt(count * wanted[b] * (1 - wanted[b])));
  }
}

TEST_CASE("Every filter case keeps the rows that the original lists first and last [NT F12]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const nlohmann::json cases = io::read_json(folder / "filters.json").at("cases");
  const Dataset all = read_tracks(folder / "test_data.csv.gz"), few = read_tracks(folder / "test_data_filter.csv");
  REQUIRE(cases.size() == 20);
  for (const nlohmann::json& one : cases) {
    const std::string text = one.at("expr").get<std::string>();
    CAPTURE(text);
    const Dataset& data = one.at("file") == "test_data.csv" ? all : few;
    CHECK(data.rows() == one.at("rows").get<std::int64_t>());
    const std::vector<std::int64_t> kept = rows_of(apply_filter(text, data));
    const auto first = one.at("first").get<std::vector<std::int64_t>>(),
               last = one.at("last").get<std::vector<std::int64_t>>();
    REQUIRE(kept.size() >= std::max(first.size(), last.size()));
    CHECK(std::equal(first.begin(), first.end(), kept.begin()));
    CHECK(std::equal(last.rbegin(), last.rend(), kept.rbegin()));
  }
  // the one assertion on a row in the original's tests: event 13824 keeps track 0 and loses track 1
  const Mask mask = apply_filter("DuplicateEventsFilter()", few);
  for (std::size_t row = 0; row < mask.size(); ++row)
    if (few.origins[row].event == 13824 && few.origins[row].track < 2)
      CHECK((mask[row] != 0) == (few.origins[row].track == 0));
}

TEST_CASE("Training rows obey filter and dist together: a row outside either is never trained on [NT F14]") {
  const test::TempFolder folder;
  Poisoned both;
  const auto half = both.train.rows() / 2;
  both.settings.filter = "FirstTrackFilter()";  // the second half repeats the events of the first
  for (std::int64_t row = half; row < both.train.rows(); ++row)
    both.train.origins[static_cast<std::size_t>(row)].event =
        both.train.origins[static_cast<std::size_t>(row % half)].event;
  both.settings.dist.n_buckets = 4;  // of z: -100 .. -50, -50 .. 0, 0 .. 50, 50 .. 100 cm
  both.settings.dist.uniform.lower = 0.0;
  both.settings.dist.uniform.upper = 0.5;  // the third bucket alone
  std::int64_t kept = 0;
  for (const std::int64_t row : both.rows) {
    const float z = both.train.targets.data<float>()[2 * row];
    const bool wanted = row < half && z >= 0.0F && z < 0.5F;
    if (!wanted) both.poison(row);
    kept += wanted ? 1 : 0;
  }
  REQUIRE(kept > 100);
  const RunResult run = both.run(folder / "both");
  REQUIRE(run.experts[0].outcome.status == ExpertStatus::trained);
  CHECK(run.experts[0].outcome.epochs == 6);
  for (const double loss : run.experts[0].outcome.table.columns[0]) CHECK(std::isfinite(loss));
  // each alone meets the poisoned rows
  Poisoned no_dist = both, no_filter = both;
  no_dist.settings.dist = {};
  no_filter.settings.filter.reset();
  CHECK(no_dist.run(folder / "no_dist").experts[0].outcome.status == ExpertStatus::failed);
  CHECK(no_filter.run(folder / "no_filter").experts[0].outcome.status == ExpertStatus::failed);
}

TEST_CASE("The reference rows are those of the track file, and float outputs agree for all activations [NT F06]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const io::Hdf5Tree tree = test::read_reference((folder / "ntref.h5").string());
  const Dataset all = read_tracks(folder / "test_data.csv.gz");
  const std::vector<std::int64_t> index = test::integers(tree, "/rows/index"),
                                  experts = test::integers(tree, "/rows/expert");
  REQUIRE(index.size() == 320);
  const Dataset rows = all.select(index);
  CHECK(rows.inputs.to_vector() == test::doubles(tree, "/rows/x"));
  CHECK(rows.targets.to_vector() == test::doubles(tree, "/rows/y"));
  CHECK(rows.old.to_vector() == test::doubles(tree, "/rows/y_old"));
  CHECK(std::equal(experts.begin(), experts.end(), rows.experts.begin()));
  const Networks networks = read_weights(folder / "weights_ref.json");
  for (const std::string act : {"tanh", "tanh/2", "softsign", "relu", "sigmoid", "leaky_relu", "selu"}) {
    CAPTURE(act);
    const std::string name = act == "tanh/2" ? "tanh_div_2" : act;
    const std::vector<double> expected = test::doubles(tree, "/forward/BaselineModel/" + name + "/f32");
    for (int expert = 0; expert < 5; ++expert) {
      nn::Graph model = build_model({"BaselineModel", act});
      load_state(model, networks.at(expert), "weights_ref.json");
      const std::vector<double> ours = predict(model, gather_rows(rows.inputs, rows.rows_of(expert))).to_vector();
      REQUIRE(ours.size() == 128);
      for (std::size_t i = 0; i < ours.size(); ++i)
        CHECK(std::abs(ours[i] - expected[static_cast<std::size_t>(expert) * 128 + i]) < 2e-6);
    }
  }
}

TEST_CASE("Tables of both hardware models and their outputs in cm and degrees are the reference's [NT N02]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const io::Hdf5Tree tree = test::read_reference((folder / "ntref.h5").string());
  for (const char letter : {'A', 'B'}) {
    CAPTURE(letter);
    const std::string group = std::string("/fixed/") + letter;
    HardwareModel model;
    if (letter == 'B') model = hardware_model("hw-b", {});
    nn::Graph network = build_model({"BaselineModel", "tanh/2"});
    load_state(network, read_weights(folder / "weights_ref.json").at(0), "weights_ref.json");
    const hw::Graph graph = hardware_graph(hardware_network(network, model), "reference");
    const std::vector<std::int64_t> expected = test::integers(tree, group + "/lut");
    REQUIRE(!graph.tables.empty());
    for (const hw::Table& table : graph.tables) {
      REQUIRE(table.values.size() >= expected.size());
      CHECK(std::equal(expected.begin(), expected.end(), table.values.begin()));
    }
    const std::vector<std::int64_t> out = test::integers(tree, group + "/out_int");
    const std::vector<double> z = test::doubles(tree, group + "/z_cm"),
                              theta = test::doubles(tree, group + "/theta_deg");
    REQUIRE(out.size() == 2 * z.size());
    for (std::size_t row = 0; row < z.size(); ++row) {
      CHECK(z_to_cm(static_cast<double>(out[2 * row]) / 4096) == doctest::Approx(z[row]).epsilon(1e-9));
      CHECK(theta_to_degrees(static_cast<double>(out[2 * row + 1]) / 4096) ==
            doctest::Approx(theta[row]).epsilon(1e-9));
    }
  }
}

TEST_CASE("Scaled outputs become centimetres and degrees and come back, one and two columns [NT F05]") {
  // Golden: the first rows of section 5, z = 0.555959 -> 55.5959 cm, theta = 0.337421 -> 116.99368 degrees.
  const Tensor two = Tensor::from(std::vector<float>{0.555959F, 0.337421F, -1.0F, 1.0F}).reshape({2, 2});
  const Tensor physics = to_physics(two);
  CHECK(static_cast<double>(physics.data<float>()[0]) == doctest::Approx(55.5959).epsilon(1e-6));
  CHECK(static_cast<double>(physics.data<float>()[1]) == doctest::Approx(116.99368).epsilon(1e-6));
  CHECK(physics.data<float>()[2] == -100.0F);
  CHECK(physics.data<float>()[3] == 170.0F);
  const Tensor back = to_scaled(physics);
  for (std::int64_t i = 0; i < 4; ++i)
    CHECK(std::abs(static_cast<double>(back.data<float>()[i] - two.data<float>()[i])) < 1e-6);
  const Tensor one = to_physics(Tensor::from(std::vector<float>{0.25F, -0.5F}).reshape({2, 1}));
  CHECK(one.data<float>()[0] == 25.0F);
  CHECK(one.data<float>()[1] == -50.0F);
  CHECK_THROWS_AS(to_physics(Tensor::zeros({2, 3})), Error);
}

TEST_CASE("A network learns one batch of tracks by heart [NT F06]") {
  const Dataset data = simulate_tracks(simulation_preset("ideal"), 8, "train", 400);
  Settings settings = test::plain_settings();
  settings.act = "tanh";
  settings.epochs = 600;
  settings.patience = 0;
  settings.learning_rate = 1e-2;
  settings.weight_decay = 0;
  ExpertTask task;
  task.settings = &settings;
  task.train = test::training_table(data);
  task.train_rows = data.rows_of(0);
  task.train_rows.resize(32);
  task.validation = data.select(task.train_rows);
  const ExpertOutcome outcome = train_expert(task);
  CHECK(outcome.epochs == 600);
  CHECK(outcome.best_loss < 0.01 * outcome.table.columns[1].front());
}

TEST_SUITE("slow") {
  TEST_CASE(
      "Recorded tracks: the baseline recipe reaches the losses of the original, softsign before tanh before tanh/2") {
    // Golden: section 9.6, best validation loss after 1000 epochs with training = validation, within 15 %.
    THIMBLE_SHARED(folder, "data/neurotrigger");
    const Dataset data = read_tracks(folder / "test_data.csv.gz");
    struct Case {
      int expert;
      std::string act;
      double low, high, old;
    };
    const Case cases[] = {{0, "tanh/2", 0.0340, 0.0342, 0.025557},  {1, "tanh/2", 0.0312, 0.0323, 0.050375},
                          {2, "tanh/2", 0.0216, 0.0268, 0.035976},  {3, "tanh/2", 0.0342, 0.0375, 0.038674},
                          {4, "tanh/2", 0.0360, 0.0386, 0.083869},  {0, "tanh", 0.0200, 0.0200, 0.025557},
                          {0, "softsign", 0.0160, 0.0160, 0.025557}};
    const auto table = test::training_table(data);
    std::array<ExpertOutcome, std::size(cases)> outcomes;
    parallel_jobs(static_cast<std::int64_t>(std::size(cases)), [&](std::int64_t job) {
      const Case& one = cases[job];
      Settings settings = test::plain_settings();
      settings.act = one.act;
      settings.epochs = 1000;
      ExpertTask task;
      task.expert = one.expert;
      task.settings = &settings;
      task.train = table;
      task.train_rows = data.rows_of(one.expert);
      task.validation = data.select(task.train_rows);
      outcomes[static_cast<std::size_t>(job)] = train_expert(task);
    });
    for (std::size_t i = 0; i < std::size(cases); ++i) {
      const Case& one = cases[i];
      CAPTURE(one.expert);
      CAPTURE(one.act);
      MESSAGE("expert " << one.expert << ", " << one.act << ": best " << outcomes[i].best_loss << " after epoch "
                        << outcomes[i].best_epoch << ", " << outcomes[i].best_loss / one.old << " of the old network");
      CHECK(outcomes[i].best_loss >= 0.85 * one.low);
      CHECK(outcomes[i].best_loss <= 1.15 * one.high);
      CHECK(outcomes[i].epochs == 1000);  // no early stop
    }
    CHECK(outcomes[6].best_loss < outcomes[5].best_loss);
    CHECK(outcomes[5].best_loss < outcomes[0].best_loss);
  }
}

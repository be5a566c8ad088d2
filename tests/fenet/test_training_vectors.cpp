// Training steps against the reference: losses, gradients, rotations, weights.

#include "core/io/hdf5_foreign.h"

#include "nn/optim/optimizer.h"

#include "apps/fenet/train/session_step.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

struct Filters {
  std::vector<nn::Parameter> all;
  static void members(auto& self, auto&& visit) { visit("filters", self.all); }
};

/// One group of training_cases.h5.
struct Case {
  const io::Hdf5Tree* tree;
  std::string group;

  const io::Array& array(const std::string& name) const { return tree->datasets.at("/" + group + "/" + name).numbers; }
  std::vector<double> values(const std::string& name) const { return array(name).doubles(); }
  std::vector<double> facts(const std::string& name) const {
    return tree->attributes.at("/" + group).at(name).numbers.doubles();
  }
  double fact(const std::string& name) const { return facts(name).at(0); }
  std::string filter(const std::string& above, std::size_t i) const {
    return text::cat(above, "/", i / 2, i % 2 == 0 ? "/feat" : "/pass");
  }
};

StepOptions options_of(const Case& c) {
  StepOptions o;
  const std::vector<double> kernels = c.facts("kernels"), strides = c.facts("strides"), powers = c.facts("relu_powers");
  for (std::size_t i = 0; i < kernels.size(); ++i)
    o.chain.levels.push_back(
        {static_cast<int>(kernels[i]), static_cast<int>(strides[i]), static_cast<int>(powers[i]), 1});
  o.loss.normalise = c.fact("normalize_at_end") != 0;
  o.loss.pls.components = static_cast<std::int64_t>(c.fact("pls_dims"));
  return o;
}

Filters filters_of(const Case& c, std::size_t levels, DType dtype) {
  Filters f;
  for (std::size_t i = 0; i < 2 * levels; ++i) {
    const Tensor w = c.array(c.filter("weights", i)).tensor(dtype);
    f.all.emplace_back(w.shape(), std::vector<nn::Axis>{nn::Axis::tap}, dtype);
    copy_into(w, f.all.back().value);
  }
  return f;
}

nn::Rule rule_of(const Case& c) {
  nn::Adam adam;
  adam.beta1 = c.fact("beta1");
  adam.beta2 = c.fact("beta2");
  adam.eps = c.fact("eps");
  adam.decay = kernels::Decay::decoupled;
  adam.decay_rate = c.fact("weight_decay");
  return adam;
}

double largest(const std::vector<double>& values) {
  double out = 0;
  for (const double v : values) out = std::max(out, std::fabs(v));
  return out;
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) out = std::max(out, std::fabs(a[i] - b[i]));
  return out;
}

struct Tolerance {
  double loss, gradient, weight, head;  // relative, of the largest, absolute, of the largest
};

void check_step_0(const Case& c, const SessionStep& step, const Filters& f, const Tolerance& t) {
  const LossResult& r = step.result();
  for (std::size_t i = 0; i < f.all.size(); ++i) {
    const std::vector<double> wanted = c.values(c.filter("step0/grad", i));
    CHECK(difference(f.all[i].grad.to_vector(), wanted) <= t.gradient * largest(wanted));
  }
  const auto near = [&](const Tensor& x, const std::string& name) {
    const std::vector<double> wanted = c.values(name);
    CAPTURE(name);
    CHECK(difference(x.to_vector(), wanted) <= t.head * std::max(1.0, largest(wanted)));
  };
  near(r.reduced, "step0/reduced_features");
  near(r.decoder.coefficients, "step0/decoder_coef");
  near(r.decoder.intercept, "step0/decoder_intercept");
  if (r.pls.components > 0) near(r.pls.rotations, "step0/pls_rotations");
}

void check_case(const Case& c, DType dtype, const Tolerance& t) {
  CAPTURE(c.group);
  StepOptions options = options_of(c);
  Filters f = filters_of(c, options.chain.levels.size(), dtype);
  nn::Parts parts = nn::parts_of(f);
  const nn::FlatParameters flat(parts.parameters);
  nn::Optimizer optimizer(rule_of(c), flat);
  optimizer.set_rate(c.fact("lr"));
  std::vector<nn::Parameter*> filters;
  for (nn::Parameter& p : f.all) filters.push_back(&p);
  SessionStep step(std::move(options), filters);
  const auto segments = in_memory(c.array("x").tensor(DType::f32));
  const Tensor labels = c.array("labels").tensor(DType::f32);
  const std::vector<double> losses = c.values(dtype == DType::f64 ? "losses_f64" : "losses_f32");
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const double loss = step(*segments, labels, i);
    CAPTURE(i);
    CHECK(std::fabs(loss - losses[i]) <= t.loss * losses[i]);
    if (i == 0) check_step_0(c, step, f, t);
    optimizer.step();
  }
  for (std::size_t i = 0; i < f.all.size(); ++i)
    CHECK(difference(f.all[i].value.to_vector(), c.values(c.filter("final_weights", i))) <= t.weight);
}

}  // namespace

TEST_CASE("losses, gradients and weights of five steps are those of the reference [FN F06] [FN F08] [FN F09]") {
  THIMBLE_SHARED(file, "data/fenet/training_cases.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(file);
  for (const char* group : {"pls2_batchnorm", "pls2_no_norm", "no_pls"}) {
    check_case({&tree, group}, DType::f64, {1e-9, 1e-7, 1e-6, 1e-7});
    check_case({&tree, group}, DType::f32, {1e-5, 1e-3, 5e-5, 1e-3});
  }
}

TEST_CASE("AdamW goes on from the state of a published checkpoint [FN F09]") {
  THIMBLE_SHARED(file, "data/fenet/training_cases.h5");
  THIMBLE_SHARED(weights, "data/fenet/weights_db20_alternative_iqk20aq0.h5");
  const io::Hdf5Tree cases = io::read_foreign_hdf5(file), start = io::read_foreign_hdf5(weights);
  const auto& facts = start.attributes.at("/optimizer");
  const auto fact = [&](const char* name) { return facts.at(name).numbers.doubles().at(0); };
  nn::Adam adam;
  adam.beta1 = fact("beta1");
  adam.beta2 = fact("beta2");
  adam.eps = fact("eps");
  adam.decay = kernels::Decay::decoupled;
  adam.decay_rate = fact("weight_decay");
  Filters f;
  nn::State state;
  std::vector<Tensor> grads;
  state.set("steps", static_cast<std::int64_t>(fact("step")));
  for (std::size_t i = 0; i < 12; ++i) {
    const std::string branch = text::cat(i / 2, i % 2 == 0 ? "/feat" : "/pass"), path = text::cat("filters.", i);
    const auto tensor = [&](const io::Hdf5Tree& tree, const std::string& name) {
      return tree.datasets.at(name).numbers.tensor(DType::f32);
    };
    const Tensor w = tensor(start, "/layers/" + branch + "/weight");
    f.all.emplace_back(w.shape(), std::vector<nn::Axis>{nn::Axis::tap});
    copy_into(w, f.all.back().value);
    grads.push_back(tensor(cases, "/adamw_resume/grad/" + branch));
    state.tensors[path + ".m"] = tensor(start, "/optimizer/" + branch + "/exp_avg");
    state.tensors[path + ".v"] = tensor(start, "/optimizer/" + branch + "/exp_avg_sq");
  }
  const nn::FlatParameters flat(nn::parts_of(f).parameters);
  nn::Optimizer optimizer(adam, flat);
  for (std::size_t i = 0; i < grads.size(); ++i) copy_into(grads[i], f.all[i].grad);
  optimizer.restore(state);
  optimizer.set_rate(fact("lr"));
  optimizer.step();
  for (std::size_t i = 0; i < 12; ++i) {
    const std::string branch = text::cat("/adamw_resume/new_weights_f32/", i / 2, i % 2 == 0 ? "/feat" : "/pass");
    CHECK(difference(f.all[i].value.to_vector(), cases.datasets.at(branch).numbers.doubles()) <= 1e-6);
  }
}

/// Optimizers: update rules against double arithmetic and Keras's numbers, clipping and state.
#include "recurra/training/optimizers.h"

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/random.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;
using Values = std::vector<double>;

/// Two parameters, 24 and 100 weights.
class Model {
 public:
  Model() {
    Random random(3);
    for (Parameter* parameter : list()) {
      for (float& w : parameter->value.as<float>()) w = random.normal();
    }
  }

  void draw_gradients(Random& random, float scale) {
    for (Parameter* parameter : list()) {
      for (float& g : parameter->gradient.as<float>()) g = scale * random.normal();
    }
  }

  [[nodiscard]] std::vector<Parameter*> list() { return {&parameters_[0], &parameters_[1]}; }

  [[nodiscard]] Values weights() {
    Values all;
    for (const Parameter* p : list()) {
      for (const float w : p->value.as<float>()) all.push_back(w);
    }
    return all;
  }

  [[nodiscard]] Values gradients() {
    Values all;
    for (const Parameter* p : list()) {
      for (const float g : p->gradient.as<float>()) all.push_back(g);
    }
    return all;
  }

  static constexpr std::size_t first_size = 24;

 private:
  Parameter parameters_[2] = {{"kernel", Tensor({4, 6}), Tensor({4, 6}), true},
                              {"bias", Tensor({100}), Tensor({100}), true}};
};

/// One weight's state in double, and the rule that moves it.
struct Scalar {
  double w = 0, m = 0, v = 0, other = 0;
};

using Rule = std::function<void(Scalar&, double g, int t)>;

void decay(Scalar& s, double rate, double share) {
  s.w -= rate * share * s.w;
}

void adam(Scalar& s, double g, int t, const AdamOptions& o) {
  s.m = o.beta_1 * s.m + (1 - o.beta_1) * g;
  s.v = o.beta_2 * s.v + (1 - o.beta_2) * g * g;
  s.other = std::max(s.other, s.v);
  const double rate = o.learning_rate * std::sqrt(1 - std::pow(o.beta_2, t)) / (1 - std::pow(o.beta_1, t));
  s.w -= rate * s.m / (std::sqrt(o.amsgrad ? s.other : s.v) + o.epsilon);
}

void rms_prop(Scalar& s, double g, const RmsPropOptions& o) {
  s.v = o.rho * s.v + (1 - o.rho) * g * g;
  s.other = o.rho * s.other + (1 - o.rho) * g;
  const double variance = o.centered ? s.v - s.other * s.other : s.v;
  s.m = o.momentum * s.m + o.learning_rate * g / std::sqrt(variance + o.epsilon);
  s.w -= s.m;
}

void sgd(Scalar& s, double g, const SgdOptions& o) {
  s.m = o.momentum * s.m - o.learning_rate * g;
  s.w += o.nesterov ? o.momentum * s.m - o.learning_rate * g : s.m;
}

/// Gradients clipped in double.
Values clipped(Values g, const UpdateOptions& options) {
  const auto scale = [&](std::size_t first, std::size_t last, double limit) {
    double squares = 0;
    for (std::size_t i = first; i < last; ++i) squares += g[i] * g[i];
    for (std::size_t i = first; i < last; ++i) g[i] *= limit / std::max(limit, std::sqrt(squares));
  };
  if (options.clipnorm) {
    scale(0, Model::first_size, *options.clipnorm);
    scale(Model::first_size, g.size(), *options.clipnorm);
  }
  if (options.global_clipnorm) scale(0, g.size(), *options.global_clipnorm);
  for (double& value : g) {
    if (options.clipvalue) value = std::max(-*options.clipvalue, std::min(*options.clipvalue, value));
  }
  return g;
}

/// max |w - reference| / max |reference| after 50 steps.
double largest_error(Optimizer& optimizer, const Rule& rule, const UpdateOptions& options) {
  Model model;
  std::vector<Scalar> scalars;
  for (const double w : model.weights()) scalars.push_back({w});
  Random random(8);
  for (int t = 1; t <= 50; ++t) {
    model.draw_gradients(random, t % 3 == 0 ? 0.01F : 1.0F);
    const Values g = clipped(model.gradients(), options);
    for (std::size_t i = 0; i < g.size(); ++i) {
      if (options.weight_decay) decay(scalars[i], optimizer.learning_rate(), *options.weight_decay);
      rule(scalars[i], g[i], t);
    }
    EXPECT_TRUE(optimizer.step(model.list()));
  }
  const Values weights = model.weights();
  double error = 0;
  double largest = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    error = std::max(error, std::abs(weights[i] - scalars[i].w));
    largest = std::max(largest, std::abs(scalars[i].w));
  }
  return error / largest;
}

constexpr double tolerance = 1e-6;

/// Nothing, decay, and each clipping.
std::vector<UpdateOptions> all_updates() {
  std::vector<UpdateOptions> all(5);
  all[1].weight_decay = 0.1;
  all[2].clipnorm = 2.0;
  all[3].global_clipnorm = 3.0;
  all[4].clipvalue = 0.5;
  all[4].weight_decay = 0.01;
  return all;
}

TEST(Optimizers, sgd_agrees_with_double_arithmetic_over_50_steps) {
  for (const UpdateOptions& update : all_updates()) {
    for (const double momentum : {0.0, 0.9}) {
      for (const bool nesterov : {false, true}) {
        const SgdOptions options{0.02, momentum, nesterov, update};
        Sgd optimizer(options);
        const Rule rule = [&](Scalar& s, double g, int) {
          sgd(s, g, options);
        };
        EXPECT_LE(largest_error(optimizer, rule, update), tolerance) << momentum << nesterov;
      }
    }
  }
}

TEST(Optimizers, rmsprop_agrees_with_double_arithmetic_over_50_steps) {
  for (const UpdateOptions& update : all_updates()) {
    for (const double momentum : {0.0, 0.8}) {
      for (const bool centered : {false, true}) {
        const RmsPropOptions options{0.01, 0.9, momentum, 1e-7, centered, update};
        RmsProp optimizer(options);
        const Rule rule = [&](Scalar& s, double g, int) {
          rms_prop(s, g, options);
        };
        EXPECT_LE(largest_error(optimizer, rule, update), tolerance) << momentum << centered;
      }
    }
  }
}

TEST(Optimizers, adam_agrees_with_double_arithmetic_over_50_steps) {
  for (const UpdateOptions& update : all_updates()) {
    for (const bool amsgrad : {false, true}) {
      const AdamOptions options{0.01, 0.9, 0.99, 1e-7, amsgrad, update};
      Adam optimizer(options);
      const Rule rule = [&](Scalar& s, double g, int t) {
        adam(s, g, t, options);
      };
      EXPECT_LE(largest_error(optimizer, rule, update), tolerance) << amsgrad;
    }
  }
}

TEST(Optimizers, adamw_decays_weights_by_0_004_unless_told_otherwise) {
  for (const double given : {0.0, 0.3}) {
    AdamOptions options;
    if (given > 0.0) options.update.weight_decay = given;
    AdamW optimizer(options);
    UpdateOptions expected;
    expected.weight_decay = given > 0.0 ? given : 0.004;
    const Rule rule = [&](Scalar& s, double g, int t) {
      adam(s, g, t, options);
    };
    EXPECT_LE(largest_error(optimizer, rule, expected), tolerance);
  }
}

TEST(Optimizers, steps_are_those_of_keras) {
  std::ifstream file(std::filesystem::path(RECURRA_SOURCE_DIR) / "tests/data/keras/optimizers.json");
  const Json golden = Json::parse(file);
  int compared = 0;
  for (const Json& test : golden.at("cases")) {
    const auto name = test.at("optimizer").get<std::string>();
    if (name == "Adagrad") continue;  // not here
    const auto optimizer = make_optimizer_from_config({{"class_name", name}, {"config", test.at("args")}});
    Parameter x{"x", Tensor({10}), Tensor({10}), true};
    for (int i = 0; i < 10; ++i) {
      x.value.data()[i] = test.at("x0")[std::size_t(i)].get<float>();
      x.gradient.data()[i] = 0.01F;
    }
    Parameter* list[] = {&x};
    for (const Json& expected : test.at("expected_after_step")) {
      ASSERT_TRUE(optimizer->step(list));
      for (int i = 0; i < 10; ++i) {
        const auto value = expected[std::size_t(i)].get<double>();
        EXPECT_NEAR(x.value.data()[i],
                    value,
                    test.at("atol").get<double>() + test.at("rtol").get<double>() * std::abs(value))
            << name << " step " << optimizer->iterations();
        x.gradient.data()[i] = 0.1F * float(i + 1);
      }
    }
    ++compared;
  }
  EXPECT_EQ(compared, 4);
}

TEST(Optimizers, centered_rmsprop_survives_a_constant_gradient) {
  RmsPropOptions options;
  options.centered = true;
  RmsProp optimizer(options);
  Parameter x{"x", Tensor({1}), Tensor({1}), true};
  Parameter* list[] = {&x};
  for (int t = 0; t < 500; ++t) {
    x.gradient.data()[0] = 12345.678F;
    ASSERT_TRUE(optimizer.step(list));
    ASSERT_TRUE(std::isfinite(x.value.data()[0])) << t;
  }
}

TEST(GradientNorm, is_taken_over_all_parameters_before_clipping) {
  SgdOptions options;
  options.update.global_clipnorm = 1.0;
  Sgd optimizer(options);
  EXPECT_EQ(optimizer.gradient_norm(), 0.0);
  Model model;
  for (Parameter* parameter : model.list()) std::ranges::fill(parameter->gradient.as<float>(), 2.0F);
  ASSERT_TRUE(optimizer.step(model.list()));
  EXPECT_DOUBLE_EQ(optimizer.gradient_norm(), 2.0 * std::sqrt(124.0));
  double squares = 0;
  for (const double g : model.gradients()) squares += g * g;
  EXPECT_NEAR(std::sqrt(squares), 1.0, 1e-7);
}

TEST(GradientNorm, of_the_largest_floats_is_finite) {
  Sgd optimizer(SgdOptions{1e-30});
  Model model;
  for (Parameter* parameter : model.list())
    std::ranges::fill(parameter->gradient.as<float>(), std::numeric_limits<float>::max());
  EXPECT_TRUE(optimizer.step(model.list()));
}

TEST(GradientNorm, that_is_not_finite_changes_nothing) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    AdamOptions options;
    options.update.global_clipnorm = 1.0;
    Adam optimizer(options);
    Model model;
    Random random(2);
    model.draw_gradients(random, 1.0F);
    ASSERT_TRUE(optimizer.step(model.list()));
    const Values before = model.weights();
    std::vector<Tensor> slots;
    for (const OptimizerSlot& slot : optimizer.slots(model.list())) slots.push_back(*slot.value);
    model.draw_gradients(random, 1.0F);
    model.list()[1]->gradient.data()[99] = bad;
    const float untouched = model.list()[0]->gradient.data()[0];
    EXPECT_FALSE(optimizer.step(model.list()));
    EXPECT_FALSE(std::isfinite(optimizer.gradient_norm()));
    EXPECT_EQ(model.weights(), before);
    EXPECT_EQ(model.list()[0]->gradient.data()[0], untouched);
    EXPECT_EQ(optimizer.iterations(), 1);
    const std::vector<OptimizerSlot> after = optimizer.slots(model.list());
    for (std::size_t i = 0; i < slots.size(); ++i)
      EXPECT_TRUE(std::ranges::equal(slots[i].as<float>(), after[i].value->as<float>()));
  }
}

TEST(OptimizerState, is_named_as_in_keras) {
  Model model;
  const auto names = [&](Optimizer& optimizer) {
    std::string text;
    for (const OptimizerSlot& slot : optimizer.slots(model.list())) {
      EXPECT_EQ(slot.value->shape(), slot.parameter->value.shape());
      text.append(slot.parameter->name).append("/").append(slot.name).append(" ");
    }
    EXPECT_EQ(optimizer.slots(model.list()).size(), std::size_t(optimizer.slots_per_parameter()) * 2);
    return text;
  };
  EXPECT_EQ(names(*std::make_unique<Sgd>()), "");
  EXPECT_EQ(names(*std::make_unique<Sgd>(SgdOptions{0.1, 0.9})), "kernel/momentum bias/momentum ");
  EXPECT_EQ(names(*std::make_unique<Adam>()), "kernel/momentum bias/momentum kernel/velocity bias/velocity ");
  AdamOptions amsgrad;
  amsgrad.amsgrad = true;
  EXPECT_EQ(
      names(*std::make_unique<Adam>(amsgrad)),
      "kernel/momentum bias/momentum kernel/velocity bias/velocity kernel/velocity_hat bias/velocity_hat ");
  RmsPropOptions all;
  all.momentum = 0.5;
  all.centered = true;
  EXPECT_EQ(names(*std::make_unique<RmsProp>(all)),
            "kernel/velocity bias/velocity kernel/momentum bias/momentum kernel/average_gradient "
            "bias/average_gradient ");
  all.momentum = 0.0;
  EXPECT_EQ(names(*std::make_unique<RmsProp>(all)),
            "kernel/velocity bias/velocity kernel/average_gradient bias/average_gradient ");
}

TEST(OptimizerState, that_is_carried_over_gives_the_same_bits) {
  for (const char* name : {"sgd", "rmsprop", "adam", "adamw"}) {
    Json config = make_optimizer(name, 0.01)->config();
    if (config["config"].contains("momentum")) config["config"]["momentum"] = 0.9;
    Model whole, resumed;
    const auto first = make_optimizer_from_config(config);
    const auto second = make_optimizer_from_config(config);
    Random random(6), again(6);
    for (int t = 0; t < 3; ++t) {
      whole.draw_gradients(random, 1.0F);
      ASSERT_TRUE(first->step(whole.list()));
    }
    for (int p : {0, 1}) resumed.list()[std::size_t(p)]->value = whole.list()[std::size_t(p)]->value;
    const std::vector<OptimizerSlot> from = first->slots(whole.list());
    const std::vector<OptimizerSlot> to = second->slots(resumed.list());
    for (std::size_t i = 0; i < from.size(); ++i) *to[i].value = *from[i].value;
    second->set_iterations(first->iterations());
    again.seek(random.position());
    for (int t = 0; t < 3; ++t) {
      whole.draw_gradients(random, 1.0F);
      resumed.draw_gradients(again, 1.0F);
      ASSERT_TRUE(first->step(whole.list()));
      ASSERT_TRUE(second->step(resumed.list()));
    }
    EXPECT_EQ(whole.weights(), resumed.weights()) << name;
    EXPECT_EQ(second->iterations(), 6);
  }
}

TEST(OptimizerState, learning_rate_changes_the_next_step) {
  Sgd optimizer(SgdOptions{0.5});
  Parameter x{"x", Tensor({1}), Tensor({1}), true};
  Parameter* list[] = {&x};
  x.gradient.data()[0] = 1.0F;
  ASSERT_TRUE(optimizer.step(list));
  optimizer.set_learning_rate(0.25);
  ASSERT_TRUE(optimizer.step(list));
  EXPECT_EQ(x.value.data()[0], -0.75F);
  EXPECT_EQ(optimizer.learning_rate(), 0.25);
}

TEST(OptimizerState, parameters_that_change_are_named) {
  Model model;
  Adam optimizer;
  ASSERT_TRUE(optimizer.step(model.list()));
  Parameter* one[] = {model.list()[0]};
  EXPECT_EQ(error_text([&] { static_cast<void>(optimizer.step(one)); }),
            "optimizer: expected the 2 parameters of its first step, got 1");
  Parameter other{"beta", Tensor({7}), Tensor({7}), true};
  Parameter* two[] = {model.list()[0], &other};
  EXPECT_EQ(error_text([&] { static_cast<void>(optimizer.step(two)); }),
            "beta: expected shape (100,) as in the optimizer's first step, got (7,)");
  Parameter without{"beta", Tensor({7}), Tensor(), true};
  Parameter* none[] = {&without};
  EXPECT_EQ(error_text([&] { static_cast<void>(Sgd().step(none)); }),
            "beta.gradient: expected shape (7,), got (0,)");
  EXPECT_EQ(error_text([&] { optimizer.set_iterations(-1); }), "iterations: expected from 0 up, got -1");
}

}  // namespace

}  // namespace recurra::test

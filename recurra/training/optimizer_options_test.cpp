/// Options of optimizers: their ranges, and the configs in which they are kept.
#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/shortest.h"
#include "recurra/training/optimizers.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

TEST(OptimizerOptions, out_of_range_are_named) {
  for (const double rate : {0.0, -1.0, double(NAN), double(INFINITY)}) {
    const std::string text = "learning_rate: expected a finite number above 0, got " + shortest(rate);
    EXPECT_EQ(error_text([&] { Sgd(SgdOptions{rate}); }), text);
    EXPECT_EQ(error_text([&] { RmsProp(RmsPropOptions{rate}); }), text);
    EXPECT_EQ(error_text([&] { Adam(AdamOptions{rate}); }), text);
    EXPECT_EQ(error_text([&] { AdamW().set_learning_rate(rate); }), text);
  }
  EXPECT_EQ(error_text([] { Sgd(SgdOptions{-1e-9}); }),
            "learning_rate: expected a finite number above 0, got -1e-09");
  for (const double share : {1.0, -0.1, double(NAN)}) {
    const std::string text = ": expected from 0 up to below 1, got " + shortest(share);
    EXPECT_EQ(error_text([&] { Sgd(SgdOptions{0.1, share}); }), "momentum" + text);
    EXPECT_EQ(error_text([&] { RmsProp(RmsPropOptions{0.1, share}); }), "rho" + text);
    EXPECT_EQ(error_text([&] { RmsProp(RmsPropOptions{0.1, 0.9, share}); }), "momentum" + text);
    EXPECT_EQ(error_text([&] { Adam(AdamOptions{0.1, share}); }), "beta_1" + text);
    EXPECT_EQ(error_text([&] { Adam(AdamOptions{0.1, 0.9, share}); }), "beta_2" + text);
  }
  for (const double epsilon : {0.0, -1e-7, double(NAN), double(INFINITY)}) {
    const std::string text = "epsilon: expected a finite number from 1e-30 up, got " + shortest(epsilon);
    EXPECT_EQ(error_text([&] { RmsProp(RmsPropOptions{0.1, 0.9, 0.0, epsilon}); }), text);
    EXPECT_EQ(error_text([&] { Adam(AdamOptions{0.1, 0.9, 0.999, epsilon}); }), text);
  }
}

TEST(OptimizerOptions, of_clipping_and_decay_out_of_range_are_named) {
  const auto text = [](const UpdateOptions& update) {
    return error_text([&] { Sgd(SgdOptions{0.1, 0.0, false, update}); });
  };
  for (const double limit : {0.0, -1.0, double(NAN), double(INFINITY)}) {
    const std::string rest = ": expected a finite number above 0, got " + shortest(limit);
    EXPECT_EQ(text({.clipnorm = limit}), "clipnorm" + rest);
    EXPECT_EQ(text({.global_clipnorm = limit}), "global_clipnorm" + rest);
    EXPECT_EQ(text({.clipvalue = limit}), "clipvalue" + rest);
  }
  for (const double share : {-1.0, double(NAN), double(INFINITY)}) {
    EXPECT_EQ(text({.weight_decay = share}),
              "weight_decay: expected a finite number from 0 up, got " + shortest(share));
  }
  EXPECT_EQ(
      text({.clipnorm = 1.0, .clipvalue = 2.0}),
      "gradient clipping: expected one of clipnorm, global_clipnorm, clipvalue, got clipnorm, clipvalue");
}

TEST(OptimizerConfigs, go_there_and_back) {
  UpdateOptions update;
  update.weight_decay = 0.5;
  update.clipvalue = 2.0;
  const std::shared_ptr<Optimizer> optimizers[] = {
      std::make_shared<Sgd>(SgdOptions{0.25, 0.5, true, update}),
      std::make_shared<RmsProp>(RmsPropOptions{0.25, 0.75, 0.5, 0.125, true, update}),
      std::make_shared<Adam>(AdamOptions{0.25, 0.5, 0.75, 0.125, true, update}),
      std::make_shared<AdamW>(AdamOptions{0.25, 0.5, 0.75, 0.125, true})};
  for (const auto& optimizer : optimizers) {
    const std::unique_ptr<Optimizer> again = make_optimizer_from_config(optimizer->config());
    EXPECT_EQ(again->config(), optimizer->config());
    EXPECT_STREQ(again->name(), optimizer->name());
    EXPECT_EQ(make_optimizer_from_config(optimizer->config(), 0.5)->learning_rate(), 0.5);
  }
  EXPECT_EQ(optimizers[0]->config().dump(),
            R"({"class_name":"SGD","config":{"clipnorm":null,"clipvalue":2.0,"global_clipnorm":null,)"
            R"("learning_rate":0.25,"momentum":0.5,"name":"sgd","nesterov":true,"weight_decay":0.5}})");
  EXPECT_EQ(optimizers[3]->config()["class_name"], "AdamW");
  EXPECT_EQ(optimizers[3]->config()["config"]["weight_decay"], 0.004);
}

TEST(OptimizerConfigs, of_keras_are_read) {
  const Json config = Json::parse(R"({"module": "keras.optimizers", "class_name": "SGD",
      "config": {"name": "sgd", "learning_rate": 0.009999999776482582, "weight_decay": null, "clipnorm": null,
                 "global_clipnorm": null, "clipvalue": null, "use_ema": false, "ema_momentum": 0.99,
                 "ema_overwrite_frequency": null, "loss_scale_factor": null,
                 "gradient_accumulation_steps": null, "momentum": 0.0, "nesterov": false},
      "registered_name": null})");
  EXPECT_EQ(make_optimizer_from_config(config)->learning_rate(), 0.009999999776482582);
  EXPECT_STREQ(make_optimizer_from_config(Json("rmsprop"))->name(), "rmsprop");
  EXPECT_STREQ(make_optimizer("AdamW")->name(), "adamw");
}

TEST(OptimizerConfigs, what_is_wrong_is_named) {
  const auto text = [](const char* json) {
    return error_text([&] { make_optimizer_from_config(Json::parse(json)); });
  };
  EXPECT_EQ(text(R"({"class_name": "Ftrl"})"), "optimizer \"Ftrl\": supported are sgd, rmsprop, adam, adamw");
  EXPECT_EQ(text("[]"), "optimizer: expected an object with a string \"class_name\", got []");
  EXPECT_EQ(text(R"({"class_name": "Adam", "config": {"learning_rate": {"class_name": "CosineDecay"}}})"),
            R"(Adam.learning_rate: expected a number, got {"class_name":"CosineDecay"})");
  EXPECT_EQ(text(R"({"class_name": "Adam", "config": {"use_ema": true}})"),
            "Adam.use_ema \"true\": supported are false");
  EXPECT_EQ(text(R"({"class_name": "Adam", "config": {"gradient_accumulation_steps": 2}})"),
            "Adam.gradient_accumulation_steps \"2\": supported are null");
  EXPECT_EQ(text(R"({"class_name": "SGD", "config": {"rho": 0.9}})").substr(0, 40),
            R"(SGD argument "rho": supported are clipno)");
  EXPECT_EQ(text(R"({"class_name": "Adam", "config": {"amsgrad": 0}})"),
            "Adam.amsgrad: expected true or false, got 0");
  EXPECT_EQ(text(R"({"class_name": "Adam", "config": {"beta_1": 2}})"),
            "beta_1: expected from 0 up to below 1, got 2");
}

}  // namespace

}  // namespace recurra::test

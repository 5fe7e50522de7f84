/// What flows between layers in a Sequential: masks, dropout, costs of weights, constraints.
#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/training/sequential.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

Sequential model_of(const char* layers, const char* optimizer = "sgd") {
  Sequential model(parse_model_json({{"layers", nlohmann::json::parse(layers)}}));
  model.compile(make_optimizer(optimizer, 0.1), make_loss("mse"));
  return model;
}

std::vector<float> all_weights(const Sequential& model) {
  std::vector<float> all;
  for (const Parameter* p : model.parameters()) {
    const auto values = p->value.as<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

constexpr const char* costly = R"([{"class_name": "Dense", "config": {"units": 1, "use_bias": false,
    "kernel_initializer": {"class_name": "Constant", "config": {"value": 3}},
    "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.5}},
    "activity_regularizer": {"class_name": "L1", "config": {"l1": 0.25}}}}])";

TEST(Costs, are_in_the_loss_and_move_the_weights) {
  Sequential model = model_of(costly);
  Tensor x({2, 1}), y({2, 1});
  x.data()[0] = 1;
  x.data()[1] = 2;
  y.data()[0] = y.data()[1] = 1;
  // Outputs 3 and 6: squares 4 and 25, their mean 14.5; weights 0.5 * 9; outputs 0.25 * 9 / 2.
  EXPECT_NEAR(model.evaluate({x, y, {}}).at("loss"), 14.5 + 4.5 + 1.125, 1e-5);
  EXPECT_NEAR(model.train_on_batch(x, y), 14.5 + 4.5 + 1.125, 1e-5);
  // Slopes: (2 * 2 * 1 + 2 * 5 * 2) / 2, 2 * 0.5 * 3, 0.25 * (1 + 2) / 2.
  EXPECT_NEAR(all_weights(model)[0], 3 - 0.1 * (12 + 3 + 0.375), 1e-5);
}

TEST(Costs, of_weights_that_do_not_learn_are_none) {
  Sequential model = model_of(R"([{"class_name": "Dense", "config": {"units": 2, "trainable": false,
      "kernel_initializer": "ones", "kernel_regularizer": "l2"}}, {"class_name": "Dense", "config": {"units": 1}}])");
  const Tensor x = normal({4, 3}, 1);
  const Tensor y = normal({4, 1}, 2);
  model.train_on_batch(x, y);
  EXPECT_EQ(model.layers()[0]->penalty(), 0.0);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(all_weights(model)[std::size_t(i)], 1.0F);
}

TEST(Constraints, hold_after_each_update) {
  Sequential model =
      model_of(R"([{"class_name": "Dense", "config": {"units": 2, "kernel_constraint": "non_neg",
      "bias_constraint": {"class_name": "MaxNorm", "config": {"max_value": 0.01}}}}])");
  const Tensor x = normal({8, 3}, 1);
  const Tensor y = normal({8, 2}, 2);
  for (int update = 0; update < 5; ++update) {
    model.train_on_batch(x, y);
    const std::vector<float> weights = all_weights(model);
    for (int i = 0; i < 6; ++i) EXPECT_GE(weights[std::size_t(i)], 0.0F);
    EXPECT_LE(std::hypot(weights[6], weights[7]), 0.01001F);
  }
}

TEST(Constraints, that_do_not_fit_a_weight_are_refused_when_it_is_made) {
  Sequential model = model_of(R"([{"class_name": "Dense", "config": {"units": 2,
      "bias_constraint": {"class_name": "MaxNorm", "config": {"axis": 1}}}}])");
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { model.build({3}); }),
            "max_norm constraint: expected a tensor with an axis 1, got (2,)");
}

TEST(Masks, of_embedding_do_what_lengths_do) {
  Tensor ids({3, 5});
  const std::vector<int> lengths = {5, 2, 3};
  Random random(1);
  for (int row = 0; row < 3; ++row) {
    for (int step = 0; step < lengths[std::size_t(row)]; ++step)
      ids.data()[row * 5 + step] = float(1 + random.below(6));
  }
  const Tensor y = normal({3, 2}, 3);
  std::vector<float> weights[2];
  for (const bool masked : {false, true}) {
    Sequential model(parse_model("embedding:7x4,lstm:6,lstm:3,dense:2"));
    if (masked) {
      ModelSpec spec = parse_model("embedding:7x4,lstm:6,lstm:3,dense:2");
      spec.layers[0].config = R"({"input_dim": 7, "output_dim": 4, "mask_zero": true})";
      model = Sequential(spec);
    }
    model.compile(make_optimizer("sgd", 0.1), make_loss("mse"));
    for (int update = 0; update < 3; ++update)
      model.train_on_batch(ids, y, masked ? std::span<const int>() : std::span<const int>(lengths));
    weights[masked ? 1 : 0] = all_weights(model);
  }
  EXPECT_EQ(weights[0], weights[1]);
}

TEST(Masks, of_masking_skip_steps_in_the_middle) {
  const char* layers = R"([{"class_name": "Masking"}, {"class_name": "LSTM", "config": {"units": 4}}])";
  Sequential model = model_of(layers);
  model.build({any_extent, 2}, 3);
  Tensor x = normal({1, 4, 2}, 1);
  x.data()[2] = x.data()[3] = 0;  // step 1
  Tensor without({1, 3, 2});
  std::copy_n(x.data(), 2, without.data());
  std::copy_n(x.data() + 4, 4, without.data() + 2);
  const Tensor holed = model.predict(x);
  const Tensor whole = model.predict(without);
  EXPECT_TRUE(std::ranges::equal(holed.as<float>(), whole.as<float>()));
}

TEST(DropoutInTraining, is_the_same_for_the_same_seed_and_another_in_each_update_and_layer) {
  const Tensor x = normal({4, 50}, 1);
  const Tensor y = normal({4, 2}, 2);
  std::vector<float> first;
  for (const std::uint64_t seed : {5, 5, 6}) {
    Sequential model(parse_model("dropout:0.5,dense:20,dropout:0.5,dense:2"));
    model.compile(make_optimizer("sgd", 0.0001), make_loss("mse"));
    model.build({50}, seed);
    model.train_on_batch(x, y);
    const double loss = model.train_on_batch(x, y);
    EXPECT_NE(loss, model.train_on_batch(x, y));
    EXPECT_EQ(model.evaluate({x, y, {}}).at("loss"), model.evaluate({x, y, {}}).at("loss"));
    if (first.empty()) first = all_weights(model);
    EXPECT_EQ(first == all_weights(model), seed == 5);
  }
}

}  // namespace

}  // namespace recurra::test

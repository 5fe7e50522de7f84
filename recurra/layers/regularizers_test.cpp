/// Regularizers: values by hand, gradients by differences, and the names Keras has for them.
#include "recurra/layers/regularizers.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/activity_penalty.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

Tensor matrix(std::vector<float> values, const Shape& shape) {
  Tensor tensor(shape);
  std::ranges::copy(values, tensor.data());
  return tensor;
}

TEST(Regularizers, values_are_those_of_the_formulas) {
  const Tensor w = matrix({1, -2, 0, 3}, {2, 2});
  EXPECT_NEAR(l1(0.5)->value(w), 3.0, 1e-12);
  EXPECT_NEAR(l2(0.5)->value(w), 7.0, 1e-12);
  EXPECT_NEAR(l1_l2(0.5, 0.25)->value(w), 6.5, 1e-12);
  // Rows (3, 4) and (4, 3): cosine 24 / 25; one pair.
  EXPECT_NEAR(orthogonal_regularizer(0.5)->value(matrix({3, 4, 4, 3}, {2, 2})), 0.48, 1e-12);
  // Columns (1, 0), (0, 1), (1, 1): cosines 0, 1/sqrt 2, 1/sqrt 2 over three pairs.
  EXPECT_NEAR(orthogonal_regularizer(3, OrthogonalMode::columns)->value(matrix({1, 0, 1, 0, 1, 1}, {2, 3})),
              std::sqrt(2.0),
              1e-12);
  EXPECT_EQ(orthogonal_regularizer()->value(matrix({1, 2}, {1, 2})), 0.0);
  EXPECT_EQ(orthogonal_regularizer()->value(Tensor({3, 2})), 0.0);
}

TEST(Regularizers, gradients_agree_with_differences) {
  for (const auto& regularizer : {l1(0.3),
                                  l2(0.2),
                                  l1_l2(0.1, 0.4),
                                  orthogonal_regularizer(2),
                                  orthogonal_regularizer(2, OrthogonalMode::columns)}) {
    Tensor w = normal({4, 3}, 1);
    Tensor gradient({4, 3});
    std::ranges::fill(gradient.as<float>(), 1.0F);
    regularizer->add_gradient(w, 0.5, gradient);
    for (int i = 0; i < 12; ++i) {
      const float at = w.data()[i];
      // A step this small crosses no kink, and leaves 1e-4 of rounding and curvature.
      w.data()[i] = at + 0.001F;
      const double above = regularizer->value(w);
      w.data()[i] = at - 0.001F;
      const double below = regularizer->value(w);
      w.data()[i] = at;
      EXPECT_NEAR(gradient.data()[i], 1 + 0.5 * (above - below) / 0.002, 2e-4) << regularizer->config();
    }
  }
}

TEST(Regularizers, activity_is_divided_by_the_batch) {
  ActivityPenalty none;
  const Tensor dy = normal({2, 3}, 2);
  EXPECT_EQ(&none.backward(dy, dy), &dy);
  ActivityPenalty penalty(l2(0.5));
  EXPECT_EQ(penalty.value(), 0.0);
  const Tensor y = matrix({1, 2, 3, 4, 5, 6}, {2, 3});
  penalty.forward(y);
  EXPECT_NEAR(penalty.value(), 0.5 * 91 / 2, 1e-12);
  const Tensor& d = penalty.backward(y, dy);
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(d.data()[i], dy.data()[i] + 0.5F * y.data()[i], 1e-6);
}

TEST(Regularizers, configs_are_those_of_keras_and_come_back) {
  EXPECT_EQ(
      config_of(make_regularizer("l2")).dump(),
      R"({"class_name":"L2","config":{"l2":0.01},"module":"keras.regularizers","registered_name":null})");
  EXPECT_EQ(make_regularizer(nullptr), nullptr);
  EXPECT_TRUE(config_of(std::shared_ptr<const Regularizer>()).is_null());
  const auto config = [](const char* json) {
    return make_regularizer(Json::parse(json))->config()["config"].dump();
  };
  EXPECT_EQ(config(R"("l1_l2")"), R"({"l1":0.01,"l2":0.01})");
  EXPECT_EQ(config(R"({"class_name": "L1L2", "config": {"l2": 0.1}})"), R"({"l2":0.1})");
  EXPECT_EQ(config(R"({"class_name": "L1", "config": {"l1": 0.1}})"), R"({"l1":0.1})");
  EXPECT_EQ(config(R"({"class_name": "OrthogonalRegularizer", "config": {"mode": "columns"}})"),
            R"({"factor":0.01,"mode":"columns"})");
}

TEST(Regularizers, bad_arguments_are_named) {
  const auto text = [](const char* json) {
    return error_text([&] { make_regularizer(Json::parse(json), "Dense.bias_regularizer"); });
  };
  EXPECT_EQ(text(R"("l3")"),
            R"(Dense.bias_regularizer "l3": supported are l1, l2, l1_l2, orthogonal_regularizer)");
  EXPECT_EQ(text(R"({"class_name": "L2", "config": {"l1": 1}})"),
            R"(Dense.bias_regularizer L2 argument "l1": supported are l2)");
  EXPECT_EQ(text(R"({"class_name": "OrthogonalRegularizer", "config": {"mode": "both"}})"),
            R"(Dense.bias_regularizer OrthogonalRegularizer.mode "both": supported are rows, columns)");
  EXPECT_EQ(error_text([] { l2(-1); }), "l2: expected a finite number from 0 up, got -1");
  EXPECT_EQ(error_text([] { l1(NAN); }), "l1: expected a finite number from 0 up, got nan");
  EXPECT_EQ(error_text([] { orthogonal_regularizer()->value(Tensor({3})); }),
            "orthogonal regularizer: expected two axes, got (3,)");
}

}  // namespace

}  // namespace recurra::test

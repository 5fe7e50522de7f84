/// Constraints: values by hand, and the names Keras has for them.
#include "recurra/layers/constraints.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

/// What becomes of ((3, 0.3), (4, -0.4)), whose columns have lengths 5 and 0.5.
std::vector<float> applied(const std::shared_ptr<const Constraint>& constraint) {
  Tensor w({2, 2});
  std::ranges::copy(std::vector{3.0F, 0.3F, 4.0F, -0.4F}, w.data());
  constraint->apply(w);
  return {w.data(), w.data() + 4};
}

void expect_near(const std::vector<float>& values, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(values[i], expected[i], 2e-6) << i;
}

TEST(Constraints, values_are_those_of_the_formulas) {
  expect_near(applied(max_norm(2)), {1.2, 0.3, 1.6, -0.4});
  expect_near(
      applied(max_norm(1, 1)),
      {3 / std::hypot(3, 0.3), 0.3 / std::hypot(3, 0.3), 4 / std::hypot(4, 0.4), -0.4 / std::hypot(4, 0.4)});
  EXPECT_EQ(applied(max_norm(1, -1)), applied(max_norm(1, 1)));
  expect_near(applied(non_neg()), {3, 0.3, 4, 0});
  expect_near(applied(unit_norm()), {0.6, 0.6, 0.8, -0.8});
  expect_near(applied(min_max_norm({.min_value = 1, .max_value = 2})), {1.2, 0.6, 1.6, -0.8});
  // Half way: 5 to 3.5, 0.5 to 0.75.
  expect_near(applied(min_max_norm({.min_value = 1, .max_value = 2, .rate = 0.5})), {2.1, 0.45, 2.8, -0.6});
}

TEST(Constraints, a_vector_of_zeros_stays_one_and_nan_stays_nan) {
  Tensor w({3});
  unit_norm()->apply(w);
  EXPECT_EQ(w.data()[0], 0.0F);
  w.data()[1] = NAN;
  non_neg()->apply(w);
  EXPECT_TRUE(std::isnan(w.data()[1]));
}

TEST(Constraints, configs_are_those_of_keras_and_come_back) {
  EXPECT_EQ(config_of(make_constraint("max_norm")).dump(),
            R"({"class_name":"MaxNorm","config":{"axis":0,"max_value":2.0},"module":"keras.constraints",)"
            R"("registered_name":null})");
  EXPECT_EQ(make_constraint(nullptr), nullptr);
  for (const auto& constraint : {max_norm(3, 1),
                                 non_neg(),
                                 unit_norm(-1),
                                 min_max_norm({.min_value = 1, .max_value = 2, .rate = 0.5, .axis = 1})})
    EXPECT_EQ(make_constraint(constraint->config())->config(), constraint->config());
}

TEST(Constraints, bad_arguments_are_named) {
  EXPECT_EQ(error_text([] { make_constraint("norm", "Dense.kernel_constraint"); }),
            R"(Dense.kernel_constraint "norm": supported are max_norm, non_neg, unit_norm, min_max_norm)");
  EXPECT_EQ(
      error_text([] { make_constraint(Json::parse(R"({"class_name": "NonNeg", "config": {"axis": 1}})")); }),
      R"(constraint NonNeg argument "axis": supported are none)");
  EXPECT_EQ(error_text([] { max_norm(-1); }), "max_value: expected a finite number from 0 up, got -1");
  EXPECT_EQ(error_text([] { min_max_norm({.min_value = 2}); }),
            "max_value: expected a finite number from min_value up, got 1");
  EXPECT_EQ(error_text([] { min_max_norm({.rate = 1.5}); }), "rate: expected 0 to 1, got 1.5");
  Tensor w({3});
  EXPECT_EQ(error_text([&] { unit_norm(1)->apply(w); }),
            "unit_norm constraint: expected a tensor with an axis 1, got (3,)");
}

}  // namespace

}  // namespace recurra::test

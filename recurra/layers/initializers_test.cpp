/// Initial values: their statistics over many draws, the names Keras has for them, bad numbers.
#include "recurra/layers/initializers.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

constexpr int draws = 100'000;

struct Statistics {
  double mean = 0;
  double stddev = 0;
  double largest = 0;  // of |value|
};

Statistics statistics_of(const Initializer& initializer, const Shape& shape) {
  Tensor tensor(shape);
  Random random(17);
  initialize(initializer, tensor, random);
  Statistics s;
  for (const float value : tensor.as<float>()) {
    s.mean += value / double(tensor.size());
    s.largest = std::max(s.largest, std::abs(double(value)));
  }
  for (const float value : tensor.as<float>())
    s.stddev += (value - s.mean) * (value - s.mean) / double(tensor.size());
  s.stddev = std::sqrt(s.stddev);
  return s;
}

/// Mean and deviation within 4 standard errors; that of the deviation is at most normal's, stddev / sqrt(2
/// n).
void expect_statistics(const Initializer& initializer, const Shape& shape, double mean, double stddev) {
  const Statistics s = statistics_of(initializer, shape);
  EXPECT_NEAR(s.mean, mean, 4 * stddev / std::sqrt(draws));
  EXPECT_NEAR(s.stddev, stddev, 4 * stddev / std::sqrt(2.0 * draws));
}

TEST(Initializers, draw_with_the_statistics_they_are_named_for) {
  const Shape shape{200, 500};
  expect_statistics(RandomNormal{.mean = 1, .stddev = 2}, shape, 1, 2);
  expect_statistics(RandomUniform{}, shape, 0, 0.1 / std::sqrt(12));
  EXPECT_LE(statistics_of(RandomUniform{}, shape).largest, 0.05);
  EXPECT_GT(statistics_of(RandomUniform{}, shape).largest, 0.0499);
  expect_statistics(TruncatedNormal{}, shape, 0, 0.05 * 0.87962566);
  EXPECT_LE(statistics_of(TruncatedNormal{}, shape).largest, 0.1 * (1 + 1e-6));
  expect_statistics(make_initializer("glorot_uniform"), shape, 0, std::sqrt(2.0 / 700));
  EXPECT_LE(statistics_of(make_initializer("glorot_uniform"), shape).largest,
            std::sqrt(6.0 / 700) * (1 + 1e-6));
  expect_statistics(make_initializer("glorot_normal"), shape, 0, std::sqrt(2.0 / 700));
  EXPECT_LE(statistics_of(make_initializer("glorot_normal"), shape).largest,
            2 * std::sqrt(2.0 / 700) / 0.87962566 * (1 + 1e-6));
  expect_statistics(make_initializer("he_uniform"), shape, 0, std::sqrt(2.0 / 200));
  expect_statistics(make_initializer("he_normal"), shape, 0, std::sqrt(2.0 / 200));
  expect_statistics(make_initializer("lecun_uniform"), shape, 0, std::sqrt(1.0 / 200));
  expect_statistics(make_initializer("lecun_normal"), shape, 0, std::sqrt(1.0 / 200));
  expect_statistics(
      VarianceScaling{3, FanMode::fan_out, Distribution::untruncated_normal}, shape, 0, std::sqrt(3.0 / 500));
}

TEST(Initializers, fans_are_counted_as_in_keras) {
  using Fans = std::pair<double, double>;
  EXPECT_EQ(compute_fans({}), (Fans{1, 1}));
  EXPECT_EQ(compute_fans({7}), (Fans{7, 7}));
  EXPECT_EQ(compute_fans({3, 5}), (Fans{3, 5}));
  EXPECT_EQ(compute_fans({2, 4, 3, 5}), (Fans{24, 40}));
}

TEST(Initializers, constants_and_identity_are_exact) {
  Random random(1);
  Tensor tensor({2, 3});
  initialize(make_initializer(Json::parse(R"({"class_name": "Constant", "config": {"value": 2.5}})")),
             tensor,
             random);
  for (const float value : tensor.as<float>()) EXPECT_EQ(value, 2.5F);
  initialize(make_initializer("ones"), tensor, random);
  EXPECT_EQ(tensor.data()[5], 1.0F);
  initialize(Identity{3}, tensor, random);
  const std::vector<float> expected = {3, 0, 0, 0, 3, 0};
  EXPECT_TRUE(std::ranges::equal(tensor.as<float>(), expected));
  EXPECT_EQ(random.position(), 0U);
}

TEST(Initializers, orthogonal_of_more_than_two_axes_is_that_of_the_flat_matrix_times_its_gain) {
  Tensor deep({2, 3, 4});
  Tensor flat({6, 4});
  Random random(5), again(5);
  initialize(Orthogonal{.gain = 2}, deep, random);
  orthogonal(flat, again);
  for (int i = 0; i < 24; ++i) EXPECT_FLOAT_EQ(deep.data()[i], 2 * flat.data()[i]);
}

TEST(Initializers, the_default_kernel_is_that_of_glorot_uniform_bit_by_bit) {
  for (const auto& shape : {Shape{5, 32}, Shape{28, 256}, Shape{1, 3}}) {
    Tensor tensor(shape);
    Random random(3, 1);
    initialize(glorot_uniform_initializer, tensor, random);
    Random again(3, 1);
    const float limit = std::sqrt(6.0F / float(shape[0] + shape[1]));
    for (const float value : tensor.as<float>()) ASSERT_EQ(value, again.uniform(-limit, limit));
  }
}

TEST(Initializers, an_own_seed_draws_the_same_each_time_and_takes_nothing_from_the_layer) {
  Random random(1);
  Tensor a({4, 4}), b({4, 4}), c({4, 4});
  initialize(RandomNormal{.seed = 8}, a, random);
  initialize(RandomNormal{.seed = 8}, b, random);
  initialize(RandomNormal{.seed = 9}, c, random);
  EXPECT_TRUE(std::ranges::equal(a.as<float>(), b.as<float>()));
  EXPECT_FALSE(std::ranges::equal(a.as<float>(), c.as<float>()));
  EXPECT_EQ(random.position(), 0U);
}

TEST(Initializers, configs_are_those_of_keras_and_come_back) {
  EXPECT_EQ(config_of(make_initializer("glorot_uniform")).dump(),
            R"({"class_name":"GlorotUniform","config":{"seed":null},"module":"keras.initializers",)"
            R"("registered_name":null})");
  EXPECT_EQ(config_of(RandomUniform{}).dump(),
            R"({"class_name":"RandomUniform","config":{"maxval":0.05,"minval":-0.05,"seed":null},)"
            R"("module":"keras.initializers","registered_name":null})");
  EXPECT_EQ(config_of(Identity{2})["config"], Json::parse(R"({"gain": 2.0})"));
  const std::vector<Initializer> all = {
      Constant{0},
      Constant{1},
      Constant{-3},
      RandomNormal{1, 2, 3},
      RandomUniform{-1, 4, 5},
      TruncatedNormal{1, 2, {}},
      make_initializer("he_normal"),
      make_initializer("LecunUniform"),
      VarianceScaling{5, FanMode::fan_out, Distribution::untruncated_normal, 7},
      Orthogonal{2, 3},
      Identity{4}};
  for (const Initializer& initializer : all)
    EXPECT_EQ(make_initializer(config_of(initializer)), initializer) << config_of(initializer);
  EXPECT_EQ(make_initializer("uniform"), Initializer(RandomUniform{}));
  EXPECT_EQ(make_initializer(Json::parse(
                R"({"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": null,
                    "input_axes": null, "output_axes": null}, "registered_name": null, "shared_object_id": 5})")),
            Initializer(glorot_uniform_initializer));
}

TEST(Initializers, bad_arguments_are_named) {
  const auto text = [](const char* json) {
    return error_text([&] { make_initializer(Json::parse(json), "Dense.kernel_initializer"); });
  };
  EXPECT_EQ(text(R"("xavier")"),
            "Dense.kernel_initializer \"xavier\": supported are zeros, ones, constant, random_normal, "
            "random_uniform, truncated_normal, glorot_uniform, glorot_normal, he_uniform, he_normal, "
            "lecun_uniform, lecun_normal, variance_scaling, orthogonal, identity");
  EXPECT_EQ(text("3"),
            "Dense.kernel_initializer: expected a name or an object with a string \"class_name\", got 3");
  EXPECT_EQ(text(R"({"class_name": "HeNormal", "config": {"gain": 2}})"),
            "Dense.kernel_initializer HeNormal argument \"gain\": supported are seed");
  EXPECT_EQ(text(R"({"class_name": "RandomNormal", "config": {"stddev": -1}})"),
            "Dense.kernel_initializer RandomNormal.stddev: expected a finite number from 0 up, got -1");
  EXPECT_EQ(text(R"({"class_name": "RandomUniform", "config": {"minval": 1}})"),
            "Dense.kernel_initializer RandomUniform.maxval: expected at least minval 1, got 0.05");
  EXPECT_EQ(text(R"({"class_name": "VarianceScaling", "config": {"mode": "fan"}})"),
            "Dense.kernel_initializer VarianceScaling.mode \"fan\": supported are fan_in, fan_out, fan_avg");
  EXPECT_EQ(text(R"({"class_name": "VarianceScaling", "config": {"scale": 0}})"),
            "Dense.kernel_initializer VarianceScaling.scale: expected a finite number above 0, got 0");
  Random random(1);
  Tensor vector({3});
  EXPECT_EQ(error_text([&] { initialize(Orthogonal{}, vector, random); }),
            "orthogonal initializer: expected at least two axes, got (3,)");
  EXPECT_EQ(error_text([&] { initialize(Identity{}, vector, random); }),
            "identity initializer: expected two axes, got (3,)");
  EXPECT_EQ(error_text([&] { initialize(Constant{NAN}, vector, random); }),
            "initializer.value: expected a finite number, got nan");
}

}  // namespace

}  // namespace recurra::test

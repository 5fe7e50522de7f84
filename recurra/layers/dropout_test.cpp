/// Dropout: its rate, its seeds, what does not depend on threads.
#include "recurra/layers/dropout.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

Context training(std::uint64_t seed, std::uint64_t update = 0, Execution execution = {}) {
  return {.training = true, .dropout = {.seed = seed, .update = update}, .execution = execution};
}

std::vector<float> factors(Dropout& layer, const Context& context, i64 size = 1000) {
  layer.forward(Tensor({size, 1}), context);
  const auto drawn = layer.factors().as<float>();
  return {drawn.begin(), drawn.end()};
}

TEST(DropoutLayer, drops_its_share_and_scales_the_rest) {
  for (const double rate : {0.1, 0.5, 0.75}) {
    Dropout layer({.rate = rate});
    const std::vector<float> drawn = factors(layer, training(1), 100'000);
    const auto dropped = std::ranges::count(drawn, 0.0F);
    EXPECT_NEAR(double(dropped) / 1e5, rate, 4 * std::sqrt(rate * (1 - rate) / 1e5));
    EXPECT_EQ(std::ranges::count(drawn, float(1 / (1 - rate))), 100'000 - dropped);
  }
}

TEST(DropoutLayer, output_and_gradient_are_times_the_factors) {
  Dropout layer({.rate = 0.4});
  Random random(1);
  EXPECT_EQ(layer.build({3, 5}, random), (Shape{3, 5}));
  const Context context = training(1);
  expect_gradients(layer, normal({4, 3, 5}, 1), normal({4, 3, 5}, 2), context);
  const Tensor x = normal({4, 3, 5}, 3);
  const Tensor& y = layer.forward(x, context);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(y.data()[i], x.data()[i] * layer.factors().data()[i]);
}

TEST(DropoutLayer, seed_layer_and_update_make_the_mask_and_nothing_else) {
  Dropout layer({.rate = 0.5});
  const std::vector<float> first = factors(layer, training(1));
  EXPECT_NE(first, factors(layer, training(2)));
  EXPECT_NE(first, factors(layer, training(1, 1)));
  EXPECT_EQ(first, factors(layer, training(1)));
  Dropout own({.rate = 0.5, .seed = 1});
  EXPECT_EQ(first, factors(own, training(77)));
  EXPECT_NE(first, factors(own, training(77, 1)));
}

TEST(DropoutLayer, threads_draw_what_one_draws) {
  Team team(3);
  Dropout layer({.rate = 0.5});
  const std::vector<float> one = factors(layer, training(1, 0, {.team = &team, .threads = 1}), 40'001);
  EXPECT_EQ(one, factors(layer, training(1, 0, {.team = &team, .threads = 3}), 40'001));
}

TEST(DropoutLayer, does_nothing_outside_training_and_with_rate_0_and_all_with_rate_1) {
  const Tensor x = normal({2, 3}, 1);
  Dropout half({.rate = 0.5});
  EXPECT_EQ(&half.forward(x, {}), &x);
  Dropout none({.rate = 0});
  EXPECT_EQ(&none.forward(x, training(1)), &x);
  EXPECT_EQ(&none.backward(x, x, true, training(1)), &x);
  EXPECT_EQ(none.backward(x, x, false, training(1)).size(), 0);
  Dropout all({.rate = 1});
  const Tensor& y = all.forward(x, training(1));
  EXPECT_TRUE(std::ranges::all_of(y.as<float>(), [](float value) { return value == 0; }));
}

TEST(DropoutLayer, bad_rates_are_named) {
  EXPECT_EQ(error_text([] { Dropout({.rate = 1.5}); }), "rate: expected 0 to 1, got 1.5");
  EXPECT_EQ(error_text([] { Dropout({.rate = -0.5}); }), "rate: expected 0 to 1, got -0.5");
  EXPECT_EQ(error_text([] { Dropout({.rate = NAN}); }), "rate: expected 0 to 1, got nan");
}

}  // namespace

}  // namespace recurra::test

/// Embedding: values, gradient, mask, ids out of range.
#include "recurra/layers/embedding.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

Tensor ids(std::vector<float> values, const Shape& shape) {
  Tensor tensor(shape);
  std::ranges::copy(values, tensor.data());
  return tensor;
}

TEST(EmbeddingLayer, gives_the_rows_of_its_ids_for_any_rank_and_both_types) {
  Embedding layer({.input_dim = 4, .output_dim = 3});
  Random random(1);
  EXPECT_EQ(layer.build({any_extent}, random), (Shape{any_extent, 3}));
  const Tensor& weights = layer.parameters()[0]->value;
  for (const float value : weights.as<float>()) EXPECT_LE(std::abs(value), 0.05F);
  const Tensor y = layer.forward(ids({3, 0, 2, 3}, {2, 2}), {});
  EXPECT_EQ(y.shape(), (Shape{2, 2, 3}));
  for (int j = 0; j < 3; ++j) {
    EXPECT_EQ(y.data()[j], weights.data()[9 + j]);
    EXPECT_EQ(y.data()[3 + j], weights.data()[j]);
  }
  Tensor whole({4}, Dtype::i32);
  std::ranges::copy(std::vector{3, 0, 2, 3}, whole.as<std::int32_t>().begin());
  const Tensor& again = layer.forward(whole, {});
  EXPECT_EQ(again.shape(), (Shape{4, 3}));
  EXPECT_TRUE(std::ranges::equal(again.as<float>(), y.as<float>()));
}

TEST(EmbeddingLayer, gradient_sums_over_the_places_of_an_id_and_the_next_starts_from_zero) {
  Embedding layer({.input_dim = 4, .output_dim = 2});
  Random random(1);
  layer.build({3}, random);
  const Tensor& gradient = layer.parameters()[0]->gradient;
  const Context context{.training = true};
  const Tensor x = ids({1, 3, 1}, {1, 3});
  layer.forward(x, context);
  const Tensor& dx = layer.backward(x, ids({1, 2, 3, 4, 5, 6}, {1, 3, 2}), true, context);
  EXPECT_TRUE(std::ranges::equal(gradient.as<float>(), std::vector<float>{0, 0, 6, 8, 0, 0, 3, 4}));
  EXPECT_TRUE(std::ranges::equal(dx.as<float>(), std::vector<float>{0, 0, 0}));
  const Tensor other = ids({0, 0, 2}, {1, 3});
  layer.forward(other, context);
  layer.backward(other, ids({1, 2, 3, 4, 5, 6}, {1, 3, 2}), false, context);
  EXPECT_TRUE(std::ranges::equal(gradient.as<float>(), std::vector<float>{4, 6, 0, 0, 5, 6, 0, 0}));
}

TEST(EmbeddingLayer, costs_reach_the_gradient_once) {
  Embedding layer({.input_dim = 3,
                   .output_dim = 1,
                   .embeddings = {.initializer = Constant{2}, .regularizer = l2(0.25)},
                   .activity_regularizer = l1(0.5)});
  Random random(1);
  layer.build({2}, random);
  Parameter& weights = *layer.parameters()[0];
  const Context context{.training = true};
  const Tensor x = ids({0, 1}, {1, 2});
  for (int update = 0; update < 2; ++update) {
    layer.forward(x, context);
    EXPECT_NEAR(layer.penalty(), 0.25 * 12 + 0.5 * 4, 1e-6);
    layer.backward(x, ids({1, 1}, {1, 2, 1}), false, context);
    weights.regularizer->add_gradient(weights.value, 1, weights.gradient);
    EXPECT_TRUE(std::ranges::equal(weights.gradient.as<float>(), std::vector<float>{2.5, 2.5, 1}));
  }
}

TEST(EmbeddingLayer, mask_zero_masks_zeros_beside_what_was_masked) {
  Embedding layer({.input_dim = 4, .output_dim = 2, .mask_zero = true});
  Random random(1);
  layer.build({3}, random);
  const Tensor x = ids({1, 0, 2, 3, 2, 1}, {2, 3});
  layer.forward(x, {});
  const StepMask* mask = layer.output_mask({});
  EXPECT_TRUE(std::equal(mask->data(), mask->data() + 6, std::vector{1, 0, 1, 1, 1, 1}.begin()));
  const StepMask before = StepMask::of_lengths(std::vector{3, 1}, 3);
  const Context context{.mask = &before};
  layer.forward(x, context);
  EXPECT_TRUE(std::equal(mask->data(), mask->data() + 6, std::vector{1, 0, 1, 1, 0, 0}.begin()));
  Embedding plain({.input_dim = 4, .output_dim = 2});
  EXPECT_EQ(plain.output_mask(context), &before);
}

TEST(EmbeddingLayer, not_trainable_it_has_no_gradient) {
  Embedding layer({.input_dim = 4, .output_dim = 2});
  layer.set_trainable(false);
  Random random(1);
  layer.build({1}, random);
  const Tensor x = ids({1}, {1, 1});
  layer.forward(x, {.training = true});
  layer.backward(x, ids({1, 1}, {1, 1, 2}), false, {.training = true});
  EXPECT_FALSE(layer.parameters()[0]->trainable);
  EXPECT_EQ(layer.parameters()[0]->gradient.size(), 0);
}

TEST(EmbeddingLayer, bad_input_is_named) {
  Embedding layer({.input_dim = 4, .output_dim = 2});
  EXPECT_EQ(error_text([&] {
              layer.forward(ids({1}, {1, 1}), {});
            }),
            "embedding.input: expected ids (batch, steps), got (1, 1)");
  Random random(1);
  layer.build({2}, random);
  const auto text = [&](float id) {
    return error_text([&] { layer.forward(ids({0, 1, id, 3}, {2, 2}), {}); });
  };
  EXPECT_EQ(text(4), "embedding.input[1, 0]: expected an id from 0 to 3, got 4.0");
  EXPECT_EQ(text(-1), "embedding.input[1, 0]: expected an id from 0 to 3, got -1.0");
  EXPECT_EQ(text(2.5), "embedding.input[1, 0]: expected an id from 0 to 3, got 2.5");
  EXPECT_EQ(text(NAN), "embedding.input[1, 0]: expected an id from 0 to 3, got nan");
  Tensor whole({3}, Dtype::i32);
  whole.as<std::int32_t>()[2] = -7;
  EXPECT_EQ(error_text([&] { layer.forward(whole, {}); }),
            "embedding.input[2]: expected an id from 0 to 3, got -7");
  EXPECT_EQ(error_text([&] { layer.forward(Tensor({3}, Dtype::u8), {}); }),
            "embedding.input: expected i32 or f32, got u8");
  EXPECT_EQ(error_text([] { Embedding({.input_dim = 0, .output_dim = 2}); }),
            "input_dim: expected 1 to 16777216, got 0");
  EXPECT_EQ(error_text([] { Embedding({.input_dim = 2, .output_dim = i64{1} << 40}); }),
            "output_dim: expected 1 to 16777216, got 1099511627776");
  Embedding masked({.input_dim = 4, .output_dim = 2, .mask_zero = true});
  EXPECT_EQ(error_text([&] {
              masked.build({2, 3}, random);
            }),
            "embedding: expected input (batch, steps) with mask_zero, got (batch, ...) with (2, 3)");
}

}  // namespace

}  // namespace recurra::test

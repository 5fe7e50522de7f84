/// Attention: against plain arithmetic in double, masks, gradients, refusals.
#include "recurra/layers/attention.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/list_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

/// Which score a reference takes.
enum class Score { dot, concat, additive };

constexpr i64 batch = 2;
constexpr i64 queries = 3;
constexpr i64 steps = 4;
constexpr i64 features = 5;
constexpr i64 width = 2;

struct Inputs {
  Tensor query = normal({batch, queries, features}, 1);
  Tensor value = normal({batch, steps, width}, 2);
  Tensor key = normal({batch, steps, features}, 3);

  [[nodiscard]] std::array<const Tensor*, 3> list() const { return {&query, &value, &key}; }
};

double score(const Inputs& in, Score kind, i64 row, i64 query, i64 step, const std::vector<double>& scale) {
  double sum = 0;
  for (i64 f = 0; f < features; ++f) {
    const double q = in.query.data()[(row * queries + query) * features + f];
    const double k = in.key.data()[(row * steps + step) * features + f];
    const double s = scale[static_cast<std::size_t>(f)];
    sum += kind == Score::dot      ? s * q * k
           : kind == Score::concat ? std::tanh(s * (q + k))
                                   : s * std::tanh(q + k);
  }
  return sum;
}

/// Outputs where `seen` says which steps a query of a row sees.
template <class Seen>
std::vector<double> reference(const Inputs& in,
                              Score kind,
                              const std::vector<double>& scale,
                              const Seen& seen) {
  std::vector<double> y;
  for (i64 row = 0; row < batch; ++row) {
    for (i64 query = 0; query < queries; ++query) {
      std::array<double, steps> share{};
      double all = 0;
      for (i64 step = 0; step < steps; ++step) {
        if (!seen(row, query, step)) continue;
        share[static_cast<std::size_t>(step)] = std::exp(score(in, kind, row, query, step, scale));
        all += share[static_cast<std::size_t>(step)];
      }
      for (i64 w = 0; w < width; ++w) {
        double sum = 0;
        for (i64 step = 0; step < steps; ++step)
          sum +=
              share[static_cast<std::size_t>(step)] / all * in.value.data()[(row * steps + step) * width + w];
        y.push_back(sum);
      }
    }
  }
  return y;
}

void build(Layer& layer) {
  Random random(1);
  const std::array shapes = {Shape{queries, features}, Shape{any_extent, width}, Shape{any_extent, features}};
  EXPECT_EQ(layer.build(shapes, random).at(0), (Shape{queries, width}));
}

void expect_near(const Tensor& y, const std::vector<double>& expected) {
  ASSERT_EQ(y.size(), static_cast<i64>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(y.data()[i], expected[i], 1e-5) << i;
}

const auto all_seen = [](i64, i64, i64) {
  return true;
};

TEST(Attention, is_the_mean_of_values_by_scores) {
  const Inputs in;
  const std::vector<double> ones(features, 1.0);
  Attention dot;
  build(dot);
  EXPECT_TRUE(dot.parameters().empty());
  expect_near(*dot.forward(in.list(), {})[0], reference(in, Score::dot, ones, all_seen));
  Attention concat({.score_mode = ScoreMode::concat});
  build(concat);
  expect_near(*concat.forward(in.list(), {})[0], reference(in, Score::concat, ones, all_seen));
  AdditiveAttention additive;
  build(additive);
  const std::span<const float> scale = additive.parameters().at(0)->value.as<float>();
  expect_near(*additive.forward(in.list(), {})[0],
              reference(in, Score::additive, {scale.begin(), scale.end()}, all_seen));
}

TEST(Attention, multiplies_scores_with_its_scale) {
  const Inputs in;
  for (const ScoreMode mode : {ScoreMode::dot, ScoreMode::concat}) {
    Attention layer({.use_scale = true, .score_mode = mode});
    build(layer);
    EXPECT_EQ(layer.parameters().at(0)->name, "scale");
    EXPECT_EQ(layer.parameters().at(0)->value.shape(), Shape{});
    layer.parameters()[0]->value.data()[0] = 0.5F;
    const Score kind = mode == ScoreMode::dot ? Score::dot : Score::concat;
    expect_near(*layer.forward(in.list(), {})[0],
                reference(in, kind, std::vector<double>(features, 0.5), all_seen));
  }
}

TEST(Attention, sees_only_steps_that_count_and_none_behind_its_own) {
  const Inputs in;
  const std::vector<double> ones(features, 1.0);
  const StepMask values = StepMask::of_bytes(batch, steps, {1, 0, 1, 0, 1, 1, 0, 1});
  const std::array<const StepMask*, 3> masks = {nullptr, &values, nullptr};
  Attention layer;
  build(layer);
  expect_near(
      *layer.forward(in.list(), {.masks = masks})[0],
      reference(in, Score::dot, ones, [&](i64 row, i64, i64 step) { return values.counts(row, step); }));
  EXPECT_EQ(layer.output_mask({.masks = masks}), nullptr);
  Attention causal({.use_causal_mask = true});
  build(causal);
  expect_near(*causal.forward(in.list(), {})[0],
              reference(in, Score::dot, ones, [](i64, i64 query, i64 step) { return step <= query; }));
  expect_near(*causal.forward(in.list(), {.masks = masks})[0],
              reference(in, Score::dot, ones, [&](i64 row, i64 query, i64 step) {
                return step <= query && values.counts(row, step);
              }));
}

TEST(Attention, gives_0_for_queries_that_do_not_count) {
  const Inputs in;
  const StepMask counted = StepMask::of_bytes(batch, queries, {1, 0, 1, 0, 0, 1});
  const std::array<const StepMask*, 3> masks = {&counted, nullptr, nullptr};
  const Context context{.mask = &counted, .masks = masks};
  Attention layer;
  build(layer);
  const Tensor plain = *layer.forward(in.list(), {})[0];
  const Tensor& y = *layer.forward(in.list(), context)[0];
  for (i64 i = 0; i < y.size(); ++i)
    EXPECT_EQ(y.data()[i], counted.data()[i / width] != 0 ? plain.data()[i] : 0.0F);
  EXPECT_EQ(layer.output_mask(context), &counted);
}

TEST(Attention, hands_out_its_scores) {
  const Inputs in;
  Attention layer({.return_attention_scores = true});
  Random random(1);
  const std::array shapes = {Shape{queries, features}, Shape{steps, width}, Shape{steps, features}};
  EXPECT_EQ(layer.build(shapes, random), (std::vector<Shape>{{queries, width}, {queries, steps}}));
  const TensorList outputs = layer.forward(in.list(), {});
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[1]->shape(), (Shape{batch, queries, steps}));
  for (i64 row = 0; row < batch * queries; ++row) {
    double sum = 0;
    for (i64 step = 0; step < steps; ++step) sum += outputs[1]->data()[row * steps + step];
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

TEST(Attention, gradients_agree_with_differences) {
  const Inputs in;
  const StepMask values = StepMask::of_bytes(batch, steps, {1, 0, 1, 1, 1, 1, 0, 1});
  for (const ScoreMode mode : {ScoreMode::dot, ScoreMode::concat}) {
    Attention layer({.use_scale = true, .score_mode = mode, .dropout = 0.25});
    expect_list_gradients(layer, {in.query, in.value, in.key}, {nullptr, &values, nullptr});
  }
  AdditiveAttention additive;
  expect_list_gradients(additive, {in.query, in.value, in.key}, {nullptr, &values, nullptr});
  Attention scores({.return_attention_scores = true});
  expect_list_gradients(scores, {in.query, in.value, in.key}, {});
  Attention own;  // the value is the key
  expect_list_gradients(own, {in.query, in.key}, {});
}

TEST(Attention, drops_out_in_training_alone_and_the_same_for_an_update) {
  const Inputs in;
  Attention layer({.dropout = 0.5});
  build(layer);
  const auto outputs = [&](const Context& context) {
    const Tensor& y = *layer.forward(in.list(), context)[0];
    return std::vector(y.as<float>().begin(), y.as<float>().end());
  };
  const std::vector<float> plain = outputs({});
  const std::vector<float> first = outputs({.training = true, .dropout = {.update = 1}});
  EXPECT_NE(first, plain);
  EXPECT_NE(outputs({.training = true, .dropout = {.update = 2}}), first);
  EXPECT_EQ(outputs({.training = true, .dropout = {.update = 1}}), first);
}

TEST(Attention, refuses_what_does_not_fit) {
  Random random(1);
  Attention layer;
  const auto refusal = [&](const std::vector<Shape>& shapes) {
    return error_text([&] { layer.build(shapes, random); });
  };
  EXPECT_EQ(refusal({{3, 5}}), "attention.inputs: expected 2 to 3, got 1");
  EXPECT_EQ(refusal({{3, 5}, {4, 6}}),
            "attention.inputs[1]: expected 5 features as the query, got (batch, ...) with (4, 6)");
  EXPECT_EQ(refusal({{3, 5}, {4, 6}, {3, 5}}),
            "attention.inputs[2]: expected 4 steps as the value, got (batch, ...) with (3, 5)");
  EXPECT_EQ(refusal({{3, 5}, {5}}),
            "attention.inputs[1]: expected (batch, steps, features), got (batch, ...) with (5,)");
  const Tensor query({2, 3, 5});
  const Tensor value({3, 4, 5});
  const std::array rows = {&query, &value};
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { layer.forward(rows, {}); }),
            "attention.inputs[1]: expected as many rows as the query, got (3, 4, 5)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { Attention({.dropout = 1}); }),
            "dropout: expected from 0 up to below 1, got 1");
  EXPECT_EQ(
      error_text(ErrorCode::invalid_argument, [] { AdditiveAttention({.score_mode = ScoreMode::concat}); }),
      "score_mode: expected none for AdditiveAttention, got concat");
}

}  // namespace

}  // namespace recurra::test

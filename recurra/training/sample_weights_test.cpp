/// Sample weights from mask, weights and classes.
#include "recurra/training/sample_weights.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

using Bytes = std::vector<std::uint8_t>;
using Floats = std::vector<float>;

Floats values(const SampleWeights& weights) {
  return {weights.weight.begin(), weights.weight.end()};
}

/// An output with steps and one without, and targets of theirs.
const Tensor sequences({2, 3, 4});
const Tensor rows({3, 2});
const Tensor sequence_labels = integers({2, 3}, {0, 1, 2, 3, 2, 1});
const Tensor row_labels = integers({3}, {1, 0, 1});

TEST(SampleWeights, of_nothing_are_none) {
  SampleWeightBuilder builder;
  const SampleWeights weights = builder.build(rows, row_labels, {});
  EXPECT_TRUE(weights.weight.empty());
  EXPECT_TRUE(weights.kept.empty());
  EXPECT_EQ(weights.count_of(3), 3.0);
  EXPECT_EQ(weights.of(2), 1.0F);
  EXPECT_TRUE(weights.keeps(2));
}

TEST(SampleWeights, of_a_mask_are_0_and_1_and_count_what_is_kept) {
  SampleWeightBuilder builder;
  const Bytes mask = {1, 0, 255, 0, 1, 1};
  const SampleWeights weights = builder.build(sequences, sequence_labels, {.mask = mask});
  EXPECT_EQ(values(weights), (Floats{1, 0, 1, 0, 1, 1}));
  EXPECT_EQ(weights.count, 4.0);
  EXPECT_FALSE(weights.keeps(1));
  EXPECT_TRUE(weights.keeps(2));
}

TEST(SampleWeights, of_an_output_without_steps_do_not_use_the_mask) {
  SampleWeightBuilder builder;
  const Bytes mask = {1, 0, 1, 0, 1, 1};
  EXPECT_TRUE(builder.build(rows, row_labels, {.mask = mask}).weight.empty());
}

TEST(SampleWeights, are_repeated_along_the_axes_behind_the_steps) {
  SampleWeightBuilder builder;
  const Bytes mask = {1, 0, 0, 1};
  const Tensor weight = floats({2}, {2, 3});
  const Tensor output({2, 2, 3, 5});
  const SampleWeights weights = builder.build(output, Tensor({2}), {.mask = mask, .sample_weight = &weight});
  EXPECT_EQ(values(weights), (Floats{2, 2, 2, 0, 0, 0, 0, 0, 0, 3, 3, 3}));
  EXPECT_EQ(weights.count, 6.0);
}

TEST(SampleWeights, given_by_row_or_by_step_do_not_change_the_count) {
  SampleWeightBuilder builder;
  const Tensor by_row = floats({2}, {0.5F, 2});
  const Tensor by_step = floats({2, 3}, {1, 2, 3, 4, 0, 6});
  SampleWeights weights = builder.build(sequences, sequence_labels, {.sample_weight = &by_row});
  EXPECT_EQ(values(weights), (Floats{0.5F, 0.5F, 0.5F, 2, 2, 2}));
  EXPECT_EQ(weights.count, 6.0);
  weights = builder.build(sequences, sequence_labels, {.sample_weight = &by_step});
  EXPECT_EQ(values(weights), (Floats{1, 2, 3, 4, 0, 6}));
  EXPECT_EQ(weights.count, 6.0);
  EXPECT_TRUE(weights.keeps(4));
  const Tensor column = floats({3, 1}, {1, 2, 3});
  EXPECT_EQ(values(builder.build(rows, row_labels, {.sample_weight = &column})), (Floats{1, 2, 3}));
}

TEST(SampleWeights, of_classes_follow_labels_rounded_numbers_and_one_hot_rows) {
  SampleWeightBuilder builder;
  const std::map<int, double> classes = {{1, 4.0}, {3, 0.5}};
  const auto weights_for = [&](const Tensor& output, const Tensor& target) {
    return values(builder.build(output, target, {.class_weight = &classes}));
  };
  EXPECT_EQ(weights_for(sequences, sequence_labels), (Floats{1, 4, 1, 0.5F, 1, 4}));
  EXPECT_EQ(weights_for(rows, row_labels), (Floats{4, 1, 4}));
  EXPECT_EQ(weights_for(rows, integers({3, 1}, {1, 0, 1})), (Floats{4, 1, 4}));
  EXPECT_EQ(weights_for(Tensor({3, 1}), floats({3}, {0.0F, 1.0F, 0.9F})), (Floats{1, 4, 4}));
  EXPECT_EQ(weights_for(rows, floats({3, 2}, {1, 0, 0, 1, 0.2F, 0.8F})), (Floats{1, 4, 4}));
  EXPECT_EQ(weights_for(rows, integers({3, 2}, {1, 0, 0, 1, 0, 1})), (Floats{1, 4, 4}));
}

TEST(SampleWeights, of_all_sources_are_multiplied_and_memory_serves_again) {
  SampleWeightBuilder builder;
  const Bytes mask = {1, 1, 0, 1, 1, 0};
  const Tensor by_step = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  const std::map<int, double> classes = {{1, 10.0}};
  const SampleWeights weights = builder.build(
      sequences, sequence_labels, {.mask = mask, .sample_weight = &by_step, .class_weight = &classes});
  EXPECT_EQ(values(weights), (Floats{1, 20, 0, 4, 5, 0}));
  EXPECT_EQ(weights.count, 4.0);
  const SampleWeights next = builder.build(rows, row_labels, {.class_weight = &classes});
  EXPECT_EQ(values(next), (Floats{10, 1, 10}));
  EXPECT_TRUE(next.kept.empty());
}

TEST(SampleWeights, that_do_not_fit_are_named) {
  SampleWeightBuilder builder;
  const auto text = [&](const SampleWeightSources& sources) {
    return error_text([&] { builder.build(sequences, sequence_labels, sources); });
  };
  const Bytes mask(5, 1);
  EXPECT_EQ(text({.mask = mask}),
            "mask: expected 6 = batch * steps values for an output of shape (2, 3, 4), got 5");
  const Tensor wrong({3});
  EXPECT_EQ(text({.sample_weight = &wrong}), "sample_weight: expected shape (2,) or (2, 3), got (3,)");
  const Tensor integral({2}, Dtype::i32);
  EXPECT_EQ(text({.sample_weight = &integral}), "sample_weight: expected f32, got i32");
  const Tensor bad = floats({2}, {1.0F, NAN});
  EXPECT_EQ(text({.sample_weight = &bad}), "sample_weight[1]: expected a finite number, got nan");
  const std::map<int, double> infinite = {{2, INFINITY}};
  EXPECT_EQ(text({.class_weight = &infinite}), "class_weight[2]: expected a finite number, got inf");
  const std::map<int, double> fine = {{2, 1.0}};
  EXPECT_EQ(error_text([&] {
              builder.build(sequences, Tensor({2, 2}), {.class_weight = &fine});
            }),
            "target: expected a class or one-hot row for each of 6 samples, got shape (2, 2)");
  EXPECT_EQ(error_text([&] { builder.build(rows, Tensor({3}, Dtype::u8), {.class_weight = &fine}); }),
            "target: expected f32 or i32, got u8");
}

TEST(SampleWeights, with_an_empty_batch_are_empty) {
  SampleWeightBuilder builder;
  const Tensor none({0});
  const std::map<int, double> classes = {{2, 1.0}};
  const SampleWeights weights = builder.build(
      Tensor({0, 3, 4}), Tensor({0, 3}, Dtype::i32), {.sample_weight = &none, .class_weight = &classes});
  EXPECT_TRUE(weights.weight.empty());
}

}  // namespace

}  // namespace recurra::test

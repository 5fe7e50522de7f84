/// Masks from lengths and bytes, and the numbers dropout draws.
#include "recurra/layers/step_mask.h"

#include <set>

#include <gtest/gtest.h>

#include "recurra/layers/layer.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

TEST(StepMask, empty_counts_everything) {
  const StepMask mask;
  EXPECT_TRUE(mask.empty());
  EXPECT_EQ(mask.data(), nullptr);
  EXPECT_TRUE(mask.counts(5, 7));
}

TEST(StepMask, of_lengths_counts_the_first_steps) {
  const StepMask mask = StepMask::of_lengths(std::vector{2, 0, 3}, 3);
  const std::vector<std::uint8_t> expected = {1, 1, 0, 0, 0, 0, 1, 1, 1};
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), mask.data()));
  EXPECT_EQ(mask.batch(), 3);
  EXPECT_EQ(mask.steps(), 3);
  EXPECT_EQ(mask.counted(), 5);
  EXPECT_TRUE(mask.counts(0, 1));
  EXPECT_FALSE(mask.counts(0, 2));
}

TEST(StepMask, of_bytes_may_have_holes_and_memory_serves_again) {
  StepMask mask = StepMask::of_bytes(1, 4, {1, 0, 7, 0});
  EXPECT_EQ(mask.counted(), 2);
  EXPECT_TRUE(mask.counts(0, 2));
  mask.assign(2, 2)[3] = 0;
  EXPECT_EQ(mask.counted(), 3);
  mask.assign(std::vector{1}, 2);
  EXPECT_EQ(mask.counted(), 1);
  mask.clear();
  EXPECT_TRUE(mask.empty());
  EXPECT_EQ(mask.counted(), 0);
}

TEST(StepMask, of_no_steps_or_no_rows_is_not_empty) {
  EXPECT_FALSE(StepMask::of_lengths(std::vector{0, 0}, 0).empty());
  EXPECT_FALSE(StepMask::of_lengths({}, 5).empty());
}

TEST(StepMask, bad_arguments_are_named) {
  EXPECT_EQ(error_text([] {
              StepMask::of_lengths(std::vector{2, 4}, 3);
            }),
            "lengths[1]: expected 0 to 3, got 4");
  EXPECT_EQ(error_text([] { StepMask::of_lengths(std::vector{-1}, 3); }),
            "lengths[0]: expected 0 to 3, got -1");
  EXPECT_EQ(error_text([] {
              StepMask::of_bytes(2, 3, {1, 1});
            }),
            "mask: expected (2, 3) = (batch, steps), got 2 values");
  EXPECT_THROW(StepMask().assign(i64{1} << 40, i64{1} << 40), Error);
}

TEST(StepMask, that_only_end_rows_early_are_lengths) {
  std::vector<int> lengths;
  const std::vector<int> given = {3, 0, 1};
  EXPECT_TRUE(StepMask::of_lengths(given, 3).to_lengths(lengths));
  EXPECT_EQ(lengths, given);
  EXPECT_FALSE(StepMask::of_bytes(2, 3, {1, 1, 1, 1, 0, 1}).to_lengths(lengths));
  EXPECT_FALSE(StepMask::of_bytes(2, 3, {0, 1, 1, 1, 0, 0}).to_lengths(lengths));
  EXPECT_TRUE(StepMask::of_bytes(0, 3, {}).to_lengths(lengths));
  EXPECT_TRUE(lengths.empty());
  EXPECT_TRUE(StepMask::of_bytes(2, 0, {}).to_lengths(lengths));
  EXPECT_EQ(lengths, (std::vector<int>{0, 0}));
}

TEST(DropoutStreams, differ_in_every_number_and_from_initial_weights) {
  const DropoutStream base{.seed = 1, .layer = 2, .update = 3, .part = 4};
  std::vector<DropoutStream> streams = {base, {9, 2, 3, 4}, {1, 9, 3, 4}, {1, 2, 9, 4}, {1, 2, 3, 9}};
  std::set<std::uint32_t> first;
  for (const DropoutStream& stream : streams) first.insert(stream.random().bits());
  first.insert(Random(1, 3).bits());
  first.insert(Random(1, 4).bits());
  EXPECT_EQ(first.size(), 7U);
  EXPECT_EQ(base.random().bits(), DropoutStream(base).random().bits());
}

}  // namespace

}  // namespace recurra::test

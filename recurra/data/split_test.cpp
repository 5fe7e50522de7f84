#include "recurra/data/split.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

using test::error_text;

Examples numbered(i64 count) {
  Examples examples{Tensor({count, 1, 2}), Tensor({count}, Dtype::i32)};
  std::iota(examples.y.as<std::int32_t>().begin(), examples.y.as<std::int32_t>().end(), 0);
  examples.lengths.assign(static_cast<std::size_t>(count), 1);
  return examples;
}

TEST(Split, sets_the_last_part_aside) {
  Examples examples = numbered(10);
  examples.lengths[9] = 0;
  const ExamplesSplit split = split_examples(examples, 0.25);
  EXPECT_EQ(split.training.x.shape(), (Shape{7, 1, 2}));  // floor(7.5)
  EXPECT_EQ(split.validation.x.shape(), (Shape{3, 1, 2}));
  EXPECT_EQ(split.training.y.as<std::int32_t>()[6], 6);
  EXPECT_EQ(split.validation.y.as<std::int32_t>()[0], 7);
  EXPECT_EQ(split.validation.lengths, (std::vector<int>{1, 1, 0}));
}

TEST(Split, rounds_as_keras_does) {
  // 1.0 - 0.1 is 0.9 in doubles and 100 times that 90 exactly; 1.0 - 0.7 is 0.30000000000000004.
  EXPECT_EQ(split_examples(numbered(100), 0.1).training.x.shape()[0], 90);
  EXPECT_EQ(split_examples(numbered(10), 0.7).training.x.shape()[0], 3);
}

TEST(Split, refuses_parts_without_examples) {
  const auto refusal = [](i64 count, double fraction) {
    return error_text(ErrorCode::invalid_argument, [&] { (void)split_examples(numbered(count), fraction); });
  };
  EXPECT_EQ(refusal(10, 0), "validation_split: expected above 0 and below 1, got 0");
  EXPECT_EQ(refusal(10, 1), "validation_split: expected above 0 and below 1, got 1");
  EXPECT_EQ(refusal(10, NAN), "validation_split: expected above 0 and below 1, got nan");
  EXPECT_EQ(refusal(1, 0.5),
            "validation_split: expected at least an example in either part, got 0 of 1 for training");
  EXPECT_EQ(refusal(0, 0.5),
            "validation_split: expected at least an example in either part, got 0 of 0 for training");
}

}  // namespace

}  // namespace recurra

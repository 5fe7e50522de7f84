#include "recurra/data/examples.h"

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/data/examples_source.h"
#include "recurra/data/order.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

using test::error_text;

template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  return {tensor.as<T>().begin(), tensor.as<T>().end()};
}

/// `count` examples of 3 steps and 2 features; everything of example i begins with a number from i.
Examples numbered(i64 count) {
  Examples examples{Tensor({count, 3, 2}), Tensor({count}, Dtype::i32)};
  examples.sample_weights = Tensor({count});
  std::iota(examples.x.data(), examples.x.data() + examples.x.size(), 0.0F);
  std::iota(examples.y.as<std::int32_t>().begin(), examples.y.as<std::int32_t>().end(), 0);
  std::iota(examples.sample_weights.data(), examples.sample_weights.data() + count, 0.5F);
  return examples;
}

/// The labels of all batches of an epoch, a batch a vector.
std::vector<std::vector<std::int32_t>> labels_of_epoch(BatchSource& source, i64 epoch, i64 skipped = 0) {
  source.begin_epoch(epoch);
  source.skip(skipped);
  std::vector<std::vector<std::int32_t>> labels;
  Batch batch;
  while (source.next(batch)) labels.push_back(values_of<std::int32_t>(batch.y));
  return labels;
}

std::string refusal_of(const Examples& examples, ErrorCode code) {
  return error_text(code, [&] { check_examples(examples, "data"); });
}

TEST(Batch, gathers_all_parts_of_its_rows) {
  Examples examples = numbered(4);
  examples.mask = Tensor({4, 3}, Dtype::u8);
  examples.mask.as<std::uint8_t>()[2 * 3 + 1] = 1;
  Batch batch;
  batch.gather(examples, std::vector<int>{2, 0});
  EXPECT_EQ(batch.x.shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(values_of<float>(batch.x), (std::vector<float>{12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values_of<std::int32_t>(batch.y), (std::vector<std::int32_t>{2, 0}));
  EXPECT_EQ(values_of<float>(batch.sample_weights), (std::vector<float>{2.5, 0.5}));
  EXPECT_EQ(values_of<std::uint8_t>(batch.mask), (std::vector<std::uint8_t>{0, 1, 0, 0, 0, 0}));
  EXPECT_TRUE(batch.lengths.empty());
}

TEST(Batch, forgets_the_parts_that_later_examples_do_not_have) {
  Examples examples = numbered(4);
  Batch batch;
  batch.gather(examples, std::vector<int>{1});
  examples.sample_weights = Tensor();
  examples.lengths = {1, 2, 3, 0};
  batch.gather(examples, std::vector<int>{3, 1});
  EXPECT_EQ(batch.sample_weights.size(), 0);
  EXPECT_EQ(batch.lengths, (std::vector<int>{0, 2}));
}

TEST(Batch, gathers_ids) {
  Examples examples{Tensor({2, 3}, Dtype::i32), Tensor({2, 1})};
  examples.x.as<std::int32_t>()[5] = 7;
  check_examples(examples, "data");
  Batch batch;
  batch.gather(examples, std::vector<int>{1});
  EXPECT_EQ(values_of<std::int32_t>(batch.x), (std::vector<std::int32_t>{0, 0, 7}));
}

TEST(CheckExamples, takes_weights_of_rows_and_of_steps) {
  Examples examples = numbered(4);
  check_examples(examples, "data");
  examples.sample_weights = Tensor({4, 3});
  examples.mask = Tensor({4, 3}, Dtype::u8);
  check_examples(examples, "data");
}

TEST(CheckExamples, names_weights_that_do_not_fit) {
  Examples examples = numbered(4);
  examples.sample_weights = Tensor({4, 2});
  EXPECT_EQ(refusal_of(examples, ErrorCode::shape),
            "data.sample_weights: expected shape (4,) or (4, 3), got (4, 2)");
  examples.sample_weights = Tensor({4}, Dtype::i32);
  EXPECT_EQ(refusal_of(examples, ErrorCode::dtype), "data.sample_weights: expected f32, got i32");
  examples.sample_weights = Tensor({4});
  examples.sample_weights.data()[3] = INFINITY;
  EXPECT_EQ(refusal_of(examples, ErrorCode::non_finite),
            "data.sample_weights[3]: expected a finite number, got inf");
}

TEST(CheckExamples, names_a_mask_that_does_not_fit) {
  Examples examples = numbered(4);
  examples.mask = Tensor({4}, Dtype::u8);
  EXPECT_EQ(refusal_of(examples, ErrorCode::shape), "data.mask: expected shape (4, 3), got (4,)");
  examples.mask = Tensor({4, 3});
  EXPECT_EQ(refusal_of(examples, ErrorCode::dtype), "data.mask: expected u8, got f32");
  examples.mask = Tensor({4, 3}, Dtype::u8);
  examples.mask.as<std::uint8_t>()[7] = 2;
  EXPECT_EQ(refusal_of(examples, ErrorCode::invalid_argument), "data.mask[7]: expected 0 or 1, got 2");
  examples.lengths.assign(4, 3);
  EXPECT_EQ(refusal_of(examples, ErrorCode::invalid_argument),
            "data.mask: expected lengths or a mask, got both");
}

TEST(CheckExamples, names_inputs_that_are_no_numbers_or_ids) {
  EXPECT_EQ(refusal_of({Tensor({2, 2}, Dtype::i64), Tensor({2})}, ErrorCode::dtype),
            "data.x: expected f32 or i32, got i64");
  EXPECT_EQ(refusal_of({Tensor({2}), Tensor({2})}, ErrorCode::shape),
            "data.x: expected (examples, ..., features) or (examples, steps), got (2,)");
}

TEST(Order, depends_on_seed_and_epoch_only) {
  // The numbers are part of what a seed promises: a training resumed by a newer version sees this order.
  EXPECT_EQ(shuffled_order(8, 1, 0), (std::vector<int>{7, 6, 2, 1, 5, 4, 3, 0}));
  EXPECT_EQ(shuffled_order(8, 1, 1), (std::vector<int>{4, 3, 2, 1, 5, 7, 0, 6}));
  EXPECT_EQ(plain_order(3), (std::vector<int>{0, 1, 2}));
}

TEST(Order, refuses_counts_beyond_an_int) {
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { plain_order(i64{1} << 31); }),
            "examples: expected 0 to 2147483647, got 2147483648");
}

TEST(ExamplesSource, gives_all_examples_in_the_order_of_the_epoch) {
  const Examples examples = numbered(7);
  ExamplesSource source(examples, {.batch_size = 3, .seed = 5});
  EXPECT_EQ(source.batches(), 3);
  for (const i64 epoch : {1, 0, 1}) {
    std::vector<int> seen;
    for (const auto& batch : labels_of_epoch(source, epoch)) {
      EXPECT_EQ(batch.size(), seen.size() < 6 ? 3U : 1U);
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    EXPECT_EQ(seen, shuffled_order(7, 5, epoch));
  }
}

TEST(ExamplesSource, goes_straight_through_unshuffled) {
  const Examples examples = numbered(4);
  ExamplesSource source(examples, {.batch_size = 2, .shuffle = false});
  EXPECT_EQ(labels_of_epoch(source, 3), (std::vector<std::vector<std::int32_t>>{{0, 1}, {2, 3}}));
  EXPECT_EQ(source.batches(), 2);
}

TEST(ExamplesSource, skips_as_if_it_had_read) {
  const Examples examples = numbered(7);
  ExamplesSource source(examples, {.batch_size = 3});
  auto expected = labels_of_epoch(source, 2);
  for (i64 skipped = 0; skipped < 5; ++skipped) {
    EXPECT_EQ(labels_of_epoch(source, 2, skipped), expected) << skipped;
    if (!expected.empty()) expected.erase(expected.begin());
  }
  EXPECT_TRUE(labels_of_epoch(source, 2, std::numeric_limits<i64>::max()).empty());
}

TEST(ExamplesSource, refuses_empty_batches) {
  const Examples examples = numbered(1);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { ExamplesSource(examples, {.batch_size = 0}); }),
            "batch_size: expected from 1 up, got 0");
}

TEST(BatchSource, skips_by_reading_where_a_source_cannot_do_better) {
  class Counter : public BatchSource {
   public:
    void begin_epoch(i64) override { read = 0; }

    bool next(Batch&) override { return read < 3 && ++read > 0; }

    [[nodiscard]] i64 batches() const override { return 0; }

    int read = 0;
  };

  Counter counter;
  counter.skip(2);
  EXPECT_EQ(counter.read, 2);
  counter.skip(9);
  EXPECT_EQ(counter.read, 3);
}

}  // namespace

}  // namespace recurra

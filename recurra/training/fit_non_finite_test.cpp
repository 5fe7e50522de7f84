/// What fit does where a loss or a gradient is not finite, by its policy.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/training/sequential.h"
#include "tests/support/small_models.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

/// Where the second batch of four makes the loss NaN.
Examples with_a_nan() {
  Examples examples = sign_examples(16, 3);
  examples.x.data()[5 * 6] = std::numeric_limits<float>::quiet_NaN();
  return examples;
}

FitOptions in_fours(NonFinitePolicy policy) {
  FitOptions options;
  options.batch_size = 4;
  options.shuffle = false;
  options.on_non_finite = policy;
  return options;
}

TEST(NonFinite, error_leaves_all_weights_as_the_step_before_left_them) {
  Sequential model = small_model();
  EXPECT_EQ(
      error_text(ErrorCode::non_finite, [&] { model.fit(with_a_nan(), in_fours(NonFinitePolicy::error)); }),
      "loss: expected a finite number, got nan at step 2 of epoch 1");
  Sequential other = small_model();
  FitOptions one_step = in_fours(NonFinitePolicy::error);
  one_step.steps_per_epoch = 1;
  other.fit(with_a_nan(), one_step);
  EXPECT_EQ(whole_state(model), whole_state(other));
  EXPECT_EQ(error_text([&] { model.train_on_batch(with_a_nan()); }),
            "loss: expected a finite number, got nan in train_on_batch");
}

TEST(NonFinite, skip_step_leaves_the_batch_out) {
  Sequential model = small_model();
  const History history = model.fit(with_a_nan(), in_fours(NonFinitePolicy::skip_step));
  EXPECT_EQ(history.skipped_updates, 1);
  EXPECT_TRUE(std::isfinite(history.epochs[0].at("loss")));
  EXPECT_EQ(model.optimizer()->iterations(), 3);
  EXPECT_EQ(model.updates_done(), 4);
  for (const float weight : all_weights(model)) ASSERT_TRUE(std::isfinite(weight));
}

TEST(NonFinite, ignore_shows_it_in_the_loss) {
  Sequential model = small_model("sgd", "lstm:4,dense:2");
  const History history = model.fit(with_a_nan(), in_fours(NonFinitePolicy::ignore));
  EXPECT_TRUE(std::isnan(history.epochs[0].at("loss")));
  EXPECT_EQ(history.skipped_updates, 1);
  for (const float weight : all_weights(model)) ASSERT_TRUE(std::isfinite(weight));
}

TEST(NonFinite, skip_step_leaves_out_a_gradient_that_is_not_finite) {
  // The loss is 1e9; the gradient of the first kernel is 1e9 times the input, too much for f32.
  Sequential model(parse_model("dense:1,dense:2"));
  model.compile(make_optimizer("sgd"), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  model.build({1});
  model.set_weights({floats({1, 1}, {1e-30F}), Tensor({1}), floats({1, 2}, {0, 1e9F}), Tensor({2})});
  const std::vector<float> before = all_weights(model);
  const Examples examples{floats({1, 1}, {1e30F}), Tensor({1}, Dtype::i32)};
  const History history = model.fit(examples, in_fours(NonFinitePolicy::skip_step));
  EXPECT_EQ(history.skipped_updates, 1);
  EXPECT_NEAR(history.epochs[0].at("loss"), 1e9, 1e3);
  EXPECT_EQ(all_weights(model), before);
}

TEST(NonFinite, a_label_that_is_no_class_changes_no_weight) {
  Sequential model = small_model();
  model.build({3, 2});
  const std::vector<float> before = all_weights(model);
  Examples examples = sign_examples(4, 3);
  examples.y.as<std::int32_t>()[2] = -1;
  FitOptions options = in_fours(NonFinitePolicy::error);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { model.fit(examples, options); }),
            "labels[2]: expected a class from 0 to 1, got -1");
  EXPECT_EQ(all_weights(model), before);
}

}  // namespace

}  // namespace recurra::test

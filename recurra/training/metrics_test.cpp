/// Metrics: values worked out by hand, and how accuracy chooses.
#include "recurra/training/metrics.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

double value_of(const char* name,
                const Tensor& output,
                const Tensor& target,
                const SampleWeights& weights = {},
                const MetricOptions& options = {}) {
  const std::unique_ptr<Metric> metric = make_metric(name, options);
  metric->update(output, target, weights);
  return metric->value();
}

/// Four rows whose largest outputs are 2, 0, 1, 1.
const Tensor guesses = floats({4, 3}, {0, 1, 2, 3, 1, 2, -3, -1, -2, 0, 5, 4});
const Tensor labels = integers({4}, {2, 0, 2, 1});

TEST(Metrics, sparse_categorical_accuracy_is_the_share_of_right_labels) {
  EXPECT_EQ(value_of("sparse_categorical_accuracy", guesses, labels), 0.75);
  EXPECT_EQ(value_of("sparse_categorical_accuracy", guesses, integers({4, 1}, {2, 0, 2, 1})), 0.75);
  EXPECT_EQ(value_of("sparse_categorical_accuracy", guesses, integers({4}, {-1, 3, 1, 1})), 0.5);
}

TEST(Metrics, categorical_accuracy_compares_the_largest) {
  const std::vector<float> one_hot = {0, 0, 1, 1, 0, 0, 0, 0, 1, 0.1F, 0.8F, 0.1F};
  EXPECT_EQ(value_of("categorical_accuracy", guesses, floats({4, 3}, one_hot)), 0.75);
  EXPECT_EQ(value_of("categorical_accuracy", guesses, integers({4, 3}, {0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0})),
            0.5);
}

TEST(Metrics, binary_accuracy_is_a_share_of_elements) {
  const Tensor output = floats({2, 3}, {0.4F, 0.6F, 0.5F, 0.9F, 0.1F, -2.0F});
  const Tensor target = floats({2, 3}, {0, 1, 1, 1, 1, 0});
  EXPECT_DOUBLE_EQ(value_of("binary_accuracy", output, target), 4.0 / 6);
  EXPECT_DOUBLE_EQ(value_of("binary_accuracy", output, target, {}, {.threshold = 0.0}), 5.0 / 6);
  EXPECT_DOUBLE_EQ(value_of("binary_accuracy", output, target, {}, {.threshold = 0.95}), 2.0 / 6);
  const Tensor logits = floats({3, 1}, {0.2F, -0.2F, 0.7F});
  EXPECT_EQ(value_of("binary_accuracy", logits, integers({3}, {1, 0, 1}), {}, {.from_logits = true}), 1.0);
  EXPECT_DOUBLE_EQ(value_of("binary_accuracy", logits, integers({3}, {1, 0, 1})), 2.0 / 3);
}

TEST(Metrics, top_k_counts_labels_with_fewer_than_k_outputs_above) {
  const auto top = [](i64 k) {
    return value_of("sparse_top_k_categorical_accuracy", guesses, integers({4}, {0, 1, 1, 2}), {}, {.k = k});
  };
  EXPECT_EQ(top(1), 0.25);
  EXPECT_EQ(top(2), 0.5);
  EXPECT_EQ(top(3), 1.0);
  const Tensor ties = floats({1, 3}, {1, 1, 0});
  EXPECT_EQ(value_of("sparse_top_k_categorical_accuracy", ties, integers({1}, {1}), {}, {.k = 1}), 1.0);
  EXPECT_EQ(value_of("sparse_top_k_categorical_accuracy", ties, integers({1}, {3})), 0.0);
  EXPECT_EQ(value_of("sparse_top_k_categorical_accuracy", ties, integers({1}, {-1})), 0.0);
}

TEST(Metrics, errors_are_means_over_all_elements) {
  const Tensor output = floats({2, 2}, {1, 2, 3, 4});
  const Tensor target = floats({2, 2}, {1, 0, 0, 4});
  EXPECT_EQ(value_of("mean_squared_error", output, target), 13.0 / 4);
  EXPECT_EQ(value_of("mean_absolute_error", output, target), 5.0 / 4);
  EXPECT_EQ(value_of("root_mean_squared_error", output, target), std::sqrt(13.0 / 4));
  const Tensor column = floats({2, 1}, {1, 3});
  EXPECT_EQ(value_of("mse", column, floats({2}, {2, 5})), 2.5);
}

TEST(Metrics, a_root_is_taken_of_the_mean_over_all_batches) {
  const std::unique_ptr<Metric> metric = make_metric("root_mean_squared_error");
  metric->update(floats({1, 1}, {3}), floats({1, 1}, {0}), {});
  metric->update(floats({3, 1}, {1, 1, 1}), floats({3, 1}, {0, 0, 0}), {});
  EXPECT_EQ(metric->value(), std::sqrt(3.0));
}

TEST(Metrics, accuracy_chooses_by_the_shapes) {
  EXPECT_EQ(value_of("accuracy", guesses, labels), 0.75);
  EXPECT_EQ(value_of("acc", guesses, integers({4, 1}, {2, 0, 2, 1})), 0.75);
  EXPECT_EQ(value_of("accuracy", guesses, floats({4, 3}, {1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0})), 0.75);
  const Tensor column = floats({2, 1}, {0.2F, -0.4F});
  EXPECT_EQ(value_of("accuracy", column, floats({2}, {1, 0})), 0.5);
  EXPECT_EQ(value_of("accuracy", column, floats({2, 1}, {1, 0}), {}, {.from_logits = true}), 1.0);
  const Tensor sequences = floats({1, 2, 2}, {0, 1, 1, 0});
  EXPECT_EQ(value_of("accuracy", sequences, integers({1, 2}, {1, 1})), 0.5);
}

TEST(Metrics, are_weighted_means_without_what_a_mask_leaves_out) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> weight = {2, 0, 1};
  const Tensor output = floats({1, 3, 1}, {3, nan, 1});
  EXPECT_EQ(value_of("mse", output, floats({1, 3}, {0, 0, 0}), {weight, 2.0}), 19.0 / 3);
  EXPECT_EQ(error_text([&] {
              value_of("mse", guesses, guesses, {weight, 2.0});
            }),
            "sample weights: expected 4, one for each sample, got 3 with a mask of 0");
}

TEST(Metrics, go_on_from_a_state_that_was_kept) {
  const std::unique_ptr<Metric> whole = make_metric("accuracy");
  whole->update(guesses, labels, {});
  const std::unique_ptr<Metric> rest = make_metric("accuracy");
  rest->set_state(whole->state());
  EXPECT_EQ(rest->state(), (MetricState{3.0, 4.0}));
  for (const auto& metric : {whole.get(), rest.get()})
    metric->update(guesses, integers({4}, {0, 0, 0, 0}), {});
  EXPECT_EQ(rest->value(), whole->value());
  EXPECT_EQ(rest->value(), 0.5);
  rest->reset();
  EXPECT_EQ(rest->value(), 0.0);
  EXPECT_EQ(rest->state(), MetricState{});
}

TEST(Metrics, are_logged_by_the_name_they_were_asked_for) {
  for (const char* name : {"accuracy",
                           "acc",
                           "sparse_categorical_accuracy",
                           "categorical_accuracy",
                           "binary_accuracy",
                           "sparse_top_k_categorical_accuracy",
                           "mean_squared_error",
                           "mse",
                           "mean_absolute_error",
                           "mae",
                           "root_mean_squared_error",
                           "RootMeanSquaredError"}) {
    EXPECT_EQ(make_metric(name)->name(), name);
  }
}

TEST(Metrics, what_does_not_fit_is_named) {
  EXPECT_EQ(error_text([] { make_metric("f1"); }),
            "metric \"f1\": supported are accuracy (acc), sparse_categorical_accuracy, categorical_accuracy, "
            "binary_accuracy, sparse_top_k_categorical_accuracy, mean_squared_error (mse), "
            "mean_absolute_error (mae), root_mean_squared_error");
  EXPECT_THROW(make_metric(""), Error);
  EXPECT_EQ(error_text([] { make_metric("accuracy", {.k = 0}); }), "k: expected from 1 up, got 0");
  EXPECT_EQ(error_text([] { make_metric("accuracy", {.threshold = NAN}); }),
            "threshold: expected a finite number, got nan");
  EXPECT_EQ(error_text([] { value_of("accuracy", guesses, Tensor({4})); }), "labels: expected i32, got f32");
  EXPECT_EQ(error_text([] { value_of("categorical_accuracy", guesses, labels); }),
            "target: expected shape (4, 3), got (4,)");
  EXPECT_EQ(error_text([] { value_of("mae", guesses, labels); }), "target: expected f32, got i32");
}

}  // namespace

}  // namespace recurra::test

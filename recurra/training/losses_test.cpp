/// Losses: values against formulas in double and numbers of Keras's documentation, gradients against central
/// differences, and the texts of errors.
#include "recurra/training/losses.h"

#include <cmath>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "recurra/base/random.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

using Row = std::span<const double>;

double loss_of(const Loss& loss,
               const Tensor& output,
               const Tensor& target,
               const SampleWeights& weights = {}) {
  Tensor gradient;
  const double value = loss.compute(output, target, weights, &gradient);
  EXPECT_EQ(gradient.shape(), output.shape());
  EXPECT_EQ(value, loss.compute(output, target, weights, nullptr));
  return value;
}

// ---- Formulas of one sample, straightforward, in double.

std::vector<double> softmax(Row z) {
  std::vector<double> p;
  double sum = 0;
  for (const double value : z) sum += std::exp(value);
  for (const double value : z) p.push_back(std::exp(value) / sum);
  return p;
}

std::vector<double> normalised(Row y) {
  std::vector<double> p;
  double sum = 0;
  for (const double value : y) sum += value;
  for (const double value : y) p.push_back(value / sum);
  return p;
}

double cross_entropy(const std::vector<double>& p, Row t) {
  double loss = 0;
  for (std::size_t j = 0; j < p.size(); ++j) loss -= t[j] * std::log(p[j]);
  return loss;
}

double mean_over(Row y, Row t, double (*point)(double, double)) {
  double sum = 0;
  for (std::size_t j = 0; j < y.size(); ++j) sum += point(y[j], t[j]);
  return sum / double(y.size());
}

double binary(double p, double t) {
  return -t * std::log(p) - (1 - t) * std::log(1 - p);
}

double binary_logit(double z, double t) {
  return binary(1 / (1 + std::exp(-z)), t);
}

std::vector<double> smoothed(Row t, double amount, double spread) {
  std::vector<double> result;
  for (const double value : t) result.push_back(value * (1 - amount) + amount / spread);
  return result;
}

struct Case {
  const char* name;
  std::shared_ptr<Loss> loss;
  bool probabilities;
  bool labels;
  std::function<double(Row y, Row t)> sample;  // t one-hot for labels
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const char* name, auto loss, bool probabilities, auto sample) {
    const bool labels = std::is_same_v<decltype(loss), std::shared_ptr<SparseCategoricalCrossentropy>>;
    all.push_back({name, loss, probabilities, labels, sample});
  };
  using Sparse = SparseCategoricalCrossentropy;
  const auto of_logits = [](Row y, Row t) {
    return cross_entropy(softmax(y), t);
  };
  const auto of_probabilities = [](Row y, Row t) {
    return cross_entropy(normalised(y), t);
  };
  add("sparse logits", std::make_shared<Sparse>(), false, of_logits);
  add("sparse probabilities",
      std::make_shared<Sparse>(SparseCategoricalCrossentropyOptions{.from_logits = false}),
      true,
      of_probabilities);
  for (const double s : {0.0, 0.2}) {
    const CrossentropyOptions logits{true, s};
    const CrossentropyOptions probabilities{false, s};
    add("categorical logits", std::make_shared<CategoricalCrossentropy>(logits), false, [=](Row y, Row t) {
      return of_logits(y, smoothed(t, s, 3));
    });
    add("categorical probabilities",
        std::make_shared<CategoricalCrossentropy>(probabilities),
        true,
        [=](Row y, Row t) { return of_probabilities(y, smoothed(t, s, 3)); });
    add("binary logits", std::make_shared<BinaryCrossentropy>(logits), false, [=](Row y, Row t) {
      return mean_over(y, smoothed(t, s, 2), binary_logit);
    });
    add("binary probabilities", std::make_shared<BinaryCrossentropy>(probabilities), true, [=](Row y, Row t) {
      return mean_over(y, smoothed(t, s, 2), binary);
    });
  }
  add("squared", std::make_shared<MeanSquaredError>(), false, [](Row y, Row t) {
    return mean_over(y, t, [](double a, double b) { return (a - b) * (a - b); });
  });
  add("absolute", std::make_shared<MeanAbsoluteError>(), false, [](Row y, Row t) {
    return mean_over(y, t, [](double a, double b) { return std::abs(a - b); });
  });
  add("huber", std::make_shared<Huber>(HuberOptions{0.7}), false, [](Row y, Row t) {
    return mean_over(y, t, [](double a, double b) {
      const double e = std::abs(a - b);
      return e <= 0.7 ? e * e / 2 : 0.7 * e - 0.7 * 0.7 / 2;
    });
  });
  return all;
}

constexpr i64 samples = 6;
constexpr i64 width = 3;

/// (2, 3, 3) outputs and targets of a case, and the loss in double as a function of the outputs.
struct Problem {
  explicit Problem(const Case& of) : test(of) {
    Random random(11);
    for (float& y : output.as<float>())
      y = test.probabilities ? random.uniform(0.1F, 0.9F) : 2.0F * random.normal();
    for (i64 i = 0; i < samples; ++i) {
      const i64 hot = i64(random.below(width));
      labels.as<std::int32_t>()[std::size_t(i)] = int(hot);
      one_hot[std::size_t(i * width + hot)] = 1.0;
    }
    std::ranges::copy(one_hot, target.data());
    for (const float y : output.as<float>()) y_.push_back(y);
  }

  [[nodiscard]] double reference(const std::vector<double>& y, const SampleWeights& weights) const {
    double sum = 0;
    for (i64 i = 0; i < samples; ++i) {
      const double weight = weights.weight.empty() ? 1.0 : double(weights.weight[std::size_t(i)]);
      const auto at = std::size_t(i * width);
      if (weight != 0)
        sum += weight * test.sample(Row(y).subspan(at, width), Row(one_hot).subspan(at, width));
    }
    return sum / (weights.count > 0 ? weights.count : double(samples));
  }

  [[nodiscard]] const Tensor& targets() const { return test.labels ? labels : target; }

  const Case& test;
  Tensor output{Shape{2, 3, width}};
  Tensor target{Shape{2, 3, width}};
  Tensor labels{Shape{2, 3}, Dtype::i32};
  std::vector<double> one_hot = std::vector<double>(samples * width, 0.0);
  std::vector<double> y_;
};

TEST(Losses, values_and_gradients_are_those_of_the_formulas) {
  const std::vector<float> uneven = {0.5F, 0.0F, 2.0F, 1.0F, 0.25F, 3.0F};
  for (const Case& test : cases()) {
    for (const SampleWeights& weights :
         {SampleWeights{}, SampleWeights{uneven, 5.0}, SampleWeights{uneven}}) {
      const Problem problem(test);
      Tensor gradient;
      const double loss = test.loss->compute(problem.output, problem.targets(), weights, &gradient);
      // The exponentials of softmax are those of the target's kernels, good to eight units of the last place.
      const bool softmax = std::string_view(test.name).ends_with("logits") && test.name[0] != 'b';
      const double tolerance = (softmax ? 8 * 5.96e-8 : 1e-12) * (1 + std::abs(loss));
      EXPECT_NEAR(loss, problem.reference(problem.y_, weights), tolerance) << test.name;
      ASSERT_EQ(gradient.shape(), problem.output.shape());
      for (std::size_t j = 0; j < problem.y_.size(); ++j) {
        std::vector<double> above = problem.y_, below = problem.y_;
        above[j] += 1e-5;
        below[j] -= 1e-5;
        const double expected =
            (problem.reference(above, weights) - problem.reference(below, weights)) / 2e-5;
        // A gradient is rounded to f32 up to three times; the differences are good to 1e-8.
        EXPECT_NEAR(gradient.data()[j], expected, 2e-7 * std::abs(expected) + 2e-7) << test.name << " " << j;
      }
    }
  }
}

TEST(Losses, numbers_of_the_documentation_of_keras) {
  const Tensor classes = floats({2, 3}, {0.05F, 0.95F, 0.0F, 0.1F, 0.8F, 0.1F});
  const std::vector<float> weights = {0.3F, 0.7F};
  const SparseCategoricalCrossentropy sparse({.from_logits = false});
  EXPECT_NEAR(loss_of(sparse, classes, integers({2}, {1, 2})), 1.177, 5e-4);
  EXPECT_NEAR(loss_of(sparse, classes, integers({2, 1}, {1, 2}), {weights}), 0.814, 5e-4);
  const CategoricalCrossentropy categorical({.from_logits = false});
  EXPECT_NEAR(loss_of(categorical, classes, floats({2, 3}, {0, 1, 0, 0, 0, 1})), 1.177, 5e-4);
  const Tensor guesses = floats({2, 2}, {0.6F, 0.4F, 0.4F, 0.6F});
  const Tensor truth = floats({2, 2}, {0, 1, 0, 0});
  const std::vector<float> first_only = {1.0F, 0.0F};
  const BinaryCrossentropy probabilities({.from_logits = false});
  EXPECT_NEAR(loss_of(probabilities, guesses, truth), 0.815, 5e-4);
  EXPECT_NEAR(loss_of(probabilities, guesses, truth, {first_only}), 0.458, 5e-4);
  const Tensor logits = floats({1, 4}, {-18.6F, 0.51F, 2.94F, -12.8F});
  EXPECT_NEAR(loss_of(BinaryCrossentropy(), logits, floats({1, 4}, {0, 1, 0, 0})), 0.865, 5e-4);
  EXPECT_NEAR(loss_of(Huber(), guesses, truth), 0.155, 5e-7);
  EXPECT_NEAR(loss_of(Huber(), guesses, truth, {first_only}), 0.09, 5e-7);
  const Tensor ones = floats({2, 2}, {1, 1, 1, 0});
  const std::vector<float> more_of_the_first = {0.7F, 0.3F};
  EXPECT_EQ(loss_of(MeanSquaredError(), ones, truth), 0.5);
  EXPECT_NEAR(loss_of(MeanSquaredError(), ones, truth, {more_of_the_first}), 0.25, 1e-8);
  EXPECT_EQ(loss_of(MeanAbsoluteError(), ones, truth), 0.5);
}

TEST(Losses, probabilities_of_0_and_1_are_clipped_and_have_no_gradient) {
  const double worst = -std::log(1e-7);
  Tensor gradient;
  const Tensor certain = floats({1, 2}, {0.0F, 1.0F});
  const auto expect = [&](const Loss& loss, const Tensor& target, double value) {
    EXPECT_NEAR(loss.compute(certain, target, {}, &gradient), value, 1e-6) << loss.name();
    for (const float d : gradient.as<float>()) EXPECT_EQ(d, 0.0F) << loss.name();
  };
  const SparseCategoricalCrossentropy sparse({.from_logits = false});
  expect(sparse, integers({1}, {0}), worst);
  expect(sparse, integers({1}, {1}), 1e-7);
  expect(CategoricalCrossentropy({.from_logits = false}), floats({1, 2}, {1, 0}), worst);
  expect(BinaryCrossentropy({.from_logits = false}), floats({1, 2}, {1, 0}), worst);
}

TEST(Losses, logits_of_any_size_give_finite_losses) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Tensor gradient;
  const Tensor extreme = floats({1, 3}, {1e30F, -1e30F, -infinity});
  EXPECT_EQ(SparseCategoricalCrossentropy().compute(extreme, integers({1}, {0}), {}, &gradient), 0.0);
  EXPECT_EQ(CategoricalCrossentropy().compute(extreme, floats({1, 3}, {1, 0, 0}), {}, &gradient), 0.0);
  for (const float d : gradient.as<float>()) EXPECT_EQ(d, 0.0F);
  const Tensor two = floats({1, 2}, {1000.0F, -1000.0F});
  EXPECT_EQ(BinaryCrossentropy().compute(two, floats({1, 2}, {1, 0}), {}, &gradient), 0.0);
  EXPECT_EQ(BinaryCrossentropy().compute(two, floats({1, 2}, {0, 1}), {}, &gradient), 1000.0);
  EXPECT_EQ(gradient.data()[0], 0.5F);
  EXPECT_EQ(gradient.data()[1], -0.5F);
}

TEST(Losses, samples_of_weight_0_are_not_looked_at) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> weight = {1.0F, 0.0F};
  for (const char* name : {"categorical_crossentropy", "bce", "mse", "mae", "huber"}) {
    Tensor gradient;
    const Tensor output = floats({2, 2}, {0.5F, 0.25F, nan, nan});
    const double loss =
        make_loss(name)->compute(output, floats({2, 2}, {0, 1, 0, 1}), {weight, 1.0}, &gradient);
    const double alone =
        make_loss(name)->compute(floats({1, 2}, {0.5F, 0.25F}), floats({1, 2}, {0, 1}), {}, nullptr);
    EXPECT_EQ(loss, alone) << name;
    EXPECT_EQ(gradient.data()[2], 0.0F) << name;
    EXPECT_EQ(gradient.data()[3], 0.0F) << name;
  }
}

TEST(Losses, ignored_labels_are_left_out_of_the_mean) {
  const SparseCategoricalCrossentropy loss({.from_logits = true, .ignore_class = -1});
  const Tensor output = floats({1, 4, 2}, {0, 0, 3, 1, 9, 9, 1, 2});
  const Tensor labels = integers({1, 4}, {0, -1, -1, 1});
  const double first = std::log(2.0);
  const double last = std::log1p(std::exp(-1.0));
  Tensor gradient;
  EXPECT_NEAR(loss.compute(output, labels, {}, &gradient), (first + last) / 2, 1e-7);
  for (const int ignored : {2, 3, 4, 5}) EXPECT_EQ(gradient.data()[ignored], 0.0F);
  EXPECT_NEAR(gradient.data()[0], -0.25, 1e-7);
  // What a mask leaves out has not been counted; a weight of 0 has.
  const std::vector<float> weight = {1, 0, 0, 1};
  const std::vector<std::uint8_t> kept = {1, 0, 1, 1};
  EXPECT_NEAR(loss_of(loss, output, labels, {weight, 3.0, kept}), (first + last) / 2, 1e-7);
  EXPECT_EQ(loss_of(loss, output, integers({1, 4}, {-1, -1, -1, -1})), 0.0);
  EXPECT_EQ(error_text([&] {
              loss.compute(output, integers({1, 4}, {0, 2, 0, 0}), {}, nullptr);
            }),
            "labels[1]: expected a class from 0 to 1, got 2");
}

TEST(Losses, one_target_a_row_fits_one_output_a_row) {
  const Tensor output = floats({2, 1}, {0.5F, -1.0F});
  for (const char* name : {"binary_crossentropy", "mse", "mae", "huber"}) {
    const std::unique_ptr<Loss> loss = make_loss(name);
    EXPECT_EQ(loss_of(*loss, output, floats({2}, {1, 0})), loss_of(*loss, output, floats({2, 1}, {1, 0})));
    EXPECT_GT(loss_of(*loss, output, floats({2}, {1, 0})), 0.1);
  }
  EXPECT_EQ(loss_of(BinaryCrossentropy(), output, integers({2}, {1, 0})),
            loss_of(BinaryCrossentropy(), output, floats({2, 1}, {1, 0})));
}

TEST(Losses, what_does_not_fit_is_named) {
  const Tensor output({4, 2});
  const auto text =
      [&](const char* name, const Tensor& y, const Tensor& target, const SampleWeights& weights) {
        return error_text([&] { make_loss(name)->compute(y, target, weights, nullptr); });
      };
  EXPECT_EQ(text("mse", output, Tensor({4}), {}), "target: expected shape (4, 2), got (4,)");
  EXPECT_EQ(text("mse", output, Tensor({4, 2}, Dtype::i32), {}), "target: expected f32, got i32");
  EXPECT_EQ(text("bce", output, Tensor({4, 2}, Dtype::u8), {}), "target: expected f32 or i32, got u8");
  EXPECT_EQ(text("categorical_crossentropy", output, Tensor({4, 1}), {}),
            "target: expected shape (4, 2), got (4, 1)");
  EXPECT_EQ(text("categorical_crossentropy", output, Tensor({4, 2}, Dtype::i32), {}),
            "target: expected f32, got i32");
  EXPECT_EQ(text("sparse_categorical_crossentropy", output, Tensor({4}), {}),
            "labels: expected i32, got f32");
  EXPECT_EQ(text("sparse_categorical_crossentropy", output, Tensor({4, 2}, Dtype::i32), {}),
            "labels: expected shape (4,), got (4, 2)");
  EXPECT_EQ(text("mse", Tensor({4}), Tensor({4}), {}),
            "output: expected (batch, ..., features), features from 1 up, got (4,)");
  EXPECT_EQ(text("mse", Tensor({4, 2}, Dtype::i32), Tensor({4, 2}), {}), "output: expected f32, got i32");
  const std::vector<float> weights(3, 1.0F);
  for (const char* name : {"mse", "categorical_crossentropy"}) {
    EXPECT_EQ(text(name, output, Tensor({4, 2}), {weights}),
              "sample weights: expected 4, one for each sample, got 3 with a mask of 0");
  }
  EXPECT_EQ(error_text([] { Huber({0.0}); }), "delta: expected a finite number above 0, got 0");
  EXPECT_EQ(error_text([] {
              BinaryCrossentropy({true, 1.5});
            }),
            "label_smoothing: expected from 0 to 1, got 1.5");
  EXPECT_EQ(error_text([] {
              CategoricalCrossentropy({true, NAN});
            }),
            "label_smoothing: expected from 0 to 1, got nan");
}

}  // namespace

}  // namespace recurra::test

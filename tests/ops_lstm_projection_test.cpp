/// lstm_projection and its cell: gradients, formats, clips, refusals.
#include <functional>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/ops/lstm_projection.h"
#include "tests/support/op_formats.h"
#include "tests/support/op_gradients.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

using namespace ops;
using autograd::Variable;

constexpr i64 steps = 4, batch = 3, features = 4, units = 5;

/// A small random call.
struct Problem {
  explicit Problem(i64 width = 3) {
    x = normal_tensor({steps, batch, features}, 1);
    weights.input_weights = normal_tensor({features, 4 * units}, 2, 0.5F);
    weights.recurrent_weights = normal_tensor({width, 4 * units}, 3, 0.5F);
    weights.biases = normal_tensor({4 * units}, 4, 0.5F);
    weights.peephole_weights = normal_tensor({3 * units}, 5, 0.5F);
    if (width != units) weights.projection = normal_tensor({units, width}, 6, 0.7F);
    c_last = normal_tensor({batch, units}, 7, 0.5F);
    y_last = normal_tensor({batch, width}, 8, 0.5F);
    config.forget_bias = 0.4F;
  }

  [[nodiscard]] LstmStart start() const {
    return {&c_last, &y_last, lengths.shape() == Shape{0} ? nullptr : &lengths};
  }

  [[nodiscard]] LstmProjectionOutputs run(const OpOptions& options = {}) const {
    return lstm_projection(x, weights, config, start(), options);
  }

  LstmProjectionConfig config;
  Tensor x, c_last, y_last, lengths;
  LstmProjectionWeights weights;
};

void expect_gradients(Problem& p) {
  const LstmProjectionOutputs y = p.run();
  const LstmProjectionOutputs seeds{normal_tensor(y.h.shape(), 10), normal_tensor(y.c.shape(), 11)};
  const LstmProjectionGradients d = lstm_projection_gradient(p.x, p.weights, p.config, p.start(), seeds);
  std::vector<std::pair<Tensor*, const Tensor*>> pairs = {
      {&p.x, &d.x},
      {&p.weights.input_weights, &d.weights.input_weights},
      {&p.weights.recurrent_weights, &d.weights.recurrent_weights},
      {&p.weights.biases, &d.weights.biases},
      {&p.weights.peephole_weights, &d.weights.peephole_weights},
      {&p.c_last, &d.c_last},
      {&p.y_last, &d.y_last}};
  if (p.weights.projection.shape() != Shape{0})
    pairs.emplace_back(&p.weights.projection, &d.weights.projection);
  expect_slopes(pairs, [&] {
    const LstmProjectionOutputs now = p.run();
    return weighted_sum(seeds.h, now.h) + weighted_sum(seeds.c, now.c);
  });
}

TEST(LstmProjection, gradients_are_the_slopes_in_every_format_with_and_without_projection) {
  for (const auto format : {SequenceFormat::tns, SequenceFormat::nst, SequenceFormat::nts}) {
    for (const i64 width : {3, 5}) {
      SCOPED_TRACE(name_of(format));
      Problem p(width);
      p.config.format = format;
      p.x = in_format(format, p.x);
      p.lengths = integers({batch}, {3, 4, 0});
      expect_gradients(p);
    }
  }
}

TEST(LstmProjection, gradients_are_the_slopes_with_both_clips) {
  Problem p;
  p.config.cell_clip = 1.1F;
  p.config.projection_clip = 0.4F;
  const LstmProjectionOutputs y = p.run();
  EXPECT_EQ(*std::max_element(y.h.data(), y.h.data() + y.h.size()), 0.4F);
  EXPECT_EQ(*std::max_element(y.c.data(), y.c.data() + y.c.size()), 1.1F);
  expect_gradients(p);
}

TEST(LstmProjection, is_its_cell_step_by_step_with_both_clips) {
  Problem p;
  p.config.cell_clip = 0.6F;
  p.config.projection_clip = 0.2F;
  const LstmProjectionOutputs whole = p.run();
  LstmProjectionOutputs y{p.y_last, p.c_last};
  for (i64 t = 0; t < steps; ++t) {
    Tensor x({batch, features});
    std::copy_n(p.x.data() + t * x.size(), x.size(), x.data());
    y = lstm_projection_cell(x, p.weights, p.config, {.c_last = &y.c, .y_last = &y.h});
    EXPECT_TRUE(std::equal(y.h.data(), y.h.data() + y.h.size(), whole.h.data() + t * y.h.size()));
    EXPECT_TRUE(std::equal(y.c.data(), y.c.data() + y.c.size(), whole.c.data() + t * y.c.size()));
  }
}

TEST(LstmProjection, runs_on_the_fast_path_whatever_is_asked_for) {
  for (const float clip : {0.0F, 0.3F}) {
    for (const bool peephole : {false, true}) {
      Problem p;
      p.config.projection_clip = p.config.cell_clip = clip;
      if (!peephole) p.weights.peephole_weights = Tensor();
      p.lengths = integers({batch}, {3, 4, 1});
      std::vector<Report> reports;
      const LstmProjectionOutputs y = p.run({.reports = &reports});
      ASSERT_EQ(reports.size(), 1U);
      EXPECT_EQ(reports[0].steps, 8);
      EXPECT_STREQ(reports[0].target, active_target().name);
    }
  }
}

TEST(LstmProjection, takes_variables) {
  Problem p;
  const auto leaf = [](const Tensor& tensor) {
    return Variable(tensor, true);
  };
  const Variable x = leaf(p.x), c_last = leaf(p.c_last), y_last = leaf(p.y_last);
  const LstmProjectionWeightsOf<Variable> w{leaf(p.weights.input_weights),
                                            leaf(p.weights.recurrent_weights),
                                            leaf(p.weights.biases),
                                            leaf(p.weights.peephole_weights),
                                            leaf(p.weights.projection)};
  const auto y = lstm_projection(x, w, p.config, {&c_last, &y_last});
  const LstmProjectionOutputs seeds{normal_tensor(y.h.shape(), 10), normal_tensor(y.c.shape(), 11)};
  const Variable outputs[] = {y.h, y.c};
  autograd::backward(outputs, {seeds.h, seeds.c});
  const LstmProjectionGradients d = lstm_projection_gradient(p.x, p.weights, p.config, p.start(), seeds);
  EXPECT_EQ(values_of(x.gradient()), values_of(d.x));
  EXPECT_EQ(values_of(w.projection.gradient()), values_of(d.weights.projection));
  EXPECT_EQ(values_of(w.recurrent_weights.gradient()), values_of(d.weights.recurrent_weights));
  EXPECT_EQ(values_of(y_last.gradient()), values_of(d.y_last));
  const Variable step = leaf(normal_tensor({batch, features}, 12));
  const auto one = lstm_projection_cell(step, w, p.config, {&c_last, &y_last}, {.name = "cell"});
  EXPECT_EQ(one.h.name(), "cell/h");
  const LstmProjectionOutputs expected = lstm_projection_cell(step.value(), p.weights, p.config, p.start());
  EXPECT_EQ(values_of(one.h.value()), values_of(expected.h));
  const LstmProjectionGradients cell =
      lstm_projection_cell_gradient(step.value(), p.weights, p.config, p.start(), {expected.h, {}});
  autograd::backward(std::span(&one.h, 1), {expected.h});
  EXPECT_EQ(values_of(step.gradient()), values_of(cell.x));
}

TEST(LstmProjectionRefusals, name_the_tensor) {
  const auto text = [](ErrorCode code, const std::function<void(Problem&)>& change) {
    Problem p;
    change(p);
    return error_text(code, [&] { p.run(); });
  };
  EXPECT_EQ(
      text(ErrorCode::shape,
           [](Problem& p) {
             p.weights.recurrent_weights = Tensor({5, 20});
           }),
      "lstm_projection.weights.recurrent_weights: expected shape (3, 20) = (width, 4 * units), got (5, 20)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Problem& p) {
                   p.weights.projection = Tensor({3, 5});
                 }),
            "lstm_projection.weights.projection: expected shape (5, 5) = (units, width), got (3, 5)");
  EXPECT_EQ(
      text(ErrorCode::shape, [](Problem& p) { p.weights.projection = Tensor(); }),
      "lstm_projection.weights.recurrent_weights: expected shape (5, 20) = (width, 4 * units), got (3, 20)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Problem& p) {
                   p.y_last = Tensor({3, 5});
                 }),
            "lstm_projection.y_last: expected shape (3, 3) = (batch, width), got (3, 5)");
  EXPECT_EQ(text(ErrorCode::invalid_argument, [](Problem& p) { p.config.projection_clip = -1; }),
            "lstm_projection.projection_clip: expected a finite number from 0 up, 0 for no clip, got -1");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [] {
                         Problem p(units);
                         p.config.projection_clip = 0.5F;
                         p.run();
                       }),
            "lstm_projection.projection_clip: expected 0 without a projection, got 0.5");
}

}  // namespace

}  // namespace recurra::test

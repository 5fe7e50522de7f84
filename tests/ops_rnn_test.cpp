/// rnn_layer, rnn_cell and bidirectional_rnn_layer: gradients, formats, lengths, refusals.
#include <functional>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/ops/bidirectional_rnn_layer.h"
#include "tests/support/op_formats.h"
#include "tests/support/op_gradients.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

using namespace ops;

constexpr i64 steps = 4, batch = 3, features = 4, units = 5, backward_units = 3;

RnnWeights random_weights(i64 width, std::uint64_t stream) {
  return {normal_tensor({features, width}, stream, 0.5F),
          normal_tensor({width, width}, stream + 1, 0.5F),
          normal_tensor({2 * width}, stream + 2, 0.5F)};
}

TEST(RnnLayer, gradients_are_the_slopes_in_every_format) {
  for (const auto format : {SequenceFormat::tns, SequenceFormat::nst, SequenceFormat::nts}) {
    SCOPED_TRACE(name_of(format));
    Tensor x = in_format(format, normal_tensor({steps, batch, features}, 1));
    RnnWeights weights = random_weights(units, 2);
    Tensor h_last = normal_tensor({batch, units}, 5, 0.5F);
    const Tensor lengths = integers({batch}, {3, 4, 0});
    const OutputStart start{&h_last, &lengths};
    std::vector<Report> reports;
    const Outputs y = rnn_layer(x, weights, format, start, {.reports = &reports});
    EXPECT_EQ(reports.at(0).steps, 7);
    EXPECT_STREQ(reports.at(0).target, active_target().name);
    EXPECT_EQ(y.h_last.data()[2 * units], h_last.data()[2 * units]) << "a row of length 0 ends as it began";
    const Outputs seeds{normal_tensor(y.h.shape(), 10), normal_tensor({batch, units}, 11)};
    const RnnGradients d = rnn_layer_gradient(x, weights, format, start, seeds);
    expect_slopes({{&x, &d.x},
                   {&h_last, &d.h_last},
                   {&weights.input_weights, &d.weights.input_weights},
                   {&weights.recurrent_weights, &d.weights.recurrent_weights},
                   {&weights.biases, &d.weights.biases}},
                  [&] {
                    const Outputs now = rnn_layer(x, weights, format, start);
                    return weighted_sum(seeds.h, now.h) + weighted_sum(seeds.h_last, now.h_last);
                  });
  }
}

TEST(RnnCell, is_one_step_with_gradients) {
  Tensor x = normal_tensor({batch, features}, 1);
  RnnWeights weights = random_weights(units, 2);
  Tensor h_last = normal_tensor({batch, units}, 5, 0.5F);
  Tensor step = x;
  step.reshape({1, batch, features});
  EXPECT_EQ(values_of(rnn_cell(x, h_last, weights)),
            values_of(rnn_layer(step, weights, SequenceFormat::tns, {&h_last}).h_last));
  const Tensor seed = normal_tensor({batch, units}, 10);
  const RnnGradients d = rnn_cell_gradient(x, h_last, weights, seed);
  expect_slopes({{&x, &d.x},
                 {&h_last, &d.h_last},
                 {&weights.input_weights, &d.weights.input_weights},
                 {&weights.biases, &d.weights.biases}},
                [&] { return weighted_sum(seed, rnn_cell(x, h_last, weights)); });
}

/// A small random call of both directions, of different widths.
struct Both {
  Tensor x = normal_tensor({steps, batch, features}, 1);
  BidirectionalRnnWeights weights{random_weights(units, 2), random_weights(backward_units, 5)};
  Tensor forward_h_last = normal_tensor({batch, units}, 8, 0.5F);
  Tensor backward_h_last = normal_tensor({batch, backward_units}, 9, 0.5F);
  Tensor lengths = integers({batch}, {3, 4, 1});
  BidirectionalRnnConfig config;

  [[nodiscard]] BidirectionalRnnStart start() const { return {&forward_h_last, &backward_h_last, &lengths}; }

  [[nodiscard]] BidirectionalRnnOutputs run(const OpOptions& options = {}) const {
    return bidirectional_rnn_layer(x, weights, config, start(), options);
  }
};

TEST(BidirectionalRnnLayer, gradients_are_the_slopes_in_every_format_and_merge) {
  for (const auto format : {SequenceFormat::tns, SequenceFormat::nst, SequenceFormat::nts}) {
    for (const auto merge : {RnnMerge::concat, RnnMerge::apart}) {
      SCOPED_TRACE(name_of(format));
      Both p;
      p.config = {format, merge};
      p.x = in_format(format, p.x);
      const BidirectionalRnnOutputs y = p.run();
      const BidirectionalRnnOutputs seeds{
          normal_tensor(y.h.shape(), 10),
          merge == RnnMerge::apart ? normal_tensor(y.backward_h.shape(), 11) : Tensor(),
          normal_tensor(y.forward_h_last.shape(), 12),
          normal_tensor(y.backward_h_last.shape(), 13)};
      const auto d = bidirectional_rnn_layer_gradient(p.x, p.weights, p.config, p.start(), seeds);
      expect_slopes({{&p.x, &d.x},
                     {&p.forward_h_last, &d.forward_h_last},
                     {&p.backward_h_last, &d.backward_h_last},
                     {&p.weights.forward.input_weights, &d.weights.forward.input_weights},
                     {&p.weights.forward.recurrent_weights, &d.weights.forward.recurrent_weights},
                     {&p.weights.forward.biases, &d.weights.forward.biases},
                     {&p.weights.backward.input_weights, &d.weights.backward.input_weights},
                     {&p.weights.backward.recurrent_weights, &d.weights.backward.recurrent_weights},
                     {&p.weights.backward.biases, &d.weights.backward.biases}},
                    [&] {
                      const BidirectionalRnnOutputs now = p.run();
                      return weighted_sum(seeds.h, now.h) + weighted_sum(seeds.backward_h, now.backward_h) +
                             weighted_sum(seeds.forward_h_last, now.forward_h_last) +
                             weighted_sum(seeds.backward_h_last, now.backward_h_last);
                    });
    }
  }
}

TEST(BidirectionalRnnLayer, puts_side_by_side_what_it_gives_apart) {
  Both p;
  std::vector<Report> reports;
  const BidirectionalRnnOutputs side = p.run({.reports = &reports});
  ASSERT_EQ(reports.size(), 2U);
  for (const Report& report : reports) EXPECT_EQ(report.steps, 8);
  p.config.merge = RnnMerge::apart;
  const BidirectionalRnnOutputs apart = p.run();
  constexpr i64 width = units + backward_units;
  EXPECT_EQ(side.h.shape(), (Shape{steps, batch, width}));
  for (i64 row = 0; row < steps * batch; ++row) {
    const float* both = side.h.data() + row * width;
    EXPECT_TRUE(std::equal(both, both + units, apart.h.data() + row * units));
    EXPECT_TRUE(std::equal(both + units, both + width, apart.backward_h.data() + row * backward_units));
  }
}

TEST(RnnLayerRefusals, name_the_tensor_and_its_direction) {
  const auto text = [](ErrorCode code, const std::function<void(Both&)>& change) {
    Both p;
    change(p);
    return error_text(code, [&] { p.run(); });
  };
  EXPECT_EQ(
      text(ErrorCode::shape,
           [](Both& p) {
             p.weights.backward.recurrent_weights = Tensor({5, 5});
           }),
      "bidirectional_rnn_layer.backward_weights.recurrent_weights: expected shape (3, 3) = (units, units), "
      "got (5, 5)");
  EXPECT_EQ(text(ErrorCode::shape, [](Both& p) { p.weights.forward.biases = Tensor({5}); }),
            "bidirectional_rnn_layer.forward_weights.biases: expected shape (10,) = (2 * units,), got (5,)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Both& p) {
                   p.backward_h_last = Tensor({3, 5});
                 }),
            "bidirectional_rnn_layer.backward_h_last: expected shape (3, 3) = (batch, units), got (3, 5)");
  EXPECT_EQ(text(ErrorCode::unsupported, [](Both& p) { p.config.merge = RnnMerge(2); }),
            "bidirectional_rnn_layer.merge \"2\": supported are concat, apart");
  EXPECT_EQ(text(ErrorCode::invalid_argument,
                 [](Both& p) {
                   p.lengths = integers({batch}, {3, 5, 1});
                 }),
            "bidirectional_rnn_layer.max_ts_length[1]: expected a whole number from 0 to 4, got 5");
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [] {
                         rnn_layer(Tensor({4, 3, 4}), {Tensor({3, 5}), Tensor({5, 5})});
                       }),
            "rnn_layer.weights.input_weights: expected shape (4, 5) = (features, units), got (3, 5)");
}

}  // namespace

}  // namespace recurra::test

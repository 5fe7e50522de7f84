/// lstm_block and lstm_cell: all seven outputs and their gradients, formats, lengths, refusals.
#include <array>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/ops/lstm_block.h"
#include "tests/support/op_formats.h"
#include "tests/support/op_gradients.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

using namespace ops;

constexpr i64 steps = 4, batch = 3, features = 4, units = 5;

/// A small random call.
struct Problem {
  explicit Problem(bool peephole = true) {
    configuration.peephole = peephole;
    configuration.forget_bias = 0.7F;
    x = normal_tensor({steps, batch, features}, 1);
    weights.weights = normal_tensor({features + units, 4 * units}, 2, 0.5F);
    weights.biases = normal_tensor({4 * units}, 3, 0.5F);
    if (peephole) {
      weights.input_peephole = normal_tensor({units}, 4, 0.5F);
      weights.forget_peephole = normal_tensor({units}, 5, 0.5F);
      weights.output_peephole = normal_tensor({units}, 6, 0.5F);
    }
    c_last = normal_tensor({batch, units}, 7, 0.5F);
    y_last = normal_tensor({batch, units}, 8, 0.5F);
  }

  [[nodiscard]] LstmStart start() const {
    return {&c_last, &y_last, length.shape() == Shape{0} ? nullptr : &length};
  }

  [[nodiscard]] LstmBlockOutputs run(const OpOptions& options = {}) const {
    return lstm_block(x, weights, configuration, start(), options);
  }

  LstmConfiguration configuration;
  Tensor x, c_last, y_last, length;
  LstmWeights weights;
};

using All = std::array<const Tensor*, 7>;

All all_of(const LstmBlockOutputs& y) {
  return {&y.i, &y.c, &y.f, &y.o, &y.z, &y.h, &y.y};
}

LstmBlockOutputs random_seeds(const Shape& shape) {
  return {normal_tensor(shape, 11),
          normal_tensor(shape, 12),
          normal_tensor(shape, 13),
          normal_tensor(shape, 14),
          normal_tensor(shape, 15),
          normal_tensor(shape, 16),
          normal_tensor(shape, 17)};
}

double loss_of(const LstmBlockOutputs& seeds, const LstmBlockOutputs& y) {
  double sum = 0;
  for (std::size_t k = 0; k < 7; ++k) sum += weighted_sum(*all_of(seeds)[k], *all_of(y)[k]);
  return sum;
}

void expect_gradients(Problem& p,
                      const LstmBlockOutputs& seeds,
                      const LstmBlockGradients& d,
                      const std::function<LstmBlockOutputs()>& run) {
  std::vector<std::pair<Tensor*, const Tensor*>> pairs = {{&p.x, &d.x},
                                                          {&p.weights.weights, &d.weights.weights},
                                                          {&p.weights.biases, &d.weights.biases},
                                                          {&p.c_last, &d.c_last},
                                                          {&p.y_last, &d.y_last}};
  if (p.configuration.peephole) {
    pairs.emplace_back(&p.weights.input_peephole, &d.weights.input_peephole);
    pairs.emplace_back(&p.weights.forget_peephole, &d.weights.forget_peephole);
    pairs.emplace_back(&p.weights.output_peephole, &d.weights.output_peephole);
  }
  expect_slopes(pairs, [&] { return loss_of(seeds, run()); });
}

void expect_gradients(Problem& p, const LstmBlockOutputs& seeds) {
  expect_gradients(p, seeds, lstm_block_gradient(p.x, p.weights, p.configuration, p.start(), seeds), [&] {
    return p.run();
  });
}

TEST(LstmBlock, gradients_of_all_outputs_are_the_slopes_in_every_format) {
  for (const auto format : {SequenceFormat::tns, SequenceFormat::nst, SequenceFormat::nts}) {
    for (const bool peephole : {false, true}) {
      SCOPED_TRACE(name_of(format));
      Problem p(peephole);
      p.configuration.format = format;
      p.x = in_format(format, p.x);
      expect_gradients(p, random_seeds(p.run().y.shape()));
    }
  }
}

TEST(LstmBlock, gradients_of_each_output_alone_are_the_slopes) {
  for (std::size_t k = 0; k < 7; ++k) {
    SCOPED_TRACE(k);
    Problem p;
    LstmBlockOutputs seeds;
    *const_cast<Tensor*>(all_of(seeds)[k]) = normal_tensor({steps, batch, units}, 20);
    expect_gradients(p, seeds);
  }
}

TEST(LstmBlock, gradients_are_the_slopes_with_a_clip_a_length_and_without_gates) {
  Problem p;
  p.configuration.clipping_cell_value = 0.4F;
  p.length = integers({1}, {3});
  expect_gradients(p, random_seeds({steps, batch, units}));
  p.configuration.return_gates = false;
  const LstmBlockOutputs y = p.run();
  EXPECT_EQ(y.i.size() + y.f.size() + y.o.size() + y.z.size() + y.h.size(), 0);
  LstmBlockOutputs seeds;
  seeds.c = normal_tensor({steps, batch, units}, 20);
  seeds.y = normal_tensor({steps, batch, units}, 21);
  expect_gradients(p, seeds);
}

TEST(LstmBlock, formats_give_the_same_numbers) {
  Problem p;
  const LstmBlockOutputs tns = p.run();
  const Tensor x = p.x;
  for (const auto format : {SequenceFormat::nst, SequenceFormat::nts}) {
    p.configuration.format = format;
    p.x = in_format(format, x);
    const LstmBlockOutputs y = p.run();
    for (std::size_t k = 0; k < 7; ++k)
      EXPECT_EQ(values_of(*all_of(y)[k]), values_of(in_format(format, *all_of(tns)[k])));
  }
}

TEST(LstmBlock, runs_on_the_fast_path_whatever_is_asked_for) {
  for (const bool peephole : {false, true}) {
    for (const bool gates : {false, true}) {
      for (const float clip : {0.0F, 0.5F}) {
        Problem p(peephole);
        p.configuration.return_gates = gates;
        p.configuration.clipping_cell_value = clip;
        p.length = integers({1}, {3});
        std::vector<Report> reports;
        const LstmBlockOutputs y = p.run({.reports = &reports});
        ASSERT_EQ(reports.size(), 1U);
        EXPECT_EQ(reports[0].steps, 9);
        EXPECT_STREQ(reports[0].target, active_target().name);
      }
    }
  }
}

TEST(LstmBlock, outputs_are_zeros_from_the_length_on) {
  Problem p;
  const LstmBlockOutputs whole = p.run();
  p.length = floats({}, {2});
  const LstmBlockOutputs y = p.run();
  for (std::size_t k = 0; k < 7; ++k) {
    const Tensor& output = *all_of(y)[k];
    EXPECT_TRUE(std::equal(output.data(), output.data() + 2 * batch * units, all_of(whole)[k]->data()));
    EXPECT_EQ(std::vector<float>(output.data() + 2 * batch * units, output.data() + output.size()),
              std::vector<float>(2 * batch * units));
  }
  p.configuration.ignore_max_ts_length = true;
  EXPECT_EQ(values_of(p.run().y), values_of(whole.y));
  p.length = integers({1}, {0});
  p.configuration.ignore_max_ts_length = false;
  EXPECT_EQ(values_of(p.run().y), std::vector<float>(steps * batch * units));
}

TEST(LstmBlock, a_forget_bias_is_one_of_the_biases) {
  Problem p;
  const LstmBlockOutputs y = p.run();
  for (i64 u = 0; u < units; ++u) p.weights.biases.data()[2 * units + u] += p.configuration.forget_bias;
  p.configuration.forget_bias = 0;
  EXPECT_EQ(values_of(p.run().y), values_of(y.y));
  p.weights.biases = Tensor();
  const LstmBlockOutputs none = p.run();
  p.weights.biases = Tensor({4 * units});
  EXPECT_EQ(values_of(p.run().y), values_of(none.y));
}

TEST(LstmCell, is_one_step_of_the_block) {
  Problem p;
  p.x = normal_tensor({1, batch, features}, 30);
  const LstmBlockOutputs block = p.run();
  p.x.reshape({batch, features});
  const auto run = [&] {
    return lstm_cell(p.x, p.weights, p.configuration, p.start());
  };
  const LstmBlockOutputs y = run();
  for (std::size_t k = 0; k < 7; ++k) {
    EXPECT_EQ(all_of(y)[k]->shape(), (Shape{batch, units}));
    EXPECT_EQ(values_of(*all_of(y)[k]), values_of(*all_of(block)[k]));
  }
  const LstmBlockOutputs seeds = random_seeds({batch, units});
  expect_gradients(p, seeds, lstm_cell_gradient(p.x, p.weights, p.configuration, p.start(), seeds), run);
}

std::string refusal(ErrorCode code, const std::function<void(Problem&)>& change) {
  Problem p;
  change(p);
  return error_text(code, [&] { p.run(); });
}

TEST(LstmBlockRefusals, of_shapes) {
  const auto text = [](const std::function<void(Problem&)>& change) {
    return refusal(ErrorCode::shape, change);
  };
  EXPECT_EQ(text([](Problem& p) {
              p.x = Tensor({3, 4});
            }),
            "lstm_block.x: expected shape (steps, batch, features), got (3, 4)");
  EXPECT_EQ(text([](Problem& p) {
              p.weights.weights = Tensor({9, 18});
            }),
            "lstm_block.weights.weights: expected a last extent of 4 * units, got (9, 18)");
  EXPECT_EQ(
      text([](Problem& p) {
        p.weights.weights = Tensor({5, 20});
      }),
      "lstm_block.weights.weights: expected shape (9, 20) = (features + units, 4 * units), got (5, 20)");
  EXPECT_EQ(text([](Problem& p) { p.weights.biases = Tensor({5}); }),
            "lstm_block.weights.biases: expected shape (20,) = (4 * units,), got (5,)");
  EXPECT_EQ(text([](Problem& p) { p.weights.forget_peephole = Tensor({4}); }),
            "lstm_block.weights.forget_peephole: expected shape (5,) = (units,), got (4,)");
  EXPECT_EQ(text([](Problem& p) {
              p.c_last = Tensor({2, 5});
            }),
            "lstm_block.c_last: expected shape (3, 5) = (batch, units), got (2, 5)");
  EXPECT_EQ(text([](Problem& p) {
              p.y_last = Tensor({3, 4});
            }),
            "lstm_block.y_last: expected shape (3, 5) = (batch, units), got (3, 4)");
  EXPECT_EQ(text([](Problem& p) { p.length = Tensor({3}); }),
            "lstm_block.max_ts_length: expected one number, got (3,)");
}

TEST(LstmBlockRefusals, of_values) {
  const auto text = [](const std::function<void(Problem&)>& change) {
    return refusal(ErrorCode::invalid_argument, change);
  };
  EXPECT_EQ(text([](Problem& p) { p.weights.weights = Tensor(); }),
            "lstm_block.weights.weights: expected a tensor, got none");
  EXPECT_EQ(text([](Problem& p) { p.weights.output_peephole = Tensor(); }),
            "lstm_block.weights.output_peephole: expected a tensor, got none");
  EXPECT_EQ(
      text([](Problem& p) { p.configuration.peephole = false; }),
      "lstm_block.weights.input_peephole: expected none where the configuration has no peephole, got (5,)");
  EXPECT_EQ(text([](Problem& p) { p.configuration.clipping_cell_value = -1; }),
            "lstm_block.clipping_cell_value: expected a finite number from 0 up, 0 for no clip, got -1");
  EXPECT_EQ(text([](Problem& p) { p.configuration.forget_bias = std::numeric_limits<float>::infinity(); }),
            "lstm_block.forget_bias: expected a finite number, got inf");
  EXPECT_EQ(text([](Problem& p) { p.length = integers({1}, {5}); }),
            "lstm_block.max_ts_length[0]: expected a whole number from 0 to 4, got 5");
  EXPECT_EQ(
      refusal(ErrorCode::unsupported, [](Problem& p) { p.configuration.format = SequenceFormat::t2ns; }),
      "lstm_block.format \"T2NS\": supported are TNS, NST, NTS");
}

TEST(LstmBlockRefusals, of_more_than_a_step_by_the_cell) {
  Problem p;
  const auto text = [&](ErrorCode code) {
    return error_text(code, [&] { lstm_cell(p.x, p.weights, p.configuration, p.start()); });
  };
  EXPECT_EQ(text(ErrorCode::shape), "lstm_cell.x: expected shape (batch, features), got (4, 3, 4)");
  p.x = Tensor({batch, features});
  p.length = Tensor({1});
  EXPECT_EQ(text(ErrorCode::unsupported),
            "lstm_cell.max_ts_length \"a tensor\": supported are none for one step");
  p.configuration.format = SequenceFormat::nts;
  EXPECT_EQ(text(ErrorCode::unsupported), "lstm_cell.format \"NTS\": supported are TNS for one step");
}

}  // namespace

}  // namespace recurra::test

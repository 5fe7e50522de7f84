/// lstm_layer: every option gives what it says, on the fast paths, with right gradients.
#include <limits>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/ops/lstm_layer_cell.h"
#include "tests/support/lstm_layer_problem.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using namespace ops;
using enum DirectionMode;
using Problem = LstmLayerProblem;

constexpr DirectionMode all_modes[] = {fwd, bwd, bidir_sum, bidir_concat, bidir_extra_dim};

void expect_gradients(Problem& p, double kink = 0.01) {
  const LstmLayerOutputs seeds = p.random_seeds();
  const LstmLayerGradients d = lstm_layer_gradient(p.x, p.weights, p.config, p.start(), seeds);
  std::vector<std::pair<Tensor*, const Tensor*>> pairs = {
      {&p.x, &d.x},
      {&p.weights.input_weights, &d.weights.input_weights},
      {&p.weights.recurrent_weights, &d.weights.recurrent_weights},
      {&p.weights.biases, &d.weights.biases},
      {&p.c_last, &d.c_last},
      {&p.y_last, &d.y_last}};
  if (p.weights.peephole_weights.shape() != Shape{0})
    pairs.emplace_back(&p.weights.peephole_weights, &d.weights.peephole_weights);
  expect_slopes(
      pairs,
      [&] {
        const LstmLayerOutputs y = p.run();
        return weighted_sum(seeds.h, y.h) + weighted_sum(seeds.h_last, y.h_last) +
               weighted_sum(seeds.c_last, y.c_last);
      },
      kink);
}

/// Every row and step that counts went through the kernels of the target, in every direction.
void expect_fast_path(const Problem& p, i64 steps_of_a_direction) {
  std::vector<Report> reports;
  const LstmLayerOutputs y = p.run({.reports = &reports});
  ASSERT_EQ(reports.size(), p.config.direction >= bidir_sum ? 2U : 1U);
  for (const Report& report : reports) {
    EXPECT_EQ(report.steps, steps_of_a_direction);
    EXPECT_STREQ(report.target, active_target().name);
  }
}

TEST(LstmLayer, gradients_are_the_slopes_in_every_direction_and_format) {
  for (const DirectionMode mode : all_modes) {
    for (const auto format : {SequenceFormat::tns, SequenceFormat::nst, SequenceFormat::nts}) {
      if (mode == bidir_extra_dim && format != SequenceFormat::tns) continue;
      SCOPED_TRACE(std::string(name_of(format)) + " " + std::to_string(int(mode)));
      Problem p(mode, mode != bwd);
      p.config.format = format;
      p.x = in_format(format, p.x);
      p.lengths = integers({3}, {3, 5, 0});
      expect_gradients(p);
      expect_fast_path(p, 8);
    }
  }
}

TEST(LstmLayer, gradients_are_the_slopes_with_a_clip) {
  Problem p(bidir_sum, true);
  p.config.cell_clip = 0.31F;
  const LstmLayerOutputs y = p.run();
  EXPECT_FLOAT_EQ(*std::max_element(y.c_last.data(), y.c_last.data() + y.c_last.size()), 0.31F);
  expect_gradients(p);
  expect_fast_path(p, 15);
}

TEST(LstmLayer, gradients_are_the_slopes_without_what_may_be_left_out) {
  Problem p(fwd);
  p.config.return_sequence = false;
  const LstmLayerOutputs seeds{{}, normal_tensor({3, 5}, 1), {}};
  p.weights.biases = Tensor();
  const LstmLayerGradients d = lstm_layer_gradient(p.x, p.weights, p.config, {}, seeds);
  EXPECT_EQ(d.weights.biases.size() + d.weights.peephole_weights.size() + d.c_last.size() + d.y_last.size(),
            0);
  expect_slopes({{&p.x, &d.x}, {&p.weights.recurrent_weights, &d.weights.recurrent_weights}},
                [&] { return weighted_sum(seeds.h_last, lstm_layer(p.x, p.weights, p.config).h_last); });
}

TEST(LstmLayer, every_activation_runs_on_the_fast_path_with_gradients) {
  for (int kind = 0; kind <= int(RnnActivation::softplus); ++kind) {
    SCOPED_TRACE(kind);
    Problem p(fwd, true);
    p.config.gate_activation = p.config.cell_activation = p.config.out_activation = RnnActivation(kind);
    if (p.config.gate_activation == RnnActivation::affine ||
        p.config.gate_activation == RnnActivation::scaled_tanh) {
      p.config.gate_alpha = p.config.cell_alpha = p.config.out_alpha = 0.6F;
      p.config.gate_beta = p.config.cell_beta = p.config.out_beta = 0.4F;
    }
    // Unbounded gates grow with every step. A kink of one gate is a small part of the loss's slope.
    p.x = normal_tensor({2, 3, Problem::features}, 20, 0.5F);
    expect_fast_path(p, 6);
    expect_gradients(p, 1e-3);
  }
}

TEST(LstmLayer, formats_give_the_same_numbers) {
  for (const DirectionMode mode : {fwd, bwd, bidir_sum, bidir_concat}) {
    Problem p(mode, true);
    p.lengths = integers({3}, {3, 5, 1});
    const LstmLayerOutputs tns = p.run();
    const Tensor x = p.x;
    for (const auto format : {SequenceFormat::nst, SequenceFormat::nts}) {
      p.config.format = format;
      p.x = in_format(format, x);
      const LstmLayerOutputs y = p.run();
      EXPECT_EQ(y.h.shape(), in_format(format, tns.h).shape());
      EXPECT_EQ(values_of(y.h), values_of(in_format(format, tns.h)));
      EXPECT_EQ(values_of(y.h_last), values_of(tns.h_last));
      EXPECT_EQ(values_of(y.c_last), values_of(tns.c_last));
    }
  }
}

TEST(LstmLayer, formats_transpose_whole_tiles_and_their_rests) {
  Problem p(fwd);
  p.x = normal_tensor({37, 2, 21}, 1);
  p.weights.input_weights = normal_tensor({21, 20}, 2, 0.3F);
  p.c_last = p.y_last = Tensor({2, 5});
  const Tensor tns = p.run().h;
  p.x = in_format(p.config.format = SequenceFormat::nst, p.x);
  EXPECT_EQ(values_of(p.run().h), values_of(in_format(SequenceFormat::nst, tns)));
}

TEST(LstmLayer, directions_are_those_of_one_each) {
  Problem both(bidir_extra_dim, true);
  const LstmLayerOutputs y = both.run();
  both.config.format = SequenceFormat::t2ns;
  EXPECT_EQ(values_of(both.run().h), values_of(y.h));
  EXPECT_EQ(y.h.shape(), (Shape{5, 2, 3, 5}));
  const auto part = [](const Tensor& all, Shape shape, i64 direction) {
    Tensor one(std::move(shape));
    std::copy_n(all.data() + direction * one.size(), one.size(), one.data());
    return one;
  };
  for (const i64 d : {0, 1}) {
    Problem p(d == 0 ? fwd : bwd, true);
    p.weights = {part(both.weights.input_weights, {4, 20}, d),
                 part(both.weights.recurrent_weights, {5, 20}, d),
                 part(both.weights.biases, {20}, d),
                 part(both.weights.peephole_weights, {15}, d)};
    p.c_last = part(both.c_last, {3, 5}, d);
    p.y_last = part(both.y_last, {3, 5}, d);
    const LstmLayerOutputs one = p.run();
    EXPECT_EQ(values_of(one.h_last), values_of(part(y.h_last, {3, 5}, d)));
    for (i64 t = 0; t < 5; ++t) {
      EXPECT_TRUE(
          std::equal(one.h.data() + t * 15, one.h.data() + t * 15 + 15, y.h.data() + (2 * t + d) * 15));
    }
  }
}

TEST(LstmLayer, gives_what_is_asked_for_alone) {
  for (int asked = 1; asked < 8; ++asked) {
    Problem p(bidir_concat);
    p.config.return_sequence = (asked & 1) != 0;
    p.config.return_last_h = (asked & 2) != 0;
    p.config.return_last_c = (asked & 4) != 0;
    const LstmLayerOutputs y = p.run();
    EXPECT_EQ(y.h.size() > 0, p.config.return_sequence);
    EXPECT_EQ(y.h_last.size() > 0, p.config.return_last_h);
    EXPECT_EQ(y.c_last.size() > 0, p.config.return_last_c);
    expect_fast_path(p, 15);
  }
}

TEST(LstmLayer, rows_end_at_their_lengths) {
  Problem p(fwd);
  p.lengths = floats({3}, {2, 5, 0});
  const LstmLayerOutputs y = p.run();
  const auto output = [&](i64 step, i64 row) {
    return y.h.data()[(step * 3 + row) * 5];
  };
  EXPECT_EQ(output(1, 0), y.h_last.data()[0]);
  EXPECT_EQ(output(2, 0), 0);
  EXPECT_EQ(output(4, 1), y.h_last.data()[5]);
  EXPECT_EQ(output(0, 2), 0);
  EXPECT_EQ(y.h_last.data()[10], p.y_last.data()[10]) << "a row of length 0 ends as it began";
  EXPECT_EQ(y.c_last.data()[10], p.c_last.data()[10]);
  p.config.zero_states_of_empty_rows = true;
  const LstmLayerOutputs zeroed = p.run();
  EXPECT_EQ(zeroed.h_last.data()[10], 0);
  EXPECT_EQ(zeroed.c_last.data()[10], 0);
  EXPECT_EQ(zeroed.h_last.data()[5], y.h_last.data()[5]);
  expect_gradients(p);
  p.lengths = integers({3}, {5, 5, 5});
  const LstmLayerOutputs full = p.run();
  p.lengths = Tensor();
  EXPECT_EQ(values_of(full.h), values_of(p.run().h));
}

TEST(LstmLayer, a_backward_row_begins_at_its_length_or_right_aligned_at_the_end) {
  Problem p(bwd);
  p.lengths = integers({3}, {2, 5, 1});
  const LstmLayerOutputs left = p.run();
  EXPECT_EQ(left.h.data()[0], left.h_last.data()[0]) << "step 0 is the last";
  EXPECT_EQ(left.h.data()[4 * 15], 0);
  p.config.right_aligned_bwd = true;
  const LstmLayerOutputs right = p.run();
  EXPECT_EQ(right.h.data()[3 * 15], right.h_last.data()[0]) << "step 3 is the last of two";
  EXPECT_EQ(right.h.data()[2 * 15], 0);
  EXPECT_NE(right.h.data()[4 * 15], 0);
  expect_gradients(p);
  expect_fast_path(p, 8);
}

TEST(LstmLayer, no_steps_and_no_rows_are_legal) {
  Problem p(bidir_sum);
  p.x = Tensor({0, 3, 4});
  const LstmLayerOutputs y = p.run();
  EXPECT_EQ(y.h.shape(), (Shape{0, 3, 5}));
  EXPECT_EQ(values_of(y.h_last), values_of(p.y_last));
  p.x = Tensor({5, 0, 4});
  p.c_last = p.y_last = Tensor({2, 0, 5});
  EXPECT_EQ(p.run().h_last.shape(), (Shape{2, 0, 5}));
}

TEST(LstmLayerCell, is_one_step_of_the_layer) {
  Problem p(fwd, true);
  p.config.cell_clip = 0.5F;
  p.x = normal_tensor({1, 3, 4}, 30);
  const LstmLayerOutputs layer = p.run();
  p.x.reshape({3, 4});
  const LstmLayerCellOutputs cell = lstm_layer_cell(p.x, p.weights, p.config, p.start());
  EXPECT_EQ(values_of(cell.h), values_of(layer.h_last));
  EXPECT_EQ(values_of(cell.c), values_of(layer.c_last));
  const LstmLayerCellOutputs seeds{normal_tensor({3, 5}, 1), normal_tensor({3, 5}, 2)};
  const LstmLayerGradients d = lstm_layer_cell_gradient(p.x, p.weights, p.config, p.start(), seeds);
  expect_slopes({{&p.x, &d.x},
                 {&p.weights.input_weights, &d.weights.input_weights},
                 {&p.weights.peephole_weights, &d.weights.peephole_weights},
                 {&p.c_last, &d.c_last},
                 {&p.y_last, &d.y_last}},
                [&] {
                  const auto y = lstm_layer_cell(p.x, p.weights, p.config, p.start());
                  return weighted_sum(seeds.h, y.h) + weighted_sum(seeds.c, y.c);
                });
}

TEST(LstmLayerCell, takes_a_row_without_a_batch) {
  Problem p(fwd);
  p.x = normal_tensor({4}, 30);
  p.c_last = p.y_last = normal_tensor({5}, 31);
  const LstmLayerCellOutputs y = lstm_layer_cell(p.x, p.weights, {}, p.start());
  EXPECT_EQ(y.h.shape(), (Shape{5}));
  EXPECT_EQ(lstm_layer_cell_gradient(p.x, p.weights, {}, p.start(), {y.h, {}}).x.shape(), (Shape{4}));
}

}  // namespace

}  // namespace recurra::test

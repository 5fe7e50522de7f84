/// gru and gru_layer: outputs, gradients, formats, biases, lengths, refusals.
#include <functional>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/ops/gru.h"
#include "recurra/ops/gru_layer.h"
#include "tests/support/op_formats.h"
#include "tests/support/op_gradients.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

using namespace ops;

constexpr i64 steps = 4, batch = 3, features = 4, units = 5;

/// A small random call of gru.
struct Cell {
  Tensor x = normal_tensor({batch, features}, 1);
  Tensor h_last = normal_tensor({batch, units}, 2, 0.5F);
  GruWeights weights{normal_tensor({features + units, 2 * units}, 3, 0.5F),
                     normal_tensor({features + units, units}, 4, 0.5F),
                     normal_tensor({2 * units}, 5, 0.5F),
                     normal_tensor({units}, 6, 0.5F)};

  [[nodiscard]] GruOutputs run(const OpOptions& options = {}) const {
    return gru(x, h_last, weights, options);
  }
};

/// A small random call of gru_layer.
struct Layer {
  explicit Layer(ResetMode reset) { config.reset = reset; }

  Tensor x = normal_tensor({steps, batch, features}, 1);
  Tensor h_last = normal_tensor({batch, units}, 2, 0.5F);
  Tensor lengths;
  GruLayerConfig config;
  GruLayerWeights weights{normal_tensor({features, 3 * units}, 3, 0.5F),
                          normal_tensor({units, 3 * units}, 4, 0.5F),
                          normal_tensor({3 * units}, 5, 0.5F),
                          normal_tensor({3 * units}, 6, 0.5F)};

  [[nodiscard]] OutputStart start() const {
    return {&h_last, lengths.shape() == Shape{0} ? nullptr : &lengths};
  }

  [[nodiscard]] Outputs run(const OpOptions& options = {}) const {
    return gru_layer(x, weights, config, start(), options);
  }
};

TEST(Gru, gradients_of_all_outputs_are_the_slopes) {
  Cell p;
  const Shape shape{batch, units};
  const Tensor seed = normal_tensor(shape, 10);
  const GruOutputs all{
      normal_tensor(shape, 11), normal_tensor(shape, 12), normal_tensor(shape, 13), normal_tensor(shape, 14)};
  for (const GruOutputs& seeds :
       {all, {seed, {}, {}, {}}, {{}, seed, {}, {}}, {{}, {}, seed, {}}, {{}, {}, {}, seed}}) {
    const GruGradients d = gru_gradient(p.x, p.h_last, p.weights, seeds);
    expect_slopes({{&p.x, &d.x},
                   {&p.h_last, &d.h_last},
                   {&p.weights.ru_weights, &d.weights.ru_weights},
                   {&p.weights.c_weights, &d.weights.c_weights},
                   {&p.weights.ru_biases, &d.weights.ru_biases},
                   {&p.weights.c_biases, &d.weights.c_biases}},
                  [&] {
                    const GruOutputs y = p.run();
                    return weighted_sum(seeds.r, y.r) + weighted_sum(seeds.u, y.u) +
                           weighted_sum(seeds.c, y.c) + weighted_sum(seeds.h, y.h);
                  });
  }
}

TEST(Gru, biases_left_out_are_zeros) {
  Cell p;
  p.weights.ru_biases = Tensor({2 * units});
  const GruOutputs zeros = p.run();
  p.weights.ru_biases = Tensor();
  EXPECT_EQ(values_of(p.run().h), values_of(zeros.h));
  p.weights.c_biases = Tensor({units});
  const GruOutputs both = p.run();
  p.weights.c_biases = Tensor();
  EXPECT_EQ(values_of(p.run().h), values_of(both.h));
  const GruGradients d = gru_gradient(p.x, p.h_last, p.weights, {{}, {}, {}, both.h});
  EXPECT_EQ(d.weights.ru_biases.size() + d.weights.c_biases.size(), 0);
}

TEST(Gru, runs_on_the_fast_path) {
  std::vector<Report> reports;
  const GruOutputs y = Cell().run({.reports = &reports});
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].steps, batch);
  EXPECT_STREQ(reports[0].target, active_target().name);
}

TEST(GruLayer, gradients_are_the_slopes_in_both_modes_and_every_format) {
  for (const auto reset : {ResetMode::after, ResetMode::before}) {
    for (const auto format : {SequenceFormat::tns, SequenceFormat::nst, SequenceFormat::nts}) {
      SCOPED_TRACE(name_of(format));
      Layer p(reset);
      p.config.format = format;
      p.x = in_format(format, p.x);
      p.lengths = integers({batch}, {3, 4, 0});
      const Outputs seeds{normal_tensor(p.run().h.shape(), 10), normal_tensor({batch, units}, 11)};
      const GruLayerGradients d = gru_layer_gradient(p.x, p.weights, p.config, p.start(), seeds);
      expect_slopes({{&p.x, &d.x},
                     {&p.h_last, &d.h_last},
                     {&p.weights.input_weights, &d.weights.input_weights},
                     {&p.weights.recurrent_weights, &d.weights.recurrent_weights},
                     {&p.weights.biases, &d.weights.biases},
                     {&p.weights.recurrent_biases, &d.weights.recurrent_biases}},
                    [&] {
                      const Outputs y = p.run();
                      return weighted_sum(seeds.h, y.h) + weighted_sum(seeds.h_last, y.h_last);
                    });
      std::vector<Report> reports;
      const Outputs y = p.run({.reports = &reports});
      ASSERT_EQ(reports.size(), 1U);
      EXPECT_EQ(reports[0].steps, 7);
      EXPECT_STREQ(reports[0].target, active_target().name);
    }
  }
}

TEST(GruLayer, formats_give_the_same_numbers) {
  Layer p(ResetMode::after);
  const Outputs tns = p.run();
  const Tensor x = p.x;
  for (const auto format : {SequenceFormat::nst, SequenceFormat::nts}) {
    p.config.format = format;
    p.x = in_format(format, x);
    EXPECT_EQ(values_of(p.run().h), values_of(in_format(format, tns.h)));
  }
}

TEST(GruLayer, before_is_gru_step_by_step) {
  Layer p(ResetMode::before);
  p.weights.recurrent_biases = Tensor();
  const Outputs y = p.run();
  Cell cell;
  const auto copy = [](const Tensor& from, i64 column, i64 width, Tensor& to, i64 first_row, i64 to_column) {
    for (i64 row = 0; row < from.shape()[0]; ++row) {
      for (i64 k = 0; k < width; ++k)
        to.data()[(first_row + row) * to.shape().back() + to_column + k] =
            from.data()[row * from.shape().back() + column + k];
    }
  };
  for (const auto& [from, row] :
       {std::pair{&p.weights.input_weights, i64{0}}, {&p.weights.recurrent_weights, features}}) {
    copy(*from, 0, 2 * units, cell.weights.ru_weights, row, 0);
    copy(*from, 2 * units, units, cell.weights.c_weights, row, 0);
  }
  std::copy_n(p.weights.biases.data(), 2 * units, cell.weights.ru_biases.data());
  std::copy_n(p.weights.biases.data() + 2 * units, units, cell.weights.c_biases.data());
  cell.h_last = p.h_last;
  for (i64 t = 0; t < steps; ++t) {
    std::copy_n(p.x.data() + t * batch * features, batch * features, cell.x.data());
    cell.h_last = cell.run().h;
  }
  EXPECT_EQ(values_of(cell.h_last), values_of(y.h_last));
}

TEST(GruLayer, a_recurrent_bias_of_the_candidate_stands_inside_the_reset_gate) {
  for (const auto reset : {ResetMode::after, ResetMode::before}) {
    Layer p(reset);
    const Outputs two = p.run();
    for (i64 k = 0; k < 3 * units; ++k) p.weights.biases.data()[k] += p.weights.recurrent_biases.data()[k];
    p.weights.recurrent_biases = Tensor();
    const Outputs one = p.run();
    const double difference = std::abs(one.h_last.data()[0] - two.h_last.data()[0]);
    if (reset == ResetMode::after)
      EXPECT_GT(difference, 1e-4);
    else
      EXPECT_LT(difference, 1e-6);
  }
  Layer p(ResetMode::after);
  p.weights.biases = Tensor();
  const Outputs none = p.run();
  p.weights.biases = Tensor({3 * units});
  EXPECT_EQ(values_of(p.run().h), values_of(none.h));
}

TEST(GruRefusals, name_the_tensor) {
  const auto text = [](ErrorCode code, const std::function<void(Cell&)>& change) {
    Cell p;
    change(p);
    return error_text(code, [&] { p.run(); });
  };
  EXPECT_EQ(text(ErrorCode::shape, [](Cell& p) { p.x = Tensor({4}); }),
            "gru.x: expected shape (batch, features), got (4,)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Cell& p) {
                   p.weights.ru_weights = Tensor({9, 5});
                 }),
            "gru.weights.ru_weights: expected shape (9, 10) = (features + units, 2 * units), got (9, 5)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Cell& p) {
                   p.weights.c_weights = Tensor({4, 5});
                 }),
            "gru.weights.c_weights: expected shape (9, 5) = (features + units, units), got (4, 5)");
  EXPECT_EQ(text(ErrorCode::shape, [](Cell& p) { p.weights.ru_biases = Tensor({5}); }),
            "gru.weights.ru_biases: expected shape (10,) = (2 * units,), got (5,)");
  EXPECT_EQ(text(ErrorCode::shape, [](Cell& p) { p.weights.c_biases = Tensor({10}); }),
            "gru.weights.c_biases: expected shape (5,) = (units,), got (10,)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Cell& p) {
                   p.h_last = Tensor({2, 5});
                 }),
            "gru.h_last: expected shape (3, 5) = (batch, units), got (2, 5)");
  EXPECT_EQ(text(ErrorCode::invalid_argument, [](Cell& p) { p.weights.c_weights = Tensor(); }),
            "gru.weights.c_weights: expected a tensor, got none");
}

TEST(GruLayerRefusals, name_the_tensor) {
  const auto text = [](ErrorCode code, const std::function<void(Layer&)>& change) {
    Layer p(ResetMode::after);
    change(p);
    return error_text(code, [&] { p.run(); });
  };
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Layer& p) {
                   p.weights.input_weights = Tensor({4, 16});
                 }),
            "gru_layer.weights.input_weights: expected a last extent of 3 * units, got (4, 16)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Layer& p) {
                   p.weights.recurrent_weights = Tensor({4, 15});
                 }),
            "gru_layer.weights.recurrent_weights: expected shape (5, 15) = (units, 3 * units), got (4, 15)");
  EXPECT_EQ(text(ErrorCode::shape, [](Layer& p) { p.weights.recurrent_biases = Tensor({5}); }),
            "gru_layer.weights.recurrent_biases: expected shape (15,) = (3 * units,), got (5,)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Layer& p) {
                   p.h_last = Tensor({5, 3});
                 }),
            "gru_layer.h_last: expected shape (3, 5) = (batch, units), got (5, 3)");
  EXPECT_EQ(text(ErrorCode::unsupported, [](Layer& p) { p.config.format = SequenceFormat::t2ns; }),
            "gru_layer.format \"T2NS\": supported are TNS, NST, NTS");
  EXPECT_EQ(text(ErrorCode::unsupported, [](Layer& p) { p.config.format = SequenceFormat(9); }),
            "gru_layer.format \"9\": supported are TNS, NST, NTS");
  EXPECT_EQ(text(ErrorCode::unsupported, [](Layer& p) { p.config.reset = ResetMode(2); }),
            "gru_layer.reset \"2\": supported are after, before");
}

}  // namespace

}  // namespace recurra::test

/// sru, sru_cell and sru_bi: gradients, formats, layouts, masks, lengths, refusals.
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/ops/sru.h"
#include "tests/support/op_formats.h"
#include "tests/support/op_gradients.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

using namespace ops;

constexpr i64 steps = 4, batch = 3, units = 6;

Tensor dropout_mask() {
  Tensor mask({batch, units});
  for (i64 k = 0; k < mask.size(); ++k) mask.data()[k] = k % 3 == 0 ? 0.0F : 1.5F;
  return mask;
}

/// (rows, columns) -> (columns, rows).
Tensor transposed(const Tensor& matrix) {
  const i64 rows = matrix.shape()[0], columns = matrix.shape()[1];
  Tensor to({columns, rows});
  for (i64 row = 0; row < rows; ++row) {
    for (i64 column = 0; column < columns; ++column)
      to.data()[column * rows + row] = matrix.data()[row * columns + column];
  }
  return to;
}

/// A small random call, of sru or of both directions.
struct Problem {
  explicit Problem(bool both = false) : both(both) {
    config = {SequenceFormat::tns, SruLayout::gate_columns};
    x = normal_tensor({steps, batch, units}, 1);
    weights = {normal_tensor({units, 3 * units}, 2, 0.5F), normal_tensor({2 * units}, 3, 0.5F)};
    initial_c = normal_tensor({batch, units}, 4, 0.5F);
  }

  [[nodiscard]] SruStart start() const {
    const auto there = [](const Tensor& tensor) {
      return tensor.shape() == Shape{0} ? nullptr : &tensor;
    };
    return {&initial_c, there(mask), there(lengths)};
  }

  [[nodiscard]] SruOutputs run(const OpOptions& options = {}) const {
    return both ? sru_bi(x, weights, config.format, start(), options)
                : sru(x, weights, config, start(), options);
  }

  [[nodiscard]] SruGradients gradient(const SruOutputs& seeds) const {
    return both ? sru_bi_gradient(x, weights, config.format, start(), seeds)
                : sru_gradient(x, weights, config, start(), seeds);
  }

  bool both;
  SruConfig config;
  Tensor x, initial_c, mask, lengths;
  SruWeights weights;
};

void expect_gradients(Problem& p, const SruOutputs& seeds) {
  const SruGradients d = p.gradient(seeds);
  expect_slopes({{&p.x, &d.x},
                 {&p.weights.weights, &d.weights.weights},
                 {&p.weights.biases, &d.weights.biases},
                 {&p.initial_c, &d.initial_c}},
                [&] {
                  const SruOutputs y = p.run();
                  return weighted_sum(seeds.h, y.h) + weighted_sum(seeds.c, y.c);
                });
}

TEST(Sru, gradients_are_the_slopes_with_masks_and_lengths_in_every_format) {
  for (const bool both : {false, true}) {
    for (const auto format : {SequenceFormat::tns, SequenceFormat::nst, SequenceFormat::nts}) {
      for (const bool masked : {false, true}) {
        SCOPED_TRACE(name_of(format));
        Problem p(both);
        p.config.format = format;
        p.x = in_format(format, p.x);
        if (masked) {
          p.mask = dropout_mask();
          p.lengths = integers({batch}, {3, 4, 0});
        }
        expect_gradients(p, {normal_tensor(p.x.shape(), 10), normal_tensor(p.x.shape(), 11)});
      }
    }
  }
}

TEST(Sru, gradients_of_each_output_alone_are_the_slopes) {
  Problem p;
  expect_gradients(p, {normal_tensor(p.x.shape(), 10), {}});
  expect_gradients(p, {{}, normal_tensor(p.x.shape(), 11)});
}

TEST(Sru, runs_on_the_fast_path_whatever_is_asked_for) {
  for (const bool both : {false, true}) {
    for (const bool masked : {false, true}) {
      Problem p(both);
      if (masked) p.mask = dropout_mask();
      p.lengths = integers({batch}, {3, 4, 1});
      std::vector<Report> reports;
      const SruOutputs y = p.run({.reports = &reports});
      ASSERT_EQ(reports.size(), both ? 2U : 1U);
      for (const Report& report : reports) {
        EXPECT_EQ(report.steps, 8);
        EXPECT_STREQ(report.target, active_target().name);
      }
    }
  }
}

TEST(Sru, formats_give_the_same_numbers) {
  for (const bool both : {false, true}) {
    Problem p(both);
    p.mask = dropout_mask();
    const SruOutputs tns = p.run();
    const Tensor x = p.x;
    for (const auto format : {SequenceFormat::nst, SequenceFormat::nts}) {
      p.config.format = format;
      p.x = in_format(format, x);
      EXPECT_EQ(values_of(p.run().h), values_of(in_format(format, tns.h)));
      EXPECT_EQ(values_of(p.run().c), values_of(in_format(format, tns.c)));
    }
  }
}

TEST(Sru, layouts_are_each_others_transposes) {
  Problem p;
  const SruOutputs columns = p.run();
  const SruOutputs seeds{normal_tensor(p.x.shape(), 10), {}};
  const SruGradients d = p.gradient(seeds);
  p.config.layout = SruLayout::gate_rows;
  p.weights.weights = transposed(p.weights.weights);
  EXPECT_EQ(values_of(p.run().h), values_of(columns.h));
  EXPECT_EQ(values_of(transposed(p.gradient(seeds).weights.weights)), values_of(d.weights.weights));
  p.weights.biases = Tensor();
  const SruOutputs none = p.run();
  p.weights.biases = Tensor({2 * units});
  EXPECT_EQ(values_of(p.run().h), values_of(none.h));
}

TEST(SruCell, is_one_step_with_gradients) {
  Problem p;
  p.x = normal_tensor({1, batch, units}, 1);
  const SruOutputs layer = p.run();
  p.x.reshape({batch, units});
  const auto run = [&] {
    return sru_cell(p.x, p.initial_c, p.weights);
  };
  EXPECT_EQ(values_of(run().h), values_of(layer.h));
  EXPECT_EQ(run().c.shape(), (Shape{batch, units}));
  const SruOutputs seeds{normal_tensor({batch, units}, 10), normal_tensor({batch, units}, 11)};
  const SruGradients d = sru_cell_gradient(p.x, p.initial_c, p.weights, SruLayout::gate_columns, seeds);
  expect_slopes({{&p.x, &d.x},
                 {&p.initial_c, &d.initial_c},
                 {&p.weights.weights, &d.weights.weights},
                 {&p.weights.biases, &d.weights.biases}},
                [&] { return weighted_sum(seeds.h, run().h) + weighted_sum(seeds.c, run().c); });
}

/// h of libnd4j's sru_bi by its definition.
std::vector<double> plain_sru_bi(const Problem& p) {
  const auto sigmoid = [](double v) {
    return 1 / (1 + std::exp(-v));
  };
  std::vector<double> h(std::size_t(p.x.size()));
  for (i64 row = 0; row < batch; ++row) {
    for (i64 u = 0; u < units; ++u) {
      double c = p.initial_c.data()[row * units + u];
      for (i64 k = 0; k < steps; ++k) {
        const i64 t = u < units / 2 ? k : steps - 1 - k;
        const auto masked = [&](i64 i) {
          return double(p.x.data()[(t * batch + row) * units + i]) * p.mask.data()[row * units + i];
        };
        double gate[3] = {0, p.weights.biases.data()[u], p.weights.biases.data()[units + u]};
        for (i64 i = 0; i < units; ++i) {
          for (i64 g = 0; g < 3; ++g)
            gate[g] += masked(i) * p.weights.weights.data()[i * 3 * units + 3 * u + g];
        }
        const double f = sigmoid(gate[1]), r = sigmoid(gate[2]);
        c = f * c + (1 - f) * gate[0];
        h[std::size_t((t * batch + row) * units + u)] =
            r * std::tanh(c) * p.mask.data()[row * units + u] + (1 - r) * masked(u);
      }
    }
  }
  return h;
}

TEST(SruBi, is_what_its_definition_says) {
  Problem p(true);
  p.mask = dropout_mask();
  const SruOutputs y = p.run();
  const std::vector<double> expected = plain_sru_bi(p);
  for (std::size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(y.h.data()[k], expected[k], 2e-6);
}

TEST(SruRefusals, name_the_tensor) {
  const auto text = [](ErrorCode code, const std::function<void(Problem&)>& change, bool both = false) {
    Problem p(both);
    change(p);
    return error_text(code, [&] { p.run(); });
  };
  constexpr auto shape = ErrorCode::shape;
  EXPECT_EQ(text(shape,
                 [](Problem& p) {
                   p.x = Tensor({3, 6});
                 }),
            "sru.x: expected shape (steps, batch, features), got (3, 6)");
  EXPECT_EQ(
      text(shape,
           [](Problem& p) {
             p.weights.weights = Tensor({18, 6});
           }),
      "sru.weights.weights: expected shape (6, 18) = (features, 3 * units), units = features, got (18, 6)");
  EXPECT_EQ(
      text(shape, [](Problem& p) { p.config.layout = SruLayout::gate_rows; }),
      "sru.weights.weights: expected shape (18, 6) = (3 * units, features), units = features, got (6, 18)");
  EXPECT_EQ(text(shape, [](Problem& p) { p.weights.biases = Tensor({18}); }),
            "sru.weights.biases: expected shape (12,) = (2 * features,), got (18,)");
  EXPECT_EQ(text(shape,
                 [](Problem& p) {
                   p.initial_c = Tensor({3, 5});
                 }),
            "sru.initial_c: expected shape (3, 6) = (batch, features), got (3, 5)");
  EXPECT_EQ(text(shape,
                 [](Problem& p) {
                   p.mask = Tensor({3, 4, 6});
                 }),
            "sru.mask: expected shape (3, 6) = (batch, features), got (3, 4, 6)");
  EXPECT_EQ(text(ErrorCode::dtype,
                 [](Problem& p) {
                   p.mask = Tensor({3, 6}, Dtype::u8);
                 }),
            "sru.mask: expected f32, got u8");
  EXPECT_EQ(text(
                shape,
                [](Problem& p) {
                  p.x = Tensor({4, 3, 5});
                },
                true),
            "sru_bi.x: expected an even number of features, got (4, 3, 5)");
  EXPECT_EQ(text(ErrorCode::unsupported, [](Problem& p) { p.config.layout = SruLayout(2); }),
            "sru.layout \"2\": supported are gate_rows, gate_columns");
  EXPECT_EQ(error_text(shape,
                       [] {
                         sru_cell(Tensor({3, 6}), Tensor({2, 6}), {Tensor({6, 18})});
                       }),
            "sru_cell.c_last: expected shape (3, 6) = (batch, features), got (2, 6)");
}

}  // namespace

}  // namespace recurra::test

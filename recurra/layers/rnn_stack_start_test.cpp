#include "recurra/layers/rnn_stack_start.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

Tensor started(const BlobLayout& layout, const RnnStackStart& start) {
  Random random(8);
  Tensor weights(layout.matrix_shape());
  initialize_blob(layout, start, weights, random);
  return weights;
}

double largest(std::span<const float> values) {
  double most = 0;
  for (const float value : values) most = std::max(most, std::abs(double(value)));
  return most;
}

double deviation(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double(value) * value;
  return std::sqrt(sum / double(values.size()));
}

/// The numbers of one piece.
std::span<const float> of(const BlobPiece& piece, const Tensor& weights) {
  return weights.as<float>().subspan(std::size_t(piece.offset), std::size_t(piece.shape.elements()));
}

TEST(RnnStackStart, draws_every_gate_by_its_own_fans) {
  const BlobLayout layout({RecurrentOp::lstm, 30, 40, 2, true});
  const Tensor weights = started(layout, {.recurrent_initializer = glorot_uniform_initializer});
  for (const BlobPiece& piece : layout.pieces()) {
    if (piece.part == BlobPart::b_W || piece.part == BlobPart::b_R) continue;
    const double range = std::sqrt(6.0 / double(piece.shape[0] + piece.shape[1]));
    const double most = largest(of(piece, weights));
    EXPECT_LE(most, range) << piece.name;
    EXPECT_GT(most, 0.95 * range) << piece.name;
  }
}

TEST(RnnStackStart, has_orthogonal_recurrent_matrices_unless_told) {
  const BlobLayout layout({RecurrentOp::gru, 3, 10, 1});
  const Tensor weights = started(layout, {});
  for (const BlobPiece& piece : layout.pieces()) {
    if (piece.part != BlobPart::R) continue;
    const std::span<const float> R = of(piece, weights);
    for (std::size_t a = 0; a < 10; ++a) {
      for (std::size_t b = 0; b < 10; ++b) {
        double sum = 0;
        for (std::size_t k = 0; k < 10; ++k) sum += double(R[a * 10 + k]) * R[b * 10 + k];
        EXPECT_NEAR(sum, a == b ? 1.0 : 0.0, 1e-5);
      }
    }
  }
}

TEST(RnnStackStart, has_biases_of_zero_but_for_the_forget_gates) {
  const BlobLayout layout({RecurrentOp::lstm, 3, 4, 2, true});
  const Tensor weights = started(layout, {.forget_bias = 1.5});
  for (const BlobPiece& piece : layout.pieces()) {
    if (piece.part != BlobPart::b_W && piece.part != BlobPart::b_R) continue;
    const bool forget = piece.part == BlobPart::b_W && piece.gate == 1;
    for (const float value : of(piece, weights)) EXPECT_EQ(value, forget ? 1.5F : 0.0F) << piece.name;
  }
}

TEST(RnnStackStart, as_a_whole_has_units_for_fan_in) {
  // CNTK's log of this matrix, heNormal: a standard deviation of 0.088388, and 0.008839 with a scale of 0.1.
  const BlobLayout layout({RecurrentOp::lstm, 33, 256, 1, true});
  RnnStackStart start{.mode = BlobStart::whole, .initializer = cntk_initializer("heNormal")};
  EXPECT_NEAR(deviation(started(layout, start).as<float>()), 0.088388, 0.001);
  start.init_value_scale = 0.1;
  EXPECT_NEAR(deviation(started(layout, start).as<float>()), 0.008839, 0.0001);
  start.initializer = cntk_initializer("heNormal", 0.1);
  start.init_value_scale = 1;
  EXPECT_NEAR(deviation(started(layout, start).as<float>()), 0.008839, 0.0001);
}

TEST(RnnStackStart, with_output_rank_1_has_the_columns_for_fan_in) {
  const BlobLayout layout({RecurrentOp::lstm, 33, 256, 1, true});
  const RnnStackStart start{
      .mode = BlobStart::whole, .initializer = cntk_initializer("heNormal"), .init_output_rank = 1};
  const double columns = double(layout.matrix_shape()[1]);
  EXPECT_NEAR(deviation(started(layout, start).as<float>()), std::sqrt(2 / columns), 0.0005);
}

TEST(RnnStackStart, as_a_whole_draws_biases_too) {
  const BlobLayout layout({RecurrentOp::gru, 3, 8, 1});
  const Tensor weights = started(layout, {.mode = BlobStart::whole});
  EXPECT_GT(largest(of(layout.pieces().back(), weights)), 0);
}

TEST(RnnStackStart, is_scaled) {
  const BlobLayout layout({RecurrentOp::rnn_tanh, 6, 8, 1});
  const Tensor one = started(layout, {});
  const Tensor tenth = started(layout, {.init_value_scale = 0.1});
  for (i64 i = 0; i < one.size(); ++i) EXPECT_FLOAT_EQ(tenth.data()[i], 0.1F * one.data()[i]);
}

TEST(RnnStackStart, refuses_what_cannot_be) {
  const auto text = [](const RnnStackStart& start) {
    return error_text(ErrorCode::invalid_argument, [&] { check_start(start); });
  };
  EXPECT_EQ(text({.init_value_scale = INFINITY}), "init_value_scale: expected a finite number, got inf");
  EXPECT_EQ(text({.forget_bias = NAN}), "forget_bias: expected a finite number, got nan");
  EXPECT_EQ(
      text({.initializer = RandomNormal{.seed = 3}}),
      "initializer: expected one without a seed of its own, which would draw all gates alike, got one with a "
      "seed");
  EXPECT_EQ(
      text({.recurrent_initializer = Orthogonal{.seed = 3}}),
      "recurrent_initializer: expected one without a seed of its own, which would draw all gates alike, got "
      "one with a seed");
  EXPECT_EQ(text({.mode = BlobStart::whole, .initializer = RandomNormal{.seed = 3}}), "no error");
}

TEST(CntkInitializer, has_cntks_ranges) {
  struct Known {
    const char* name;
    double range;      // 0: none
    double deviation;  // of fan_in 200 and fan_out 100
  };

  const Known all[] = {
      {"glorotUniform", std::sqrt(6.0 / 300), 0},
      {"glorotNormal", 0, std::sqrt(2.0 / 300)},
      {"heUniform", std::sqrt(6.0 / 200), 0},
      {"heNormal", 0, std::sqrt(2.0 / 200)},
      {"xavier", std::sqrt(3.0 / 200), 0},
      {"gaussian", 0, 0.2 / std::sqrt(200.0)},
      {"uniform", 1, 0},
      {"uniformBS", 0.05, 0},
      {"normal", 0, 1},
  };
  for (const Known& known : all) {
    for (const double scale : {1.0, 1.0 / 3}) {
      Tensor tensor({200, 100});
      Random random(3);
      initialize(cntk_initializer(known.name, scale), tensor, random);
      const double range = known.range * scale;
      if (known.range > 0) {
        EXPECT_LE(largest(tensor.as<float>()), range * (1 + 1e-6)) << known.name;
        EXPECT_GT(largest(tensor.as<float>()), 0.99 * range) << known.name;
      } else {
        EXPECT_NEAR(deviation(tensor.as<float>()), known.deviation * scale, 0.03 * known.deviation * scale)
            << known.name;
      }
    }
  }
  Tensor cut({200, 100});
  Random random(3);
  initialize(cntk_initializer("truncNormal"), cut, random);
  EXPECT_LE(largest(cut.as<float>()), 2.0);
  EXPECT_GT(largest(cut.as<float>()), 1.9);
}

TEST(CntkInitializer, refuses_other_names_and_scales) {
  EXPECT_EQ(
      error_text(ErrorCode::unsupported, [] { static_cast<void>(cntk_initializer("he_normal")); }),
      "init \"he_normal\": supported are glorotUniform, glorotNormal, heUniform, heNormal, xavier, gaussian, "
      "uniform, uniformBS, normal, truncNormal");
  EXPECT_EQ(
      error_text(ErrorCode::invalid_argument, [] { static_cast<void>(cntk_initializer("heNormal", 0)); }),
      "init_value_scale: expected a finite number above 0, got 0");
}

}  // namespace

}  // namespace recurra::test

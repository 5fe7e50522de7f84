/// The accuracy of tanh and sigmoid on every target, measured through cells that add nothing to them.
#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/engine/engine.h"

namespace recurra::test {

namespace {

using Floats = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// Largest errors recurra/simd/math.h states: of tanh absolute and relative to tanh, of sigmoid absolute.
constexpr double tanh_bound = 3.6e-7;
constexpr double sigmoid_bound = 2e-7;

/// Points from -12 to 12: beyond the clamp on both sides, evenly, none at a round place.
Floats sweep() {
  constexpr int points = 200'000;
  Floats x(points);
  for (int i = 0; i < points; ++i) x[std::size_t(i)] = float(-12.0 + 24.0 * (i + 0.37) / points);
  return x;
}

/// Small magnitudes of both signs, a few a binary place from the smallest denormal to 1.
Floats small_values() {
  Floats x;
  for (int exponent = -149; exponent < 0; ++exponent) {
    for (const float mantissa : {1.0F, 1.3F, 1.9F}) {
      x.push_back(std::ldexp(mantissa, exponent));
      x.push_back(-x.back());
    }
  }
  return x;
}

/// One step of a cell of `units` equal units for each x: W per gate, b and a state c alike for all; its
/// states.
struct Evaluation {
  std::string cell;
  Floats W, b;  // (gates)
  int units = 1;
  float c = 0.0F;
};

/// State `state` of unit `units - 1` after one step from each x, a row each.
Floats evaluate(const Evaluation& e, const Target& target, const Floats& x, int state) {
  const Plan plan({e.cell, 1, e.units, 0, false}, target);
  const auto units = std::size_t(e.units);
  Floats W, b;
  for (std::size_t g = 0; g < e.W.size(); ++g) {
    W.insert(W.end(), units, e.W[g]);
    b.insert(b.end(), units, e.b[g]);
  }
  const Floats U(units * W.size());
  PackedWeights packs(plan, PackedWeights::Use::inference);
  packs.pack(plan, {W.data(), U.data(), b.data(), nullptr, nullptr});
  Workspace workspace;
  workspace.prepare(plan, {.steps = 1, .batch = i64(x.size())});
  Floats states[2] = {Floats(x.size() * units), Floats(x.size() * units)};
  const Floats c(x.size() * units, e.c);
  Call call;
  call.steps = 1;
  call.batch = i64(x.size());
  call.x = batch_major(x.data(), 1, 1);
  for (int k = 0; k < plan.cell().states; ++k) call.final[k] = states[k].data();
  if (plan.cell().states > 1) call.initial[1] = c.data();
  forward(plan, packs, call, workspace);
  Floats last(x.size());
  for (std::size_t row = 0; row < x.size(); ++row) last[row] = states[state][(row + 1) * units - 1];
  return last;
}

/// h = tanh(1 x + b) with b = -0, which leaves every x as it is, -0 too.
Floats tanh_of(const Target& target, const Floats& x, int units = 1) {
  return evaluate({"vanilla", {1.0F}, {-0.0F}, units}, target, x, 0);
}

/// c' = f c + i g with f = sigmoid(1 x + b), c = 1 and g = tanh(0) = 0.
Floats sigmoid_of(const Target& target, const Floats& x, float b = 0.0F) {
  return evaluate({"lstm", {0.0F, 1.0F, 0.0F, 0.0F}, {0.0F, b, 0.0F, 0.0F}, 1, 1.0F}, target, x, 1);
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

struct Worst {
  double error = 0;
  float at = 0;

  void see(double error_here, float x) {
    if (std::isnan(error) || error_here <= error) return;  // NaN is the worst
    error = error_here;
    at = x;
  }
};

class KernelsTest : public testing::TestWithParam<const Target*> {};

INSTANTIATE_TEST_SUITE_P(Targets, KernelsTest, testing::ValuesIn(supported_targets()), [](const auto& info) {
  return std::string(info.param->name);
});

TEST_P(KernelsTest, tanh_is_accurate_everywhere) {
  Worst absolute, relative;
  for (const Floats& points : {sweep(), small_values()}) {
    const Floats y = tanh_of(*GetParam(), points);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double expected = std::tanh(double(points[i]));
      absolute.see(std::abs(y[i] - expected), points[i]);
      if (std::abs(points[i]) >= FLT_MIN)
        relative.see(std::abs(y[i] - expected) / std::abs(expected), points[i]);
    }
  }
  EXPECT_LE(absolute.error, tanh_bound) << "at " << absolute.at;
  EXPECT_LE(relative.error, tanh_bound) << "at " << relative.at;
  RecordProperty("absolute", std::to_string(absolute.error * 1e7) + "e-7");
  RecordProperty("relative", std::to_string(relative.error * 1e7) + "e-7");
}

TEST_P(KernelsTest, sigmoid_is_accurate_everywhere) {
  Worst worst;
  Floats points = sweep();
  for (float& x : points) x *= 2.0F;  // sigmoid saturates where tanh(x / 2) does
  for (const Floats& x : {points, small_values(), Floats{88.0F, -88.0F, 1e30F, -1e30F, FLT_MAX, -FLT_MAX}}) {
    const Floats y = sigmoid_of(*GetParam(), x);
    for (std::size_t i = 0; i < y.size(); ++i) worst.see(std::abs(y[i] - sigmoid(x[i])), x[i]);
  }
  EXPECT_LE(worst.error, sigmoid_bound) << "at " << worst.at;
  RecordProperty("absolute", std::to_string(worst.error * 1e7) + "e-7");
}

TEST_P(KernelsTest, tanh_keeps_zeros_and_denormals_exactly) {
  for (const float x : {0.0F, FLT_TRUE_MIN, 3e-45F, 1e-40F, FLT_MIN, 1e-20F}) {
    for (const float signed_x : {x, -x}) {
      const float y = tanh_of(*GetParam(), {signed_x})[0];
      EXPECT_EQ(y, signed_x);
      EXPECT_EQ(std::signbit(y), std::signbit(signed_x)) << signed_x;
    }
  }
}

TEST_P(KernelsTest, large_values_and_infinities_give_the_limits) {
  for (const float x : {8.0F, 88.0F, 1e30F, FLT_MAX, infinity}) {
    const Floats y = tanh_of(*GetParam(), {x, -x});
    EXPECT_NEAR(y[0], 1.0, tanh_bound) << x;
    EXPECT_NEAR(y[1], -1.0, tanh_bound) << x;
    EXPECT_LE(y[0], 1.0F) << x;
    EXPECT_GE(y[1], -1.0F) << x;
  }
  // Infinity times another gate's weight of 0 is not a number: it comes through the bias.
  EXPECT_NEAR(sigmoid_of(*GetParam(), {0.0F}, infinity)[0], 1.0, sigmoid_bound);
  EXPECT_NEAR(sigmoid_of(*GetParam(), {0.0F}, -infinity)[0], 0.0, sigmoid_bound);
  EXPECT_LE(sigmoid_of(*GetParam(), {0.0F}, infinity)[0], 1.0F);
  EXPECT_GE(sigmoid_of(*GetParam(), {0.0F}, -infinity)[0], 0.0F);
}

TEST_P(KernelsTest, no_result_leaves_the_range) {
  for (const float y : tanh_of(*GetParam(), sweep())) ASSERT_LE(std::abs(y), 1.0F);
  Floats x = sweep();
  for (float& value : x) value *= 2.0F;
  for (const float y : sigmoid_of(*GetParam(), x)) {
    ASSERT_GE(y, 0.0F);
    ASSERT_LE(y, 1.0F);
  }
}

TEST_P(KernelsTest, what_is_not_a_number_stays_so) {
  EXPECT_TRUE(std::isnan(tanh_of(*GetParam(), {nan})[0]));
  EXPECT_TRUE(std::isnan(tanh_of(*GetParam(), {-nan})[0]));
  EXPECT_TRUE(std::isnan(sigmoid_of(*GetParam(), {nan})[0]));
}

/// Every lane computes the same: the last of several units, in the middle or at the end of a vector.
TEST_P(KernelsTest, a_unit_does_not_depend_on_its_lane) {
  Floats x = small_values();
  for (int i = -1200; i <= 1200; ++i) x.push_back(float(i) * 0.01F);
  const Floats expected = tanh_of(*GetParam(), x, 1);
  for (int units = 2; units <= 70; ++units) {
    const Floats y = tanh_of(*GetParam(), x, units);
    ASSERT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)), 0) << "unit " << units - 1;
  }
}

}  // namespace

}  // namespace recurra::test

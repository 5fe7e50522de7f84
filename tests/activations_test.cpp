/// Every activation and its slope on every target, against the formulas in double: over a sweep, and where
/// numbers end.
#include "recurra/engine/activations.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/base/random.h"
#include "recurra/engine/softmax.h"
#include "tests/reference/activation.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// Rounding of the rational functions and of some operations behind them: in units of the last place of the
/// larger of the value and 1, eight.
constexpr double bound = 8 * 5.96e-8;

std::vector<Activation> all_kinds() {
  std::vector<Activation> all;
  for (int kind = 0; kind <= int(ActivationKind::gelu); ++kind) {
    all.push_back(parse_activation(name_of(ActivationKind(kind)), "test"));
    // Numbers that are not the usual ones.
    Activation other = all.back();
    if (other.alpha != 0) other.alpha = 0.7F;
    if (other.beta != 0) other.beta = 0.4F;
    if (!(other == all.back())) all.push_back(other);
    if (ActivationKind(kind) == ActivationKind::leaky_relu || ActivationKind(kind) == ActivationKind::elu)
      all.push_back({ActivationKind(kind), 0.0F});
  }
  return all;
}

std::vector<float> sweep() {
  std::vector<float> x;
  for (int i = 0; i < 4001; ++i) x.push_back(float(-20.0 + 40.0 * (i + 0.37) / 4001));
  for (int exponent = -149; exponent < 0; exponent += 3) {
    x.push_back(std::ldexp(1.3F, exponent));
    x.push_back(-x.back());
  }
  return x;
}

struct Result {
  std::vector<float> y, slope;
};

Result run(const Activation& activation, const std::vector<float>& x, const Target& target) {
  Result r{std::vector<float>(x.size()), std::vector<float>(x.size())};
  const std::vector<float> ones(x.size(), 1.0F);
  activate(activation, x, r.y, target);
  activation_gradient({&activation, x.data(), r.y.data(), ones.data(), r.slope.data(), i64(x.size())},
                      target);
  return r;
}

TEST(Activations, agree_with_their_formulas_on_every_target) {
  const std::vector<float> x = sweep();
  for (const Target* target : supported_targets()) {
    for (const Activation& activation : all_kinds()) {
      const Result r = run(activation, x, *target);
      for (std::size_t i = 0; i < x.size(); ++i) {
        using D = reference::Dual<1>;
        const D y = reference::activate(activation, D::input(x[i], 0));
        const double scale = std::max({1.0, std::abs(y.value), std::abs(double(x[i]))});
        ASSERT_NEAR(r.y[i], y.value, bound * scale)
            << target->name << " " << name_of(activation.kind) << " of " << x[i];
        // Of a denormal number nothing may be left from which to tell its sign.
        if (std::abs(x[i]) < 1e-30F) continue;
        ASSERT_NEAR(r.slope[i], y.by[0], 2 * bound * std::max(scale, std::abs(y.by[0])))
            << target->name << " slope of " << name_of(activation.kind) << " at " << x[i];
      }
    }
  }
}

TEST(Activations, pass_nan_and_end_where_their_limits_are) {
  const std::vector<float> x = {nan, infinity, -infinity, 88.0F, -88.0F, 1e30F, -1e30F, 0.0F, -0.0F};
  for (const Target* target : supported_targets()) {
    for (const Activation& activation : all_kinds()) {
      SCOPED_TRACE(std::string(target->name) + " " + name_of(activation.kind));
      const Result r = run(activation, x, *target);
      EXPECT_TRUE(std::isnan(r.y[0]));
      using D = reference::Dual<1>;
      for (const std::size_t i : {3, 4, 6}) {  // slopes far out, where they are numbers
        const double slope = reference::activate(activation, D::input(x[i], 0)).by[0];
        if (!std::isfinite(slope)) continue;
        EXPECT_NEAR(r.slope[i], slope, 2e-6 * std::max(1.0, std::abs(slope))) << x[i];
      }
      for (std::size_t i = 3; i < x.size(); ++i) {
        const double y = reference::activate(activation, double(x[i]));
        if (std::abs(y) > std::numeric_limits<float>::max()) {
          EXPECT_EQ(r.y[i], y > 0 ? infinity : -infinity) << x[i];
        } else {
          EXPECT_NEAR(r.y[i], y, 2e-6 * std::max(1.0, std::abs(y))) << x[i];
        }
      }
    }
    const auto at_infinity = [&](ActivationKind kind) {
      return run(parse_activation(name_of(kind), "test"), x, *target).y;
    };
    using enum ActivationKind;
    for (const ActivationKind kind : {tanh, sigmoid, hard_sigmoid})
      EXPECT_NEAR(at_infinity(kind)[1], 1.0F, 4e-7F);
    EXPECT_NEAR(at_infinity(tanh)[2], -1.0F, 4e-7F);
    for (const ActivationKind kind : {sigmoid, hard_sigmoid, relu, softplus, exponential})
      EXPECT_NEAR(at_infinity(kind)[2], 0.0F, 4e-7F) << name_of(kind);
    for (const ActivationKind kind : {relu, leaky_relu, elu, selu, softplus, exponential, linear})
      EXPECT_EQ(at_infinity(kind)[1], infinity) << name_of(kind);
    EXPECT_EQ(at_infinity(clipped_relu)[1], 6.0F);
    for (const ActivationKind kind : {relu, thresholded_relu, hard_silu, silu, mish})
      EXPECT_EQ(at_infinity(kind)[2], 0.0F) << name_of(kind);
  }
}

TEST(Activations, work_in_place_and_on_any_length) {
  for (const Target* target : supported_targets()) {
    for (std::size_t length = 0; length < 40; ++length) {
      std::vector<float> x(length + 1, 0.5F);
      x.back() = -7.0F;
      activate({ActivationKind::relu}, std::span(x).first(length), std::span(x).first(length), *target);
      for (std::size_t i = 0; i < length; ++i) EXPECT_EQ(x[i], 0.5F);
      EXPECT_EQ(x.back(), -7.0F) << "beyond the end";
    }
  }
}

TEST(RowPowers, are_the_exponentials_and_their_sum_on_any_length) {
  Random random(20268);
  for (const Target* target : supported_targets()) {
    for (std::size_t length = 0; length < 40; ++length) {
      std::vector<float> z(length), powers(length);
      for (float& value : z) value = float(random.uniform() * 120 - 60);
      if (length > 3) z[1] = -infinity;  // a class that cannot be
      const RowPowers row = row_powers(z, powers, *target);
      EXPECT_EQ(row.largest, length > 0 ? *std::ranges::max_element(z) : -infinity);
      double sum = 0;
      for (std::size_t j = 0; j < length; ++j) {
        EXPECT_NEAR(powers[j], std::exp(double{z[j]} - row.largest), bound) << z[j] << " of " << row.largest;
        sum += powers[j];
      }
      EXPECT_NEAR(row.sum, sum, 1e-14 * sum);
      row_powers(z, z, *target);
      EXPECT_EQ(z, powers) << "in place";
    }
    std::vector<float> z(19, 0.5F);
    for (const std::size_t at : {3, 18}) {
      z[at] = nan;
      EXPECT_TRUE(std::isnan(row_powers(z, z, *target).sum)) << at;
      z.assign(19, 0.5F);
    }
  }
}

TEST(Activations, have_names_and_others_are_refused) {
  for (int kind = 0; kind <= int(ActivationKind::gelu); ++kind) {
    const char* name = name_of(ActivationKind(kind));
    EXPECT_EQ(parse_activation(name, "test").kind, ActivationKind(kind));
  }
  EXPECT_EQ(parse_activation("swish", "test").kind, ActivationKind::silu);
  EXPECT_EQ(
      error_text(ErrorCode::unsupported, [] { parse_activation("swoosh", "activation"); }),
      "activation \"swoosh\": supported are linear, affine, tanh, scaled_tanh, sigmoid, hard_sigmoid, relu, "
      "clipped_relu, leaky_relu, thresholded_relu, elu, selu, softplus, softsign, exponential, log_sigmoid, "
      "silu, "
      "hard_silu, mish, gelu, relu6, swish, hard_swish");
}

}  // namespace

}  // namespace recurra::test

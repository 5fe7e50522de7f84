/// Every cell, built in or toy, on every target of this machine against the double reference.
#include <cmath>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/cells/cell_references.h"
#include "recurra/engine/activations.h"
#include "tests/support/engine_case.h"
#include "tests/support/thinning.h"
#include "tests/toy_cells/cell_references.h"

namespace recurra::test {

namespace {

constexpr std::uint64_t seed = 20261;

/// Sizes around every vector width of every target, and the guide's.
constexpr int unit_counts[] = {1, 7, 8, 9, 15, 16, 17, 26, 50};

template <class R>
EngineCase random_case(Random& random, int units, int steps, bool initial, bool reverse) {
  EngineCase c;
  c.cell = R::name;
  c.numbers = sizes_of(find_cell(table_of(active_target(), R::name), R::name));
  // One unit has weights up to 1: with many inputs it saturates, and of 1 - h^2 nothing is left to compare.
  const int input = int(random.below(units > 1 ? 40 : 3)) + 1;
  c.sizes = {int(random.below(17)) + 1, steps, input, units, 0, reverse};
  c.initial_given = initial;
  c.take_sequence = random.below(3) != 0;
  if (random.below(3) != 0) {
    for (int row = 0; row < c.sizes.batch; ++row)
      c.lengths.push_back(int(random.below(std::uint64_t(steps) + 1)));
    c.lengths[0] = steps;
    if (c.sizes.batch > 1) c.lengths[1] = 0;
  }
  c.fill(random);
  return c;
}

/// A case's options for the reference; where it chooses no activations, the cell's own.
template <class R>
reference::Options own_activations(const EngineCase& c) {
  reference::Options options = c.options;
  if (options.activations.empty())
    options.activations = {std::begin(R::activations), std::end(R::activations)};
  return options;
}

/// What the reference gives for a case, and what of that is lost by rounding alone: a deviation close to
/// nothing, by which a normalisation divides, makes much of the roundings before it, over many steps more,
/// and a sum that cancels has more of them than of itself. Only cells that normalise have such sums.
template <class R>
struct Expected {
  /// Gradients are of the form of what they are the gradients of.
  struct Results {
    reference::Values values, gradients;
  };

  Results exact;
  std::vector<Results> rounded;

  explicit Expected(const EngineCase& c) : exact(results(c, 0)) {
    // What roundings make is a draw: the largest of three is far less one of luck.
    for (const double factor : {1.0, 1.25, 1.5}) {
      if (reference::Traits<R>::by_rows) rounded.push_back(results(c, factor));
    }
  }

  static Results results(const EngineCase& c, double rounded_as) {
    Results r{c.values, c.outside};
    reference::Options options = own_activations<R>(c);
    options.rounded_as = rounded_as;
    reference::Recurrence<R> recurrence(c.sizes, c.lengths, options);
    recurrence.forward(r.values);
    r.gradients.b.assign(r.gradients.b.size(), 0.0);
    recurrence.backward(r.values, r.gradients);
    return r;
  }

  /// What is lost of the numbers that `of` takes from results. An activation is right to 3.6e-7, six times
  /// the rounding of a float, and a step has five in the place of one rounding of the reference.
  template <class Of>
  [[nodiscard]] double lost(const Of& of) const {
    double largest = 0;
    for (const Results& r : rounded) {
      for (std::size_t i = 0; i < of(r).size(); ++i)
        largest = std::max(largest, std::abs(of(r)[i] - of(exact)[i]));
    }
    return 30 * largest;
  }
};

template <class R>
void expect_outputs(const Outputs& actual, const Expected<R>& expected, const EngineCase& c) {
  const auto check = [&](const char* what, const std::vector<float>& a, const auto& of) {
    const Difference d = compare(a, of(expected.exact.values));
    const double lost = expected.lost([&](const auto& r) -> const auto& { return of(r.values); });
    EXPECT_LE(d.error, std::max(output_tolerance(c.sizes.units, d.largest), lost))
        << what << ": " << c.text();
  };
  if (c.take_sequence)
    check(
        "y", actual.y, [](const auto& v) -> const auto& { return v.y; });
  for (int k = 0; k < c.numbers.states; ++k)
    check(
        "final state", actual.final[k], [k](const auto& v) -> const auto& { return v.final[k]; });
  for (int k = 1; k < c.numbers.states && c.take_states; ++k)
    check(
        "states", actual.states[k], [k](const auto& v) -> const auto& { return v.states[k]; });
}

/// The largest error of a gradient is at most 1e-5 of its largest value. Through saturated steps a gradient
/// vanishes by factors 1 - h^2, whose relative error grows as they shrink: below 1e-6 of what came from
/// outside it is measured against that.
double gradient_tolerance(double largest) {
  return 1e-5 * std::max(largest, 1e-6);
}

template <class R>
void expect_gradients(const Outputs& actual, const Expected<R>& expected, const EngineCase& c) {
  const auto check = [&](const char* what, const std::vector<float>& a, const auto& of) {
    const Difference d = compare(a, of(expected.exact.gradients));
    const double lost = expected.lost([&](const auto& r) -> const auto& { return of(r.gradients); });
    EXPECT_LE(d.error, std::max(gradient_tolerance(d.largest), lost)) << what << ": " << c.text();
  };
  using reference::Values;
  const auto member = [](auto m) {
    return [m](const Values& v) -> const auto& {
      return v.*m;
    };
  };
  check("dx", actual.x, member(&Values::x));
  check("dW", actual.W, member(&Values::W));
  check("dU", actual.U, member(&Values::U));
  check("db", actual.b, member(&Values::b));
  check("dparams", actual.params, member(&Values::params));
  check("dP", actual.P, member(&Values::P));
  check("d attention", actual.attention, member(&Values::attention));
  for (int k = 0; k < c.numbers.states; ++k)
    check(
        "d initial", actual.initial[k], [k](const Values& v) -> const auto& { return v.initial[k]; });
}

template <class R>
void check_case(const EngineCase& c) {
  const Expected<R> expected(c);
  for (const Target* target : supported_targets()) {
    SCOPED_TRACE(target->name);
    const Target& table = table_of(*target, c.cell);
    const Outputs inference = run_forward(c, table, {});
    expect_outputs(inference, expected, c);
    const Outputs training = run_training(c, table, {});
    expect_gradients(training, expected, c);
    EXPECT_TRUE(same_bits(inference.y, training.y)) << c.text();
    for (int k = 0; k < c.numbers.states; ++k) {
      EXPECT_TRUE(same_bits(inference.final[k], training.final[k])) << c.text();
      EXPECT_TRUE(same_bits(inference.states[k], training.states[k])) << c.text();
    }
    // Whatever the options: every step that counts went through this target's kernels.
    i64 counted = 0;
    for (int row = 0; row < c.sizes.batch; ++row) {
      for (int t = 0; t < c.sizes.steps; ++t) {
        const bool within = c.lengths.empty() || t < c.lengths[std::size_t(row)];
        counted +=
            within && (c.options.counts.empty() || c.options.counts[std::size_t(row * c.sizes.steps + t)]);
      }
    }
    EXPECT_STREQ(training.backward.target, counted > 0 ? target->name : "");
    EXPECT_EQ(inference.forward.steps, counted);
    EXPECT_EQ(training.backward.steps, counted);
    EXPECT_EQ(training.backward.own_activations, c.options.activations.empty() && c.options.clip == 0);
  }
}

template <class R>
class CellTest : public testing::Test {};

template <class, class... S>
struct ListOf {
  using Types = testing::Types<S...>;
};

using Subjects = ListOf<void
#define RECURRA_CELL(folder, Struct) , reference::Struct##Reference
#include "recurra/cells/cell_list.inc"
#undef RECURRA_CELL
#define RECURRA_CELL(folder, Struct) , reference::Struct##Reference
#include "tests/toy_cells/cell_list.inc"
#undef RECURRA_CELL
                        >::Types;

struct Names {
  template <class R>
  static std::string GetName(int) {
    return R::name;
  }
};

TYPED_TEST_SUITE(CellTest, Subjects, Names);

TYPED_TEST(CellTest, agrees_with_the_reference_forward_and_backward) {
  using R = TypeParam;
  Random random(seed);
  Thinning thinning;
  for (const int units : unit_counts) {
    for (const int steps : {0, 1, 37}) {
      for (const bool initial : {false, true}) {
        for (const bool reverse : {false, true}) {
          if (thinning.skips()) continue;
          check_case<R>(random_case<R>(random, units, steps, initial, reverse));
        }
      }
    }
  }
}

TYPED_TEST(CellTest, agrees_with_the_reference_behind_a_projection) {
  using R = TypeParam;
  Random random(seed + 1);
  EngineCase probe = random_case<R>(random, 8, 3, true, false);
  const Target& table = table_of(active_target(), R::name);
  const CellKernels& kernels = find_cell(table, R::name);
  if (kernels.reads_h || !kernels.dense) {
    probe.sizes.projection = 3;
    EXPECT_THROW(Plan({probe.cell, 4, 8, 3, false}, table), Error);
    return;
  }
  Thinning thinning;
  for (const int units : {3, 9, 17, 50}) {
    for (const int projection : {1, 7, 20, 64}) {
      if (thinning.skips()) continue;
      EngineCase c = random_case<R>(random, units, 11, projection % 2 == 0, units % 2 == 0);
      c.sizes.projection = projection;
      c.fill(random);
      check_case<R>(c);
    }
  }
}

TYPED_TEST(CellTest, agrees_with_the_reference_under_masks_and_dropout) {
  using R = TypeParam;
  Random random(seed + 3);
  Thinning thinning;
  for (const int units : {4, 9, 17, 50}) {
    for (const int steps : {1, 2, 23}) {
      for (const bool reverse : {false, true}) {
        for (const bool repeat : {false, true}) {
          if (thinning.skips()) continue;
          EngineCase c = random_case<R>(random, units, steps, units != 9, reverse);
          c.options.repeat = repeat && !c.lengths.empty();
          check_case<R>(c);
          c.mask_steps(random, repeat);
          check_case<R>(c);
          c.drop_out(random, 0.4, reference::Traits<R>::dense);
          check_case<R>(c);
        }
      }
    }
  }
}

/// States of every step with their gradients, zoneout and, where the cell has it, a clip; with masks, dropout
/// and projections.
TYPED_TEST(CellTest, agrees_with_the_reference_with_states_zoneout_and_clip) {
  using R = TypeParam;
  Random random(seed + 5);
  const CellKernels& kernels = find_cell(table_of(active_target(), R::name), R::name);
  for (const int units : {4, 9, 17, 50}) {
    for (const bool reverse : {false, true}) {
      for (const bool repeat : {false, true}) {
        EngineCase c = random_case<R>(random, units, repeat ? 2 : 19, units != 9, reverse);
        if (!kernels.reads_h && kernels.dense && units > 9) c.sizes.projection = repeat ? 7 : 20;
        c.options.repeat = repeat && !c.lengths.empty();
        c.take_states = true;
        c.fill(random);
        check_case<R>(c);
        c.zone_out(random, 0.3);
        check_case<R>(c);
        if (kernels.clips) c.options.clip = 0.25;
        check_case<R>(c);
        c.mask_steps(random, repeat);
        c.drop_out(random, 0.4, kernels.dense && c.sizes.projection == 0);
        for (auto& zoneout : c.options.zoneout) {
          for (double& z : zoneout) z = random.uniform();
        }
        check_case<R>(c);
      }
    }
  }
}

/// Activations of all kinds at every place of the cell.
TYPED_TEST(CellTest, agrees_with_the_reference_with_any_activation) {
  using R = TypeParam;
  Random random(seed + 4);
  const std::size_t places = std::size(R::activations);
  Thinning thinning;
  for (int kind = 0; kind <= int(ActivationKind::gelu); ++kind) {
    for (std::size_t place = 0; place < places; ++place) {
      if (thinning.skips()) continue;
      // An exponential of itself leaves the range of floats within few steps.
      const int steps = ActivationKind(kind) == ActivationKind::exponential ? 2 : 7;
      EngineCase c = random_case<R>(random, 21, steps, true, kind % 2 == 0);
      c.options.activations = own_activations<R>(c).activations;
      Activation& chosen = c.options.activations[place];
      chosen = parse_activation(name_of(ActivationKind(kind)), "test");
      // Numbers that are not the usual ones; another kind where the cell's own would stand again.
      if (chosen == R::activations[place]) chosen.kind = ActivationKind::softsign;
      if (chosen.alpha != 0) chosen.alpha = 0.7F;
      if (chosen.beta != 0) chosen.beta = 0.4F;
      // Gates that do not saturate let states grow without bound: less goes in, and half comes back.
      for (double& value : c.values.W) value = float(value * 0.25);
      for (double& value : c.values.U) value = float(value * 0.5);
      SCOPED_TRACE(std::string(name_of(chosen.kind)) + " at " + std::to_string(place));
      check_case<R>(c);
    }
  }
}

/// Gains as a model starts with them, and twice as many units and steps as above.
TEST(NormalisedCells, agree_with_the_reference_at_gains_about_one) {
  using R = reference::LstmLayerNormReference;
  Random random(seed + 5);
  for (const int units : {33, 100}) {
    EngineCase c = random_case<R>(random, units, 80, units == 33, false);
    for (double& gain : c.values.params) gain = float(1 + 0.2 * gain);
    std::fill_n(c.values.params.end() - units, units, 0.0);
    check_case<R>(c);
  }
}

/// Sums of W x that are exact in floats and differ by parts of a thousand: squares of them would not.
TEST(NormalisedCells, lose_no_digits_to_a_mean_far_from_zero) {
  using R = reference::LstmLayerNormReference;
  Random random(seed + 6);
  for (const int units : {7, 33}) {
    EngineCase c = random_case<R>(random, units, 1, true, false);
    c.lengths.clear();
    c.sizes.input = 2;
    c.fill(random);
    const std::size_t columns = std::size_t(units) * std::size_t(R::gates);
    std::fill_n(c.values.W.begin(), columns, 4096.0);
    for (std::size_t i = columns; i < 2 * columns; ++i) c.values.W[i] = double(random.below(1024)) / 1024;
    c.values.x.assign(c.values.x.size(), 1.0);
    const Expected<R> expected(c);
    for (const Target* target : supported_targets()) {
      SCOPED_TRACE(target->name);
      expect_outputs(run_forward(c, *target, {}), expected, c);
    }
  }
}

TEST(NormalisedCells, take_no_bias_for_zeros) {
  using R = reference::LstmLayerNormReference;
  Random random(seed + 7);
  EngineCase c = random_case<R>(random, 21, 5, true, false);
  c.values.b.assign(c.values.b.size(), 0.0);
  EngineCase without = c;
  without.values.b.clear();
  for (const Target* target : supported_targets()) {
    const Outputs zeros = run_training(c, *target, {});
    const Outputs none = run_training(without, *target, {});
    EXPECT_TRUE(same_bits(zeros.y, none.y) && same_bits(zeros.final[1], none.final[1])) << target->name;
    EXPECT_TRUE(same_bits(zeros.params, none.params) && same_bits(zeros.U, none.U)) << target->name;
  }
}

/// The reference's own gradients, against central differences of its forward pass in double.
TYPED_TEST(CellTest, reference_gradients_agree_with_central_differences) {
  using R = TypeParam;
  Random random(seed + 2);
  for (const bool reverse : {false, true}) {
    EngineCase c = random_case<R>(random, 5, 6, true, reverse);
    if (!find_cell(table_of(active_target(), R::name), R::name).reads_h && reference::Traits<R>::dense) {
      c.sizes.projection = reverse ? 3 : 0;
    }
    c.take_sequence = true;
    c.take_states = true;
    c.fill(random);
    if (reverse) c.zone_out(random, 0.4);
    if (reverse && c.numbers.clips) c.options.clip = 0.2;
    Expected<R> expected(c);
    const auto loss = [&](const reference::Values& v) {
      reference::Values copy = v;
      reference::Recurrence<R>(c.sizes, c.lengths, own_activations<R>(c)).forward(copy);
      double sum = 0;
      for (std::size_t i = 0; i < copy.y.size(); ++i) sum += c.outside.y[i] * copy.y[i];
      for (int k = 0; k < R::states; ++k) {
        for (std::size_t i = 0; i < copy.final[k].size(); ++i)
          sum += c.outside.final[k][i] * copy.final[k][i];
        for (std::size_t i = 0; i < copy.states[k].size(); ++i)
          sum += c.outside.states[k][i] * copy.states[k][i];
      }
      return sum;
    };
    const auto check = [&](std::vector<double> reference::Values::*member, const char* what) {
      reference::Values v = c.values;
      const double h = 1e-5;
      const std::size_t stride = std::max<std::size_t>((v.*member).size() / 25, 1);
      for (std::size_t i = 0; i < (v.*member).size(); i += stride) {
        const double at = (v.*member)[i];
        (v.*member)[i] = at + h;
        const double above = loss(v);
        (v.*member)[i] = at - h;
        const double below = loss(v);
        (v.*member)[i] = at;
        const double slope = (above - below) / (2 * h);
        EXPECT_NEAR((expected.exact.gradients.*member)[i], slope, 1e-6 * std::max(1.0, std::abs(slope)))
            << what << " " << i;
      }
    };
    check(&reference::Values::x, "x");
    check(&reference::Values::W, "W");
    check(&reference::Values::U, "U");
    check(&reference::Values::b, "b");
    check(&reference::Values::params, "params");
    check(&reference::Values::P, "P");
    check(&reference::Values::attention, "attention");
    for (int k = 0; k < R::states; ++k) {
      reference::Values v = c.values;
      for (std::size_t i = 0; i < v.initial[k].size(); ++i) {
        const double at = v.initial[k][i];
        v.initial[k][i] = at + 1e-5;
        const double above = loss(v);
        v.initial[k][i] = at - 1e-5;
        const double below = loss(v);
        v.initial[k][i] = at;
        const double slope = (above - below) / 2e-5;
        EXPECT_NEAR(expected.exact.gradients.initial[k][i], slope, 1e-6 * std::max(1.0, std::abs(slope)));
      }
    }
  }
}

}  // namespace

}  // namespace recurra::test

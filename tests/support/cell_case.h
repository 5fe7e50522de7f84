/// A random case of one cell on every target of this machine against the double reference.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/cells/cell_references.h"
#include "recurra/engine/activations.h"
#include "tests/support/engine_case.h"
#include "tests/toy_cells/cell_references.h"

namespace recurra::test {

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
inline double gradient_tolerance(double largest) {
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

template <class, class... S>
struct ListOf {
  using Types = testing::Types<S...>;
};

using AllCells = ListOf<void
#define RECURRA_CELL(folder, Struct) , reference::Struct##Reference
#include "recurra/cells/cell_list.inc"
#undef RECURRA_CELL
#define RECURRA_CELL(folder, Struct) , reference::Struct##Reference
#include "tests/toy_cells/cell_list.inc"
#undef RECURRA_CELL
                        >::Types;

struct CellNames {
  template <class R>
  static std::string GetName(int) {
    return R::name;
  }
};

}  // namespace recurra::test

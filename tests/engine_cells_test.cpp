/// Every cell, built in or toy, on every target of this machine against the double reference.
#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/cell_case.h"

namespace recurra::test {

namespace {

constexpr std::uint64_t seed = 20261;

/// Sizes around every vector width of every target, and the guide's.
constexpr int unit_counts[] = {1, 7, 8, 9, 15, 16, 17, 26, 50};

template <class R>
class CellTest : public testing::Test {};

TYPED_TEST_SUITE(CellTest, AllCells, CellNames);

TYPED_TEST(CellTest, agrees_with_the_reference_forward_and_backward) {
  using R = TypeParam;
  Random random(seed);
  for (const int units : unit_counts) {
    for (const int steps : {0, 1, 37}) {
      for (const bool initial : {false, true}) {
        for (const bool reverse : {false, true}) {
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
  for (const int units : {3, 9, 17, 50}) {
    for (const int projection : {1, 7, 20, 64}) {
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
  for (const int units : {4, 9, 17, 50}) {
    for (const int steps : {1, 2, 23}) {
      for (const bool reverse : {false, true}) {
        for (const bool repeat : {false, true}) {
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
/// and projections, whose outputs have a bound.
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
        if (c.sizes.projection > 0) c.options.projection_clip = 0.0625;
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
  for (int kind = 0; kind <= int(ActivationKind::gelu); ++kind) {
    for (std::size_t place = 0; place < places; ++place) {
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

}  // namespace

}  // namespace recurra::test

/// Cells that normalise their sums, where that is delicate.
#include <gtest/gtest.h>

#include "tests/support/cell_case.h"

namespace recurra::test {

namespace {

constexpr std::uint64_t seed = 20261;

/// Gains as a model starts with them, and twice as many units and steps as above.
TEST(NormalisedCellsTest, agree_with_the_reference_at_gains_about_one) {
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
TEST(NormalisedCellsTest, lose_no_digits_to_a_mean_far_from_zero) {
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

TEST(NormalisedCellsTest, take_no_bias_for_zeros) {
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

}  // namespace

}  // namespace recurra::test

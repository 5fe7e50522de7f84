/// The references of the cells: what all else is compared with.
#include <gtest/gtest.h>

#include "tests/support/cell_case.h"

namespace recurra::test {

namespace {

constexpr std::uint64_t seed = 20261;

template <class R>
class CellReferenceTest : public testing::Test {};

TYPED_TEST_SUITE(CellReferenceTest, AllCells, CellNames);

/// The reference's own gradients, against central differences of its forward pass in double.
TYPED_TEST(CellReferenceTest, gradients_agree_with_central_differences) {
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

/// Weights in any plain layout, packed, unpacked and given as gradients, bit for bit as contiguous ones.
#include <algorithm>

#include <gtest/gtest.h>

#include "recurra/engine/stack.h"
#include "tests/support/engine_case.h"

namespace recurra::test {

namespace {

using Floats = std::vector<float>;

/// Gates in the reverse of the cell's order.
const int* reversed_places(i64 gates) {
  static constexpr int places[max_gates][max_gates] = {
      {0}, {1, 0}, {2, 1, 0}, {3, 2, 1, 0}, {4, 3, 2, 1, 0}, {5, 4, 3, 2, 1, 0}};
  return places[gates - 1];
}

/// What stands between the rows of a weight.
enum class Columns { gates, plain };

/// One weight in three layouts: contiguous, with the units outermost and a gap behind each, and contiguous
/// with gates in another order. Those that have no gates keep their order.
struct Weight {
  Weight(i64 rows, i64 gates, i64 units, Columns columns, Random& random)
      : rows(rows), gates(gates), units(units) {
    const int* places = columns == Columns::gates ? reversed_places(gates) : nullptr;
    outermost = {1, rows, gates * rows + 3, places};
    reordered = {gates * units, units, 1, places};
    contiguous.resize(std::size_t(rows * gates * units));
    for (float& value : contiguous) value = random.normal();
    strided.assign(std::size_t(units * outermost.unit), -7.0F);
    permuted.assign(contiguous.size(), -7.0F);
    for (i64 i = 0; i < rows * gates * units; ++i) {
      strided[place(i, outermost)] = contiguous[std::size_t(i)];
      permuted[place(i, reordered)] = contiguous[std::size_t(i)];
    }
  }

  /// Of element i of the contiguous one.
  [[nodiscard]] std::size_t place(i64 i, const WeightStrides& strides) const {
    const i64 unit = i % units;
    const int gate = int(i / units % gates);
    return std::size_t(i / units / gates * strides.row + strides.gate_offset(gate) + unit * strides.unit);
  }

  [[nodiscard]] Floats in_order(Floats Weight::*of) const {
    Floats values(contiguous.size());
    const WeightStrides& strides = of == &Weight::strided ? outermost : reordered;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = (this->*of)[place(i64(i), strides)];
    return values;
  }

  i64 rows, gates, units;
  WeightStrides outermost, reordered;
  Floats contiguous, strided, permuted;
};

/// All weights of a plan.
struct AllWeights {
  AllWeights(const Plan& plan, Random& random)
      : W(plan.input(), plan.cell().gates, plan.units(), Columns::gates, random),
        U(plan.cell().dense ? plan.width() : 0, plan.cell().gates, plan.units(), Columns::gates, random),
        b(1, plan.cell().gates, plan.units(), Columns::gates, random),
        params(plan.cell().params > 0 ? 1 : 0, plan.cell().params, plan.units(), Columns::plain, random),
        P(plan.projected() ? plan.units() : 0, 1, plan.width(), Columns::plain, random) {}

  template <class T>
  [[nodiscard]] WeightsOf<T> views(Floats Weight::*of) {
    WeightsOf<T> views{(W.*of).data(),
                       U.rows > 0 ? (U.*of).data() : nullptr,
                       (b.*of).data(),
                       params.rows > 0 ? (params.*of).data() : nullptr,
                       P.rows > 0 ? (P.*of).data() : nullptr};
    if (of != &Weight::contiguous) {
      const auto strides = of == &Weight::strided ? &Weight::outermost : &Weight::reordered;
      views.W_strides = W.*strides;
      views.U_strides = U.*strides;
      views.b_strides = b.*strides;
      views.params_strides = params.*strides;
      views.P_strides = P.*strides;
    }
    return views;
  }

  [[nodiscard]] std::vector<Weight*> all() { return {&W, &U, &b, &params, &P}; }

  Weight W, U, b, params, P;
};

void expect_same_packs(const PackedWeights& a, const PackedWeights& b) {
  using P = PackedWeights;
  for (const auto m : {&P::in, &P::bias, &P::params, &P::projection, &P::back_in, &P::back_projection})
    EXPECT_TRUE(std::ranges::equal(a.*m, b.*m));
  for (int p = 0; p < max_phases; ++p) {
    EXPECT_TRUE(std::ranges::equal(a.state[p], b.state[p]));
    EXPECT_TRUE(std::ranges::equal(a.back_state[p], b.back_state[p]));
  }
}

/// Calls visit(plan) for every cell, sizes around the vectors' widths, and with a projection where it can be.
template <class Visit>
void for_each_plan(Visit visit) {
  for (const Target* target : supported_targets()) {
    for (const CellKernels& cell : std::span(target->cells, std::size_t(target->cell_count))) {
      for (const i64 units : {1, 8, 17, 50}) {
        for (const i64 projection : {0, 7}) {
          if (projection > 0 && (cell.reads_h || !cell.dense)) continue;
          SCOPED_TRACE(std::string(target->name) + " " + cell.name + " " + std::to_string(units));
          visit(Plan({cell.name, 13, units, projection}, *target));
        }
      }
    }
  }
}

TEST(Packs, of_any_layout_are_the_same_and_give_the_weights_back) {
  Random random(20267);
  for_each_plan([&](const Plan& plan) {
    AllWeights weights(plan, random);
    PackedWeights packs(plan, PackedWeights::Use::training);
    packs.pack(plan, weights.views<const float>(&Weight::contiguous));
    AlignedBuffer<float> memory(PackedWeights::floats(plan, PackedWeights::Use::training));
    PackedWeights others(plan, PackedWeights::Use::training, memory.data());
    for (const auto layout : {&Weight::strided, &Weight::permuted}) {
      others.pack(plan, weights.views<const float>(layout));
      expect_same_packs(packs, others);
    }

    for (const auto layout : {&Weight::contiguous, &Weight::strided, &Weight::permuted}) {
      AllWeights back(plan, random);
      const PackedWeights found(plan, PackedWeights::Use::training, memory.data());
      found.unpack(back.views<float>(layout));
      for (std::size_t i = 0; i < back.all().size(); ++i)
        EXPECT_TRUE(same_bits(back.all()[i]->*layout, weights.all()[i]->*layout)) << i;
    }
  });
}

TEST(Packs, without_bias_or_parameters_are_those_of_zeros) {
  Random random(20268);
  for_each_plan([&](const Plan& plan) {
    AllWeights weights(plan, random);
    PackedWeights packs(plan, PackedWeights::Use::inference);
    packs.pack(plan, weights.views<const float>(&Weight::contiguous));
    Weights without = weights.views<const float>(&Weight::contiguous);
    without.b = without.params = nullptr;
    packs.pack(plan, without);
    EXPECT_EQ(std::ranges::count(packs.bias, 0.0F), std::ssize(packs.bias));
    EXPECT_EQ(std::ranges::count(packs.params, 0.0F), std::ssize(packs.params));
  });
}

TEST(Packs, gradients_go_to_any_layout) {
  Random random(20269);
  for_each_plan([&](const Plan& plan) {
    AllWeights weights(plan, random);
    PackedWeights packs(plan, PackedWeights::Use::training);
    packs.pack(plan, weights.views<const float>(&Weight::contiguous));
    constexpr i64 steps = 3;
    constexpr i64 batch = 2;
    Floats x(std::size_t(steps * batch * plan.input()));
    Floats dy(std::size_t(steps * batch * plan.width()));
    for (Floats* values : {&x, &dy}) {
      for (float& value : *values) value = random.normal();
    }
    Call call;
    call.steps = steps;
    call.batch = batch;
    call.x = time_major<const float>(x.data(), batch, plan.input());
    if (plan.cell().attention) call.attention = time_major<const float>(x.data(), batch, 1);
    Workspace workspace;
    workspace.prepare(plan, {.steps = steps, .batch = batch, .training = true});
    for (const bool accumulate : {false, true}) {
      AllWeights gradients = weights;
      for (const auto layout : {&Weight::contiguous, &Weight::strided, &Weight::permuted}) {
        BackwardCall back;
        back.dy = time_major<const float>(dy.data(), batch, plan.width());
        back.d_weights = gradients.views<float>(layout);
        back.accumulate = accumulate;
        forward(plan, packs, call, workspace, true);
        backward(plan, packs, call, back, workspace);
      }
      for (const Weight* weight : gradients.all()) {
        for (const auto layout : {&Weight::strided, &Weight::permuted})
          EXPECT_TRUE(same_bits(weight->in_order(layout), weight->contiguous));
      }
      EXPECT_FALSE(same_bits(gradients.W.contiguous, weights.W.contiguous));
    }
  });
}

}  // namespace

}  // namespace recurra::test

/// A stack, what the reference of one recurrence, composed in double, makes of it, and the engine's results
/// beside.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/cells/cell_references.h"
#include "recurra/engine/stack.h"
#include "tests/support/engine_case.h"
#include "tests/support/given_memory.h"

namespace recurra::test {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

/// One layer and direction: its case, what the reference makes of it, and the engine's memory.
struct LayerRun {
  EngineCase c;
  reference::Values expected, gradients;
  Floats W, U, b, params, P, x_factor, h_factor;
  Floats initial[max_states], final[max_states], d_final[max_states], d_initial[max_states];
  Doubles d_own;  // gradient of this layer and direction's output alone
  Floats y, dy, states[max_states], d_states[max_states], zoneout[max_states];
  Floats dW, dU, db, dparams, dP;
};

/// Calls f with the reference of a cell.
template <class F>
void with_reference(const std::string& cell, F f) {
#define RECURRA_CELL(folder, Struct) \
  if (cell == reference::Struct##Reference::name) f(reference::Struct##Reference{});
#include "recurra/cells/cell_list.inc"
#undef RECURRA_CELL
}

template <class R>
reference::Options options_of(const EngineCase& c, R) {
  reference::Options options = c.options;
  options.activations = {std::begin(R::activations), std::end(R::activations)};
  return options;
}

inline Floats to_float(const Doubles& values) {
  return {values.begin(), values.end()};
}

/// Columns first .. first + count of rows of `width`.
inline Doubles columns(const Doubles& all, int width, int first, int count) {
  Doubles some;
  for (std::size_t row = 0; row < all.size() / std::size_t(width); ++row) {
    const auto at = all.begin() + std::ptrdiff_t(row) * width + first;
    some.insert(some.end(), at, at + count);
  }
  return some;
}

inline Doubles side_by_side(const Doubles& a, int a_width, const Doubles& b, int b_width) {
  Doubles both;
  for (std::size_t row = 0; row < a.size() / std::size_t(a_width); ++row) {
    both.insert(
        both.end(), a.begin() + std::ptrdiff_t(row) * a_width, a.begin() + std::ptrdiff_t(row + 1) * a_width);
    both.insert(
        both.end(), b.begin() + std::ptrdiff_t(row) * b_width, b.begin() + std::ptrdiff_t(row + 1) * b_width);
  }
  return both;
}

inline Doubles sum(const Doubles& a, const Doubles& b) {
  Doubles both = a;
  for (std::size_t i = 0; i < b.size(); ++i) both[i] += b[i];
  return both;
}

/// What a stack has besides its layers.
struct StackVariant {
  Direction direction;
  Stacking stacking;
  bool masks, dropout;
  bool attention = false;  // in the layers but the middle one
  bool extras = false;  // every layer's outputs and states, zoneout, a clip; only from there come gradients
};

/// Three layers of different cells and widths, drawn from a stream.
class StackProblem {
 public:
  StackProblem(const StackVariant& variant, std::uint64_t stream)
      : variant_(variant), random_(20263, stream) {
    const char* cells[] = {"lstm", "gru", "gru_reset_after", "vanilla"};
    stack_.direction = variant.direction;
    stack_.stacking = variant.stacking;
    stack_.input = 6;
    // Widths that differ from layer to layer, and, where they are not added, another cell in each.
    for (int layer = 0; layer < 3; ++layer)
      stack_.layers.push_back({cells[(layer + stream) % 4], i64{9} + 7 * layer, 0, {}});
    if (stack_.layers[1].cell == "lstm") stack_.layers[1].projection = 5;
    if (variant.attention) {
      stack_.layers[0].cell = "augru";
      stack_.layers[2].cell = "augru_reset_after";
      attention_.resize(std::size_t(batch * steps));
      for (double& v : attention_) v = random_.uniform();
    }
    for (Stack::Layer& layer : stack_.layers) {
      if (variant.extras && layer.cell == "lstm") layer.clip = 0.3F;
    }
    x_.resize(std::size_t(batch * steps * 6));
    for (double& v : x_) v = random_.normal();
    dy_.resize(std::size_t(batch * steps) * std::size_t(StackPlan(stack_).width()));
    for (double& v : dy_) v = random_.normal();
    make_runs();
  }

  /// Forward and backward in double.
  void expect() {
    Doubles inputs[2] = {x_, x_};
    for (std::size_t layer = 0; layer < 3; ++layer) {
      LayerRun* pair = runs_.data() + layer * directions();
      for (std::size_t d = 0; d < directions(); ++d) {
        pair[d].expected = pair[d].c.values;
        pair[d].expected.x = inputs[d];
        with_reference(pair[d].c.cell, [&](auto r) {
          reference::Recurrence<decltype(r)>(pair[d].c.sizes, pair[d].c.lengths, options_of(pair[d].c, r))
              .forward(pair[d].expected);
        });
      }
      const int width = pair[0].c.sizes.width();
      const Doubles first = pair[0].expected.y;
      const Doubles second = directions() == 2 ? pair[1].expected.y : Doubles();
      const bool top = layer == 2;
      y_ = directions() == 1                      ? first
           : variant_.direction == Direction::sum ? sum(first, second)
                                                  : side_by_side(first, width, second, width);
      const bool apart = variant_.stacking == Stacking::independent && !top;
      inputs[0] = apart ? first : y_;
      inputs[1] = apart ? second : y_;
    }
    expect_gradients();
  }

  void check(const Target& target, const Execution& execution) {
    const StackPlan plan(stack_, target);
    StackPacks packs(plan, PackedWeights::Use::training);
    std::vector<Weights> weights;
    std::vector<StackRun> states;
    std::vector<StackRunGradients> gradients;
    for (LayerRun& r : runs_) {
      const auto get = [](Floats& v) {
        return v.empty() ? nullptr : v.data();
      };
      weights.push_back({get(r.W), get(r.U), get(r.b), get(r.params), get(r.P)});
      for (auto [from, to] :
           {std::pair{&r.W, &r.dW}, {&r.U, &r.dU}, {&r.b, &r.db}, {&r.params, &r.dparams}, {&r.P, &r.dP}})
        to->assign(from->size(), -7.0F);
      StackRun& run = states.emplace_back();
      StackRunGradients& back = gradients.emplace_back();
      for (int k = 0; k < r.c.numbers.states; ++k) {
        run.initial[k] = r.initial[k].data();
        r.final[k].assign(r.initial[k].size(), -7.0F);
        r.d_initial[k] = r.final[k];
        run.final[k] = r.final[k].data();
        back.d_final[k] = r.d_final[k].data();
        back.d_initial[k] = r.d_initial[k].data();
      }
      if (variant_.extras) take_extras(r, run, back);
      run.x_dropout = get(r.x_factor);
      run.h_dropout = get(r.h_factor);
      back.d_weights = {get(r.dW), get(r.dU), get(r.db), get(r.dparams), get(r.dP)};
    }
    packs.pack(plan, weights, execution);
    // One layer's directions together: in memory of the caller's, without gates.
    StackWorkspace workspace;
    GivenMemory kept, scratch;
    Room room{.steps = steps,
              .batch = batch,
              .training = true,
              .masks = true,
              .dropout = true,
              .states = true,
              .zoneout = true,
              .zoneout_states = true};
    const bool given = execution.directions == Directions::together;
    if (given) {
      room.keep = Keep::states;
      const MemoryBytes bytes = StackWorkspace::bytes(plan, room);
      const auto memory = kept.take(bytes.kept);
      workspace.prepare(plan, room, memory, scratch.take(bytes.scratch));
    } else {
      workspace.prepare(plan, room);
    }
    const Floats x = to_float(x_);
    const Floats dy = to_float(dy_);
    Floats y(y_.size(), -7.0F);
    Floats dx(x.size(), -7.0F);
    const Floats attention = to_float(attention_);
    Floats d_attention(attention.size(), -7.0F);
    StackCall call;
    call.steps = steps;
    call.batch = batch;
    call.x = batch_major(x.data(), steps, 6);
    if (!variant_.extras) call.y = batch_major(y.data(), steps, plan.width());
    call.lengths = lengths_.empty() ? nullptr : lengths_.data();
    call.mask = mask_.empty() ? nullptr : mask_.data();
    call.fill = mask_.empty() ? Fill::zeros : Fill::repeat;
    if (variant_.attention) call.attention = batch_major(attention.data(), steps, 1);
    call.runs = states;
    StackBackwardCall back;
    if (!variant_.extras) back.dy = batch_major(dy.data(), steps, plan.width());
    back.dx = batch_major(dx.data(), steps, 6);
    if (variant_.attention) back.d_attention = batch_major(d_attention.data(), steps, 1);
    back.runs = gradients;
    forward(plan, packs, call, workspace, true, execution);
    const Floats y_training = y;
    scratch.fill();
    backward(plan, packs, call, back, workspace, execution);
    compare_all(y, dx, d_attention);
    bits_ = {y, dx, d_attention};
    for (const LayerRun& r : runs_)
      bits_.insert(bits_.end(), {r.dW, r.dU, r.db, r.final[0], r.d_initial[0], r.y, r.states[1]});
    forward(plan, packs, call, workspace, false, execution);
    EXPECT_TRUE(same_bits(y, y_training));
    for (int layer = 0; layer < 3; ++layer) {
      for (int d = 0; d < plan.directions(); ++d)
        EXPECT_STREQ(workspace.report(layer, d).target, target.name);
    }
  }

  /// All numbers of the last check.
  [[nodiscard]] const std::vector<Floats>& bits() const { return bits_; }

 private:
  static constexpr int batch = 7, steps = 9;

  [[nodiscard]] std::size_t directions() const { return runs_.size() / 3; }

  void take_extras(LayerRun& r, StackRun& run, StackRunGradients& back) const {
    const int width = r.c.sizes.width();
    const int units = r.c.sizes.units;
    r.y.assign(r.expected.y.size(), -7.0F);
    r.dy = to_float(r.d_own);
    run.y = batch_major(r.y.data(), steps, width);
    back.dy = batch_major<const float>(r.dy.data(), steps, width);
    for (int k = 0; k < r.c.numbers.states; ++k) {
      r.zoneout[k] = to_float(r.c.options.zoneout[k]);
      if (!r.zoneout[k].empty()) run.zoneout[k] = batch_major<const float>(r.zoneout[k].data(), steps, units);
      if (k == 0) continue;
      r.states[k].assign(r.expected.states[k].size(), -7.0F);
      r.d_states[k] = to_float(r.c.outside.states[k]);
      run.states[k] = batch_major(r.states[k].data(), steps, units);
      back.d_states[k] = batch_major<const float>(r.d_states[k].data(), steps, units);
    }
  }

  void make_runs() {
    const StackPlan plan(stack_);
    if (variant_.masks) {
      mask_.resize(batch * steps);
      for (auto& counts : mask_) counts = random_.below(3) != 0;
    } else {
      lengths_ = {9, 0, 4, 9, 1, 7, 3};
    }
    for (const Plan& one : plan.plans()) {
      LayerRun& r = runs_.emplace_back();
      const Recurrence& recurrence = one.recurrence();
      r.c.cell = recurrence.cell;
      r.c.numbers = sizes_of(one.cell());
      r.c.sizes = {batch, steps, one.input(), one.units(), int(recurrence.projection), recurrence.reverse};
      r.c.lengths = lengths_;
      r.c.options.counts = mask_;
      r.c.options.repeat = variant_.masks;
      r.c.take_states = variant_.extras;
      r.c.options.clip = recurrence.clip;
      r.c.fill(random_);
      if (variant_.extras) {
        r.c.zone_out(random_, 0.3);
        r.d_own = r.c.outside.y;
      }
      if (one.cell().attention) r.c.values.attention = attention_;
      if (variant_.dropout) r.c.drop_out(random_, 0.3, recurrence.projection == 0);
      r.W = to_float(r.c.values.W);
      r.U = to_float(r.c.values.U);
      r.b = to_float(r.c.values.b);
      r.params = to_float(r.c.values.params);
      r.P = to_float(r.c.values.P);
      r.x_factor = to_float(r.c.options.x_factor);
      r.h_factor = to_float(r.c.options.h_factor);
      for (int k = 0; k < max_states; ++k) {
        r.initial[k] = to_float(r.c.values.initial[k]);
        r.d_final[k] = to_float(r.c.outside.final[k]);
      }
    }
  }

  void expect_gradients() {
    Doubles dy = variant_.extras ? Doubles(dy_.size(), 0.0) : dy_;
    d_attention_.assign(attention_.size(), 0.0);
    for (std::size_t layer = 3; layer-- > 0;) {
      LayerRun* pair = runs_.data() + layer * directions();
      const int width = pair[0].c.sizes.width();
      const bool added =
          variant_.direction == Direction::sum && (variant_.stacking == Stacking::cross_fed || layer == 2);
      for (std::size_t d = 0; d < directions(); ++d) {
        LayerRun& r = pair[d];
        r.gradients = r.c.outside;
        r.gradients.y = directions() == 1 || added ? dy : columns(dy, 2 * width, int(d) * width, width);
        r.gradients.y = sum(r.gradients.y, r.d_own);
        r.gradients.b.assign(r.expected.b.size(), 0.0);
        with_reference(r.c.cell, [&](auto cell) {
          reference::Recurrence<decltype(cell)> recurrence(r.c.sizes, r.c.lengths, options_of(r.c, cell));
          reference::Values again = r.expected;
          recurrence.forward(again);
          recurrence.backward(again, r.gradients);
        });
        d_attention_ = sum(d_attention_, r.gradients.attention);
      }
      const int input = pair[0].c.sizes.input;
      dy = directions() == 1 ? pair[0].gradients.x
           : variant_.stacking == Stacking::independent && layer > 0
               ? side_by_side(pair[0].gradients.x, input, pair[1].gradients.x, input)
               : sum(pair[0].gradients.x, pair[1].gradients.x);
    }
    dx_ = dy;
  }

  void compare_all(const Floats& y, const Floats& dx, const Floats& d_attention) const {
    const auto check_output = [](const Floats& actual, const Doubles& expected) {
      const Difference output = compare(actual, expected);
      EXPECT_LE(output.error, 3 * output_tolerance(25, output.largest))
          << "three layers, each within the bound";
    };
    if (!variant_.extras) check_output(y, y_);
    const auto check = [](const char* what, const Floats& actual, const Doubles& expected) {
      const Difference difference = compare(actual, expected);
      EXPECT_LE(difference.error, 3e-5 * difference.largest) << what;
    };
    check("dx", dx, dx_);
    check("d attention", d_attention, d_attention_);
    for (const LayerRun& r : runs_) {
      SCOPED_TRACE(r.c.text());
      if (variant_.extras) check_output(r.y, r.expected.y);
      check("dW", r.dW, r.gradients.W);
      check("dU", r.dU, r.gradients.U);
      check("db", r.db, r.gradients.b);
      check("dparams", r.dparams, r.gradients.params);
      check("dP", r.dP, r.gradients.P);
      for (int k = 0; k < r.c.numbers.states; ++k) {
        check_output(r.final[k], r.expected.final[k]);
        if (variant_.extras && k > 0) check_output(r.states[k], r.expected.states[k]);
        check("d initial", r.d_initial[k], r.gradients.initial[k]);
      }
    }
  }

  StackVariant variant_;
  Random random_;
  Stack stack_;
  Doubles x_, y_, dy_, dx_, attention_, d_attention_;
  std::vector<LayerRun> runs_;
  std::vector<int> lengths_;
  std::vector<unsigned char> mask_;
  std::vector<Floats> bits_;
};

}  // namespace recurra::test

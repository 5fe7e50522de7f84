/// Stacks of layers and directions against the reference of one recurrence, composed in double.
#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/cells/cell_references.h"
#include "recurra/engine/stack.h"
#include "tests/support/engine_case.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

constexpr std::uint64_t seed = 20263;

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

/// One layer and direction: its case, what the reference makes of it, and the engine's memory.
struct Run {
  EngineCase c;
  reference::Values expected, gradients;
  Floats W, U, b, params, P, x_factor, h_factor;
  Floats initial[3], final[3], d_final[3], d_initial[3];
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

Floats to_float(const Doubles& values) {
  return {values.begin(), values.end()};
}

/// Columns first .. first + count of rows of `width`.
Doubles columns(const Doubles& all, int width, int first, int count) {
  Doubles some;
  for (std::size_t row = 0; row < all.size() / std::size_t(width); ++row) {
    const auto at = all.begin() + std::ptrdiff_t(row) * width + first;
    some.insert(some.end(), at, at + count);
  }
  return some;
}

Doubles side_by_side(const Doubles& a, int a_width, const Doubles& b, int b_width) {
  Doubles both;
  for (std::size_t row = 0; row < a.size() / std::size_t(a_width); ++row) {
    both.insert(
        both.end(), a.begin() + std::ptrdiff_t(row) * a_width, a.begin() + std::ptrdiff_t(row + 1) * a_width);
    both.insert(
        both.end(), b.begin() + std::ptrdiff_t(row) * b_width, b.begin() + std::ptrdiff_t(row + 1) * b_width);
  }
  return both;
}

Doubles sum(const Doubles& a, const Doubles& b) {
  Doubles both = a;
  for (std::size_t i = 0; i < b.size(); ++i) both[i] += b[i];
  return both;
}

struct Variant {
  Direction direction;
  Stacking stacking;
  bool masks, dropout;
  bool attention = false;  // in the layers but the middle one
};

class StackProblem {
 public:
  StackProblem(const Variant& variant, std::uint64_t stream) : variant_(variant), random_(seed, stream) {
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
      Run* pair = runs_.data() + layer * directions();
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
    for (Run& r : runs_) {
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
      run.x_dropout = get(r.x_factor);
      run.h_dropout = get(r.h_factor);
      back.d_weights = {get(r.dW), get(r.dU), get(r.db), get(r.dparams), get(r.dP)};
    }
    packs.pack(plan, weights, execution);
    StackWorkspace workspace;
    workspace.prepare(plan, {steps, batch, true, true, true});
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
    call.y = batch_major(y.data(), steps, plan.width());
    call.lengths = lengths_.empty() ? nullptr : lengths_.data();
    call.mask = mask_.empty() ? nullptr : mask_.data();
    call.fill = mask_.empty() ? Fill::zeros : Fill::repeat;
    if (variant_.attention) call.attention = batch_major(attention.data(), steps, 1);
    call.runs = states;
    StackBackwardCall back;
    back.dy = batch_major(dy.data(), steps, plan.width());
    back.dx = batch_major(dx.data(), steps, 6);
    if (variant_.attention) back.d_attention = batch_major(d_attention.data(), steps, 1);
    back.runs = gradients;
    forward(plan, packs, call, workspace, true, execution);
    const Floats y_training = y;
    backward(plan, packs, call, back, workspace, execution);
    compare_all(y, dx, d_attention);
    bits_ = {y, dx, d_attention};
    for (const Run& r : runs_) bits_.insert(bits_.end(), {r.dW, r.dU, r.db, r.final[0], r.d_initial[0]});
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

  void make_runs() {
    const StackPlan plan(stack_);
    if (variant_.masks) {
      mask_.resize(batch * steps);
      for (auto& counts : mask_) counts = random_.below(3) != 0;
    } else {
      lengths_ = {9, 0, 4, 9, 1, 7, 3};
    }
    for (const Plan& one : plan.plans()) {
      Run& r = runs_.emplace_back();
      const Recurrence& recurrence = one.recurrence();
      r.c.cell = recurrence.cell;
      r.c.numbers = sizes_of(one.cell());
      r.c.sizes = {batch, steps, one.input(), one.units(), int(recurrence.projection), recurrence.reverse};
      r.c.lengths = lengths_;
      r.c.options.counts = mask_;
      r.c.options.repeat = variant_.masks;
      r.c.fill(random_);
      if (one.cell().attention) r.c.values.attention = attention_;
      if (variant_.dropout) r.c.drop_out(random_, 0.3, recurrence.projection == 0);
      r.W = to_float(r.c.values.W);
      r.U = to_float(r.c.values.U);
      r.b = to_float(r.c.values.b);
      r.params = to_float(r.c.values.params);
      r.P = to_float(r.c.values.P);
      r.x_factor = to_float(r.c.options.x_factor);
      r.h_factor = to_float(r.c.options.h_factor);
      for (int k = 0; k < 3; ++k) {
        r.initial[k] = to_float(r.c.values.initial[k]);
        r.d_final[k] = to_float(r.c.outside.final[k]);
      }
    }
  }

  void expect_gradients() {
    Doubles dy = dy_;
    d_attention_.assign(attention_.size(), 0.0);
    for (std::size_t layer = 3; layer-- > 0;) {
      Run* pair = runs_.data() + layer * directions();
      const int width = pair[0].c.sizes.width();
      const bool added =
          variant_.direction == Direction::sum && (variant_.stacking == Stacking::cross_fed || layer == 2);
      for (std::size_t d = 0; d < directions(); ++d) {
        Run& r = pair[d];
        r.gradients = r.c.outside;
        r.gradients.y = directions() == 1 || added ? dy : columns(dy, 2 * width, int(d) * width, width);
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
    const Difference output = compare(y, y_);
    EXPECT_LE(output.error, 3 * output_tolerance(25, output.largest))
        << "three layers, each within the bound";
    const auto check = [](const char* what, const Floats& actual, const Doubles& expected) {
      const Difference difference = compare(actual, expected);
      EXPECT_LE(difference.error, 3e-5 * difference.largest) << what;
    };
    check("dx", dx, dx_);
    check("d attention", d_attention, d_attention_);
    for (const Run& r : runs_) {
      SCOPED_TRACE(r.c.text());
      check("dW", r.dW, r.gradients.W);
      check("dU", r.dU, r.gradients.U);
      check("db", r.db, r.gradients.b);
      check("dparams", r.dparams, r.gradients.params);
      check("dP", r.dP, r.gradients.P);
      for (int k = 0; k < r.c.numbers.states; ++k) {
        const Difference state = compare(r.final[k], r.expected.final[k]);
        EXPECT_LE(state.error, 3 * output_tolerance(25, state.largest));
        check("d initial", r.d_initial[k], r.gradients.initial[k]);
      }
    }
  }

  Variant variant_;
  Random random_;
  Stack stack_;
  Doubles x_, y_, dy_, dx_, attention_, d_attention_;
  std::vector<Run> runs_;
  std::vector<int> lengths_;
  std::vector<unsigned char> mask_;
  std::vector<Floats> bits_;
};

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const Direction direction :
       {Direction::forward, Direction::backward, Direction::concat, Direction::sum}) {
    for (const Stacking stacking : {Stacking::cross_fed, Stacking::independent}) {
      const bool both = direction == Direction::concat || direction == Direction::sum;
      if (!both && stacking == Stacking::independent) continue;
      for (const bool masks : {false, true}) {
        for (const bool dropout : {false, true}) all.push_back({direction, stacking, masks, dropout});
        all.push_back({direction, stacking, masks, false, true});
      }
    }
  }
  return all;
}

TEST(Stacks, agree_with_the_reference_whatever_runs_at_once) {
  Team team(4);
  std::uint64_t stream = 0;
  for (const Variant& variant : variants()) {
    StackProblem problem(variant, ++stream);
    problem.expect();
    for (const Target* target : supported_targets()) {
      SCOPED_TRACE(std::string(target->name) + ", variant " + std::to_string(stream));
      problem.check(*target, {&team, 1});
      const std::vector<Floats> alone = problem.bits();
      for (const int threads : {2, 4}) {
        for (const Directions directions : {Directions::together, Directions::in_turn}) {
          for (const Schedule schedule : {Schedule::rows, Schedule::units}) {
            problem.check(*target, {&team, threads, schedule, 0, directions});
            for (std::size_t i = 0; i < alone.size(); ++i)
              EXPECT_TRUE(same_bits(problem.bits()[i], alone[i])) << i << ", threads " << threads;
          }
        }
      }
    }
  }
}

TEST(Stacks, know_their_widths) {
  Stack stack{.input = 3, .layers = {{"lstm", 5}, {"gru", 7}}};
  EXPECT_EQ(StackPlan(stack).width(), 7);
  stack.direction = Direction::concat;
  EXPECT_EQ(StackPlan(stack).width(0), 10);
  EXPECT_EQ(StackPlan(stack).plan(1, 1).input(), 10);
  EXPECT_TRUE(StackPlan(stack).plan(1, 1).recurrence().reverse);
  stack.stacking = Stacking::independent;
  EXPECT_EQ(StackPlan(stack).width(), 14);
  EXPECT_EQ(StackPlan(stack).plan(1, 1).input(), 5);
  stack.direction = Direction::sum;
  EXPECT_EQ(StackPlan(stack).width(0), 10);
  EXPECT_EQ(StackPlan(stack).width(), 7);
  stack.stacking = Stacking::cross_fed;
  EXPECT_EQ(StackPlan(stack).plan(1, 0).input(), 5);
}

TEST(Stacks, find_room_for_all_they_were_prepared_for) {
  const StackPlan plan(Stack{.input = 3, .layers = {{"lstm", 5}, {"gru", 7}}, .direction = Direction::sum});
  StackPacks packs(plan, PackedWeights::Use::training);
  std::vector<Floats> memory;
  const auto take = [&](i64 size) {
    return memory.emplace_back(std::size_t(size), 0.1F).data();
  };
  std::vector<Weights> weights;
  for (const Plan& one : plan.plans()) {
    const i64 gates = one.cell().gates * one.units();
    weights.push_back({take(one.input() * gates), take(one.units() * gates), take(gates), nullptr, nullptr});
  }
  packs.pack(plan, weights);
  StackWorkspace workspace;
  workspace.prepare(plan, {.steps = 30, .batch = 1, .training = true});
  workspace.prepare(plan, {.steps = 1, .batch = 30});
  StackCall call;
  call.steps = call.batch = 30;
  call.x = batch_major<const float>(take(30 * 30 * 3), 30, 3);
  call.y = batch_major(take(30 * 30 * 7), 30, 7);
  StackBackwardCall back;
  back.dy = batch_major<const float>(take(30 * 30 * 7), 30, 7);
  back.dx = batch_major(take(30 * 30 * 3), 30, 3);
  forward(plan, packs, call, workspace, true);  // the address sanitizer looks on
  backward(plan, packs, call, back, workspace);
  EXPECT_STREQ(workspace.report(1, 1).target, active_target().name);
}

TEST(Stacks, refuse_what_does_not_fit) {
  const auto refusal = [](auto action) {
    return error_text(ErrorCode::invalid_argument, action);
  };
  EXPECT_EQ(refusal([] { StackPlan(Stack{.input = 3, .layers = {}}); }),
            "layers: expected at least one, got none");
  const StackPlan plan(Stack{.input = 3, .layers = {{"lstm", 5}, {"gru", 7}}});
  StackPacks packs(plan, PackedWeights::Use::training);
  EXPECT_EQ(refusal([&] { packs.pack(plan, {}); }),
            "weights: expected 2, one for each layer and direction, got 0");
  StackWorkspace workspace;
  StackCall call;
  call.steps = 2;
  call.batch = 1;
  EXPECT_EQ(refusal([&] { forward(plan, packs, call, workspace); }),
            "workspace: expected one prepared for this plan, 2 steps and 1 rows, got one that is not");
  workspace.prepare(plan, {.steps = 1, .batch = 1, .training = true});
  EXPECT_EQ(refusal([&] { forward(plan, packs, call, workspace); }),
            "workspace: expected one prepared for this plan, 2 steps and 1 rows, got 1 steps and 1 rows");
  call.steps = 1;
  const std::vector<StackRun> runs(3);
  call.runs = runs;
  EXPECT_EQ(refusal([&] { forward(plan, packs, call, workspace); }),
            "runs: expected none or 2, one for each layer and direction, got 3");
  call.runs = {};
  const float attention = 0.5F;
  call.attention = {&attention, 1, 1};
  EXPECT_EQ(refusal([&] { forward(plan, packs, call, workspace); }),
            "attention: expected none for a stack whose cells take none, got a sequence");
  const StackPlan attended(Stack{.input = 3, .layers = {{"lstm", 5}, {"augru", 7}}});
  workspace.prepare(attended, {.steps = 1, .batch = 1, .training = true});
  call.attention = {};
  EXPECT_EQ(refusal([&] { forward(attended, packs, call, workspace); }),
            "attention: expected a sequence for a stack whose cells take one, got null");
}

}  // namespace

}  // namespace recurra::test

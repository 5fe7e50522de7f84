/// How much memory a workspace needs, whose it may be, and that no bit depends on it.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/engine/stack.h"
#include "tests/support/each_cell.h"
#include "tests/support/engine_layer.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Floats = std::vector<float>;

/// What a case has besides its cell. 40 steps of 13 rows are two chunks of the way back.
struct Variant {
  bool lengths, reverse, initial, sequence;
  int projection;
  bool masks = false, dropout = false;
  bool extras = false;  // zoneout, and states of every step with gradients
};

constexpr Variant variants[] = {{false, false, false, true, 0},
                                {true, true, true, false, 0},
                                {true, false, true, true, 20},
                                {false, false, true, true, 0, true, true},
                                {false, true, false, true, 0, false, true},
                                {false, true, true, true, 7, true, false},
                                {true, false, true, true, 0, false, false, true},
                                {false, true, false, true, 7, false, false, true}};

EngineCase make_case(const Target& table, const CellKernels& cell, const Variant& variant) {
  EngineCase c;
  c.cell = cell.name;
  c.numbers = sizes_of(cell);
  c.sizes = {13, 40, 6, 5 * table.width - 3, variant.projection, variant.reverse};
  c.initial_given = variant.initial;
  c.take_sequence = variant.sequence;
  c.take_states = variant.extras;
  if (variant.lengths) c.lengths = {7, 17, 0, 1, 12, 40, 3, 36, 37, 20, 21, 19, 40};
  Random random(20265);
  c.fill(random);
  if (variant.masks) c.mask_steps(random, variant.initial);
  if (variant.extras) c.zone_out(random, 0.3);
  if (variant.dropout) c.drop_out(random, 0.3, cell.dense && variant.projection == 0);
  return c;
}

void expect_same(const Outputs& a, const Outputs& b, const EngineCase& c) {
  const Floats Outputs::*all[] = {&Outputs::y,
                                  &Outputs::x,
                                  &Outputs::W,
                                  &Outputs::U,
                                  &Outputs::b,
                                  &Outputs::params,
                                  &Outputs::P,
                                  &Outputs::attention};
  for (const auto member : all) EXPECT_TRUE(same_bits(a.*member, b.*member)) << c.text();
  for (int k = 0; k < c.numbers.states; ++k) {
    EXPECT_TRUE(same_bits(a.final[k], b.final[k])) << c.text();
    EXPECT_TRUE(same_bits(a.states[k], b.states[k])) << c.text();
    EXPECT_TRUE(same_bits(a.initial[k], b.initial[k])) << c.text();
  }
}

TEST(Memory, no_bit_depends_on_what_is_kept_and_where) {
  Team team(3);
  for_each_cell([&](const Target& table, const CellKernels& cell) {
    for (const Variant& variant : variants) {
      if (variant.projection > 0 && (cell.reads_h || !cell.dense)) continue;
      const EngineCase c = make_case(table, cell, variant);
      const Outputs expected = run_training(c, table, {&team, 1});
      for (const Execution& e :
           {Execution{&team, 1}, {&team, 3, Schedule::rows, 1}, {&team, 2, Schedule::units, 16}}) {
        for (const Keep keep : {Keep::gates, Keep::states}) {
          for (const bool given : {false, true}) {
            SCOPED_TRACE(std::to_string(e.threads) + " threads, schedule " + std::to_string(int(e.schedule)) +
                         (keep == Keep::gates ? ", gates" : ", states") + (given ? ", given" : ""));
            expect_same(run_training(c, table, e, {keep, given}), expected, c);
          }
        }
      }
    }
  });
}

TEST(Memory, lstm_keeps_six_floats_a_unit_step_and_row_or_two) {
  for (const Target* target : supported_targets()) {
    for (const i64 units : {5, 64, 250}) {
      const Plan plan({"lstm", 20, units, 0, false}, *target);
      const i64 steps = 50, batch = 9;
      const i64 row = i64{plan.padded()} * batch * i64{sizeof(float)};
      const auto kept = [&](Keep keep, bool takes_y) {
        const Room room{.steps = steps, .batch = batch, .training = true, .takes_y = takes_y, .keep = keep};
        return Workspace::bytes(plan, room).kept;
      };
      const i64 mark = 5 * workspace_alignment;  // and the ends of four regions
      EXPECT_LE(kept(Keep::gates, false), 6 * steps * row + 2 * row + mark);
      EXPECT_LE(kept(Keep::gates, true), 6 * steps * row);
      EXPECT_LE(kept(Keep::states, false), 2 * steps * row + 2 * row + mark);
      EXPECT_LE(kept(Keep::states, true), steps * row + 2 * row + mark);
    }
  }
}

TEST(Memory, zoneout_of_h_keeps_nothing_and_that_of_c_a_float) {
  const Plan plan({"lstm", 20, 64, 0, false});
  const auto kept = [&](bool zoneout, bool zoneout_states) {
    const Room room{
        .steps = 50, .batch = 9, .training = true, .zoneout = zoneout, .zoneout_states = zoneout_states};
    return Workspace::bytes(plan, room).kept;
  };
  EXPECT_EQ(kept(true, false), kept(false, false));
  EXPECT_EQ(kept(true, true), kept(false, false) + 50 * 9 * plan.padded() * i64{sizeof(float)});
}

TEST(Memory, scratch_without_masks_does_not_grow_with_the_steps) {
  for_each_cell([](const Target& table, const CellKernels& cell) {
    const Plan plan({cell.name, 12, 40, cell.dense && !cell.reads_h ? 20 : 0, false}, table);
    const i64 rows = 9'000 * 8;
    for (const bool training : {false, true}) {
      for (const Keep keep : {Keep::gates, Keep::states}) {
        const auto scratch = [&](i64 steps) {
          const Room room{.steps = steps,
                          .batch = 8,
                          .training = training,
                          .dropout = true,
                          .keep = keep,
                          .states = true,
                          .zoneout = true,
                          .zoneout_states = true};
          return Workspace::bytes(plan, room).scratch;
        };
        // Every vector of units leaves its part of the attention's gradient.
        const i64 vectors = training && cell.attention ? i64{plan.blocks()} * cell.vectors : 0;
        EXPECT_EQ(scratch(10'000), scratch(1'000) + vectors * rows * i64{sizeof(float)});
      }
      EXPECT_EQ(Workspace::bytes(plan, {100, 8, false, false, false}).kept, 0);
    }
  });
}

/// Every layer but those of both directions that see each other may begin before the one below has ended.
TEST(Memory, scratch_of_a_stack_does_not_grow_with_the_steps_unless_directions_meet_between_layers) {
  for (const Direction direction :
       {Direction::forward, Direction::backward, Direction::concat, Direction::sum}) {
    for (const Stacking stacking : {Stacking::cross_fed, Stacking::independent}) {
      for (const std::size_t layers : {1, 2, 3, 8}) {
        Stack stack{.input = 12, .layers = {}, .direction = direction, .stacking = stacking};
        stack.layers.assign(layers, {"lstm", 40});
        const StackPlan plan(stack);
        const auto scratch = [&](i64 steps) {
          return StackWorkspace::bytes(plan,
                                       {.steps = steps,
                                        .batch = 16,
                                        .dropout = true,
                                        .states = true,
                                        .zoneout = true,
                                        .zoneout_states = true})
              .scratch;
        };
        const bool meets = plan.directions() == 2 && !plan.independent() && layers > 1;
        const i64 between = direction == Direction::sum ? 80 + 40 : 2 * 80;
        const i64 expected = meets ? (5000 - 50) * 16 * between * i64{sizeof(float)} : 0;
        if (meets && layers == 2 && direction == Direction::concat) {
          EXPECT_EQ(scratch(5000), scratch(50) + expected / 2);
        } else {
          EXPECT_EQ(scratch(5000), scratch(50) + expected) << layers;
        }
      }
    }
  }
}

/// A float for each of four gates, c, and h or what is kept in its place.
TEST(Memory, a_layer_of_a_stack_keeps_no_more_than_a_layer) {
  for (const Direction direction : {Direction::forward, Direction::concat, Direction::sum}) {
    for (const Stacking stacking : {Stacking::cross_fed, Stacking::independent}) {
      for (const bool takes_y : {false, true}) {
        Stack stack{.input = 12, .layers = {}, .direction = direction, .stacking = stacking};
        stack.layers.assign(2, {"lstm", 64});
        const StackPlan plan(stack);
        const auto kept = [&](i64 steps, Keep keep) {
          const Room room{.steps = steps, .batch = 16, .training = true, .takes_y = takes_y, .keep = keep};
          return StackWorkspace::bytes(plan, room).kept;
        };
        const auto of_a_step = [&](Keep keep) {
          const i64 units = 64 * 16 * plan.directions() * i64{sizeof(float)};
          return double(kept(3000, keep) - kept(2000, keep)) / double(1000 * units);
        };
        const bool spares_top = takes_y && direction != Direction::sum;
        EXPECT_EQ(of_a_step(Keep::gates), spares_top ? 11 : 12);
        EXPECT_EQ(of_a_step(Keep::states), spares_top ? 3 : 4);
      }
    }
  }
}

TEST(Memory, given_memory_is_checked) {
  const Plan plan({"lstm", 3, 5, 0, false});
  const Room room{.steps = 4, .batch = 2, .training = true};
  const MemoryBytes bytes = Workspace::bytes(plan, room);
  GivenMemory kept, scratch;
  const auto good_kept = kept.take(bytes.kept);
  const auto good = scratch.take(bytes.scratch + 8);
  Workspace workspace;
  const auto refusal = [&](std::span<std::byte> a, std::span<std::byte> b) {
    return error_text(ErrorCode::invalid_argument, [&] { workspace.prepare(plan, room, a, b); });
  };
  const std::string kept_text = std::to_string(bytes.kept), text = std::to_string(bytes.scratch);
  EXPECT_EQ(refusal(good_kept.first(good_kept.size() - 1), good),
            "kept memory: expected " + kept_text + " bytes at a multiple of 64, got " +
                std::to_string(bytes.kept - 1) + " bytes");
  EXPECT_EQ(refusal({}, good),
            "kept memory: expected " + kept_text + " bytes at a multiple of 64, got 0 bytes");
  EXPECT_EQ(
      refusal(good_kept, good.subspan(8)),
      "scratch: expected " + text + " bytes at a multiple of 64, got " + text + " bytes at another address");
  EXPECT_EQ(refusal(good_kept, good), "no error");
}

TEST(Memory, what_is_kept_serves_one_backward_of_any_workspace_prepared_alike) {
  Layer layer({"lstm", 3, 5, 0, false});
  const Room room{.steps = 4, .batch = 2, .training = true};
  const MemoryBytes bytes = Workspace::bytes(layer.plan, room);
  GivenMemory kept, scratch;
  const auto given = kept.take(bytes.kept);
  const auto work = scratch.take(bytes.scratch);
  const auto back = [&](const Room& prepared) {
    Workspace workspace;
    workspace.prepare(layer.plan, prepared, given, work);
    return error_text(ErrorCode::invalid_argument,
                      [&] { backward(layer.plan, layer.packs, layer.call, layer.back, workspace); });
  };
  const std::string unused =
      "workspace: expected one filled by a training forward of this call, unused, got ";
  EXPECT_EQ(back(room), unused + "none") << "never filled";
  Workspace workspace;
  workspace.prepare(layer.plan, room, given, work);
  forward(layer.plan, layer.packs, layer.call, workspace, true);
  Room smaller = room;
  smaller.steps = 3;
  EXPECT_EQ(back(smaller), unused + "none") << "prepared for other sizes";
  EXPECT_EQ(back(room), "no error");
  EXPECT_EQ(back(room), unused + "none") << "used";
}

/// Of activations all of which are chosen at run time, for which the same kernels run.
TEST(Memory, what_is_kept_is_of_the_same_activations) {
  const auto recurrence = [](float alpha) {
    const Activation relu{ActivationKind::leaky_relu, alpha};
    return Recurrence{"vanilla", 3, 5, 0, false, {relu}};
  };
  Layer layer(recurrence(0.1F));
  const Plan other(recurrence(0.2F));
  const Room room{.steps = 4, .batch = 2, .training = true};
  const MemoryBytes bytes = Workspace::bytes(layer.plan, room);
  GivenMemory kept, scratch;
  const auto given = kept.take(bytes.kept);
  const auto work = scratch.take(bytes.scratch);
  Workspace workspace, another;
  workspace.prepare(layer.plan, room, given, work);
  another.prepare(other, room, given, work);
  forward(layer.plan, layer.packs, layer.call, workspace, true);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [&] { backward(other, layer.packs, layer.call, layer.back, another); }),
            "workspace: expected one filled by a training forward of this call, unused, got none");
}

TEST(Memory, a_workspace_without_room_for_y_must_be_given_one) {
  Layer layer({"lstm", 3, 5, 0, false});
  Workspace workspace;
  workspace.prepare(layer.plan, {.steps = 4, .batch = 2, .takes_y = true});
  Call call = layer.call;
  call.y = {};
  const auto run = [&] {
    forward(layer.plan, layer.packs, call, workspace);
  };
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, run),
            "y: expected a sequence, since the workspace has no memory for one, got null");
  workspace.prepare(layer.plan, {.steps = 4, .batch = 2});
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, run), "no error");
}

}  // namespace

}  // namespace recurra::test

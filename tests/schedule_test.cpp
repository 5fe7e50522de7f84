/// RECURRA_SCHEDULE and RECURRA_LOG, and the costs by which schedules are chosen. A process reads the
/// environment once, so the tests of it start their own.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/engine/cost.h"
#include "recurra/engine/forced_schedule.h"
#include "recurra/engine/stack.h"
#include "tests/support/engine_layer.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

TEST(ForcedSchedule, nothing_is_forced_where_nothing_is_said) {
  const ForcedSchedule forced = parse_schedule("");
  EXPECT_FALSE(forced.one);
  EXPECT_EQ(forced.schedule, Schedule::automatic);
  EXPECT_EQ(forced.directions, Directions::automatic);
  EXPECT_EQ(forced.layers, Layers::automatic);
  EXPECT_EQ(forced.wave, 0);
}

TEST(ForcedSchedule, words_of_each_group_in_any_order) {
  EXPECT_TRUE(parse_schedule("one").one);
  EXPECT_EQ(parse_schedule("rows").schedule, Schedule::rows);
  EXPECT_EQ(parse_schedule("layer_by_layer").layers, Layers::in_turn);
  EXPECT_EQ(parse_schedule("wavefront").wave, 0);
  const ForcedSchedule all = parse_schedule("wavefront:12,in_turn,units");
  EXPECT_FALSE(all.one);
  EXPECT_EQ(all.schedule, Schedule::units);
  EXPECT_EQ(all.directions, Directions::in_turn);
  EXPECT_EQ(all.layers, Layers::wavefront);
  EXPECT_EQ(all.wave, 12);
  EXPECT_EQ(parse_schedule("rows,together").directions, Directions::together);
}

TEST(ForcedSchedule, anything_else_is_an_error_that_names_the_words) {
  for (const char* text : {"row",
                           "ROWS",
                           " rows",
                           "rows,",
                           ",",
                           "rows,units",
                           "one,rows",
                           "rows,rows",
                           "together,in_turn",
                           "wavefront,layer_by_layer",
                           "wavefront:",
                           "wavefront:0",
                           "wavefront:-1",
                           "wavefront:3x",
                           "wavefront:99999999999999999999"}) {
    EXPECT_EQ(
        test::error_text(ErrorCode::invalid_argument, [&] { static_cast<void>(parse_schedule(text)); }),
        "RECURRA_SCHEDULE: expected at most one each of one, rows, units; together, in_turn; wavefront, "
        "wavefront:STEPS, layer_by_layer; separated by commas, got \"" +
            std::string(text) + "\"");
  }
}

/// What `action` says in a fresh process with two variables.
void expect_output(const char* schedule,
                   const char* log,
                   const std::function<std::string()>& action,
                   const testing::Matcher<const std::string&>& text) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [&] {
    setenv("RECURRA_SCHEDULE", schedule, 1);
    setenv("RECURRA_LOG", log, 1);
    std::cerr << action() << std::endl;
    std::_Exit(0);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), text);
}

/// How a call ran: the schedule, its threads, and layers at once.
std::string text_of(const Report& report) {
  const std::string schedule = report.schedule == Schedule::rows ? "rows" : "units";
  return schedule + " on " + std::to_string(report.threads) + ", " + std::to_string(report.layers_at_once) +
         (report.directions == Directions::together ? " together" : "");
}

std::string run_layer(const Execution& execution) {
  Team team(3);
  Execution own = execution;
  own.team = &team;
  test::Layer layer({"lstm", 5, 40}, 4, 6);
  Workspace workspace;
  workspace.prepare(layer.plan, {.steps = 4, .batch = 6});
  forward(layer.plan, layer.packs, layer.call, workspace, false, own);
  return "ran " + text_of(workspace.report());
}

std::string run_stack(Direction direction) {
  Team team(2);
  const StackPlan plan(Stack{.input = 3, .layers = {{"vanilla", 9}, {"vanilla", 9}}, .direction = direction});
  StackPacks packs(plan, PackedWeights::Use::inference);
  const std::vector<float> values(1000, 0.1F);
  std::vector<Weights> weights;
  for (std::size_t i = 0; i < plan.plans().size(); ++i)
    weights.push_back({values.data(), values.data(), values.data()});
  packs.pack(plan, weights);
  std::vector<float> y(static_cast<std::size_t>(8 * 2 * plan.width()));
  StackCall call;
  call.steps = 8;
  call.batch = 2;
  call.x = batch_major(values.data(), 8, 3);
  call.y = batch_major(y.data(), 8, plan.width());
  StackWorkspace workspace;
  workspace.prepare(plan, {.steps = 8, .batch = 2});
  forward(plan, packs, call, workspace, false, {&team});
  return "ran " + text_of(workspace.report(1, 0));
}

TEST(ScheduleDeathTest, the_environment_chooses_what_a_call_leaves_open) {
  const auto open = [] {
    return run_layer({});
  };
  expect_output("", "", open, testing::HasSubstr("ran rows on 1"));
  expect_output("rows", "", open, testing::HasSubstr("ran rows on 3"));
  expect_output("units", "", open, testing::HasSubstr("ran units on 3"));
  expect_output("one", "", open, testing::HasSubstr("ran rows on 1"));
  const auto given = [] {
    return run_layer({.schedule = Schedule::rows});
  };
  expect_output("units", "", given, testing::HasSubstr("ran rows on 3"));
}

TEST(ScheduleDeathTest, the_environment_chooses_how_layers_and_directions_run) {
  const auto one_way = [] {
    return run_stack(Direction::forward);
  };
  expect_output("", "", one_way, testing::HasSubstr("on 1, 1"));
  expect_output("wavefront:3", "", one_way, testing::HasSubstr("on 1, 2"));
  const auto both_ways = [] {
    return run_stack(Direction::concat);
  };
  expect_output("", "", both_ways, testing::Not(testing::HasSubstr("together")));
  expect_output("together", "", both_ways, testing::HasSubstr("on 1, 1 together"));
}

TEST(ScheduleDeathTest, a_wrong_environment_is_an_error_of_every_call) {
  const auto two_calls = [] {
    const auto call = [] {
      return run_layer({});
    };
    return test::error_text(ErrorCode::invalid_argument, call) + "; " +
           test::error_text(ErrorCode::invalid_argument, call);
  };
  expect_output("columns", "", two_calls, testing::HasSubstr("; RECURRA_SCHEDULE: expected at most one"));
  expect_output("", "plans", two_calls, testing::HasSubstr("; RECURRA_LOG: expected plan, got \"plans\""));
}

TEST(ScheduleDeathTest, plans_are_logged_with_their_costs_once) {
  const auto two_calls = [] {
    return run_layer({}) + run_layer({});
  };
  const std::string line =
      "recurra plan: [a-z0-9]+ lstm 5->40, 4 steps, 6 rows, forward: one on 1 of 3 threads; "
      "us: one .+, rows .+, units .+\n";
  expect_output("", "plan", two_calls, testing::MatchesRegex(line + "ran rows on 1, 1ran rows on 1, 1\n"));
  const auto stack = [] {
    return run_stack(Direction::forward);
  };
  expect_output(
      "wavefront:3",
      "plan",
      stack,
      testing::HasSubstr("stack of 2, vanilla 3->9, 8 steps, 2 rows, forward: wavefront, chunks of 3 "
                         "steps, on 2 threads; us: wavefront "));
}

/// Sizes whose best schedule is plain: the costs must find it.
TEST(Costs, tell_what_is_plain) {
  const auto choose = [](i64 units, i64 steps, i64 rows, int threads) {
    const Plan plan({"lstm", units, units});
    return cheapest_split(plan, {steps, rows, steps * rows}, threads, plan.blocks());
  };
  EXPECT_EQ(choose(16, 10, 1, 2).threads, 1) << "a microsecond of work";
  EXPECT_EQ(choose(64, 100, 64, 1).threads, 1);
  EXPECT_EQ(choose(64, 100, 64, 2).schedule, Schedule::rows) << "many rows, weights in every cache";
  EXPECT_EQ(choose(64, 100, 64, 2).threads, 2);
  EXPECT_EQ(choose(1024, 100, 1, 2).schedule, Schedule::units) << "one row";
  EXPECT_EQ(choose(1024, 100, 1, 2).threads, 2);
  EXPECT_LT(choose(512, 100, 1, 64).threads, 64) << "half a microsecond each";
}

}  // namespace

}  // namespace recurra

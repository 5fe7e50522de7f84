/// The order call, environment, processors. A process reads the environment once, so the tests of it start
/// their own.
#include "recurra/base/threads.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recurra/base/cpu.h"
#include "recurra/base/error.h"
#include "recurra/engine/engine.h"
#include "recurra/engine/schedule.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

using test::error_text;

/// What `action` says in a fresh process whose RECURRA_THREADS is `value`; null: not set.
void expect_output(const char* value, const std::function<std::string()>& action, const std::string& text) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [&] {
    if (value != nullptr) {
      setenv("RECURRA_THREADS", value, 1);
    } else {
      unsetenv("RECURRA_THREADS");
    }
    std::cerr << action() << std::endl;
    std::_Exit(0);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), testing::HasSubstr(text));
}

std::string threads_text() {
  return error_text([] { std::cerr << "threads " << threads() << "\n"; });
}

/// Members the engine runs on when nobody names a number.
std::string members_of_a_call() {
  int members = 0;
  Team& team = team_of({});
  team.run(threads_of({}), [&](const Crew& crew) {
    if (crew.index() == 0) members = crew.count();
  });
  return "members " + std::to_string(members) + " of " + std::to_string(team.size());
}

TEST(ThreadsDeathTest, default_is_the_processors) {
  expect_output(nullptr, threads_text, "threads " + std::to_string(std::min(usable_processors(), 64)) + "\n");
}

TEST(ThreadsDeathTest, the_environment_beats_the_processors) {
  expect_output("1", threads_text, "threads 1\n");
  expect_output("7", threads_text, "threads 7\n");
  expect_output("64", threads_text, "threads 64\n");
  expect_output("3", members_of_a_call, "members 3 of 3\n");
}

TEST(ThreadsDeathTest, a_bad_environment_is_an_error_that_names_it) {
  for (const std::string value : {"0", "65", "-2", "two", "2.5", "3 ", "", "99999999999999999999"}) {
    expect_output(value.c_str(),
                  threads_text,
                  "RECURRA_THREADS: expected a number from 1 to 64, got \"" + value + "\"\n");
  }
}

TEST(ThreadsDeathTest, a_bad_environment_is_an_error_of_every_call_of_the_engine) {
  const auto call = [] {
    return error_text(ErrorCode::invalid_argument, [] {
      const Plan plan(Recurrence{.cell = "vanilla", .input = 2, .units = 3});
      PackedWeights packs(plan, PackedWeights::Use::inference);
      Workspace workspace;
      workspace.prepare(plan, {.steps = 1, .batch = 1});
      const float x[2] = {};
      float h[3] = {};
      float* const states[] = {h};
      step(plan, packs, 1, x, states, workspace);
    });
  };
  const auto pack = [] {
    return error_text(ErrorCode::invalid_argument, [] {
      const Plan plan(Recurrence{.cell = "vanilla", .input = 2, .units = 3});
      PackedWeights packs(plan, PackedWeights::Use::inference);
      const float weights[9] = {};
      packs.pack(plan, {.W = weights, .U = weights, .b = weights});
    });
  };
  const std::string text = "RECURRA_THREADS: expected a number from 1 to 64, got \"many\"\n";
  expect_output("many", call, text);
  expect_output("many", pack, text);
}

TEST(ThreadsDeathTest, a_bad_environment_takes_nothing_from_a_way_back) {
  const auto backward_twice = [] {
    const Plan plan(Recurrence{.cell = "vanilla", .input = 2, .units = 3});
    const PackedWeights packs(plan, PackedWeights::Use::training);
    Workspace workspace;
    workspace.prepare(plan, {.steps = 1, .batch = 1, .training = true});
    const float x[2] = {};
    float y[3] = {};
    Call call;
    call.steps = call.batch = 1;
    call.x = {x, 2, 2};
    call.y = {y, 3, 3};
    forward(plan, packs, call, workspace, true, {.threads = 1});
    const std::string refused = error_text([&] { backward(plan, packs, call, {}, workspace); });
    return refused + "; then " +
           error_text([&] { backward(plan, packs, call, {}, workspace, {.threads = 1}); });
  };
  expect_output("many",
                backward_twice,
                "RECURRA_THREADS: expected a number from 1 to 64, got \"many\"; then no error\n");
}

TEST(ThreadsDeathTest, the_call_beats_the_environment) {
  const auto set_two = [] {
    set_threads(2);
    return threads_text() + members_of_a_call();
  };
  expect_output("5", set_two, "threads 2\nno errormembers 2 of 2\n");
  expect_output("rubbish", set_two, "threads 2\nno errormembers 2 of 2\n");
  const auto set_all = [] {
    set_threads(0);
    return threads_text();
  };
  expect_output("5", set_all, "threads " + std::to_string(std::min(usable_processors(), 64)) + "\n");
}

TEST(Threads, can_be_set_again_and_again) {
  for (const int number : {3, 1, 64, 2}) {
    set_threads(number);
    EXPECT_EQ(threads(), number);
    EXPECT_EQ(threads_of({}), number);
  }
  set_threads(0);
  EXPECT_EQ(threads(), std::min(usable_processors(), 64));
}

TEST(Threads, an_execution_out_of_range_is_refused) {
  const auto refusal = [](const Execution& execution) {
    return error_text(ErrorCode::invalid_argument, [&] { check_execution(execution); });
  };
  EXPECT_EQ(refusal({.threads = 1, .schedule = Schedule(3)}),
            "schedule: expected an enumerator, 0 to 2, got 3");
  EXPECT_EQ(refusal({.threads = 1, .chunk = -1}), "chunk: expected from 0 up, got -1");
  EXPECT_EQ(refusal({.threads = 1, .directions = Directions(-1)}),
            "directions: expected an enumerator, 0 to 2, got -1");
  EXPECT_EQ(refusal({.threads = 1, .layers = Layers(7)}), "layers: expected an enumerator, 0 to 2, got 7");
  EXPECT_EQ(refusal({.threads = 1, .wave = -3}), "wave: expected from 0 up, got -3");
}

TEST(Threads, a_number_out_of_range_is_refused_and_changes_nothing) {
  set_threads(3);
  for (const int number : {-1, 65}) {
    const std::string text = "threads: expected 0 to 64, got " + std::to_string(number);
    EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { set_threads(number); }), text);
    EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { threads_of({.threads = number}); }), text);
    Team team(2);
    const Execution execution{.team = &team, .threads = number};
    EXPECT_EQ(error_text([&] { threads_of(execution); }), text);
    const Plan plan(Recurrence{.cell = "vanilla", .input = 2, .units = 3});
    PackedWeights packs(plan, PackedWeights::Use::inference);
    const float weights[9] = {};
    EXPECT_EQ(error_text([&] { packs.pack(plan, {.W = weights, .U = weights}, execution); }), text);
  }
  EXPECT_EQ(threads(), 3);
}

TEST(Threads, a_call_may_name_its_own_number) {
  set_threads(2);
  EXPECT_EQ(threads_of({.threads = 4}), 4);
  EXPECT_GE(team_of({.threads = 4}).size(), 4);
  Team team(3);
  EXPECT_EQ(threads_of({.team = &team}), 3);
  EXPECT_EQ(threads_of({.team = &team, .threads = 2}), 2);
  EXPECT_EQ(threads_of({.team = &team, .threads = 5}), 3);
}

}  // namespace

}  // namespace recurra

/// Streams: the bits of one call however they are cut, states that can be saved, read and set, and what is
/// refused.
#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "recurra/base/error.h"
#include "recurra/engine/stream.h"
#include "tests/support/allocations.h"
#include "tests/support/each_cell.h"
#include "tests/support/stream_problem.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

constexpr int steps = 23;

/// Steps first .. first + count of the problem's rows into y.
void run_part(Stream& stream, StreamProblem& p, Floats& y, int first, int count) {
  const auto from = [first](const Floats& all, i64 width) {
    return batch_major(all.data() + first * width, steps, width);
  };
  const bool attends = p.plan.attention();
  stream.run(count,
             from(p.x, p.input()),
             batch_major(y.data() + first * p.plan.width(), steps, p.plan.width()),
             attends ? from(p.attention, 1) : ConstSequence{});
}

/// Step t of (batch, steps, width): (batch, width).
Floats at_step(const Floats& all, int t, i64 width) {
  Floats some;
  for (std::size_t row = 0; row < all.size() / std::size_t(steps * width); ++row) {
    const auto first = all.begin() + (std::ptrdiff_t(row) * steps + t) * width;
    some.insert(some.end(), first, first + width);
  }
  return some;
}

void expect_states(const Stream& stream, StreamProblem& p) {
  for (i64 row = 0; row < p.batch; ++row) {
    Floats saved(std::size_t(stream.state_size()));
    stream.save(row, saved);
    EXPECT_TRUE(same_bits(saved, p.final_states(row))) << "row " << row;
  }
}

/// Whole and in parts, on one thread and several, with one row and more.
void check_bits(StreamProblem& p) {
  p.expect();
  Team team(3);
  for (const Execution& execution :
       {Execution{&team, 1}, {&team, 3, Schedule::units}, {&team, 2, Schedule::rows}, {nullptr, 2}}) {
    for (const int part : {1, 3, 5, steps}) {
      SCOPED_TRACE(std::to_string(execution.threads) + " threads, parts of " + std::to_string(part));
      Stream stream(p.plan, p.packs, {.batch = p.batch, .chunk = 7, .execution = execution});
      p.begin(stream);
      Floats y(p.y.size(), -7.0F);
      for (int first = 0; first < steps; first += part)
        run_part(stream, p, y, first, std::min(part, steps - first));
      EXPECT_TRUE(same_bits(y, p.y));
      expect_states(stream, p);
    }
    Stream stream(p.plan, p.packs, {.batch = p.batch, .chunk = 1, .execution = execution});
    p.begin(stream);
    Floats y(std::size_t(p.batch * p.plan.width()));
    for (int t = 0; t < steps; ++t) {
      stream.step(at_step(p.x, t, p.input()), y, at_step(p.attention, t, 1));
      ASSERT_TRUE(same_bits(y, at_step(p.y, t, p.plan.width()))) << "step " << t;
      ASSERT_TRUE(std::ranges::equal(y, stream.output()));
    }
    expect_states(stream, p);
    for (int layer = 0; layer < p.plan.layers(); ++layer)
      EXPECT_STREQ(stream.report(layer).target, p.plan.plan(0, 0).target().name);
  }
}

TEST(Streams, have_the_bits_of_one_call_for_every_cell) {
  for_each_cell([](const Target& table, const CellKernels& cell) {
    for (const i64 batch : {1, 5}) {
      for (const i64 units : {5 * table.width - 3, table.width + 1}) {
        StreamProblem p({.input = 6, .layers = {{cell.name, units}}}, table, batch, steps);
        check_bits(p);
      }
    }
  });
}

TEST(Streams, have_the_bits_of_one_call_through_layers_with_projection_activations_and_clip) {
  for (const Target* target : supported_targets()) {
    SCOPED_TRACE(target->name);
    Stack stack{.input = 3, .layers = {{"lstm", 40}, {"lstm", 21, 7}, {"gru", 33}, {"augru", 9}}};
    stack.layers[0].clip = 0.3F;
    stack.layers[1].projection_clip = 0.05F;
    stack.layers[1].activations = {{ActivationKind::hard_sigmoid, 0.2F, 0.5F},
                                   {ActivationKind::sigmoid},
                                   {ActivationKind::softsign},
                                   {ActivationKind::sigmoid},
                                   {ActivationKind::tanh}};
    for (const i64 batch : {1, 4}) {
      StreamProblem p(stack, *target, batch, steps);
      check_bits(p);
    }
  }
}

TEST(Streams, go_on_in_another_stream_from_saved_states) {
  StreamProblem p({.input = 4, .layers = {{"lstm", 19}, {"gru_reset_after", 11}}}, active_target(), 3, steps);
  p.expect();
  Stream one(p.plan, p.packs, {.batch = 3});
  p.begin(one);
  Floats y(p.y.size(), -7.0F);
  run_part(one, p, y, 0, 9);
  // Rows trade places, in a stream of more rows.
  Stream other(p.plan, p.packs, {.batch = 4});
  Floats states(std::size_t(one.state_size()));
  EXPECT_EQ(one.state_size(), 2 * 19 + 11);
  for (i64 row = 0; row < 3; ++row) {
    one.save(row, states);
    other.restore(3 - row, states);
  }
  for (int t = 9; t < steps; ++t) {
    const Floats x = at_step(p.x, t, 4);
    Floats turned(4 * 4, 0.5F);
    for (std::ptrdiff_t row = 0; row < 3; ++row)
      std::copy_n(x.begin() + row * 4, 4, turned.begin() + (3 - row) * 4);
    other.step(turned);
    const Floats expected = at_step(p.y, t, 11);
    for (std::ptrdiff_t row = 0; row < 3; ++row) {
      const auto row_output = other.output().subspan(std::size_t(3 - row) * 11, 11);
      EXPECT_TRUE(std::ranges::equal(row_output, std::span(expected).subspan(std::size_t(row) * 11, 11)));
    }
  }
}

TEST(Streams, begin_one_row_anew_and_leave_the_others) {
  StreamProblem p({.input = 4, .layers = {{"lstm", 19}, {"vanilla", 11}}}, active_target(), 3, steps);
  const auto states_of = [](const Stream& stream, i64 row) {
    Floats states(std::size_t(stream.state_size()));
    stream.save(row, states);
    return states;
  };
  Stream stream(p.plan, p.packs, {.batch = 3});
  const Floats zeros(std::size_t(stream.state_size()), 0.0F);
  EXPECT_EQ(states_of(stream, 2), zeros);
  Floats y(p.y.size());
  run_part(stream, p, y, 0, steps);
  const Floats before[] = {states_of(stream, 0), states_of(stream, 2)};
  stream.reset(1);
  EXPECT_EQ(states_of(stream, 1), zeros);
  EXPECT_EQ(states_of(stream, 0), before[0]);
  EXPECT_EQ(states_of(stream, 2), before[1]);
  stream.reset();
  EXPECT_EQ(states_of(stream, 0), zeros);
  Floats again(p.y.size());
  run_part(stream, p, again, 0, steps);
  EXPECT_TRUE(same_bits(again, y));
}

TEST(Streams, let_their_states_be_read_and_set) {
  StreamProblem p({.input = 4, .layers = {{"lstm", 19}, {"lstm", 11}}}, active_target(), 2, steps);
  Stream stream(p.plan, p.packs, {.batch = 2});
  stream.step(at_step(p.x, 0, 4));
  EXPECT_TRUE(std::ranges::equal(stream.state(1, 0, 1), stream.output().subspan(11)));
  Floats saved(std::size_t(stream.state_size()));
  std::ranges::fill(stream.state(0, 1, 1), 0.25F);
  stream.save(1, saved);
  EXPECT_EQ(std::ranges::count(saved, 0.25F), 19);
  EXPECT_EQ(saved[19], 0.25F);
  EXPECT_EQ(saved[19 + 18], 0.25F);
}

TEST(Streams, of_several_threads_share_plan_and_packs) {
  StreamProblem p({.input = 4, .layers = {{"lstm", 19}, {"gru", 11}}}, active_target(), 3, steps);
  p.expect();
  int wrong[2] = {};
  const auto stream_often = [&](int& count) {
    for (int i = 0; i < 5; ++i) {
      Stream stream(p.plan, p.packs, {.batch = 3});
      p.begin(stream);
      Floats y(p.y.size());
      for (int t = 0; t < steps; ++t) run_part(stream, p, y, t, 1);
      count += same_bits(y, p.y) ? 0 : 1;
    }
  };
  std::thread other([&] { stream_often(wrong[1]); });
  stream_often(wrong[0]);
  other.join();
  EXPECT_EQ(wrong[0] + wrong[1], 0);
}

TEST(Streams, write_an_output_over_their_input) {
  for (const Target* target : supported_targets()) {
    for (const i64 batch : {1, 3}) {
      SCOPED_TRACE(std::string(target->name) + ", batch " + std::to_string(batch));
      StreamProblem p({.input = 40, .layers = {{"lstm", 40}}}, *target, batch, steps);
      Stream apart(p.plan, p.packs, {.batch = batch});
      Stream in_place(p.plan, p.packs, {.batch = batch});
      Floats x(p.x.begin(), p.x.begin() + batch * 40), y(x.size());
      apart.step(x, y);
      in_place.step(x, x);
      EXPECT_EQ(x, y);
    }
  }
}

TEST(Streams, can_be_moved) {
  StreamProblem p({.input = 4, .layers = {{"lstm", 19}}}, active_target(), 2, steps);
  p.expect();
  Stream first(p.plan, p.packs, {.batch = 2});
  p.begin(first);
  Floats y(p.y.size());
  run_part(first, p, y, 0, 2);
  Stream second = std::move(first);
  run_part(second, p, y, 2, steps - 2);
  EXPECT_TRUE(same_bits(y, p.y));
}

TEST(Streams, allocate_nothing_in_a_step) {
  for_each_cell([](const Target& table, const CellKernels& cell) {
    for (const i64 batch : {1, 3}) {
      StreamProblem p({.input = 4, .layers = {{cell.name, 19}, {cell.name, 11}}}, table, batch, steps);
      Floats y(p.y.size());
      Team team(2);
      for (const int threads : {1, 2}) {
        Stream stream(p.plan, p.packs, {.batch = batch, .chunk = 8, .execution = {&team, threads}});
        const long before = allocations();
        for (int t = 0; t < 3; ++t) run_part(stream, p, y, t, 1);
        run_part(stream, p, y, 3, 20);
        EXPECT_EQ(allocations() - before, 0) << threads << " threads";
      }
    }
  });
}

TEST(Streams, refuse_what_needs_later_steps) {
  for (const Direction direction : {Direction::backward, Direction::concat, Direction::sum}) {
    const StackPlan plan({.input = 3, .layers = {{"lstm", 5}}, .direction = direction});
    const StackPacks packs(plan, PackedWeights::Use::inference);
    const std::string message = error_text([&] { Stream(plan, packs); });
    EXPECT_NE(message.find("need steps that are still to come"), std::string::npos) << message;
  }
}

TEST(Streams, name_what_does_not_fit) {
  StreamProblem p({.input = 4, .layers = {{"lstm", 19}, {"gru", 11}}}, active_target(), 2, steps);
  Stream stream(p.plan, p.packs, {.batch = 2});
  const Floats x(8), states(std::size_t(stream.state_size()));
  Floats y(22);
  const auto expect = [](const std::string& message, auto f) {
    EXPECT_EQ(error_text(f), message);
  };
  expect("x: expected 8 floats, got 7", [&] { stream.step(std::span(x).first(7)); });
  expect("y: expected 22 floats, got 21", [&] { stream.step(x, std::span(y).first(21)); });
  expect("attention: expected 0 floats, got 2", [&] { stream.step(x, y, std::span(x).first(2)); });
  expect("steps: expected from 0 up, got -1", [&] { stream.run(-1, {x.data(), 8, 4}, {}); });
  expect("x: expected a sequence, got null", [&] { stream.run(1, {}, {}); });
  expect("attention: expected none for a stack whose cells take none, got a sequence", [&] {
    stream.run(1, {x.data(), 8, 4}, {}, {x.data(), 2, 1});
  });
  expect("row: expected 0 to 1, got 2", [&] { stream.reset(2); });
  expect("row: expected 0 to 1, got -1", [&] { stream.restore(-1, states); });
  expect("to: expected 49 floats, got 22", [&] { stream.save(0, y); });
  expect("from: expected 49 floats, got 8", [&] { stream.restore(0, x); });
  expect("layer: expected 0 to 1, got 2", [&] { stream.state(2, 0); });
  expect("layer: expected 0 to 1, got -1", [&] { static_cast<void>(stream.report(-1)); });
  expect("state: expected 0 to 0, got 1", [&] { stream.state(1, 1); });
  expect("batch: expected 1 to 2147483647, got 0", [&] { Stream(p.plan, p.packs, {.batch = 0}); });
  expect("chunk: expected 1 to 2147483647, got 0", [&] { Stream(p.plan, p.packs, {.chunk = 0}); });
  const StackPlan lower({.input = 4, .layers = {{"lstm", 19}}});
  const StackPacks fewer(lower, PackedWeights::Use::inference);
  expect("weights: expected 2, one for each layer and direction, got 1", [&] { Stream(p.plan, fewer); });
  const StackPlan other({.input = 5, .layers = {{"lstm", 19}, {"gru", 11}}});
  EXPECT_THROW(Stream(other, p.packs), Error);
}

}  // namespace

}  // namespace recurra::test

/// Stacks of layers and directions against the reference of one recurrence, composed in double.
#include "tests/support/stack_problem.h"

namespace recurra::test {

namespace {

std::vector<StackVariant> variants() {
  std::vector<StackVariant> all;
  for (const Direction direction :
       {Direction::forward, Direction::backward, Direction::concat, Direction::sum}) {
    for (const Stacking stacking : {Stacking::cross_fed, Stacking::independent}) {
      const bool both = direction == Direction::concat || direction == Direction::sum;
      if (!both && stacking == Stacking::independent) continue;
      for (const bool masks : {false, true}) {
        for (const bool dropout : {false, true}) all.push_back({direction, stacking, masks, dropout});
        all.push_back({direction, stacking, masks, false, true});
        all.push_back({direction, stacking, masks, false, false, true});
      }
    }
  }
  return all;
}

TEST(Stacks, agree_with_the_reference_whatever_runs_at_once) {
  Team team(4);
  std::uint64_t stream = 0;
  for (const StackVariant& variant : variants()) {
    StackProblem problem(variant, ++stream);
    problem.expect();
    for (const Target* target : supported_targets()) {
      SCOPED_TRACE(std::string(target->name) + ", variant " + std::to_string(stream));
      problem.check(*target, {&team, 1});
      const std::vector<Floats> alone = problem.bits();
      const auto check = [&](const Execution& execution) {
        problem.check(*target, execution);
        for (std::size_t i = 0; i < alone.size(); ++i)
          EXPECT_TRUE(same_bits(problem.bits()[i], alone[i])) << i << ", threads " << execution.threads;
      };
      for (const int threads : {2, 4}) {
        for (const Directions directions : {Directions::together, Directions::in_turn}) {
          for (const Schedule schedule : {Schedule::rows, Schedule::units}) {
            check({&team, threads, schedule, 0, directions});
          }
        }
      }
      if (variant.direction == Direction::concat || variant.direction == Direction::sum) continue;
      for (const int threads : {1, 2, 3, 4}) {
        for (const i64 wave : {1, 2, 4}) {
          check({.team = &team, .threads = threads, .layers = Layers::wavefront, .wave = wave});
        }
      }
    }
  }
}

}  // namespace

}  // namespace recurra::test

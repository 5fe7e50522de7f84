/// Teams in a child process, which has none of its parent's threads.
#include <array>
#include <cstdlib>
#include <numeric>

#include <gtest/gtest.h>

#include "recurra/base/team.h"
#include "tests/support/faults.h"

namespace recurra {

namespace {

/// How many members a run on three threads of `team` has, where each has added its part of a sum; else 0.
int members_of(Team& team) {
  std::array<i64, 3> part{};
  int count = 0;
  team.run(3, [&](Crew& crew) {
    for (i64 i = crew.index(); i < 100; i += crew.count()) part[static_cast<std::size_t>(crew.index())] += i;
    crew.barrier();
    if (crew.index() == 0) count = crew.count();
  });
  return std::accumulate(part.begin(), part.end(), i64{0}) == 4950 ? count : 0;
}

TEST(TeamFork, a_child_makes_the_processs_team_anew) {
  Team& before = Team::shared(3);
  EXPECT_EQ(members_of(before), 3);
  const auto child = [] {
    const auto grandchild = [] {
      return members_of(Team::shared(3));
    };
    const int members = members_of(Team::shared(3));
    const int status = test::status_of_child(grandchild);
    return 10 * members + (WIFEXITED(status) ? WEXITSTATUS(status) : 9);
  };
  const int status = test::status_of_child(child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 33);
  EXPECT_EQ(&Team::shared(3), &before);
  EXPECT_EQ(members_of(before), 3) << "the parent's own";
}

TEST(TeamFork, another_team_runs_alone_in_a_child) {
  Team team(3);
  EXPECT_EQ(members_of(team), 3);
  const int status = test::status_of_child([&] { return members_of(team); });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_EQ(members_of(team), 3);
}

/// What a child destroys at its end waits for no thread of its parent's.
TEST(TeamFork, a_child_that_ends_in_order_ends) {
  EXPECT_EQ(members_of(Team::shared(3)), 3);
  for (const bool uses_team : {false, true}) {
    const pid_t child = fork();
    ASSERT_NE(child, -1);
    if (child == 0) std::exit(!uses_team || members_of(Team::shared(3)) == 3 ? 0 : 1);
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << uses_team;
  }
}

/// A team of the parent's that the child destroys.
TEST(TeamFork, a_child_may_destroy_a_team_of_its_parents) {
  Team* team = new Team(3);
  EXPECT_EQ(members_of(*team), 3);
  const int status = test::status_of_child([&] {
    delete team;
    return 0;
  });
  delete team;
  EXPECT_EQ(status, 0);
}

}  // namespace

}  // namespace recurra

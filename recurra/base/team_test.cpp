#include "recurra/base/team.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <numeric>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "recurra/base/cpu.h"
#include "recurra/base/error.h"
#include "tests/support/std_pool.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

/// Runs on `threads` of `team` and returns how often each member of the crew came.
std::vector<int> members_of(Team& team, int threads) {
  std::vector<int> came(64, 0);  // an element a member: what two members wrote at once, a sanitizer would see
  int count = 0;
  team.run(threads, [&](const Crew& crew) {
    ++came[static_cast<std::size_t>(crew.index())];
    if (crew.index() == 0) count = crew.count();
  });
  EXPECT_EQ(std::accumulate(came.begin(), came.end(), 0), count);
  came.resize(static_cast<std::size_t>(count));
  return came;
}

/// What `run` stored in each member's place, summed: every member adds its own part of 0 .. size.
i64 parallel_sum(Team& team, int threads, i64 size) {
  std::array<i64, 64> part{};
  team.run(threads, [&](const Crew& crew) {
    i64 sum = 0;
    for (i64 i = crew.index(); i < size; i += crew.count()) sum += i;
    part[static_cast<std::size_t>(crew.index())] = sum;
  });
  return std::accumulate(part.begin(), part.end(), i64{0});
}

TEST(Team, every_member_runs_once) {
  for (const int size : {1, 2, 3}) {
    Team team(size);
    EXPECT_EQ(team.size(), size);
    EXPECT_EQ(members_of(team, size), std::vector<int>(static_cast<std::size_t>(size), 1));
  }
}

TEST(Team, runs_on_the_threads_of_a_pool) {
  test::StdPool pool(3);
  Team team(pool, 3);
  EXPECT_EQ(team.size(), 3);
  EXPECT_EQ(members_of(team, 3), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(members_of(team, 2), (std::vector<int>{1, 1}));
  EXPECT_EQ(pool.calls(), 5);
  EXPECT_EQ(members_of(team, 1), std::vector<int>{1}) << "the caller alone";
  EXPECT_EQ(pool.calls(), 5);
  EXPECT_EQ(parallel_sum(team, 3, 1000), 499'500);
}

TEST(Team, asks_a_pool_for_no_more_than_it_has) {
  test::StdPool two(2);
  Team team(two, 4);
  EXPECT_EQ(members_of(team, 4), (std::vector<int>{1, 1}));
  EXPECT_EQ(two.asked(), (std::vector<int>{4, 2}));
  test::StdPool none(0);
  Team alone(none, 4);
  EXPECT_EQ(members_of(alone, 4), std::vector<int>{1});
  EXPECT_EQ(none.calls(), 0);
  EXPECT_EQ(test::error_text(ErrorCode::invalid_argument, [&] { Team(two, 65); }),
            "threads: expected 1 to 64, got 65");
}

TEST(Team, the_caller_is_member_0) {
  Team team(3);
  std::array<std::thread::id, 3> id{};
  team.run(
      3, [&](const Crew& crew) { id[static_cast<std::size_t>(crew.index())] = std::this_thread::get_id(); });
  EXPECT_EQ(id[0], std::this_thread::get_id());
  EXPECT_NE(id[1], id[0]);
  EXPECT_NE(id[2], id[0]);
  EXPECT_NE(id[1], id[2]);
}

TEST(Team, runs_on_as_many_as_asked_and_there_are) {
  Team team(3);
  for (const auto& [asked, members] :
       std::vector<std::pair<int, std::size_t>>{{2, 2}, {3, 3}, {1, 1}, {100, 3}, {0, 1}, {-5, 1}, {2, 2}}) {
    EXPECT_EQ(members_of(team, asked), std::vector<int>(members, 1)) << "asked for " << asked;
  }
}

TEST(Team, what_members_wrote_is_visible_after_the_run) {
  Team team(3);
  for (int round = 0; round < 200; ++round) {
    EXPECT_EQ(parallel_sum(team, 1 + round % 3, 1000), 499'500);
  }
}

TEST(Team, the_shared_team_is_one_and_grows_to_what_is_asked) {
  Team& team = Team::shared(1);
  for (const auto& [asked, size] : std::vector<std::pair<int, int>>{{1, 1}, {3, 3}, {2, 3}, {5, 5}}) {
    EXPECT_EQ(&Team::shared(asked), &team);
    EXPECT_EQ(team.size(), size) << "asked for " << asked;
    EXPECT_EQ(parallel_sum(team, team.size(), 1000), 499'500);
  }
  EXPECT_EQ(test::error_text(ErrorCode::invalid_argument, [] { Team::shared(65); }),
            "threads: expected 1 to 64, got 65");
}

TEST(Team, the_shared_team_grows_while_it_works) {
  std::atomic<bool> stop{false};
  int wrong = 0;
  std::thread caller([&] {
    while (!stop) wrong += parallel_sum(Team::shared(5), 3, 100) == 4950 ? 0 : 1;
  });
  for (int threads = 6; threads <= 12; ++threads) {
    EXPECT_GE(Team::shared(threads).size(), threads);
    EXPECT_EQ(parallel_sum(Team::shared(threads), threads, 1000), 499'500);
  }
  stop = true;
  caller.join();
  EXPECT_EQ(wrong, 0);
}

/// Each stage every member reads what all wrote in the stage before: plain memory, so that a wait that does
/// not order it is a race, and a wrong sum.
TEST(Crew, publish_and_wait_carry_data_from_stage_to_stage) {
  constexpr i64 stages = 3000;
  Team team(3);
  std::array<std::array<i64, 3>, 2> value{};  // [parity of the stage][member]
  std::array<i64, 3> last{};
  team.run(3, [&](Crew& crew) {
    const auto me = static_cast<std::size_t>(crew.index());
    for (i64 stage = 0; stage < stages; ++stage) {
      crew.wait(stage);
      const auto& before = value[static_cast<std::size_t>(stage & 1)];
      i64 sum = 1;
      for (int member = 0; member < crew.count(); ++member) sum += before[static_cast<std::size_t>(member)];
      value[static_cast<std::size_t>((stage + 1) & 1)][me] = sum % 1'000'003;
      crew.publish(stage + 1);
    }
    last[me] = value[static_cast<std::size_t>(stages & 1)][me];
  });
  i64 expected = 0;
  for (i64 stage = 0; stage < stages; ++stage) expected = (3 * expected + 1) % 1'000'003;
  EXPECT_EQ(last, (std::array<i64, 3>{expected, expected, expected}));
}

TEST(Crew, waiting_for_stage_0_or_alone_returns) {
  Team team(2);
  team.run(2, [](const Crew& crew) { crew.wait(0); });
  team.run(1, [](const Crew& crew) { crew.wait(1'000'000); });  // alone: there is no other member
}

TEST(Crew, stages_start_afresh_with_every_run) {
  Team team(2);
  for (int run = 0; run < 100; ++run) {
    int written = 0;
    int read = -1;
    team.run(2, [&](Crew& crew) {
      if (crew.index() == 1) {
        written = run;
        crew.publish(1);
      } else {
        crew.wait(1);
        read = written;
      }
    });
    ASSERT_EQ(read, run);
  }
}

TEST(Crew, a_barrier_can_be_passed_again_and_again) {
  constexpr int rounds = 10'000;
  Team team(3);
  std::array<int, 3> round_of{};
  std::array<int, 3> early{};
  team.run(3, [&](Crew& crew) {
    const auto me = static_cast<std::size_t>(crew.index());
    for (int round = 1; round <= rounds; ++round) {
      round_of[me] = round;
      crew.barrier();
      for (const int other : round_of) early[me] += other != round ? 1 : 0;
      crew.barrier();
    }
  });
  EXPECT_EQ(early, (std::array<int, 3>{}));
}

/// Of the time a member waits for another that is long in coming, it leaves most to others.
TEST(Crew, a_long_wait_takes_little_of_a_processor) {
  Team team(2);
  double seconds = 0;
  team.run(2, [&](Crew& crew) {
    if (crew.index() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    timespec before{}, after{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    crew.barrier();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    if (crew.index() == 0)
      seconds = double(after.tv_sec - before.tv_sec) + 1e-9 * double(after.tv_nsec - before.tv_nsec);
  });
  EXPECT_LT(seconds, 0.15);
}

TEST(Crew, a_barrier_alone_returns) {
  Team team(2);
  team.run(1, [](Crew& crew) {
    crew.barrier();
    crew.barrier();
  });
}

TEST(Crew, tasks_carry_data_between_members) {
  constexpr i64 tasks = 1000;
  Team team(2);
  std::array<std::array<i64, tasks>, 2> made{};
  team.run(2, [&](Crew& crew) {
    const auto me = static_cast<std::size_t>(crew.index());
    for (i64 task = 0; task < tasks; ++task) {
      if (me == 1) crew.wait_for_tasks(0, task + 1);
      const i64 below = me == 1 ? made[0][static_cast<std::size_t>(task)] : 0;
      made[me][static_cast<std::size_t>(task)] = below + task;
      crew.finish_tasks(task + 1);
    }
  });
  for (i64 task = 0; task < tasks; ++task) ASSERT_EQ(made[1][static_cast<std::size_t>(task)], 2 * task);
}

/// Passes of some of the members, with other numbers of stages and barriers each.
TEST(Crew, passes_between_meetings_begin_afresh) {
  Team team(3);
  int early = 0;
  std::array<int, 3> sums{};
  team.run(3, [&](Crew& crew) {
    for (int pass = 0; pass < 200; ++pass) {
      const int members = 1 + pass % 3;
      crew.meet();
      if (crew.index() < members) {
        Crew part = crew.part(0, members);
        for (int stage = 1; stage <= pass % 5; ++stage) {
          part.wait(stage - 1);
          part.publish(stage);
        }
        part.barrier();
        sums[static_cast<std::size_t>(crew.index())] = pass;
        part.barrier();
        if (crew.index() == 0) {
          for (int member = 0; member < members; ++member)
            early += sums[static_cast<std::size_t>(member)] != pass ? 1 : 0;
        }
      }
      crew.meet();
    }
  });
  EXPECT_EQ(early, 0);
}

TEST(Team, a_run_inside_a_run_is_alone) {
  Team team(2);
  std::array<std::vector<int>, 2> inner;
  team.run(2, [&](const Crew& crew) { inner[static_cast<std::size_t>(crew.index())] = members_of(team, 2); });
  EXPECT_EQ(inner[0], std::vector<int>{1});
  EXPECT_EQ(inner[1], std::vector<int>{1});
  EXPECT_EQ(members_of(team, 2), (std::vector<int>{1, 1})) << "the team is free again";
}

TEST(Team, a_caller_that_finds_the_team_taken_works_alone) {
  Team team(2);
  std::vector<int> other;
  team.run(2, [&](const Crew& crew) {
    if (crew.index() == 0) std::thread([&] { other = members_of(team, 2); }).join();
  });
  EXPECT_EQ(other, std::vector<int>{1});
}

TEST(Team, two_callers_at_once_both_get_their_work_done) {
  Team team(3);
  std::array<int, 2> wrong{};
  const auto call = [&](std::size_t caller) {
    for (int run = 0; run < 2000; ++run) {
      if (parallel_sum(team, 3, 100) != 4950) ++wrong[caller];
    }
  };
  std::thread other(call, 1);
  call(0);
  other.join();
  EXPECT_EQ(wrong, (std::array<int, 2>{}));
}

TEST(Team, many_short_runs) {
  Team team(2);
  i64 total = 0;
  std::array<i64, 2> count{};
  for (int run = 0; run < 20'000; ++run) {
    const int threads = 1 + run % 2;
    team.run(threads, [&](const Crew& crew) { ++count[static_cast<std::size_t>(crew.index())]; });
    total += threads;
  }
  EXPECT_EQ(count[0] + count[1], total);
  EXPECT_EQ(count[0], 20'000);
}

/// A member that sleeps while others run must not miss its next turn.
TEST(Team, members_left_out_come_when_they_are_asked_again) {
  Team team(3);
  std::array<int, 3> count{};
  for (int run = 0; run < 300; ++run) {
    team.run(run % 3 == 2 ? 3 : 2,
             [&](const Crew& crew) { ++count[static_cast<std::size_t>(crew.index())]; });
  }
  EXPECT_EQ(count, (std::array<int, 3>{300, 300, 100}));
}

TEST(Team, works_after_its_threads_have_fallen_asleep) {
  Team team(2);
  for (int run = 0; run < 20; ++run) {
    EXPECT_EQ(members_of(team, 2), (std::vector<int>{1, 1}));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST(Team, more_threads_than_processors) {
  const int threads = std::min(2 * usable_processors() + 1, 64);
  Team team(threads);
  EXPECT_EQ(members_of(team, threads), std::vector<int>(static_cast<std::size_t>(threads), 1));
  std::vector<int> passed(static_cast<std::size_t>(threads), 0);
  team.run(threads, [&](Crew& crew) {
    for (int round = 0; round < 100; ++round) {
      crew.barrier();
      ++passed[static_cast<std::size_t>(crew.index())];
    }
  });
  EXPECT_EQ(passed, std::vector<int>(static_cast<std::size_t>(threads), 100));
}

TEST(Team, is_destroyed_while_idle_asleep_or_never_used) {
  for (int round = 0; round < 100; ++round) {
    Team never_used(3);
    Team just_used(3);
    EXPECT_EQ(parallel_sum(just_used, 3, 10), 45);
  }
  Team asleep(3);
  EXPECT_EQ(parallel_sum(asleep, 3, 10), 45);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

TEST(Team, refuses_sizes_out_of_range) {
  using test::error_text;
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { Team(0); }), "threads: expected 1 to 64, got 0");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { Team(-1); }), "threads: expected 1 to 64, got -1");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { Team(65); }), "threads: expected 1 to 64, got 65");
}

/// Room in the address space for one more thread's stack but not for two.
void leave_room_for_one_thread() {
  constexpr std::size_t stack = std::size_t{1} << 30;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  pthread_setattr_default_np(&attributes);
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t bytes = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + stack + stack / 2;
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_AS, &limit);
}

TEST(TeamDeathTest, a_thread_the_system_refuses_is_an_exception) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto make_team = [] {
    leave_room_for_one_thread();
    try {
      Team team(3);
    } catch (const std::system_error&) {
      std::_Exit(3);
    }
    std::_Exit(4);
  };
  EXPECT_EXIT(make_team(), testing::ExitedWithCode(3), "");
}

}  // namespace

}  // namespace recurra

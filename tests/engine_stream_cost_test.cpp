/// What a stream's step does not do: it calls no system, and it takes the same instructions whatever the
/// numbers are.
#include <csignal>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/skip.h"
#include "tests/support/stream_problem.h"

namespace recurra::test {

namespace {

constexpr int steps = 40;

/// Ends this process without what exit does besides.
[[noreturn]] void leave(int status) {
  syscall(SYS_exit, status);
  __builtin_unreachable();
}

Stack stack_of_two() {
  return {.input = 3, .layers = {{"lstm", 40}, {"gru_reset_after", 21}}};
}

/// Steps one by one, a chunk, and what goes with them, where the system kills who calls it.
[[noreturn]] void stream_without_system(Stream& stream, StreamProblem& p, Floats& states) {
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) leave(2);
  for (int t = 0; t < 1000; ++t) stream.step(std::span(p.x).first(3 * std::size_t(p.batch)));
  stream.run(steps, batch_major<const float>(p.x.data(), steps, 3), batch_major(p.y.data(), steps, 21));
  stream.save(0, states);
  stream.restore(0, states);
  stream.reset();
  leave(0);
}

TEST(StreamCost, no_call_of_the_system) {
  for (const i64 batch : {1, 3}) {
    StreamProblem p(stack_of_two(), active_target(), batch, steps);
    Stream stream(p.plan, p.packs, {.batch = batch});
    Floats states(std::size_t(stream.state_size()));
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) stream_without_system(stream, p, states);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2) RECURRA_SKIP("no seccomp here");
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << batch << " rows: " << (WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "another status");
  }
}

/// Takes steps, each behind a stop that the parent sees.
[[noreturn]] void step_for_a_tracer(Stream& stream, const StreamProblem& p) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) leave(2);
  for (int t = 0; t < steps; ++t) {
    raise(SIGSTOP);
    stream.step(std::span(p.x).subspan(std::size_t(t) * 3, 3));
  }
  raise(SIGSTOP);
  leave(0);
}

/// Instructions of a traced process up to its next stop of its own, that of `raise` included; 0 at its end.
long instructions_to_next_stop(pid_t child) {
  for (long count = 0;; ++count) {
    int status = 0;
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) return 0;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 0;
    if (WSTOPSIG(status) == SIGSTOP) return count;
  }
}

/// Two steps, since every other one takes the blocks in the other order.
TEST(StreamCost, the_same_instructions_for_every_two_steps) {
  StreamProblem p(stack_of_two(), active_target(), 1, steps);
  for (int t = 10; t < 20; ++t) p.x[std::size_t(t) * 3] = t < 15 ? 1e30F : 0.0F;
  p.x[20 * 3] = std::numeric_limits<float>::denorm_min();
  p.x[30 * 3] = std::numeric_limits<float>::quiet_NaN();
  Stream stream(p.plan, p.packs);
  stream.step(std::span(p.x).first(3));
  stream.reset();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) step_for_a_tracer(stream, p);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (!WIFSTOPPED(status)) RECURRA_SKIP("no process can be traced here");
  std::vector<long> counts;
  for (int t = 0; t < steps; ++t) counts.push_back(instructions_to_next_stop(child));
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  EXPECT_GT(counts[2], 500);
  for (std::size_t t = 4; t < counts.size(); ++t)
    EXPECT_EQ(counts[t] + counts[t - 1], counts[2] + counts[3]) << "step " << t;
  RecordProperty("instructions_of_two_steps", int(counts[2] + counts[3]));
}

}  // namespace

}  // namespace recurra::test

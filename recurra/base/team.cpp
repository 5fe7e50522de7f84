#include "recurra/base/team.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

#include "recurra/base/cpu.h"
#include "recurra/base/error.h"
#include "recurra/base/threads.h"

namespace recurra {

namespace {

// Looks without a pause before the first one: a wait inside a call is mostly shorter than a pause, which
// takes 40 to 140 cycles.
constexpr int plain_spins = 64;

// Then some microseconds of pauses: a member that is still missing has lost its processor, and may need this
// one.
constexpr int wait_spins = plain_spins + 100;

// Then yields, some 500 us of them where nobody else wants the processor; then it is left for such a time.
constexpr int wait_yields = 1000;
constexpr std::chrono::microseconds nap{50};

// A worker without a job looks for one this long before it sleeps: what stands between two calls of a
// training step takes 100 to 200 us, and waking a sleeper 10 to 50.
constexpr std::chrono::microseconds idle_time{300};

// The low bits of the word workers wait on say how many members the job has.
constexpr std::uint32_t member_bits = 8;
constexpr std::uint32_t member_mask = (1U << member_bits) - 1U;

void relax(int spin) noexcept {
  if (spin > plain_spins) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

/// Returns when done() does: `spins` looks, then yields, then naps.
template <class Done>
void wait_until(int spins, Done done) noexcept {
  for (int look = 0; !done(); ++look) {
    if (look < spins) {
      relax(look);
    } else if (look < spins + wait_yields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(nap);
      look = spins + wait_yields;  // it may take long
    }
  }
}

// How many forks are between this process and the first one: threads of before the last are not here.
std::atomic<int> forks{0};

}  // namespace

void Crew::wait_for(const std::atomic<i64>& flag, i64 value) const noexcept {
  wait_until(spins_, [&] { return flag.load(std::memory_order_acquire) >= value; });
}

void Crew::wait(i64 epoch) const noexcept {
  for (int member = 0; member < count_; ++member) {
    if (member != index_) wait_for(flags_[member].epoch, epoch);
  }
}

void Crew::barrier() noexcept {
  std::atomic<i64>& mine = flags_[index_].arrived;
  const i64 next = mine.load(std::memory_order_relaxed) + 1;
  mine.store(next, std::memory_order_release);
  for (int member = 0; member < count_; ++member) {
    if (member != index_) wait_for(flags_[member].arrived, next);
  }
}

void Crew::meet() noexcept {
  const auto come = [&] {
    std::atomic<i64>& mine = flags_[index_].met;
    const i64 next = mine.load(std::memory_order_relaxed) + 1;
    mine.store(next, std::memory_order_release);
    for (int member = 0; member < count_; ++member) {
      if (member != index_) wait_for(flags_[member].met, next);
    }
  };
  come();  // nobody looks at the old counts any more
  flags_[index_].epoch.store(0, std::memory_order_relaxed);
  flags_[index_].arrived.store(0, std::memory_order_relaxed);
  come();
}

void Crew::wait_for_tasks(int member, i64 count) const noexcept {
  wait_for(flags_[member].tasks, count);
}

struct Team::Shared {
  // Teams of parents that a child has done with: nobody's memory, but no leak.
  static inline std::atomic<Shared*> all_left{nullptr};
  Shared* next_left = nullptr;
  Team* left_before = nullptr;  // of a process's team that a child has left: the one its parent had left

  // Of the process that has the threads.
  const int born = forks.load(std::memory_order_relaxed);
  // Not with fewer processors than threads: who spins then keeps another from working.
  std::atomic<bool> spin{true};
  std::array<detail::MemberFlags, most_threads> flags;
  alignas(128) std::atomic<bool> taken{false};
  alignas(128) std::atomic<std::uint32_t> job{0};  // counter << member_bits | members
  alignas(128) std::atomic<int> working{0};
  Function function = nullptr;
  const void* work = nullptr;
  std::mutex growing;
  std::vector<std::thread> threads;

  /// Looks before a member yields its processor.
  [[nodiscard]] int waits() const noexcept { return spin.load(std::memory_order_relaxed) ? wait_spins : 0; }

  /// Returns when there is another job than `seen`, or after a while.
  void look_for_job(std::uint32_t seen) const noexcept {
    const auto end = std::chrono::steady_clock::now() + idle_time;
    for (int i = 0; job.load(std::memory_order_acquire) == seen; ++i) {
      relax(i);
      if (i % 64 == 63 && std::chrono::steady_clock::now() > end) return;
    }
  }

  void worker(int index) noexcept {
    std::uint32_t seen = 0;
    while (true) {
      if (spin.load(std::memory_order_relaxed)) look_for_job(seen);
      job.wait(seen, std::memory_order_acquire);
      seen = job.load(std::memory_order_acquire);
      const int members = static_cast<int>(seen & member_mask);
      if (members == 0) return;
      if (index >= members) continue;
      Crew crew(index, members, waits(), flags.data());
      function(work, crew);
      working.fetch_sub(1, std::memory_order_release);
    }
  }

  void post(int members) noexcept {
    const std::uint32_t counter = job.load(std::memory_order_relaxed) >> member_bits;
    job.store((counter + 1) << member_bits | static_cast<std::uint32_t>(members), std::memory_order_release);
    job.notify_all();
  }

  /// Whether the threads are in another process, which forked this one.
  [[nodiscard]] bool is_bereft() const noexcept { return born != forks.load(std::memory_order_relaxed); }

  void stop() noexcept {
    post(0);
    for (std::thread& thread : threads) thread.join();
  }
};

namespace {

void check_team_size(int threads) {
  if (threads >= 1 && threads <= most_threads) return;
  throw Error(ErrorCode::invalid_argument, "threads", "1 to 64", std::to_string(threads));
}

}  // namespace

/// The process's team: none in a child, until it makes one. It needs no making itself, so that a child never
/// waits for a thread of its parent's that was just at it.
struct Team::OfProcess {
  static inline constinit std::atomic<Team*> team{nullptr};
  static inline constinit Team* left = nullptr;  // the parents', in a child: nobody's memory, but no leak
  static const OfProcess since_the_start;

  OfProcess() noexcept {
    // It fails for want of some bytes only.
    static_cast<void>(pthread_atfork(nullptr, nullptr, [] {
      forks.fetch_add(1, std::memory_order_relaxed);
      Team* parents = team.exchange(nullptr, std::memory_order_relaxed);
      if (parents == nullptr) return;
      parents->shared_->left_before = left;
      left = parents;
    }));
  }

  OfProcess(const OfProcess&) = delete;
  OfProcess& operator=(const OfProcess&) = delete;

  ~OfProcess() { delete team.load(); }

  /// Callers that come at once may make several, of which one stays. There is no lock: a thread that is not
  /// in the child could have held it.
  static Team& get(int threads) {
    if (Team* made = team.load(std::memory_order_acquire)) return *made;
    auto fresh = std::make_unique<Team>(threads);
    Team* expected = nullptr;
    return team.compare_exchange_strong(expected, fresh.get(), std::memory_order_acq_rel) ? *fresh.release()
                                                                                          : *expected;
  }
};

const Team::OfProcess Team::OfProcess::since_the_start;

Team::Team(ThreadPool& pool, int threads) : pool_(&pool), shared_(std::make_unique<Shared>()) {
  check_team_size(threads);
  shared_->spin.store(usable_processors() >= threads, std::memory_order_relaxed);
  size_.store(threads, std::memory_order_release);
}

Team::Team(int threads) : shared_(std::make_unique<Shared>()) {
  try {
    grow(threads);
  } catch (...) {
    shared_->stop();  // a thread that is not joined ends the process
    throw;
  }
}

Team::~Team() {
  if (shared_->is_bereft()) {
    // A thread that is not joined ends the process, and who joins one of these waits for ever.
    Shared* left = shared_.release();
    left->next_left = Shared::all_left.exchange(left);
    return;
  }
  shared_->stop();
}

/// A new thread may see a job from before it was a member, but none that counts on it: those come after.
void Team::grow(int threads) {
  check_team_size(threads);
  const std::lock_guard lock(shared_->growing);
  if (threads <= size()) return;
  shared_->spin.store(usable_processors() >= threads, std::memory_order_relaxed);
  while (size() < threads) {
    shared_->threads.emplace_back([state = shared_.get(), index = size()] { state->worker(index); });
    size_.fetch_add(1, std::memory_order_release);
  }
}

Team& Team::shared(int threads) {
  Team& team = OfProcess::get(threads);
  if (threads > team.size()) team.grow(threads);
  return team;
}

bool Team::run_on_pool(int members) noexcept {
  struct Job {
    Shared* state;
    int members;
  };

  const auto work = [](void* context, int index) {
    const Job& job = *static_cast<const Job*>(context);
    Crew crew(index, job.members, job.state->waits(), job.state->flags.data());
    job.state->function(job.state->work, crew);
  };
  while (members > 1) {
    Job job{shared_.get(), members};
    const int ran = pool_->run(members, work, &job);
    if (ran >= members) return true;
    members = ran;
  }
  return false;
}

void Team::run_erased(int threads, Function function, const void* work) noexcept {
  Shared& state = *shared_;
  const int members = std::min(threads, size());
  const auto run_alone = [&] {
    detail::MemberFlags alone;
    Crew crew(0, 1, 0, &alone);
    function(work, crew);
  };
  if (members <= 1 || state.is_bereft() || state.taken.exchange(true, std::memory_order_acquire))
    return run_alone();
  for (int member = 0; member < members; ++member) {
    detail::MemberFlags& flags = state.flags[static_cast<std::size_t>(member)];
    flags.epoch.store(0, std::memory_order_relaxed);
    flags.arrived.store(0, std::memory_order_relaxed);
    flags.tasks.store(0, std::memory_order_relaxed);
    flags.met.store(0, std::memory_order_relaxed);
  }
  state.function = function;
  state.work = work;
  if (pool_ != nullptr) {
    const bool ran = run_on_pool(members);
    state.taken.store(false, std::memory_order_release);
    if (!ran) run_alone();
    return;
  }
  state.working.store(members - 1, std::memory_order_relaxed);
  state.post(members);
  Crew crew(0, members, state.waits(), state.flags.data());
  function(work, crew);
  wait_until(state.waits(), [&] { return state.working.load(std::memory_order_acquire) == 0; });
  state.taken.store(false, std::memory_order_release);
}

}  // namespace recurra

/// A persistent team of threads, and the flags by which its members wait for each other inside a call.
#pragma once

#include <atomic>
#include <memory>

#include "recurra/base/platform.h"

namespace recurra {

namespace detail {

/// One cache line pair a member, since processors fetch lines in pairs.
struct alignas(128) MemberFlags {
  std::atomic<i64> epoch{0};    // stages published
  std::atomic<i64> arrived{0};  // barriers reached
  std::atomic<i64> tasks{0};    // of a part of the crew: done
  std::atomic<i64> met{0};      // meetings reached
};

}  // namespace detail

/// What one member of a running call sees. Stages are numbered from 1 in the order of the work.
class RECURRA_API Crew {
 public:
  /// Made by Team::run for each of `count` members.
  Crew(int index, int count, int spins, detail::MemberFlags* flags) noexcept
      : index_(index), count_(count), spins_(spins), flags_(flags) {}

  /// 0 is the calling thread.
  [[nodiscard]] int index() const noexcept { return index_; }

  [[nodiscard]] int count() const noexcept { return count_; }

  /// Members first .. first + count of this crew as a crew of their own; this member is one of them. Parts
  /// that have begun end with the call: the whole crew cannot meet again.
  [[nodiscard]] Crew part(int first, int count) const noexcept {
    return {index_ - first, count, spins_, flags_ + first};
  }

  /// Says that this member has finished stage `epoch`; what it wrote is visible to those who waited for it.
  void publish(i64 epoch) noexcept { flags_[index_].epoch.store(epoch, std::memory_order_release); }

  /// Returns when every other member has published stage `epoch`.
  void wait(i64 epoch) const noexcept;

  /// Returns when all members have come here.
  void barrier() noexcept;

  /// As barrier, between passes of different numbers of members, each with stages and barriers of its own:
  /// these are counted from 0 again.
  void meet() noexcept;

  /// Says that this member has done `count` tasks since the run began; what it wrote is visible to those who
  /// waited for it.
  void finish_tasks(i64 count) noexcept { flags_[index_].tasks.store(count, std::memory_order_release); }

  /// Returns when `member` has done `count` tasks.
  void wait_for_tasks(int member, i64 count) const noexcept;

 private:
  void wait_for(const std::atomic<i64>& flag, i64 value) const noexcept;

  int index_;
  int count_;
  int spins_;
  detail::MemberFlags* flags_;
};

/// Threads of the caller's, for a Team to run on: whoever has a pool of threads implements this over it.
class RECURRA_API ThreadPool {
 public:
  virtual ~ThreadPool() = default;

  /// Calls work(context, index) for index 0 to count - 1, every call on a thread of its own, of which the
  /// calling one may be one, and returns `count` when all are done. They wait for each other, so all must run
  /// at once: where fewer than `count` threads can, it calls none and returns their number, and the team asks
  /// again for as many, or does the work on the calling thread. One run at a time.
  virtual int run(int count, void (*work)(void* context, int index), void* context) noexcept = 0;
};

/// Threads that stay: waiting for work they spin for some microseconds, then sleep. Waiting for each other
/// inside a run, members spin briefly, then yield their processors, then sleep for moments; where there are
/// more of them than processors, they yield at once. A child of `fork` has none of these threads: there a
/// team runs on the calling one alone, but the process's team is made anew.
class RECURRA_API Team {
 public:
  /// The calling thread and `threads - 1` more. Throws Error (invalid_argument) unless 1 <= threads <= 64,
  /// std::system_error where the system refuses a thread.
  explicit Team(int threads);

  /// `threads` of a pool of the caller's, which must outlive the team; none are made. Throws Error as above.
  Team(ThreadPool& pool, int threads);

  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  Team(Team&&) = delete;
  Team& operator=(Team&&) = delete;

  /// The team of this process, of at least `threads` members. Made at the first call, also of a child
  /// process, and grown when more are asked for. Throws as the constructor.
  [[nodiscard]] static Team& shared(int threads);

  /// Members, the calling thread counted.
  [[nodiscard]] int size() const noexcept { return size_.load(std::memory_order_acquire); }

  /// Calls `work(Crew&)` on min(threads, size()) members at once, the caller among them, and returns when all
  /// are done. Where the team is taken by another caller, the caller works alone: a crew of one.
  template <class Work>
  void run(int threads, const Work& work) noexcept {
    run_erased(
        threads, [](const void* w, Crew& crew) noexcept { (*static_cast<const Work*>(w))(crew); }, &work);
  }

 private:
  using Function = void (*)(const void*, Crew&) noexcept;
  struct Shared;
  struct OfProcess;

  void grow(int threads);
  [[nodiscard]] bool run_on_pool(int members) noexcept;
  void run_erased(int threads, Function function, const void* work) noexcept;

  std::atomic<int> size_{1};
  ThreadPool* pool_ = nullptr;
  std::unique_ptr<Shared> shared_;
};

}  // namespace recurra

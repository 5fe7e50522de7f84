/// A pool of threads as a caller may have one: it makes them as they are asked for, and remembers them.
#pragma once

#include <mutex>
#include <thread>
#include <vector>

#include "recurra/base/team.h"

namespace recurra::test {

class StdPool : public ThreadPool {
 public:
  /// At most `most` threads at once.
  explicit StdPool(int most) : most_(most) {}

  int run(int count, void (*work)(void*, int), void* context) noexcept override {
    asked_.push_back(count);
    if (count > most_) return most_;
    std::vector<std::thread> threads;
    for (int index = 0; index < count; ++index) {
      threads.emplace_back([&, index] {
        {
          const std::lock_guard lock(mutex_);
          ++calls_;
        }
        work(context, index);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return count;
  }

  /// Calls of work so far, all on threads of this pool.
  [[nodiscard]] int calls() const { return calls_; }

  /// What every run was asked for.
  [[nodiscard]] const std::vector<int>& asked() const { return asked_; }

 private:
  int most_;
  int calls_ = 0;
  std::mutex mutex_;
  std::vector<int> asked_;
};

}  // namespace recurra::test

/// Prints the f32 peak of multiply-adds in GF/s, of one thread and of two, and how long a flag takes from one
/// thread to another: {"peak1": 117.3, "peak2": 234.6, "handoff_ns": 55}.
/// Two virtual processors are at times one core; a time measured then says nothing about two threads. At
/// times they share no cache: then all that two threads share takes longer. Stands apart from the library:
/// build with -O2 -march=native, so that a lane is the machine's widest.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <latch>
#include <limits>
#include <numeric>
#include <thread>

#include <experimental/simd>

namespace {

using Lane = std::experimental::native_simd<float>;

// More than latency times units: no multiply-add waits for the one before it.
constexpr int chains = 12;
constexpr long rounds = 10'000'000;

/// GF/s of the calling thread, from when all have come to `start`.
double measure(std::latch& start) {
  std::array<Lane, chains> sums;
  for (int i = 0; i < chains; ++i) sums[i] = 0.1F * static_cast<float>(i);
  const Lane factor = 0.999F;
  const Lane term = 0.001F;

  start.arrive_and_wait();
  const auto begin = std::chrono::steady_clock::now();
  for (long round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = sums[i] * factor + term;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;

  // Without a use of the result there would be no loop.
  const Lane sum = std::accumulate(sums.begin(), sums.end(), Lane(0.0F));
  if (std::experimental::reduce(sum) == 0.0F) std::puts("");
  return 2.0 * static_cast<double>(rounds * chains * static_cast<long>(Lane::size())) / seconds.count() / 1e9;
}

double measure_one() {
  std::latch start(1);
  return measure(start);
}

double measure_two() {
  std::latch start(2);
  double other = 0.0;
  std::thread thread([&] { other = measure(start); });
  const double mine = measure(start);
  thread.join();
  return mine + other;
}

/// Nanoseconds from a store to when the other thread sees it: the best of several tries of a ping-pong.
double measure_handoff() {
  struct alignas(128) Flag {
    std::atomic<long> value{0};
  };

  constexpr long turns = 5'000;
  double best = std::numeric_limits<double>::infinity();
  for (int attempt = 0; attempt < 3; ++attempt) {
    Flag there;
    Flag back;
    const auto wait = [](const Flag& flag, long turn) {
      for (int spins = 1; flag.value.load(std::memory_order_acquire) < turn; ++spins) {
        if (spins % 10'000 == 0) std::this_thread::yield();  // both may be on one processor
      }
    };
    std::thread thread([&] {
      for (long turn = 1; turn <= turns; ++turn) {
        wait(there, turn);
        back.value.store(turn, std::memory_order_release);
      }
    });
    std::chrono::steady_clock::time_point begin;
    for (long turn = 1; turn <= turns; ++turn) {
      there.value.store(turn, std::memory_order_release);
      wait(back, turn);
      if (turn == 1) begin = std::chrono::steady_clock::now();  // the thread is there
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    thread.join();
    best = std::min(best, seconds.count() / (2.0 * (turns - 1)));
  }
  return 1e9 * best;
}

}  // namespace

int main() {
  double one = 0.0;
  double two = 0.0;
  for (int i = 0; i < 3; ++i) {
    one = std::max(one, measure_one());
    two = std::max(two, measure_two());
  }
  std::printf("{\"peak1\": %.1f, \"peak2\": %.1f, \"handoff_ns\": %.0f}\n", one, two, measure_handoff());
}

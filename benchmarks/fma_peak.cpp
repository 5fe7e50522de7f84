/// Prints the f32 peak of multiply-adds in GF/s, of one thread and of two: {"peak1": 117.3, "peak2": 234.6}.
/// Two virtual processors are at times one core; a time measured then says nothing about two threads.
/// Stands apart from the library: build with -O2 -march=native, so that a lane is the machine's widest.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <latch>
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

}  // namespace

int main() {
  double one = 0.0;
  double two = 0.0;
  for (int i = 0; i < 3; ++i) {
    one = std::max(one, measure_one());
    two = std::max(two, measure_two());
  }
  std::printf("{\"peak1\": %.1f, \"peak2\": %.1f}\n", one, two);
}

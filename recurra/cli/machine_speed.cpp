#include "recurra/cli/machine_speed.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "recurra/base/buffer.h"
#include "recurra/base/cpu.h"
#include "recurra/base/team.h"
#include "recurra/cli/speed_loops.h"
#include "recurra/engine/dispatch/dispatch.h"

namespace recurra {

#define RECURRA_TARGET_LINE(name)         \
  namespace name {                        \
  extern const SpeedLoops table_of_loops; \
  }
#include "recurra/cli/targets.inc"
#undef RECURRA_TARGET_LINE

namespace cli {

namespace {

#define RECURRA_TARGET_LINE(name) &name::table_of_loops,
constexpr const SpeedLoops* tables[] = {
#include "recurra/cli/targets.inc"
};
#undef RECURRA_TARGET_LINE

const SpeedLoops& active_loops() {
  const std::string_view target = active_target().name;
  return **std::ranges::find_if(tables, [&](const SpeedLoops* loops) { return target == loops->target; });
}

/// How often members of a team do work(member) in a second, all together: the best of several tries.
/// `again`: how often each does it in a try.
double rate_of(int threads, i64 again, const auto& work) {
  double best = 0.0;
  std::vector<double> rates(static_cast<std::size_t>(threads));
  for (int attempt = 0; attempt < 4; ++attempt) {
    Team::shared(threads).run(threads, [&](Crew& crew) {
      float used = 0.0F;
      crew.barrier();
      const auto start = std::chrono::steady_clock::now();
      for (i64 i = 0; i < again; ++i) used += work(static_cast<std::size_t>(crew.index()));
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      const volatile float kept = used;
      static_cast<void>(kept);
      rates[static_cast<std::size_t>(crew.index())] = static_cast<double>(again) / seconds.count();
    });
    double all = 0.0;
    for (const double rate : rates) all += rate;
    best = std::max(best, all);
  }
  return best;
}

double multiply_rate(int threads) {
  const SpeedLoops& loops = active_loops();
  constexpr i64 rounds = 400'000;  // about 1 ms
  const double calls = rate_of(threads, 1, [&](std::size_t) { return loops.multiply(rounds); });
  return 2.0 * static_cast<double>(rounds * loops.floats) * calls;
}

double read_rate(int threads, i64 bytes) {
  const SpeedLoops& loops = active_loops();
  const i64 rounds = std::max<i64>(1, bytes / static_cast<i64>(sizeof(float)) / loops.floats);
  std::vector<AlignedBuffer<float>> buffers;
  for (int i = 0; i < threads; ++i) {
    buffers.emplace_back(rounds * loops.floats);
    std::fill_n(buffers.back().data(), buffers.back().size(), 1.0F);
  }
  const i64 again = std::max<i64>(1, (i64{128} << 20) / bytes);  // 2 ms and more
  const double calls =
      rate_of(threads, again, [&](std::size_t member) { return loops.read(buffers[member].data(), rounds); });
  return static_cast<double>(rounds * loops.floats) * sizeof(float) * calls;
}

}  // namespace

double MachineSpeed::reading_seconds(double bytes) const noexcept {
  double seconds = 0.0;
  double before = 0.0;  // what the caches before a level keep of all threads' shares
  for (const Level& level : levels) {
    seconds = std::max(seconds, (bytes - before) / level.rate);
    before = static_cast<double>(threads) * static_cast<double>(level.bytes);
  }
  return seconds;
}

MachineSpeed MachineSpeed::best(const MachineSpeed& other) const noexcept {
  MachineSpeed best = *this;
  best.flops = std::max(flops, other.flops);
  for (std::size_t i = 0; i < std::size(levels); ++i)
    best.levels[i].rate = std::max(levels[i].rate, other.levels[i].rate);
  return best;
}

MachineSpeed measure_speed(int threads) {
  MachineSpeed speed;
  speed.threads = threads;
  speed.flops = multiply_rate(threads);
  const long known = sysconf(_SC_LEVEL1_DCACHE_SIZE);
  const i64 first = known > 0 ? known : 32 << 10;
  const i64 second = second_level_cache();
  // Read from half of a cache: the other half is for whatever else there is.
  speed.levels[0] = {first, read_rate(threads, first / 2)};
  speed.levels[1] = {second, read_rate(threads, second / 2)};
  speed.levels[2] = {std::numeric_limits<i64>::max(), read_rate(threads, 4 * second)};
  return speed;
}

}  // namespace cli

}  // namespace recurra

/// How fast this machine multiplies and reads, measured now: what a time can be held against.
#pragma once

#include "recurra/base/platform.h"

namespace recurra::cli {

/// Of some threads at once, each on memory of its own; sums over the threads.
struct MachineSpeed {
  double flops =
      0.0;  ///< multiply-adds in registers, in f32 on the target that runs, two flops each: per second

  /// Where a thread's data lie.
  struct Level {
    i64 bytes = 0;      ///< of one thread's data that it holds; of the last one, all
    double rate = 0.0;  ///< bytes per second, of all threads
  };

  Level levels[3];  ///< first cache, second cache, what lies behind

  /// No less time is needed to read `bytes`, shared evenly by the threads, when they have all been read just
  /// before: each cache keeps as much as it holds of a thread's share, so that the rest must come from the
  /// levels behind it. All levels may deliver at once.
  [[nodiscard]] double reading_seconds(double bytes) const noexcept;

  /// The faster of two measurements in everything.
  [[nodiscard]] MachineSpeed best(const MachineSpeed& other) const noexcept;

  int threads = 1;  ///< that were measured
};

/// Takes about 50 ms. Throws as Team::shared and active_target.
[[nodiscard]] MachineSpeed measure_speed(int threads);

}  // namespace recurra::cli

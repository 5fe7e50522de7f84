/// Layers by chunks of steps as a wavefront over threads.
///
/// A task is a layer's chunk. Chunk c needs the same of the layer before and the layer's own chunk c - 1, and
/// where outputs between layers have room for few chunks, that the layer behind has read what it overwrites.
/// Tasks are numbered along the diagonals, `layers` to a diagonal, and lane n % lanes has task n: so a lane
/// keeps its layers, and their weights in its caches, where the layers divide evenly, and else the lanes take
/// turns with them, which is fair. All a task waits for has lower numbers, and a lane goes by number: so no
/// lane waits for ever. There is one counter a lane and no barrier between lanes.
///
/// Private to the library.
#pragma once

#include <algorithm>

#include "recurra/engine/schedule.h"

namespace recurra {

/// The tasks; layers in the order of processing.
struct Wave {
  int layers = 0;
  i64 chunks = 0;
  i64 room = 0;  ///< chunks between two layers; 0: all of them
};

/// One member's part in a wavefront.
class WaveLane {
 public:
  WaveLane(const Wave& wave, Crew& crew) noexcept
      : wave_(wave), crew_(crew), lanes_(std::min(wave.layers, crew.count())) {
    while (members(lane_).last <= crew.index()) ++lane_;
  }

  /// How many layers are at work at once.
  [[nodiscard]] int lanes() const noexcept { return lanes_; }

  /// Calls begin(layer, chunk) and end(layer, chunk) on one member of the lane that has the task, and between
  /// them run(layer, chunk, crew) on all of it. They must not throw.
  template <class Begin, class Run, class End>
  void run(Begin begin, Run run, End end) noexcept {
    Crew own = crew_.part(members(lane_).first, members(lane_).count());
    const i64 numbers = (wave_.chunks + wave_.layers - 1) * wave_.layers;
    for (i64 number = lane_; number < numbers; number += lanes_) {
      const auto layer = static_cast<int>(number % wave_.layers);
      const i64 chunk = number / wave_.layers - layer;
      if (chunk < 0 || chunk >= wave_.chunks) continue;
      if (own.index() == 0) {
        wait_for_what_it_needs(layer, chunk);
        begin(layer, chunk);
      }
      if (own.count() > 1) own.meet();
      run(layer, chunk, own);
      if (own.count() > 1) own.meet();
      if (own.index() != 0) continue;
      end(layer, chunk);
      crew_.finish_tasks(number / lanes_ + 1);
    }
  }

 private:
  [[nodiscard]] Range members(int lane) const noexcept { return even_share(crew_.count(), lane, lanes_); }

  void wait_for_what_it_needs(int layer, i64 chunk) const noexcept {
    wait_for(layer - 1, chunk);
    wait_for(layer, chunk - 1);
    if (wave_.room > 0) wait_for(layer + 1, chunk - wave_.room);
  }

  /// Returns when a task is done, if there is such a one.
  void wait_for(int layer, i64 chunk) const noexcept {
    if (layer < 0 || layer >= wave_.layers || chunk < 0) return;
    const i64 number = (chunk + layer) * wave_.layers + layer;
    crew_.wait_for_tasks(members(static_cast<int>(number % lanes_)).first, number / lanes_ + 1);
  }

  const Wave& wave_;
  Crew& crew_;
  int lanes_;
  int lane_ = 0;
};

}  // namespace recurra

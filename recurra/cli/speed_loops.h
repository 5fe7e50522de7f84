/// Loops that do nothing but multiply or read, by which a machine's speed is measured; plain, since target
/// code includes it.
#pragma once

#include "recurra/base/platform.h"

namespace recurra {

/// The loops of one target. What they return is a use of their work, without which there would be none.
struct SpeedLoops {
  const char* target;
  int floats;  ///< a round goes through
  /// `floats` multiply-adds a round, in registers.
  float (*multiply)(i64 rounds);
  /// Reads rounds * floats floats, one after the other.
  float (*read)(const float* data, i64 rounds);
};

}  // namespace recurra

/// Sizes and the mask that tests of RNN share.
#pragma once

#include "recurra/layers/step_mask.h"

namespace recurra::test {

inline constexpr i64 batch = 4, steps = 6, features = 5, units = 7;

inline StepMask mask_with_holes() {
  std::vector<std::uint8_t> counts(batch * steps, 1);
  for (const int place : {0, 1, 8, 10, 17, 23}) counts[std::size_t(place)] = 0;
  for (i64 row = 0; row < batch; ++row) counts[std::size_t(row * steps + 3)] = 0;
  return StepMask::of_bytes(batch, steps, counts);
}

}  // namespace recurra::test

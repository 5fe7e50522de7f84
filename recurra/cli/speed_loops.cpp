/// The loops of one target; compiled once per instruction set, exports one table.
#include "recurra/cli/speed_loops.h"

#include "recurra/simd/lane.h"

namespace recurra {

namespace RECURRA_TARGET_NAME {

namespace {

// More than latency times units: no multiply-add or load waits for the one before it.
constexpr int chains = 12;

RECURRA_INLINE float sum_of(const Vec (&sums)[chains]) {
  Vec all = sums[0];
  for (int i = 1; i < chains; ++i) all = all + sums[i];
  float lanes[Vec::width];
  all.store(lanes);
  float sum = 0.0F;
  for (const float lane : lanes) sum += lane;
  return sum;
}

float multiply(i64 rounds) {
  Vec sums[chains];
  RECURRA_UNROLL
  for (int i = 0; i < chains; ++i) sums[i] = Vec(0.1F * static_cast<float>(i));
  const Vec factor(0.999F);
  for (i64 round = 0; round < rounds; ++round) {
    RECURRA_UNROLL
    for (int i = 0; i < chains; ++i) sums[i] = fma(sums[i], factor, factor);
  }
  return sum_of(sums);
}

float read(const float* data, i64 rounds) {
  Vec sums[chains];
  RECURRA_UNROLL
  for (int i = 0; i < chains; ++i) sums[i] = Vec::zero();
  for (i64 round = 0; round < rounds; ++round, data += chains * Vec::width) {
    RECURRA_UNROLL
    for (int i = 0; i < chains; ++i) sums[i] = sums[i] + Vec::load(data + i * Vec::width);
  }
  return sum_of(sums);
}

}  // namespace

extern const SpeedLoops table_of_loops;
const SpeedLoops table_of_loops{RECURRA_TARGET_TEXT, chains* Vec::width, multiply, read};

}  // namespace RECURRA_TARGET_NAME

}  // namespace recurra

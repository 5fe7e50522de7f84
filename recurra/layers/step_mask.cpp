#include "recurra/layers/step_mask.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shape.h"

namespace recurra {

StepMask StepMask::of_lengths(std::span<const int> lengths, i64 steps) {
  StepMask mask;
  mask.assign(lengths, steps);
  return mask;
}

StepMask StepMask::of_bytes(i64 batch, i64 steps, std::vector<std::uint8_t> counts) {
  const i64 size = checked_multiply(batch, steps, "mask");
  if (static_cast<i64>(counts.size()) != size) {
    throw Error(ErrorCode::shape,
                "mask",
                Shape{batch, steps}.to_string() + " = (batch, steps)",
                std::to_string(counts.size()) + " values");
  }
  StepMask mask;
  mask.given_ = true;
  mask.batch_ = batch;
  mask.steps_ = steps;
  mask.counts_ = std::move(counts);
  return mask;
}

void StepMask::assign(std::span<const int> lengths, i64 steps) {
  for (std::size_t row = 0; row < lengths.size(); ++row) {
    if (lengths[row] >= 0 && lengths[row] <= steps) continue;
    throw Error(ErrorCode::invalid_argument,
                "lengths[" + std::to_string(row) + "]",
                "0 to " + std::to_string(steps),
                std::to_string(lengths[row]));
  }
  const std::span<std::uint8_t> bytes = assign(static_cast<i64>(lengths.size()), steps);
  auto row = bytes.begin();
  for (const int length : lengths) {
    std::fill(row + length, row + steps, std::uint8_t{0});
    row += steps;
  }
}

std::span<std::uint8_t> StepMask::assign(i64 batch, i64 steps) {
  counts_.assign(static_cast<std::size_t>(checked_multiply(batch, steps, "mask")), 1);
  given_ = true;
  batch_ = batch;
  steps_ = steps;
  return counts_;
}

void StepMask::clear() noexcept {
  given_ = false;
  batch_ = 0;
  steps_ = 0;
}

bool StepMask::to_lengths(std::vector<int>& lengths) const {
  lengths.clear();
  auto row = counts_.begin();
  for (i64 i = 0; i < batch_; ++i, row += steps_) {
    const auto end = std::find(row, row + steps_, std::uint8_t{0});
    if (std::any_of(end, row + steps_, [](std::uint8_t count) { return count != 0; })) return false;
    lengths.push_back(static_cast<int>(end - row));
  }
  return given_;
}

i64 StepMask::counted() const noexcept {
  if (!given_) return 0;
  return static_cast<i64>(counts_.size()) - std::count(counts_.begin(), counts_.end(), std::uint8_t{0});
}

}  // namespace recurra

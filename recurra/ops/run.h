/// A recurrence of one or two directions with all it needs from the way forward to the way back: what every
/// operation of this door runs on.
///
/// Private to the library.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "recurra/base/tensor.h"
#include "recurra/engine/engine.h"
#include "recurra/ops/op_options.h"

namespace recurra::ops {

/// The calls are the operation's to fill, before `forward` and `backward`.
class Run {
 public:
  /// One recurrence a direction; they may differ. Throws as Plan.
  Run(std::span<const Recurrence> directions, const OpOptions& options);

  [[nodiscard]] int directions() const noexcept { return static_cast<int>(directions_.size()); }

  [[nodiscard]] const Plan& plan(int direction) const noexcept { return at(direction).plan; }

  [[nodiscard]] Call& call(int direction) noexcept { return at(direction).call; }

  [[nodiscard]] BackwardCall& back(int direction) noexcept { return at(direction).back; }

  void pack(int direction, const Weights& weights, bool training);

  /// Throws as the engine's.
  void forward(bool training);

  /// Where both directions have `dx`, which is the same memory then, it becomes their sum.
  void backward();

 private:
  struct Direction {
    explicit Direction(Plan made) : plan(std::move(made)) {}

    Plan plan;
    std::optional<PackedWeights> packs;
    Workspace workspace;
    Call call;
    BackwardCall back;
  };

  [[nodiscard]] Direction& at(int direction) noexcept {
    return directions_[static_cast<std::size_t>(direction)];
  }

  [[nodiscard]] const Direction& at(int direction) const noexcept {
    return directions_[static_cast<std::size_t>(direction)];
  }

  [[nodiscard]] Job job(int direction, BackwardCall* back) noexcept;

  OpOptions options_;
  std::vector<Direction> directions_;
};

}  // namespace recurra::ops

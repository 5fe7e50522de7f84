/// One layer of a stream: its call of one step, bound once, and its states.
///
/// Private to the library.
#pragma once

#include <vector>

#include "recurra/engine/jobs.h"
#include "recurra/engine/stream.h"

namespace recurra {

class Stream::Layer {
 public:
  /// Throws as forward.
  Layer(const Plan& plan, const PackedWeights& weights, i64 batch, const Execution& execution);

  /// One step: x (batch, input), attention (batch), read where the cell takes one. Returns the output (batch,
  /// width), valid until the next step.
  const float* step(const float* x, const float* attention, float* y) noexcept;

  /// (batch, width): the last step's output.
  [[nodiscard]] float* output() noexcept { return outputs_[now_].data(); }

  [[nodiscard]] const float* output() const noexcept { return outputs_[now_].data(); }

  /// State k of a row; 0 is the output.
  [[nodiscard]] std::span<float> state(int k, i64 row) noexcept;
  [[nodiscard]] std::span<const float> state(int k, i64 row) const noexcept;

  /// Floats of state k of a row.
  [[nodiscard]] i64 width(int k) const noexcept { return k == 0 ? plan_->width() : plan_->units(); }

  [[nodiscard]] int states() const noexcept { return plan_->cell().states; }

  /// Memory for state k of all rows, (batch, width(k)), for a call of several steps to begin and to end with.
  [[nodiscard]] float* carried(int k) noexcept { return k == 0 ? output() : carried_[k - 1].data(); }

  /// The states into that memory, and back again.
  void carry_out() noexcept;
  void carry_in() noexcept;

  [[nodiscard]] const Report& report() const noexcept { return workspace_.report(); }

 private:
  const float* step_of_a_row(const float* x, const float* attention, float* y) noexcept;

  [[nodiscard]] Job job() noexcept { return {plan_, weights_, &call_, &workspace_}; }

  // Of a row alone.
  void (*row_step_)(const RowStepArgs&) = nullptr;  // null: steps go through the products
  const float* before_ = nullptr;
  float* after_ = nullptr;
  const float* attention_ = nullptr;
  RowStepArgs row_{};

  const Plan* plan_;
  const PackedWeights* weights_;
  i64 batch_;
  Workspace workspace_;
  AlignedBuffer<float> outputs_[2];  // of the last step, and of the one before or the next
  int now_ = 0;
  float* further_states_[max_states - 1] = {};  // [row][padded], the workspace's
  std::vector<float> carried_[max_states - 1];
  Call call_;
  Split split_;
  Team* team_ = nullptr;  // null: a step has one thread
};

}  // namespace recurra

/// sru, sru_cell and sru_bi inside. The engine's scan gives r . tanh(c) and 1 - r; the highway, the second
/// times x, is added behind it over all steps at once.
///
/// Private to the library.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "recurra/ops/operation.h"
#include "recurra/ops/run.h"
#include "recurra/ops/sru.h"

namespace recurra::ops {

/// Which of the three operations.
enum class SruForm { sequence, cell, both_directions };

class SruOperation final : public Operation {
 public:
  enum Input { x, weights, biases, initial_c };

  enum Output { h, c };

  /// `inputs` in that order. `config.layout` does not count for both directions. Checks everything.
  SruOperation(SruForm form,
               Inputs inputs,
               const SruConfig& config,
               const Tensor* mask,
               const Tensor* max_ts_length,
               const OpOptions& options);

  [[nodiscard]] std::vector<Tensor> forward(bool training) override;

 private:
  void check_tensors(const Tensor* mask);
  [[nodiscard]] WeightStrides strides() const noexcept;
  [[nodiscard]] i64 weights_offset(int direction) const noexcept;
  void gather(int direction);
  void prepare_call(int direction, const Sequence& cells, bool training);
  void add_highway(int direction, const Sequence& out) const;
  void spread_seed(int direction, const ConstSequence& seed);
  void run_backward(const std::vector<const Tensor*>& seeds) override;
  void prepare_back(int direction, const ConstSequence& seed, const ConstSequence& cell_seed);
  void finish_back(int direction, const ConstSequence& seed, const Sequence* dx);

  [[nodiscard]] int directions() const noexcept { return form_ == SruForm::both_directions ? 2 : 1; }

  /// Factors of a row's x; null: none.
  [[nodiscard]] const float* mask_of(i64 row) const {
    return mask_.size() > 0 ? mask_.data() + row * n_.width : nullptr;
  }

  /// What is of one direction; sequences are (batch, steps, units).
  struct Part {
    std::vector<float> biases, initial, d_biases, d_initial;
    Tensor limited;    // r . tanh(c)
    Tensor share;      // 1 - r
    Tensor d_limited;  // gradients
    Tensor d_share;
  };

  SruForm form_;
  SruConfig config_;
  SequenceSizes n_;  // of x
  i64 units_ = 0;    // of a direction
  std::vector<int> lengths_;
  Tensor mask_;  // its own: the caller's may be gone when the way back needs it
  std::optional<Run> run_;
  std::array<Part, 2> parts_;
  ConstSequence sequence_;             // of x
  Tensor x_copy_, h_copy_, c_copy_;    // of NST
  Tensor seed_copy_, cell_seed_copy_;  // of NST
};

}  // namespace recurra::ops

/// lstm_layer and lstm_layer_cell inside.
///
/// Private to the library.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "recurra/ops/lstm_layer.h"
#include "recurra/ops/operation.h"
#include "recurra/ops/run.h"
#include "recurra/ops/sequence_layout.h"

namespace recurra::ops {

class LstmLayerOperation final : public Operation {
 public:
  enum Input { x, input_weights, recurrent_weights, biases, peephole_weights, c_last, y_last };

  enum Output { h, h_last, c_last_output };

  /// `inputs` in that order. Checks everything.
  LstmLayerOperation(const char* name,
                     Inputs inputs,
                     const LstmLayerConfig& config,
                     const Tensor* max_ts_length,
                     StepCount count,
                     const OpOptions& options);

  [[nodiscard]] std::vector<Tensor> forward(bool training) override;

 private:
  void check_config() const;
  void check_one_step(const Tensor* max_ts_length) const;
  void take_x();
  void check_tensors();
  [[nodiscard]] std::vector<Recurrence> recurrences() const;
  void mask_last_steps();
  void run_backward(const std::vector<const Tensor*>& seeds) override;

  [[nodiscard]] bool is_both() const noexcept { return config_.direction >= DirectionMode::bidir_sum; }

  [[nodiscard]] int directions() const noexcept { return is_both() ? 2 : 1; }

  /// Sizes of the outputs of all steps, as far as they lie in the config's format.
  [[nodiscard]] SequenceSizes output_sizes() const noexcept;
  [[nodiscard]] Shape state_shape() const;
  [[nodiscard]] WeightsOf<const float> weights_of(int direction) const;
  [[nodiscard]] WeightGradients gradients_of_weights(int direction);
  [[nodiscard]] std::array<Sequence, 2> place_outputs(Tensor& h);
  void finish_outputs(Tensor& h);
  [[nodiscard]] std::array<ConstSequence, 2> place_seeds(const Tensor& seed);
  void zero_empty_rows(Tensor& states) const;

  LstmLayerConfig config_;
  StepCount count_;
  SequenceSizes n_;  // of x
  i64 units_ = 0;
  std::vector<int> lengths_;
  std::vector<unsigned char> mask_;  // in the place of lengths_, where rows end at the last step
  std::optional<Run> run_;
  Tensor x_copy_, h_copy_, seed_copy_;  // of NST
  std::array<Tensor, 2> summands_;      // (batch, steps, units): outputs of both directions, to be added
};

/// Both operations' lists of inputs.
template <class T, class Given>
[[nodiscard]] std::vector<const T*> lstm_layer_inputs(const T& x,
                                                      const LstmLayerWeightsOf<T>& w,
                                                      const LstmStartOf<T>& start,
                                                      const Given& given) {
  return {&x,
          given(w.input_weights),
          given(w.recurrent_weights),
          given(w.biases),
          given(w.peephole_weights),
          start.c_last,
          start.y_last};
}

[[nodiscard]] LstmLayerGradients lstm_layer_gradients(std::vector<Tensor> gradients);

}  // namespace recurra::ops

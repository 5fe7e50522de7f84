/// gru_layer, rnn_layer and rnn_cell inside: layers of cells whose one state is the output.
///
/// Private to the library.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "recurra/engine/folded_bias.h"
#include "recurra/ops/operation.h"
#include "recurra/ops/run.h"

namespace recurra::ops {

/// What such a layer is made of.
struct OutputLayerKind {
  const char* name;
  const char* cell;
  int gates = 1;
  const int* gate_places = nullptr;  ///< as in WeightStrides
  /// The biases of both products are the two halves of one tensor.
  bool joint_biases = false;
  int directions = 1;
  bool concatenates = false;  ///< both directions' outputs side by side
  StepCount count = StepCount::sequence;
};

class OutputLayerOperation final : public Operation {
 public:
  /// Of inputs: x, then these of each direction.
  enum Input { input_weights, recurrent_weights, biases, recurrent_biases, h_last, inputs_of_direction };

  /// Of outputs: each direction's. Where outputs are side by side they are the first direction's.
  enum Output { h, last, outputs_of_direction };

  /// `inputs` in that order. Checks everything.
  OutputLayerOperation(const OutputLayerKind& kind,
                       Inputs inputs,
                       SequenceFormat format,
                       const Tensor* max_ts_length,
                       const OpOptions& options);

  [[nodiscard]] std::vector<Tensor> forward(bool training) override;

  /// Where an input, or an output, of a direction stands.
  [[nodiscard]] static int place(int direction, Input input) noexcept {
    return 1 + direction * inputs_of_direction + input;
  }

  [[nodiscard]] static std::size_t place(int direction, Output output) noexcept {
    return static_cast<std::size_t>(direction * outputs_of_direction + output);
  }

 private:
  static constexpr int x = 0;

  [[nodiscard]] std::string field(int direction, const char* name) const;
  void check_direction(int direction);
  [[nodiscard]] Weights weights_of(int direction);
  [[nodiscard]] WeightGradients gradients_of_weights(int direction);
  void spread_biases(int direction);
  void place_outputs(std::vector<Tensor>& all);
  void finish_outputs(std::vector<Tensor>& all);
  void place_seeds(const std::vector<const Tensor*>& seeds);
  void run_backward(const std::vector<const Tensor*>& seeds) override;

  [[nodiscard]] bool has_two_biases(int direction) const noexcept {
    return kind_.joint_biases ? has(place(direction, biases)) : has(place(direction, recurrent_biases));
  }

  [[nodiscard]] i64 units(int direction) const noexcept {
    return units_[static_cast<std::size_t>(direction)];
  }

  /// Sizes of a direction's output of all steps, or of both side by side.
  [[nodiscard]] SequenceSizes output_sizes(int direction) const noexcept {
    return {n_.steps, n_.batch, kind_.concatenates ? units_[0] + units_[1] : units(direction)};
  }

  OutputLayerKind kind_;
  SequenceFormat format_;
  SequenceSizes n_;  // of x
  std::array<i64, 2> units_{};
  std::vector<int> lengths_;
  std::optional<Run> run_;
  std::array<std::optional<FoldedBias>, 2> folded_;
  std::vector<float> zeros_;  // in the place of biases beside recurrent ones
  Tensor x_copy_;             // of NST, as these
  std::array<Tensor, 2> h_copies_, seed_copies_;
};

}  // namespace recurra::ops

/// CNTK's OptimizedRNNStack as a layer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "recurra/layers/layer.h"
#include "recurra/layers/rnn_stack_start.h"
#include "recurra/stack/blob_stack.h"

namespace recurra {

/// Arguments of OptimizedRNNStack.
struct OptimizedRnnStackOptions {
  i64 units = 0;                       ///< of a layer and direction, > 0; CNTK's hiddenDims
  i64 layers = 1;                      ///< numLayers
  bool bidirectional = false;          ///< every layer in both directions
  RecurrentOp op = RecurrentOp::lstm;  ///< recurrentOp
  RnnStackStart start = {};            ///< what the weights start with
  std::shared_ptr<const Regularizer> regularizer = nullptr;  ///< of the weights; null: none
  std::shared_ptr<const Constraint> constraint = nullptr;    ///< of the weights; null: none
  /// Share of the outputs of all layers but the top one dropped out in training, in [0, 1), as in
  /// RnnStackOptions.
  double dropout = 0;
  std::optional<i64> seed = {};  ///< of the dropout; none: the model's
  /// Outputs of all steps, as CNTK's; or of the last one of each row, and the first for the way back.
  bool return_sequences = true;
};

/// A stack of recurrent layers whose single weight is cuDNN's blob: (batch, steps, features) -> (batch,
/// steps, width), or (batch, width) without return_sequences; width = units, or 2 * units, the forward
/// direction first. All layers run as one call of the engine.
///
/// Steps that the mask does not count leave the states as they are and give 0. Weight: weights (units, all /
/// units), in memory the blob (BlobLayout).
class RECURRA_API OptimizedRnnStack final : public Layer {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit OptimizedRnnStack(const OptimizedRnnStackOptions& options,
                             std::string name = "optimized_rnn_stack");

  [[nodiscard]] const char* type() const noexcept override { return "OptimizedRNNStack"; }

  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] std::vector<Parameter*> parameters() override;

  void parameters_changed() override { packed_ = false; }

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override;

  /// Of the lowest layer's forward direction.
  [[nodiscard]] const Report* report() const noexcept override {
    return stack_ ? &stack_->report(0, 0) : nullptr;
  }

  [[nodiscard]] const OptimizedRnnStackOptions& options() const noexcept { return options_; }

  /// The layout of the weights. Only when built.
  [[nodiscard]] const BlobLayout& layout() const noexcept { return stack_->layout(); }

  /// The factors of the last training forward, of every layer but the lowest (batch, width): 0 or 1 / (1 -
  /// dropout). Empty without dropout.
  [[nodiscard]] const std::vector<Tensor>& dropout_factors() const noexcept { return factors_; }

  [[nodiscard]] std::string streaming_obstacle() const override {
    return "its layers run as one call over all steps; split into layers of their own they go step by step";
  }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  void draw_dropout(i64 batch, const Context& context);
  void bind_outputs();
  void join_last();
  void split_last(const Tensor& dy);

  [[nodiscard]] i64 directions() const noexcept { return options_.bidirectional ? 2 : 1; }

  /// The top layer's first entry in lists of layers and directions.
  [[nodiscard]] std::size_t top_run() const noexcept {
    return static_cast<std::size_t>((options_.layers - 1) * directions());
  }

  OptimizedRnnStackOptions options_;
  std::optional<BlobStack> stack_;
  bool packed_ = false;
  Parameter weights_;
  std::vector<Tensor> factors_;
  std::vector<int> lengths_;  // of the rows, where the mask is no more than that
  std::vector<StackRun> runs_;
  std::vector<StackRunGradients> back_runs_;
  StackCall call_;
  Tensor y_, dx_;
  Tensor last_[2], d_last_[2];  // of each direction, without return_sequences
};

}  // namespace recurra

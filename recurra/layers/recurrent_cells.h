/// Keras's cells: one step of LSTM, GRU and SimpleRNN.
#pragma once

#include "recurra/layers/cell.h"
#include "recurra/layers/gru.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/simple_rnn.h"

namespace recurra {

/// A cell whose layer the engine runs. RNN gives it to the engine; `step` computes the same by differentiable
/// functions. Weights are the layer's.
class RECURRA_API RecurrentCell : public Cell {
 public:
  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] std::vector<Shape> state_shapes() const override;

  /// Draws the dropout of a sequence as its layer does.
  void begin_sequence(i64 batch, const Context& context) override;

  void parameters_changed() override;
  void set_trainable(bool trainable) override;

  /// The layer that repeats this cell; it has the cell's weights.
  [[nodiscard]] Recurrent& layer() noexcept { return *layer_; }

  /// Has the layer made anew, with these options of its own beside the cell's. To be called before build.
  void set_layer(const RecurrentOptions& options, std::string name) {
    layer_ = layer_->with(options, std::move(name));
  }

 protected:
  /// `states` of (units) each. Throws Error (invalid_argument) where the layer has options that no cell has.
  RecurrentCell(std::unique_ptr<Recurrent> layer, int states);

  /// x kernel, of an input whose dropped elements are 0.
  [[nodiscard]] autograd::Variable input_product(const autograd::Variable& x) const;
  /// h recurrent_kernel, likewise.
  [[nodiscard]] autograd::Variable recurrent_product(const autograd::Variable& h) const;

  [[nodiscard]] const RecurrentOptions& options() const noexcept { return layer_->recurrent_options(); }

  /// Of the gates.
  [[nodiscard]] Activation recurrent_activation() const { return layer_->stack_layer().activations[0]; }

  /// Of a GRU: whether it has the form with a second bias.
  [[nodiscard]] bool resets_after() const { return layer_->stack_layer().cell == "gru_reset_after"; }

  /// Empty without use_bias.
  [[nodiscard]] const autograd::Variable& bias() const noexcept { return bias_; }

  /// The columns of some gates of the recurrent kernel, [first_gate, last_gate).
  [[nodiscard]] autograd::Variable recurrent_kernel(i64 first_gate, i64 last_gate) const;

  /// h as the operand of products: some elements 0 where the layer drops them.
  [[nodiscard]] autograd::Variable dropped(const autograd::Variable& h) const;

 private:
  void run_build(std::span<const Shape> inputs) final;

  std::unique_ptr<Recurrent> layer_;
  int states_;
  autograd::Variable kernel_, recurrent_kernel_, bias_;
  autograd::Variable x_factors_, h_factors_;  // empty where nothing is dropped
};

/// Keras's SimpleRNNCell. Of the options those of the cell alone: what the layer adds must be its default.
class RECURRA_API SimpleRnnCell final : public RecurrentCell {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit SimpleRnnCell(const RecurrentOptions& options, std::string name = "simple_rnn_cell");

  /// The cell of a layer, which has its name. Throws as the other.
  explicit SimpleRnnCell(std::unique_ptr<Recurrent> layer);

  [[nodiscard]] const char* type() const noexcept override { return "SimpleRNNCell"; }

 private:
  [[nodiscard]] CellStep run_step(const Variables& inputs,
                                  const Variables& states,
                                  const Context& context) override;
};

/// Keras's LSTMCell, likewise. States h and c.
class RECURRA_API LstmCell final : public RecurrentCell {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit LstmCell(const LstmOptions& options, std::string name = "lstm_cell");

  /// The cell of a layer, which has its name. Throws as the other.
  explicit LstmCell(std::unique_ptr<Recurrent> layer);

  [[nodiscard]] const char* type() const noexcept override { return "LSTMCell"; }

 private:
  [[nodiscard]] CellStep run_step(const Variables& inputs,
                                  const Variables& states,
                                  const Context& context) override;
};

/// Keras's GRUCell, likewise.
class RECURRA_API GruCell final : public RecurrentCell {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit GruCell(const GruOptions& options, std::string name = "gru_cell");

  /// The cell of a layer, which has its name. Throws as the other.
  explicit GruCell(std::unique_ptr<Recurrent> layer);

  [[nodiscard]] const char* type() const noexcept override { return "GRUCell"; }

 private:
  [[nodiscard]] CellStep run_step(const Variables& inputs,
                                  const Variables& states,
                                  const Context& context) override;
};

}  // namespace recurra

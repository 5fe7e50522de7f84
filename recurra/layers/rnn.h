/// The layer that repeats a cell.
#pragma once

#include <optional>

#include "recurra/layers/cell.h"

namespace recurra {

class RecurrentCell;

/// Arguments of RNN, with Keras's names and defaults.
struct RnnOptions {
  bool return_sequences = false;  ///< outputs of all steps, or of the last
  bool return_state = false;      ///< the states after the last step behind the outputs
  bool go_backwards = false;      ///< from the last step to the first; the outputs in that order
  bool stateful = false;          ///< a call begins with the states that the one before ended with
  /// Steps that do not count give 0, not the output before.
  bool zero_output_for_mask = false;
};

/// Keras's RNN: a cell at every step of its inputs (batch, steps, …), with the states from step to step.
///
/// Any number of inputs, states and outputs of any shapes, as the cell has them. Its inputs are the cell's
/// and, where they are given, behind them the states to begin with, (batch, …) each: all of them or none. Its
/// outputs are the cell's, (batch, …) or with return_sequences (batch, steps, …), and with return_state
/// behind them the states after the last step. Steps that the first input's mask does not count leave the
/// states as they are and repeat the output before, 0 before the first, as in Keras. backward runs once a
/// forward.
///
/// A cell of the library's (recurrent_cells.h) alone is the engine's to run: RNN(LSTMCell) is LSTM.
class RECURRA_API Rnn final : public GeneralLayer {
 public:
  /// Throws Error (invalid_argument) without a cell.
  explicit Rnn(std::unique_ptr<Cell> cell, const RnnOptions& options = {}, std::string name = "rnn");

  /// Of StackedRnnCells. Throws Error (invalid_argument) without a cell.
  explicit Rnn(std::vector<std::unique_ptr<Cell>> cells,
               const RnnOptions& options = {},
               std::string name = "rnn");

  [[nodiscard]] const char* type() const noexcept override { return "RNN"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] const RnnOptions& options() const noexcept { return options_; }

  /// The cell that is repeated.
  [[nodiscard]] Cell& cell() noexcept { return *cell_; }

  [[nodiscard]] std::vector<Parameter*> parameters() override { return cell_->parameters(); }

  void parameters_changed() override { cell_->parameters_changed(); }

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override;
  [[nodiscard]] const StepMask* mask_of_output(const Context& context, std::size_t output) const override;
  [[nodiscard]] const Report* report() const noexcept override;
  [[nodiscard]] std::string streaming_obstacle() const override;
  void set_trainable(bool trainable) override;

  [[nodiscard]] bool stateful() const noexcept override { return options_.stateful; }

  [[nodiscard]] std::vector<CarriedStates*> carried_states() override;

 private:
  struct Tape;

  [[nodiscard]] bool takes(Dtype) const noexcept override { return true; }  // what a cell can is its own

  std::vector<Shape> run_build_all(std::span<const Shape> inputs, Random& random) override;
  TensorList run_forward_all(TensorList inputs, const Context& context) override;
  TensorList run_backward_all(TensorList inputs,
                              TensorList d_outputs,
                              std::span<const std::uint8_t> wanted,
                              const Context& context) override;

  [[nodiscard]] std::string subject(const char* list, std::size_t i, std::size_t count) const;
  void check_inputs(TensorList inputs) const;
  [[nodiscard]] Variables first_states(TensorList given, i64 batch, bool training);
  void run_steps(TensorList inputs, const StepMask* mask, const Context& context, Tape& tape);
  void collect(const Tape& tape, TensorList inputs, std::span<const std::uint8_t> wanted);

  std::unique_ptr<Cell> cell_;
  RecurrentCell* engine_cell_ = nullptr;  // the cell where it is one of the library's: its layer does all
  RnnOptions options_;
  std::vector<Shape> inputs_;  // of the cell's inputs without the batch axis; empty before build
  std::shared_ptr<Tape> tape_;
  std::vector<Tensor> results_, gradients_;
  std::vector<const Tensor*> list_;       // what was given out last
  std::optional<CarriedStates> carried_;  // of a stateful layer whose cell is not the engine's
};

}  // namespace recurra

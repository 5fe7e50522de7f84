/// Cells one above the other as one cell.
#pragma once

#include "recurra/layers/cell.h"

namespace recurra {

/// Keras's StackedRNNCells: the outputs of each cell are the inputs of the next, in every step. States are
/// those of the first cell, then of the second, and so on. Parameters are named by cell and weight,
/// `lstm_cell_1/kernel`.
class RECURRA_API StackedRnnCells final : public Cell {
 public:
  /// Throws Error (invalid_argument) without a cell, or where one is missing.
  explicit StackedRnnCells(std::vector<std::unique_ptr<Cell>> cells, std::string name = "stacked_rnn_cells");

  [[nodiscard]] const char* type() const noexcept override { return "StackedRNNCells"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] std::size_t inputs() const noexcept override { return cells_.front()->inputs(); }

  [[nodiscard]] std::vector<Shape> state_shapes() const override;
  [[nodiscard]] std::vector<Shape> output_shapes() const override;
  [[nodiscard]] std::vector<Tensor> initial_states(i64 batch) const override;
  void begin_sequence(i64 batch, const Context& context) override;
  [[nodiscard]] std::vector<Parameter*> parameters() override;
  void parameters_changed() override;
  void take_gradients() override;
  void set_trainable(bool trainable) override;

  /// From the inputs up.
  [[nodiscard]] const std::vector<std::unique_ptr<Cell>>& cells() const noexcept { return cells_; }

 private:
  void run_build(std::span<const Shape> inputs) override;
  [[nodiscard]] CellStep run_step(const Variables& inputs,
                                  const Variables& states,
                                  const Context& context) override;
  [[nodiscard]] std::string place_name(std::size_t place) const;

  std::vector<std::unique_ptr<Cell>> cells_;
};

}  // namespace recurra

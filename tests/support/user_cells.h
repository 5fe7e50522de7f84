/// Cells as a user writes them: those of Keras's own tests, and one with nested inputs, states and outputs.
#pragma once

#include "recurra/layers/cell.h"

namespace recurra::test {

/// All weights ones: h' = x K + h R.
class OneStateCell final : public Cell {
 public:
  explicit OneStateCell(i64 units, std::string name = "one_state") : Cell(std::move(name)), units_(units) {}

  [[nodiscard]] const char* type() const noexcept override { return "OneStateRNNCell"; }

  [[nodiscard]] std::vector<Shape> state_shapes() const override { return {{units_}}; }

 private:
  void run_build(std::span<const Shape> inputs) override {
    kernel_ = add_weight("kernel", {inputs[0].back(), units_}, {.initializer = Constant{1}});
    recurrent_kernel_ = add_weight("recurrent_kernel", {units_, units_}, {.initializer = Constant{1}});
  }

  [[nodiscard]] CellStep run_step(const Variables& x, const Variables& states, const Context&) override {
    const autograd::Variable h = matmul(x[0], kernel_) + matmul(states[0], recurrent_kernel_);
    return {{h}, {h}};
  }

  i64 units_;
  autograd::Variable kernel_, recurrent_kernel_;
};

/// All weights ones: both states become x K + s0 R, the output is their sum.
class TwoStatesCell final : public Cell {
 public:
  explicit TwoStatesCell(i64 units) : Cell("two_states"), units_(units) {}

  [[nodiscard]] const char* type() const noexcept override { return "TwoStatesRNNCell"; }

  [[nodiscard]] std::vector<Shape> state_shapes() const override { return {{units_}, {units_}}; }

 private:
  void run_build(std::span<const Shape> inputs) override {
    kernel_ = add_weight("kernel", {inputs[0].back(), units_}, {.initializer = Constant{1}});
    recurrent_kernel_ = add_weight("recurrent_kernel", {units_, units_}, {.initializer = Constant{1}});
  }

  [[nodiscard]] CellStep run_step(const Variables& x, const Variables& states, const Context&) override {
    const autograd::Variable o = matmul(x[0], kernel_) + matmul(states[0], recurrent_kernel_);
    return {{o + o}, {o, o}};
  }

  i64 units_;
  autograd::Variable kernel_, recurrent_kernel_;
};

/// Keras's guide's: two inputs, (i) and (j, k), two outputs and states, and a weight of four axes. With a
/// tanh and an attenuation, so that gradients are curved and sums do not grow.
class NestedCell final : public Cell {
 public:
  NestedCell(i64 unit_1, i64 unit_2, i64 unit_3)
      : Cell("nested"), unit_1_(unit_1), unit_2_(unit_2), unit_3_(unit_3) {}

  [[nodiscard]] const char* type() const noexcept override { return "NestedCell"; }

  [[nodiscard]] std::size_t inputs() const noexcept override { return 2; }

  [[nodiscard]] std::vector<Shape> state_shapes() const override { return {{unit_1_}, {unit_2_, unit_3_}}; }

  [[nodiscard]] std::vector<Shape> output_shapes() const override { return state_shapes(); }

 private:
  void run_build(std::span<const Shape> inputs) override {
    const Shape& second = inputs[1];
    kernel_1_ = add_weight("kernel_1", {inputs[0][0], unit_1_}, {.initializer = glorot_uniform_initializer});
    kernel_2_3_ = add_weight(
        "kernel_2_3", {second[0], second[1], unit_2_, unit_3_}, {.initializer = glorot_uniform_initializer});
  }

  [[nodiscard]] CellStep run_step(const Variables& x, const Variables& states, const Context&) override {
    const autograd::Variable a = tanh(matmul(x[0], kernel_1_)) + 0.5F * states[0];
    const autograd::Variable b = tanh(einsum("bij,ijkl->bkl", x[1], kernel_2_3_)) + 0.5F * states[1];
    return {{a, b}, {a, b}};
  }

  i64 unit_1_, unit_2_, unit_3_;
  autograd::Variable kernel_1_, kernel_2_3_;
};

}  // namespace recurra::test

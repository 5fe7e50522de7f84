/// An LSTM as a user writes it: what cells of one's own cost beside the engine's.
#pragma once

#include "recurra/recurra.h"

namespace recurra {

/// Keras's LSTMCell in differentiable functions, its weights made as Keras makes them.
class UserLstmCell final : public Cell {
 public:
  explicit UserLstmCell(i64 units) : Cell("user_lstm"), units_(units) {}

  [[nodiscard]] const char* type() const noexcept override { return "UserLstmCell"; }

  [[nodiscard]] std::vector<Shape> state_shapes() const override { return {{units_}, {units_}}; }

 private:
  void run_build(std::span<const Shape> inputs) override {
    kernel_ = add_weight("kernel", {inputs[0][0], 4 * units_}, {.initializer = glorot_uniform_initializer});
    recurrent_kernel_ = add_weight("recurrent_kernel", {units_, 4 * units_}, {.initializer = Orthogonal{}});
    bias_ = add_weight("bias", {4 * units_});
  }

  [[nodiscard]] CellStep run_step(const Variables& x, const Variables& states, const Context&) override {
    const Variables gates = split(matmul(x[0], kernel_) + matmul(states[0], recurrent_kernel_) + bias_, 1, 4);
    const auto c = sigmoid(gates[1]) * states[1] + sigmoid(gates[0]) * tanh(gates[2]);
    const auto h = sigmoid(gates[3]) * tanh(c);
    return {{h}, {h, c}};
  }

  i64 units_;
  autograd::Variable kernel_, recurrent_kernel_, bias_;
};

}  // namespace recurra

/// A cell of one's own with nested inputs and states, trained: Keras's guide's NestedCell.
#include <iostream>

#include "recurra/recurra.h"

using namespace recurra;

/// Of inputs (i) and (j, k): states and outputs (unit_1) and (unit_2, unit_3).
class NestedCell : public Cell {
 public:
  NestedCell(i64 unit_1, i64 unit_2, i64 unit_3)
      : Cell("nested_cell"), unit_1_(unit_1), unit_2_(unit_2), unit_3_(unit_3) {}

  const char* type() const noexcept override { return "NestedCell"; }

  std::size_t inputs() const noexcept override { return 2; }

  std::vector<Shape> state_shapes() const override { return {{unit_1_}, {unit_2_, unit_3_}}; }

  std::vector<Shape> output_shapes() const override { return state_shapes(); }

 private:
  void run_build(std::span<const Shape> x) override {
    const WeightOptions uniform = {.initializer = glorot_uniform_initializer};
    kernel_1_ = add_weight("kernel_1", {x[0][0], unit_1_}, uniform);
    kernel_2_3_ = add_weight("kernel_2_3", {x[1][0], x[1][1], unit_2_, unit_3_}, uniform);
  }

  CellStep run_step(const Variables& x, const Variables& states, const Context&) override {
    const auto output_1 = matmul(x[0], kernel_1_);
    const auto output_2_3 = einsum("bij,ijkl->bkl", x[1], kernel_2_3_);
    const auto state_1 = states[0] + output_1;
    const auto state_2_3 = states[1] + output_2_3;
    return {{output_1, output_2_3}, {state_1, state_2_3}};
  }

  i64 unit_1_, unit_2_, unit_3_;
  autograd::Variable kernel_1_, kernel_2_3_;
};

Tensor random_tensor(const Shape& shape, Random& random) {
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = random.uniform();
  return tensor;
}

int main() {
  constexpr i64 batch = 64, steps = 50;
  Rnn rnn(std::make_unique<NestedCell>(10, 20, 30));
  Random random(1);
  rnn.build(std::vector<Shape>{{steps, 32}, {steps, 64, 32}}, random);
  i64 count = 0;
  for (const Parameter* parameter : rnn.parameters()) count += parameter->value.size();
  std::cout << "parameters: " << count << "\n";

  const Tensor x_1 = random_tensor({batch, steps, 32}, random);
  const Tensor x_2_3 = random_tensor({batch, steps, 64, 32}, random);
  const Tensor target_1 = random_tensor({batch, 10}, random);
  const Tensor target_2_3 = random_tensor({batch, 20, 30}, random);
  const auto optimizer = make_optimizer("adam");
  const auto loss = make_loss("mse");
  const Context training{.training = true};
  const std::vector<const Tensor*> inputs = {&x_1, &x_2_3};
  double first = 0, last = 0;
  for (int update = 0; update < 10; ++update) {
    const TensorList outputs = rnn.forward(inputs, training);
    Tensor d_1, d_2_3;
    last =
        loss->compute(*outputs[0], target_1, {}, &d_1) + loss->compute(*outputs[1], target_2_3, {}, &d_2_3);
    if (update == 0) first = last;
    const std::vector<const Tensor*> gradients = {&d_1, &d_2_3};
    rnn.backward(inputs, gradients, std::vector<std::uint8_t>{0, 0}, training);
    if (!optimizer->step(rnn.parameters())) return 1;
    rnn.parameters_changed();
  }
  std::cout << "the loss falls from " << first << " to " << last << "\n";
  return last < first ? 0 : 1;
}

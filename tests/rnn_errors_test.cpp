/// What RNN and cells refuse.
#include <functional>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/layers/recurrent_cells.h"
#include "recurra/layers/rnn.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/user_cells.h"

namespace recurra::test {
namespace {

constexpr i64 batch = 4, steps = 6;

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Rnn, errors_name_layer_argument_and_shapes) {
  using List = std::vector<const Tensor*>;
  Rnn rnn(std::make_unique<NestedCell>(2, 3, 2), {.stateful = true});
  const Tensor a = normal({batch, steps, 5}, 1), b = normal({batch, steps, 3, 2}, 2);
  const Tensor c = normal({batch, 2, 3, 2}, 2);
  EXPECT_EQ(error_of([&] {
              rnn.forward(List{&a, &b}, {});
            }),
            "rnn: expected a layer that is built, got one that is not");
  Random random(1);
  const std::vector<Shape> one = {{steps, 5}};
  EXPECT_EQ(error_of([&] { rnn.build(one, random); }), "rnn.inputs: expected 2 or more, got 1");
  const std::vector<Shape> uneven = {{steps, 5}, {steps + 1, 3, 2}};
  EXPECT_EQ(error_of([&] { rnn.build(uneven, random); }),
            "rnn.inputs[1]: expected (batch, steps, ...) of one number of steps, got (7, 3, 2)");
  const std::vector<Shape> three = {{steps, 5}, {steps, 3, 2}, {2}};
  EXPECT_EQ(error_of([&] { rnn.build(three, random); }), "rnn.inputs: expected 4, got 3");
  const std::vector<Shape> other = {{steps, 5}, {steps, 3, 2}, {2}, {2, 3}};
  EXPECT_EQ(error_of([&] { rnn.build(other, random); }),
            "rnn.initial_states[1]: expected (batch, ...) with (3, 2), got (2, 3)");
  const std::vector<Shape> shapes = {{steps, 5}, {steps, 3, 2}};
  rnn.build(shapes, random);
  EXPECT_EQ(error_of([&] { rnn.forward(List{&a}, {}); }), "rnn.inputs: expected 2 to 4, got 1");
  EXPECT_EQ(error_of([&] {
              rnn.forward(List{&b, &b}, {});
            }),
            "rnn.inputs[0]: expected (batch, steps, ...) with (5,), got (4, 6, 3, 2)");
  EXPECT_EQ(error_of([&] {
              rnn.forward(List{&a, &c}, {});
            }),
            "rnn.inputs[1]: expected (4, 6, 3, 2), got (4, 2, 3, 2)");
  EXPECT_EQ(error_of([&] {
              rnn.forward(List{&a, &b, &a}, {});
            }),
            "rnn.initial_states: expected 2 states, got 1");
  const Tensor s = normal({batch, 2}, 3), wrong = normal({batch, 3}, 3);
  EXPECT_EQ(error_of([&] {
              rnn.forward(List{&a, &b, &s, &wrong}, {});
            }),
            "rnn.initial_states[1]: expected shape (4, 3, 2), got (4, 3)");
  rnn.forward(List{&a, &b}, {});
  const Tensor a2 = normal({2, steps, 5}, 1), b2 = normal({2, steps, 3, 2}, 2);
  EXPECT_EQ(error_of([&] {
              rnn.forward(List{&a2, &b2}, {});
            }),
            "rnn.input: expected a batch of 4 as the states it goes on from, got 2");
  Context training;
  training.training = true;
  rnn.forward(List{&a, &b}, training);
  const std::vector<std::uint8_t> none = {0, 0};
  rnn.backward(List{&a, &b}, List{&s, nullptr}, none, training);
  EXPECT_EQ(error_of([&] {
              rnn.backward(List{&a, &b}, List{&s, nullptr}, none, training);
            }),
            "rnn.backward: expected one a forward, got another");
  EXPECT_EQ(error_of([&] { Rnn(std::make_unique<OneStateCell>(2)).states(); }),
            "rnn.states: expected a stateful layer, got one that is not");
  EXPECT_EQ(error_of([&] { Rnn(std::unique_ptr<Cell>()); }), "rnn.cell: expected a cell, got a null pointer");
  EXPECT_EQ(error_of([&] { Rnn(std::vector<std::unique_ptr<Cell>>()); }),
            "stacked_rnn_cells.cells: expected one or more, got none");
  EXPECT_EQ(error_of([&] { LstmCell(LstmOptions{{.units = 2, .return_sequences = true}}); }),
            "lstm_cell: expected options of a cell, got return_sequences, go_backwards, stateful, "
            "zero_output_for_mask or "
            "activity_regularizer, which RNN has");
  EXPECT_EQ(
      error_of([&] { Rnn(std::make_unique<LstmCell>(LstmOptions{{.units = 2}})).build({steps}, random); }),
      "lstm_cell.inputs: expected one of (batch, features), got (batch, ...) with ()");
}

TEST(Rnn, a_cell_that_breaks_its_word_is_an_error) {
  class Liar final : public Cell {
   public:
    Liar() : Cell("liar") {}

    [[nodiscard]] const char* type() const noexcept override { return "Liar"; }

    [[nodiscard]] std::vector<Shape> state_shapes() const override { return {{3}}; }

   private:
    void run_build(std::span<const Shape>) override {}

    [[nodiscard]] CellStep run_step(const Variables& x, const Variables&, const Context&) override {
      return {{x[0]}, {x[0]}};
    }
  };

  Liar cell;
  const autograd::Variable x(normal({2, 5}, 1)), h(normal({2, 3}, 2));
  EXPECT_EQ(error_of([&] { cell.step({x}, {h}, {}); }),
            "liar.step: expected a cell that is built, got one that is not");
  Random random(1);
  const Shape input{5};
  cell.build({&input, 1}, random);
  EXPECT_EQ(error_of([&] { cell.step({x}, {h}, {}); }),
            "liar.step: outputs[0]: expected shape (2, 3), got (2, 5)");
  EXPECT_EQ(error_of([&] { cell.step({x, x}, {h}, {}); }), "liar.inputs: expected 1, got 2");
  EXPECT_EQ(error_of([&] { cell.step({x}, {x}, {}); }), "liar.states[0]: expected shape (2, 3), got (2, 5)");
}

}  // namespace
}  // namespace recurra::test

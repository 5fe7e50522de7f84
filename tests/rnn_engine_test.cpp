/// RNN over cells of the library: its layer on the engine, and step by step against that.
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/recurrent_cells.h"
#include "recurra/layers/rnn.h"
#include "recurra/layers/stacked_rnn_cells.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/rnn_sizes.h"
#include "tests/support/tensors.h"

namespace recurra::test {
namespace {

/// A cell of the library's, and the layer that is its RNN.
struct Pair {
  const char* name;
  std::unique_ptr<Cell> (*cell)(const RecurrentOptions&);
  std::unique_ptr<Layer> (*layer)(const RecurrentOptions&);
};

const Pair pairs[] = {
    {"lstm",
     [](const RecurrentOptions& o) -> std::unique_ptr<Cell> {
       return std::make_unique<LstmCell>(LstmOptions{o});
     },
     [](const RecurrentOptions& o) -> std::unique_ptr<Layer> {
       return std::make_unique<Lstm>(LstmOptions{o});
     }},
    {"gru",
     [](const RecurrentOptions& o) -> std::unique_ptr<Cell> {
       return std::make_unique<GruCell>(GruOptions{o});
     },
     [](const RecurrentOptions& o) -> std::unique_ptr<Layer> {
       return std::make_unique<Gru>(GruOptions{o});
     }},
    {"gru, reset before",
     [](const RecurrentOptions& o) -> std::unique_ptr<Cell> {
       return std::make_unique<GruCell>(GruOptions{o, {ActivationKind::hard_sigmoid, 0.2F, 0.5F}, false});
     },
     [](const RecurrentOptions& o) -> std::unique_ptr<Layer> {
       return std::make_unique<Gru>(GruOptions{o, {ActivationKind::hard_sigmoid, 0.2F, 0.5F}, false});
     }},
    {"simple rnn",
     [](const RecurrentOptions& o) -> std::unique_ptr<Cell> { return std::make_unique<SimpleRnnCell>(o); },
     [](const RecurrentOptions& o) -> std::unique_ptr<Layer> {
       return std::make_unique<SimpleRnn>(o);
     }},
};

std::vector<Tensor> run_training(Layer& layer, const Tensor& x, const Context& context) {
  std::vector<Tensor> results = {layer.forward(x, context)};
  results.push_back(layer.backward(x, normal(results[0].shape(), 7), true, context));
  for (Parameter* parameter : layer.parameters()) results.push_back(parameter->gradient);
  return results;
}

struct Variant {
  const char* name;
  void (*cell)(RecurrentOptions&);
  RnnOptions rnn = {};
  bool masked = false;
};

void nothing(RecurrentOptions& options) {
  static_cast<void>(options);
}

const Variant variants[] = {
    {"plain", nothing},
    {"sequences", nothing, {.return_sequences = true}},
    {"backwards", nothing, {.return_sequences = true, .go_backwards = true}},
    {"holes", nothing, {.return_sequences = true}, true},
    {"holes, backwards", nothing, {.return_sequences = true, .go_backwards = true}, true},
    {"holes, last", nothing, {}, true},
    {"zero output", nothing, {.return_sequences = true, .zero_output_for_mask = true}, true},
    {"zero last output", nothing, {.zero_output_for_mask = true}, true},
    {"no bias",
     [](RecurrentOptions& o) {
       o.use_bias = false;
     }},
    {"softsign",
     [](RecurrentOptions& o) {
       o.activation = {ActivationKind::softsign};
     }},
    {"dropouts",
     [](RecurrentOptions& o) {
       o.dropout = 0.4, o.recurrent_dropout = 0.3;
     }},
};

std::unique_ptr<Layer> make_layer_of(const Pair& pair, const Variant& variant) {
  RecurrentOptions options{.units = units};
  variant.cell(options);
  options.return_sequences = variant.rnn.return_sequences;
  options.go_backwards = variant.rnn.go_backwards;
  options.zero_output_for_mask = variant.rnn.zero_output_for_mask;
  return pair.layer(options);
}

std::unique_ptr<Cell> make_cell_of(const Pair& pair, const Variant& variant) {
  RecurrentOptions options{.units = units};
  variant.cell(options);
  return pair.cell(options);
}

/// Calls visit(the layer, an RNN over its cell) with what both get, for all cells and variants.
template <class Visit>
void for_each_variant(const Visit& visit) {
  const StepMask mask = mask_with_holes();
  for (const Pair& pair : pairs) {
    for (const Variant& variant : variants) {
      SCOPED_TRACE(std::string(pair.name) + ", " + variant.name);
      Context context;
      context.training = true;
      context.dropout = {.seed = 3, .layer = 2, .update = 5};
      if (variant.masked) context.mask = &mask;
      visit(pair, variant, context);
    }
  }
}

TEST(Rnn, over_a_cell_of_the_librarys_is_its_layer_on_the_engine) {
  for_each_variant([](const Pair& pair, const Variant& variant, const Context& context) {
    const std::unique_ptr<Layer> layer = make_layer_of(pair, variant);
    Rnn rnn(make_cell_of(pair, variant), variant.rnn);
    Random a(1), b(1);
    EXPECT_EQ(layer->build({steps, features}, a), rnn.build({steps, features}, b));
    const Tensor x = normal({batch, steps, features}, 1);
    const std::vector<Tensor> expected = run_training(*layer, x, context);
    const std::vector<Tensor> actual = run_training(rnn, x, context);
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(actual[k].shape(), expected[k].shape());
      EXPECT_TRUE(std::ranges::equal(actual[k].as<float>(), expected[k].as<float>())) << "tensor " << k;
    }
    ASSERT_NE(rnn.report(), nullptr);
    EXPECT_STREQ(rnn.report()->target, active_target().name);
    EXPECT_EQ(rnn.report()->steps, layer->report()->steps);
  });
}

TEST(Rnn, over_a_cell_of_the_librarys_takes_and_gives_states_on_the_engine) {
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(pair.name);
    RecurrentOptions options{.units = units, .return_state = true};
    const std::unique_ptr<Layer> layer = pair.layer(options);
    Rnn rnn(pair.cell({.units = units}), {.return_state = true});
    Random a(1), b(1);
    const Shape x_shape{steps, features};
    ASSERT_EQ(layer->build(std::span(&x_shape, 1), a), rnn.build(std::span(&x_shape, 1), b));
    const Tensor x = normal({batch, steps, features}, 1);
    const Tensor h = normal({batch, units}, 2);
    const Tensor c = normal({batch, units}, 3);
    const std::size_t outputs = layer->forward(std::array{&x}, {}).size();
    const std::array<const Tensor*, 3> all = {&x, &h, &c};
    const TensorList inputs = std::span(all).first(outputs);  // as many states go in as come out
    const Context context{.training = true};
    const TensorList expected = layer->forward(inputs, context);
    const TensorList actual = rnn.forward(inputs, context);
    ASSERT_EQ(actual.size(), expected.size());
    const auto expect_same = [](TensorList some, TensorList others) {
      for (std::size_t k = 0; k < some.size(); ++k)
        EXPECT_TRUE(std::ranges::equal(some[k]->as<float>(), others[k]->as<float>())) << "tensor " << k;
    };
    expect_same(actual, expected);
    std::vector<Tensor> gradients;
    for (const Tensor* output : expected) gradients.push_back(normal(output->shape(), 4));
    std::vector<const Tensor*> d;
    for (const Tensor& gradient : gradients) d.push_back(&gradient);
    const std::vector<std::uint8_t> wanted(inputs.size(), 1);
    expect_same(rnn.backward(inputs, d, wanted, context), layer->backward(inputs, d, wanted, context));
    ASSERT_NE(rnn.report(), nullptr);
    EXPECT_EQ(rnn.report()->steps, batch * steps);
  }
}

// Sums are made in another order: 2e-6 of the numbers of one step, a few times that over six; gradients are
// sums over all rows and steps, of numbers around ten.
TEST(Rnn, step_by_step_is_what_the_engine_computes) {
  for_each_variant([](const Pair& pair, const Variant& variant, const Context& context) {
    const std::unique_ptr<Layer> layer = make_layer_of(pair, variant);
    std::vector<std::unique_ptr<Cell>> cells;
    cells.push_back(make_cell_of(pair, variant));
    Rnn rnn(std::move(cells), variant.rnn);
    Random a(1), b(1);
    EXPECT_EQ(layer->build({steps, features}, a), rnn.build({steps, features}, b));
    const Tensor x = normal({batch, steps, features}, 1);
    const std::vector<Tensor> expected = run_training(*layer, x, context);
    const std::vector<Tensor> actual = run_training(rnn, x, context);
    EXPECT_EQ(rnn.report(), nullptr);
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(actual[k].shape(), expected[k].shape());
      for (i64 i = 0; i < expected[k].size(); ++i) {
        const double value = expected[k].data()[i];
        ASSERT_NEAR(actual[k].data()[i], value, (k == 0 ? 4e-6 : 2e-5) * std::max(1.0, std::abs(value)))
            << "tensor " << k << " element " << i;
      }
    }
  });
}

TEST(Rnn, cells_of_the_librarys_can_be_called_step_by_step) {
  LstmCell cell(LstmOptions{{.units = units}});
  Random random(1);
  const Shape input{features};
  cell.build({&input, 1}, random);
  Variables states;
  for (Tensor& state : cell.initial_states(batch)) states.emplace_back(std::move(state));
  const autograd::Variable x(normal({batch, features}, 1), true);
  const CellStep first = cell.step({x}, states, {});
  const CellStep second = cell.step({x}, first.states, {});
  backward(sum(second.outputs[0]));
  cell.take_gradients();
  EXPECT_EQ(second.states.size(), 2U);
  EXPECT_EQ(x.gradient().shape(), Shape({batch, features}));
  float size = 0;
  for (const float value : cell.parameters()[0]->gradient.as<float>()) size += std::abs(value);
  EXPECT_GT(size, 0.0F);
}

}  // namespace
}  // namespace recurra::test

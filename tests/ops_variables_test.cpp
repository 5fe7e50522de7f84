/// Operations on variables: values and gradients are those of the operations on tensors, names reach the
/// outputs, and nothing is kept where nothing is recorded.
#include <functional>

#include <gtest/gtest.h>

#include "recurra/autograd/scope.h"
#include "recurra/base/error.h"
#include "recurra/ops/bidirectional_rnn_layer.h"
#include "recurra/ops/gru.h"
#include "recurra/ops/lstm_block.h"
#include "recurra/ops/lstm_layer_cell.h"
#include "recurra/ops/sru.h"
#include "tests/support/op_formats.h"
#include "tests/support/op_gradients.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

using namespace ops;
using autograd::Variable;

constexpr i64 steps = 3, batch = 2, features = 4, units = 4;

Variable leaf(const Shape& shape, std::uint64_t stream) {
  return Variable(normal_tensor(shape, stream, 0.5F), true);
}

/// The tensor a function on tensors is given for a variable.
Tensor value(const Variable& variable) {
  return variable.empty() ? Tensor() : variable.value();
}

/// Calls backward with normal seeds of the outputs, which it returns by place; of empty ones empty.
std::vector<Tensor> go_back(const std::vector<Variable>& outputs) {
  std::vector<Tensor> all;
  std::vector<Variable> there;
  std::vector<Tensor> seeds;
  for (const Variable& output : outputs) {
    all.push_back(output.empty() ? Tensor() : normal_tensor(output.shape(), 100 + all.size()));
    if (output.empty()) continue;
    there.push_back(output);
    seeds.push_back(all.back());
  }
  autograd::backward(there, seeds);
  return all;
}

void expect_same(const Variable& variable, const Tensor& tensor) {
  EXPECT_EQ(variable.shape(), tensor.shape());
  EXPECT_EQ(values_of(variable.value()), values_of(tensor));
}

void expect_gradient(const Variable& variable, const Tensor& gradient) {
  EXPECT_EQ(values_of(variable.gradient()), values_of(gradient));
}

const Variable sequence = leaf({steps, batch, features}, 1);
const Tensor lengths = integers({batch}, {2, 3});

TEST(OpsOnVariables, lstm_layer) {
  for (const bool both : {false, true}) {
    const auto shape = [&](std::vector<i64> extents) {
      if (both) extents.insert(extents.begin(), 2);
      return Shape(extents);
    };
    const Variable x = leaf({batch, features, steps}, 1);
    const LstmLayerWeightsOf<Variable> w{leaf(shape({features, 4 * units}), 2),
                                         leaf(shape({units, 4 * units}), 3),
                                         leaf(shape({4 * units}), 4),
                                         leaf(shape({3 * units}), 5)};
    const Variable c_last = leaf(shape({batch, units}), 6), y_last = leaf(shape({batch, units}), 7);
    const LstmLayerConfig config{.format = SequenceFormat::nst,
                                 .direction = both ? DirectionMode::bidir_sum : DirectionMode::fwd,
                                 .return_last_h = true,
                                 .return_last_c = both};
    const auto y = lstm_layer(x, w, config, {&c_last, &y_last, &lengths}, {.name = "encoder"});
    const LstmLayerWeights tensors{
        value(w.input_weights), value(w.recurrent_weights), value(w.biases), value(w.peephole_weights)};
    const LstmStart start{&c_last.value(), &y_last.value(), &lengths};
    const LstmLayerOutputs expected = lstm_layer(x.value(), tensors, config, start);
    expect_same(y.h, expected.h);
    expect_same(y.h_last, expected.h_last);
    EXPECT_EQ(y.c_last.empty(), !both);
    EXPECT_EQ(y.h.name(), "encoder/h");
    EXPECT_EQ(y.h_last.name(), "encoder/h_last");
    std::vector<Tensor> seeds = go_back({y.h, y.h_last, y.c_last});
    const LstmLayerGradients d =
        lstm_layer_gradient(x.value(), tensors, config, start, {seeds[0], seeds[1], seeds[2]});
    expect_gradient(x, d.x);
    expect_gradient(w.input_weights, d.weights.input_weights);
    expect_gradient(w.recurrent_weights, d.weights.recurrent_weights);
    expect_gradient(w.biases, d.weights.biases);
    expect_gradient(w.peephole_weights, d.weights.peephole_weights);
    expect_gradient(c_last, d.c_last);
    expect_gradient(y_last, d.y_last);
  }
}

TEST(OpsOnVariables, lstm_layer_cell) {
  const Variable x = leaf({batch, features}, 1), c_last = leaf({batch, units}, 2);
  const LstmLayerWeightsOf<Variable> w{leaf({features, 4 * units}, 3), leaf({units, 4 * units}, 4)};
  const auto y = lstm_layer_cell(x, w, {}, {.c_last = &c_last});
  const LstmLayerWeights tensors{value(w.input_weights), value(w.recurrent_weights)};
  const LstmStart start{.c_last = &c_last.value()};
  expect_same(y.h, lstm_layer_cell(x.value(), tensors, {}, start).h);
  std::vector<Tensor> seeds = go_back({y.h, y.c});
  const LstmLayerGradients d = lstm_layer_cell_gradient(x.value(), tensors, {}, start, {seeds[0], seeds[1]});
  expect_gradient(x, d.x);
  expect_gradient(c_last, d.c_last);
  expect_gradient(w.recurrent_weights, d.weights.recurrent_weights);
}

TEST(OpsOnVariables, lstm_block_and_lstm_cell) {
  for (const bool one : {false, true}) {
    const Variable x = one ? leaf({batch, features}, 1) : leaf({steps, batch, features}, 1);
    const LstmWeightsOf<Variable> w{leaf({features + units, 4 * units}, 2),
                                    leaf({4 * units}, 3),
                                    leaf({units}, 4),
                                    leaf({units}, 5),
                                    leaf({units}, 6)};
    const Variable c_last = leaf({batch, units}, 7), y_last = leaf({batch, units}, 8);
    const LstmConfiguration configuration{.peephole = true, .forget_bias = 1};
    const LstmWeights tensors{value(w.weights),
                              value(w.biases),
                              value(w.input_peephole),
                              value(w.forget_peephole),
                              value(w.output_peephole)};
    const LstmStart start{&c_last.value(), &y_last.value()};
    const auto y = one ? lstm_cell(x, w, configuration, {&c_last, &y_last}, {.name = "cell"})
                       : lstm_block(x, w, configuration, {&c_last, &y_last}, {.name = "cell"});
    EXPECT_EQ(y.z.name(), "cell/z");
    const auto run =
        one ? static_cast<decltype(&lstm_cell_gradient)>(lstm_cell_gradient) : lstm_block_gradient;
    const std::vector<Tensor> s = go_back({y.i, y.c, y.f, y.o, y.z, y.h, y.y});
    const LstmBlockGradients d =
        run(x.value(), tensors, configuration, start, {s[0], s[1], s[2], s[3], s[4], s[5], s[6]}, {});
    expect_gradient(x, d.x);
    expect_gradient(w.weights, d.weights.weights);
    expect_gradient(w.biases, d.weights.biases);
    expect_gradient(w.input_peephole, d.weights.input_peephole);
    expect_gradient(w.forget_peephole, d.weights.forget_peephole);
    expect_gradient(w.output_peephole, d.weights.output_peephole);
    expect_gradient(c_last, d.c_last);
    expect_gradient(y_last, d.y_last);
  }
}

TEST(OpsOnVariables, gru) {
  const Variable x = leaf({batch, features}, 1), h_last = leaf({batch, units}, 2);
  const GruWeightsOf<Variable> w{leaf({features + units, 2 * units}, 3),
                                 leaf({features + units, units}, 4),
                                 leaf({2 * units}, 5),
                                 leaf({units}, 6)};
  const auto y = ops::gru(x, h_last, w, {.name = "gate"});
  EXPECT_EQ(y.u.name(), "gate/u");
  const std::vector<Tensor> s = go_back({y.r, y.u, y.c, y.h});
  const GruGradients d =
      gru_gradient(x.value(),
                   h_last.value(),
                   {value(w.ru_weights), value(w.c_weights), value(w.ru_biases), value(w.c_biases)},
                   {s[0], s[1], s[2], s[3]});
  expect_gradient(x, d.x);
  expect_gradient(h_last, d.h_last);
  expect_gradient(w.ru_weights, d.weights.ru_weights);
  expect_gradient(w.c_weights, d.weights.c_weights);
  expect_gradient(w.ru_biases, d.weights.ru_biases);
  expect_gradient(w.c_biases, d.weights.c_biases);
}

TEST(OpsOnVariables, gru_layer) {
  const Variable x = leaf({steps, batch, features}, 1), h_last = leaf({batch, units}, 2);
  const GruLayerWeightsOf<Variable> w{leaf({features, 3 * units}, 3),
                                      leaf({units, 3 * units}, 4),
                                      leaf({3 * units}, 5),
                                      leaf({3 * units}, 6)};
  const auto y = gru_layer(x, w, {}, {&h_last, &lengths});
  const std::vector<Tensor> s = go_back({y.h, y.h_last});
  const GruLayerGradients d = gru_layer_gradient(
      x.value(),
      {value(w.input_weights), value(w.recurrent_weights), value(w.biases), value(w.recurrent_biases)},
      {},
      {&h_last.value(), &lengths},
      {s[0], s[1]});
  expect_gradient(x, d.x);
  expect_gradient(h_last, d.h_last);
  expect_gradient(w.input_weights, d.weights.input_weights);
  expect_gradient(w.recurrent_weights, d.weights.recurrent_weights);
  expect_gradient(w.biases, d.weights.biases);
  expect_gradient(w.recurrent_biases, d.weights.recurrent_biases);
}

TEST(OpsOnVariables, rnn_layer_and_rnn_cell) {
  const Variable x = leaf({steps, batch, features}, 1), h_last = leaf({batch, units}, 2);
  const RnnWeightsOf<Variable> w{leaf({features, units}, 3), leaf({units, units}, 4), leaf({2 * units}, 5)};
  const RnnWeights tensors{value(w.input_weights), value(w.recurrent_weights), value(w.biases)};
  const auto y = rnn_layer(x, w, SequenceFormat::tns, {&h_last, &lengths});
  const std::vector<Tensor> s = go_back({y.h, y.h_last});
  const RnnGradients d =
      rnn_layer_gradient(x.value(), tensors, SequenceFormat::tns, {&h_last.value(), &lengths}, {s[0], s[1]});
  expect_gradient(x, d.x);
  expect_gradient(h_last, d.h_last);
  expect_gradient(w.biases, d.weights.biases);

  const Variable step = leaf({batch, features}, 6), last = leaf({batch, units}, 7);
  const std::vector<Tensor> seed = go_back({rnn_cell(step, last, w)});
  const RnnGradients one = rnn_cell_gradient(step.value(), last.value(), tensors, seed[0]);
  expect_gradient(step, one.x);
  expect_gradient(last, one.h_last);
}

TEST(OpsOnVariables, bidirectional_rnn_layer) {
  const Variable x = leaf({steps, batch, features}, 1), last = leaf({batch, 3}, 2);
  const auto weights = [](i64 width, std::uint64_t stream) {
    return RnnWeightsOf<Variable>{leaf({features, width}, stream), leaf({width, width}, stream + 1)};
  };
  const BidirectionalRnnWeightsOf<Variable> w{weights(units, 3), weights(3, 5)};
  for (const auto merge : {RnnMerge::concat, RnnMerge::apart}) {
    x.clear_gradient();
    last.clear_gradient();
    const BidirectionalRnnConfig config{.merge = merge};
    const auto y = bidirectional_rnn_layer(x, w, config, {.backward_h_last = &last});
    EXPECT_EQ(y.backward_h.empty(), merge == RnnMerge::concat);
    const std::vector<Tensor> s = go_back({y.h, y.backward_h, y.forward_h_last, y.backward_h_last});
    const auto d = bidirectional_rnn_layer_gradient(
        x.value(),
        {{value(w.forward.input_weights), value(w.forward.recurrent_weights)},
         {value(w.backward.input_weights), value(w.backward.recurrent_weights)}},
        config,
        {.backward_h_last = &last.value()},
        {s[0], s[1], s[2], s[3]});
    expect_gradient(x, d.x);
    expect_gradient(last, d.backward_h_last);
  }
}

TEST(OpsOnVariables, sru_sru_cell_and_sru_bi) {
  const SruWeightsOf<Variable> w{leaf({units, 3 * units}, 3), leaf({2 * units}, 4)};
  const SruWeights tensors{value(w.weights), value(w.biases)};
  const SruConfig config{SequenceFormat::tns, SruLayout::gate_columns};
  for (const bool both : {false, true}) {
    const Variable x = leaf({steps, batch, units}, 1), c = leaf({batch, units}, 2);
    w.weights.clear_gradient();
    SruOutputsOf<Variable> y;
    {
      const Tensor mask = floats({batch, units}, {2, 0, 2, 2, 0, 2, 2, 0});  // may go before backward
      y = both ? sru_bi(x, w, SequenceFormat::tns, {&c, &mask}) : sru(x, w, config, {&c, &mask});
    }
    const std::vector<Tensor> s = go_back({y.h, y.c});
    const Tensor mask = floats({batch, units}, {2, 0, 2, 2, 0, 2, 2, 0});
    const SruStart start{&c.value(), &mask};
    const SruGradients d = both
                               ? sru_bi_gradient(x.value(), tensors, SequenceFormat::tns, start, {s[0], s[1]})
                               : sru_gradient(x.value(), tensors, config, start, {s[0], s[1]});
    expect_gradient(x, d.x);
    expect_gradient(c, d.initial_c);
    expect_gradient(w.weights, d.weights.weights);
  }
  const Variable x = leaf({batch, units}, 1), c = leaf({batch, units}, 2);
  const auto y = sru_cell(x, c, w);
  const std::vector<Tensor> s = go_back({y.h, y.c});
  const SruGradients d =
      sru_cell_gradient(x.value(), c.value(), tensors, SruLayout::gate_columns, {s[0], s[1]});
  expect_gradient(x, d.x);
  expect_gradient(c, d.initial_c);
}

TEST(OpsOnVariables, operations_follow_each_other) {
  const Variable x = leaf({steps, batch, features}, 1);
  const RnnWeightsOf<Variable> first{leaf({features, units}, 3), leaf({units, units}, 4)};
  const SruWeightsOf<Variable> second{leaf({units, 3 * units}, 5)};
  const SruConfig config{SequenceFormat::tns, SruLayout::gate_columns};
  const auto run = [&] {
    return sru(rnn_layer(x, first).h, second, config).h;
  };
  const Variable y = run();
  const Tensor seed = normal_tensor(y.shape(), 20);
  autograd::backward(std::span(&y, 1), {seed});
  expect_slopes({{&x.edit(), &x.gradient()}, {&first.input_weights.edit(), &first.input_weights.gradient()}},
                [&] { return weighted_sum(seed, run().value()); });
}

TEST(OpsOnVariables, give_no_gradient_to_what_wants_none) {
  const Variable x(normal_tensor({steps, batch, features}, 1));
  const RnnWeightsOf<Variable> w{leaf({features, units}, 3), Variable(normal_tensor({units, units}, 4))};
  const Variable y = rnn_layer(x, w).h;
  go_back({y});
  EXPECT_TRUE(w.input_weights.has_gradient());
  EXPECT_FALSE(x.has_gradient());
  EXPECT_FALSE(w.recurrent_weights.has_gradient());
  const autograd::NoGradient scope;
  EXPECT_FALSE(rnn_layer(x, w).h.requires_grad());
}

TEST(OpsOnVariables, run_where_the_thread_runs) {
  const RnnWeightsOf<Variable> w{leaf({features, units}, 3), leaf({units, units}, 4)};
  for (const Target* target : supported_targets()) {
    const autograd::RunOn here(*target);
    std::vector<Report> reports;
    const auto y = rnn_layer(sequence, w, SequenceFormat::tns, {}, {.reports = &reports});
    EXPECT_STREQ(reports.at(0).target, target->name);
  }
}

TEST(OpsOnVariables, refuse_an_empty_x) {
  const RnnWeightsOf<Variable> w{leaf({features, units}, 3), leaf({units, units}, 4)};
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { rnn_layer(Variable(), w); }),
            "rnn_layer.x: expected a tensor, got none");
  const LstmLayerWeightsOf<Variable> lstm{leaf({features, 4 * units}, 3), Variable()};
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { lstm_layer(Variable(), lstm); }),
            "lstm_layer.x: expected a tensor, got none");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { lstm_layer(sequence, lstm); }),
            "lstm_layer.weights.recurrent_weights: expected a tensor, got none");
}

}  // namespace

}  // namespace recurra::test

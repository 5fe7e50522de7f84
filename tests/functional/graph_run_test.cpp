/// Graphs of layers: gradients against differences, with layers that are called more than once.
#include "recurra/training/graph_run.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/batch_normalization.h"
#include "recurra/layers/dense.h"
#include "recurra/layers/dropout.h"
#include "recurra/layers/embedding.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/merge.h"
#include "tests/support/layer_gradients.h"

namespace recurra::test {

namespace {

GraphLayer dense(i64 units, const char* name = "dense") {
  return graph_layer<Dense>(DenseOptions{.units = units}, name);
}

/// A graph ready to run, of layers built from other streams of random numbers.
GraphRun made(const std::vector<SymbolicTensor>& inputs, const std::vector<SymbolicTensor>& outputs) {
  std::vector<std::shared_ptr<SharedLayer>> shared;
  GraphPlan plan = GraphPlan::between("graph", inputs, outputs, shared);
  for (std::size_t i = 0; i < shared.size(); ++i) {
    Random random(3, i + 1);
    shared[i]->layer->build(shared[i]->inputs, random);
  }
  return GraphRun(std::move(plan));
}

/// sum d * y over all outputs, training.
double loss_of(GraphRun& graph, TensorList inputs, const std::vector<Tensor>& d) {
  for (const auto& layer : graph.plan().layers) layer->parameters_changed();
  const TensorList outputs = graph.forward(inputs, nullptr, {.training = true, .seed = 5, .update = 7});
  double sum = 0;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    for (i64 i = 0; i < outputs[k]->size(); ++i) sum += double(d[k].data()[i]) * outputs[k]->data()[i];
  }
  return sum + graph.penalty();
}

/// All parameter gradients against central differences.
void expect_graph_gradients(GraphRun& graph, const std::vector<Tensor>& x, const std::vector<Tensor>& d) {
  std::vector<const Tensor*> inputs, d_list;
  for (const Tensor& one : x) inputs.push_back(&one);
  for (const Tensor& one : d) d_list.push_back(&one);
  loss_of(graph, inputs, d);
  graph.backward(d_list, {.training = true, .seed = 5, .update = 7});
  std::vector<std::pair<Parameter*, Tensor>> gradients;
  for (const auto& layer : graph.plan().layers) {
    for (Parameter* parameter : layer->parameters())
      if (parameter->trainable) gradients.emplace_back(parameter, parameter->gradient);
  }
  ASSERT_FALSE(gradients.empty());
  for (auto& pair : gradients) {
    Tensor& value = pair.first->value;
    for (i64 i = 0; i < value.size(); i += std::max<i64>(value.size() / 7, 1)) {
      const float at = value.data()[i];
      const auto difference = [&](float step) {
        value.data()[i] = at + step;
        const double above = loss_of(graph, inputs, d);
        value.data()[i] = at - step;
        const double below = loss_of(graph, inputs, d);
        value.data()[i] = at;
        return (above - below) / (2.0 * double(step));
      };
      const double slope = (4 * difference(0.01F) - difference(0.02F)) / 3;
      EXPECT_NEAR(pair.second.data()[i], slope, 2e-3 * std::max(1.0, std::abs(slope))) << pair.first->name;
    }
  }
}

TEST(GraphRun, sums_gradients_of_a_value_that_goes_several_ways) {
  const Input x({5});
  const SymbolicTensor h = dense(4)(x);
  const SymbolicTensor a = dense(3, "a")(h);
  const SymbolicTensor b = dense(3, "b")(h);
  const SymbolicTensor sum = GraphLayer(std::make_unique<Merge>(MergeKind::multiply))({a, b});
  GraphRun graph = made({x}, {sum, h});
  expect_graph_gradients(graph, {normal({6, 5}, 1)}, {normal({6, 3}, 2), normal({6, 4}, 3)});
}

TEST(GraphRun, sums_gradients_over_the_calls_of_a_shared_layer) {
  const Input first({4, 3});
  const Input second({4, 3});
  const GraphLayer lstm = graph_layer<Lstm>(LstmOptions{{.units = 5}});
  const GraphLayer head = dense(5, "head");
  const SymbolicTensor a = head(head(lstm(first)));
  const SymbolicTensor b = head(lstm(second));
  const SymbolicTensor y = GraphLayer(std::make_unique<Concatenate>())({a, b, lstm(first)});
  GraphRun graph = made({first, second}, {y});
  expect_graph_gradients(graph, {normal({2, 4, 3}, 1), normal({2, 4, 3}, 2)}, {normal({2, 15}, 3)});
}

/// An embedding leaves rows alone that no word of the batch has.
TEST(GraphRun, forgets_what_the_calls_of_a_shared_layer_gave_the_last_time) {
  const Input first({2}, {.dtype = Dtype::i32});
  const Input second({2}, {.dtype = Dtype::i32});
  const GraphLayer words = graph_layer<Embedding>(EmbeddingOptions{.input_dim = 9, .output_dim = 3});
  const SymbolicTensor y = GraphLayer(std::make_unique<Merge>(MergeKind::add))({words(first), words(second)});
  const auto gradient_after = [&](const std::vector<std::vector<std::int32_t>>& updates) {
    GraphRun graph = made({first, second}, {y});
    const Tensor d = normal({1, 2, 3}, 4);
    const Tensor* d_list = &d;
    for (const std::vector<std::int32_t>& ids : updates) {
      Tensor a({1, 2}, Dtype::i32), b({1, 2}, Dtype::i32);
      std::ranges::copy_n(ids.begin(), 2, a.as<std::int32_t>().begin());
      std::ranges::copy_n(ids.begin() + 2, 2, b.as<std::int32_t>().begin());
      const std::array<const Tensor*, 2> inputs = {&a, &b};
      graph.forward(inputs, nullptr, {.training = true});
      graph.backward(TensorList(&d_list, 1), {.training = true});
    }
    return graph.plan().layers[0]->parameters()[0]->gradient;
  };
  const Tensor expected = gradient_after({{5, 6, 7, 5}});
  const Tensor actual = gradient_after({{1, 2, 3, 4}, {5, 6, 7, 5}});
  ASSERT_EQ(actual.shape(), (Shape{9, 3}));
  EXPECT_TRUE(std::ranges::equal(actual.as<float>(), expected.as<float>()));
}

TEST(GraphRun, runs_a_shared_layer_again_with_the_dropout_of_each_call) {
  const Input x({6});
  const GraphLayer dropout = graph_layer<Dropout>(DropoutOptions{.rate = 0.5});
  const GraphLayer map = dense(6);
  const SymbolicTensor first = dropout(map(x));
  const SymbolicTensor second = dropout(map(first));
  GraphRun graph = made({x}, {second, first});
  const Tensor input = normal({4, 6}, 1);
  expect_graph_gradients(graph, {input}, {normal({4, 6}, 2), normal({4, 6}, 3)});
}

TEST(GraphRun, drops_out_other_elements_in_each_call) {
  const Input x({200});
  const GraphLayer dropout = graph_layer<Dropout>(DropoutOptions{.rate = 0.5});
  GraphRun graph = made({x}, {dropout(x), dropout(x)});
  const Tensor input = normal({1, 200}, 1);
  const Tensor* list = &input;
  const TensorList outputs = graph.forward({&list, 1}, nullptr, {.training = true});
  EXPECT_FALSE(std::ranges::equal(outputs[0]->as<float>(), outputs[1]->as<float>()));
}

TEST(GraphRun, moves_the_statistics_of_a_shared_layer_once_a_call) {
  const Input x({3});
  const Input z({3});
  const GraphLayer norm = graph_layer<BatchNormalization>(BatchNormalizationOptions{});
  GraphRun graph = made({x, z}, {norm(x), norm(z)});
  const Tensor a = normal({8, 3}, 1);
  const Tensor b = normal({8, 3}, 2);
  BatchNormalization alone;
  Random random(3, 1);
  alone.build({3}, random);
  static_cast<void>(alone.forward(a, {.training = true}));
  static_cast<void>(alone.forward(b, {.training = true}));
  const std::vector<const Tensor*> inputs = {&a, &b};
  const GraphRun::Pass pass{.training = true};
  graph.forward(inputs, nullptr, pass);
  const Tensor d = normal({8, 3}, 3);
  const std::vector<const Tensor*> gradients = {&d, &d};
  graph.backward(gradients, pass);
  const std::vector<Parameter*> moved = norm.layer().parameters();
  const std::vector<Parameter*> expected = alone.parameters();
  for (std::size_t i = 0; i < moved.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(moved[i]->value.as<float>(), expected[i]->value.as<float>()))
        << moved[i]->name;
  expect_graph_gradients(graph, {a, b}, {normal({8, 3}, 4), normal({8, 3}, 5)});
}

TEST(GraphRun, gives_parameters_no_gradient_reaches_zero) {
  const Input x({3});
  const SymbolicTensor a = dense(2, "a")(x);
  const SymbolicTensor b = dense(2, "b")(x);
  GraphRun graph = made({x}, {a, b});
  const Tensor input = normal({4, 3}, 1);
  const Tensor d = normal({4, 2}, 2);
  const Tensor* list = &input;
  const GraphRun::Pass pass{.training = true};
  const auto gradient_of = [&](const char* name) {
    for (const auto& layer : graph.plan().layers)
      if (layer->name() == name) return layer->parameters()[0]->gradient;
    return Tensor();
  };
  std::vector<const Tensor*> gradients = {&d, &d};
  graph.forward({&list, 1}, nullptr, pass);
  graph.backward(gradients, pass);
  EXPECT_NE(gradient_of("b").data()[0], 0.0F);
  gradients[1] = nullptr;
  graph.forward({&list, 1}, nullptr, pass);
  graph.backward(gradients, pass);
  EXPECT_NE(gradient_of("a").data()[0], 0.0F);
  const Tensor none = gradient_of("b");
  for (const float value : none.as<float>()) EXPECT_EQ(value, 0.0F);
}

TEST(GraphRun, counts_the_cost_of_each_call_s_output_and_of_weights_once) {
  const auto build = [](bool twice) {
    const Input x({3});
    const Input z({3});
    DenseOptions options{.units = 2};
    options.kernel.regularizer = make_regularizer("l2", "kernel");
    options.activity_regularizer = make_regularizer("l2", "activity");
    const GraphLayer shared = graph_layer<Dense>(options);
    return twice ? made({x, z}, {shared(x), shared(z)}) : made({x}, {shared(x)});
  };
  const Tensor a = normal({4, 3}, 1);
  const Tensor b = normal({4, 3}, 2);
  const auto cost = [](GraphRun graph, std::vector<const Tensor*> inputs) {
    graph.forward(inputs, nullptr, {});
    return graph.penalty();
  };
  GraphRun one = build(false);
  const Parameter& kernel = *one.plan().layers[0]->parameters()[0];
  const double weights = kernel.regularizer->value(kernel.value);
  EXPECT_NEAR(
      cost(build(true), {&a, &b}), cost(build(false), {&a}) + cost(build(false), {&b}) - weights, 1e-6);
}

}  // namespace

}  // namespace recurra::test

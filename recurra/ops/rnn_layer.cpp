#include "recurra/ops/rnn_layer.h"

#include "recurra/ops/differentiate.h"
#include "recurra/ops/output_layer_operation.h"

namespace recurra::ops {

namespace {

using autograd::Variable;
using Op = OutputLayerOperation;

constexpr OutputLayerKind layer{.name = "rnn_layer", .cell = "vanilla", .joint_biases = true};
constexpr OutputLayerKind cell{
    .name = "rnn_cell", .cell = "vanilla", .joint_biases = true, .count = StepCount::one};

template <class T, class Given>
[[nodiscard]] std::vector<const T*> inputs_of(const T& x,
                                              const RnnWeightsOf<T>& w,
                                              const T* h_last,
                                              const Given& given) {
  return {&x, given(w.input_weights), given(w.recurrent_weights), given(w.biases), nullptr, h_last};
}

[[nodiscard]] RnnGradients gradients_of_rnn(std::vector<Tensor> g) {
  return {.x = std::move(g[0]),
          .weights = {std::move(g[1]), std::move(g[2]), std::move(g[3])},
          .h_last = std::move(g[5])};
}

}  // namespace

Outputs rnn_layer(const Tensor& x,
                  const RnnWeights& weights,
                  SequenceFormat format,
                  const OutputStart& start,
                  const OpOptions& options) {
  Op operation(layer, inputs_of(x, weights, start.h_last, given), format, start.max_ts_length, options);
  std::vector<Tensor> y = operation.forward(false);
  return {std::move(y[Op::h]), std::move(y[Op::last])};
}

OutputsOf<Variable> rnn_layer(const Variable& x,
                              const RnnWeightsOf<Variable>& weights,
                              SequenceFormat format,
                              const OutputStartOf<Variable>& start,
                              const OpOptions& options) {
  const Differentiated call(inputs_of(x, weights, start.h_last, given_variable), options);
  const std::vector<Variable> y =
      call.run(std::make_shared<Op>(layer, call.values(), format, start.max_ts_length, call.options()),
               {"h", "h_last"});
  return {y[Op::h], y[Op::last]};
}

RnnGradients rnn_layer_gradient(const Tensor& x,
                                const RnnWeights& weights,
                                SequenceFormat format,
                                const OutputStart& start,
                                const Outputs& seeds,
                                const OpOptions& options) {
  Op operation(layer, inputs_of(x, weights, start.h_last, given), format, start.max_ts_length, options);
  return gradients_of_rnn(gradients_of(operation, {given(seeds.h), given(seeds.h_last)}));
}

Tensor rnn_cell(const Tensor& x, const Tensor& h_last, const RnnWeights& weights, const OpOptions& options) {
  Op operation(cell, inputs_of(x, weights, &h_last, given), SequenceFormat::tns, nullptr, options);
  return std::move(operation.forward(false)[Op::h]);
}

Variable rnn_cell(const Variable& x,
                  const Variable& h_last,
                  const RnnWeightsOf<Variable>& weights,
                  const OpOptions& options) {
  const Differentiated call(inputs_of(x, weights, &h_last, given_variable), options);
  return call.run(std::make_shared<Op>(cell, call.values(), SequenceFormat::tns, nullptr, call.options()),
                  {"h", "h_last"})[Op::h];
}

RnnGradients rnn_cell_gradient(const Tensor& x,
                               const Tensor& h_last,
                               const RnnWeights& weights,
                               const Tensor& seed,
                               const OpOptions& options) {
  Op operation(cell, inputs_of(x, weights, &h_last, given), SequenceFormat::tns, nullptr, options);
  return gradients_of_rnn(gradients_of(operation, {given(seed), nullptr}));
}

}  // namespace recurra::ops

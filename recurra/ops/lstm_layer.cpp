#include "recurra/ops/lstm_layer.h"

#include "recurra/ops/differentiate.h"
#include "recurra/ops/lstm_layer_operation.h"

namespace recurra::ops {

namespace {

using autograd::Variable;
using Op = LstmLayerOperation;

[[nodiscard]] Op make_operation(const Tensor& x,
                                const LstmLayerWeights& weights,
                                const LstmLayerConfig& config,
                                const LstmStart& start,
                                const OpOptions& options) {
  return {"lstm_layer",
          lstm_layer_inputs(x, weights, start, given),
          config,
          start.max_ts_length,
          StepCount::sequence,
          options};
}

}  // namespace

LstmLayerOutputs lstm_layer(const Tensor& x,
                            const LstmLayerWeights& weights,
                            const LstmLayerConfig& config,
                            const LstmStart& start,
                            const OpOptions& options) {
  std::vector<Tensor> y = make_operation(x, weights, config, start, options).forward(false);
  return {std::move(y[Op::h]), std::move(y[Op::h_last]), std::move(y[Op::c_last_output])};
}

LstmLayerOutputsOf<Variable> lstm_layer(const Variable& x,
                                        const LstmLayerWeightsOf<Variable>& weights,
                                        const LstmLayerConfig& config,
                                        const LstmStartOf<Variable>& start,
                                        const OpOptions& options) {
  const Differentiated call(lstm_layer_inputs(x, weights, start, given_variable), options);
  const std::vector<Variable> y = call.run(
      std::make_shared<Op>(
          "lstm_layer", call.values(), config, start.max_ts_length, StepCount::sequence, call.options()),
      {"h", "h_last", "c_last"});
  return {y[Op::h], y[Op::h_last], y[Op::c_last_output]};
}

LstmLayerGradients lstm_layer_gradient(const Tensor& x,
                                       const LstmLayerWeights& weights,
                                       const LstmLayerConfig& config,
                                       const LstmStart& start,
                                       const LstmLayerOutputs& seeds,
                                       const OpOptions& options) {
  Op operation = make_operation(x, weights, config, start, options);
  return lstm_layer_gradients(
      gradients_of(operation, {given(seeds.h), given(seeds.h_last), given(seeds.c_last)}));
}

}  // namespace recurra::ops

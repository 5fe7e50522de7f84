#include "recurra/ops/lstm_layer_cell.h"

#include "recurra/ops/differentiate.h"
#include "recurra/ops/lstm_layer_operation.h"

namespace recurra::ops {

namespace {

using autograd::Variable;
using Op = LstmLayerOperation;

[[nodiscard]] LstmLayerConfig of_one_step(LstmLayerConfig config) {
  config.return_sequence = false;
  config.return_last_h = config.return_last_c = true;
  return config;
}

[[nodiscard]] Op make_operation(const Tensor& x,
                                const LstmLayerWeights& weights,
                                const LstmLayerConfig& config,
                                const LstmStart& start,
                                const OpOptions& options) {
  return {"lstm_layer_cell",
          lstm_layer_inputs(x, weights, start, given),
          of_one_step(config),
          start.max_ts_length,
          StepCount::one,
          options};
}

}  // namespace

LstmLayerCellOutputs lstm_layer_cell(const Tensor& x,
                                     const LstmLayerWeights& weights,
                                     const LstmLayerConfig& config,
                                     const LstmStart& start,
                                     const OpOptions& options) {
  std::vector<Tensor> y = make_operation(x, weights, config, start, options).forward(false);
  return {std::move(y[Op::h_last]), std::move(y[Op::c_last_output])};
}

LstmLayerCellOutputsOf<Variable> lstm_layer_cell(const Variable& x,
                                                 const LstmLayerWeightsOf<Variable>& weights,
                                                 const LstmLayerConfig& config,
                                                 const LstmStartOf<Variable>& start,
                                                 const OpOptions& options) {
  const Differentiated call(lstm_layer_inputs(x, weights, start, given_variable), options);
  const std::vector<Variable> y = call.run(std::make_shared<Op>("lstm_layer_cell",
                                                                call.values(),
                                                                of_one_step(config),
                                                                start.max_ts_length,
                                                                StepCount::one,
                                                                call.options()),
                                           {"", "h", "c"});
  return {y[Op::h_last], y[Op::c_last_output]};
}

LstmLayerGradients lstm_layer_cell_gradient(const Tensor& x,
                                            const LstmLayerWeights& weights,
                                            const LstmLayerConfig& config,
                                            const LstmStart& start,
                                            const LstmLayerCellOutputs& seeds,
                                            const OpOptions& options) {
  Op operation = make_operation(x, weights, config, start, options);
  return lstm_layer_gradients(gradients_of(operation, {nullptr, given(seeds.h), given(seeds.c)}));
}

}  // namespace recurra::ops

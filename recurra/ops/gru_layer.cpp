#include "recurra/ops/gru_layer.h"

#include "recurra/base/error.h"
#include "recurra/ops/differentiate.h"
#include "recurra/ops/output_layer_operation.h"

namespace recurra::ops {

namespace {

using autograd::Variable;
using Op = OutputLayerOperation;

// Where u, r, o, the cells' gates in their order, stand among r, u, c.
constexpr int gate_places[] = {1, 0, 2};

[[nodiscard]] OutputLayerKind kind_of(const GruLayerConfig& config, const OpOptions& options) {
  if (config.reset != ResetMode::after && config.reset != ResetMode::before) {
    throw Error(ErrorCode::unsupported,
                (options.name.empty() ? "gru_layer" : options.name) + ".reset",
                "after, before",
                std::to_string(static_cast<int>(config.reset)));
  }
  return {.name = "gru_layer",
          .cell = config.reset == ResetMode::after ? "gru_reset_after" : "gru",
          .gates = 3,
          .gate_places = gate_places};
}

template <class T, class Given>
[[nodiscard]] std::vector<const T*> inputs_of(const T& x,
                                              const GruLayerWeightsOf<T>& w,
                                              const OutputStartOf<T>& start,
                                              const Given& given) {
  return {&x,
          given(w.input_weights),
          given(w.recurrent_weights),
          given(w.biases),
          given(w.recurrent_biases),
          start.h_last};
}

}  // namespace

Outputs gru_layer(const Tensor& x,
                  const GruLayerWeights& weights,
                  const GruLayerConfig& config,
                  const OutputStart& start,
                  const OpOptions& options) {
  Op operation(kind_of(config, options),
               inputs_of(x, weights, start, given),
               config.format,
               start.max_ts_length,
               options);
  std::vector<Tensor> y = operation.forward(false);
  return {std::move(y[Op::h]), std::move(y[Op::last])};
}

OutputsOf<Variable> gru_layer(const Variable& x,
                              const GruLayerWeightsOf<Variable>& weights,
                              const GruLayerConfig& config,
                              const OutputStartOf<Variable>& start,
                              const OpOptions& options) {
  const Differentiated call(inputs_of(x, weights, start, given_variable), options);
  const std::vector<Variable> y = call.run(
      std::make_shared<Op>(
          kind_of(config, options), call.values(), config.format, start.max_ts_length, call.options()),
      {"h", "h_last"});
  return {y[Op::h], y[Op::last]};
}

GruLayerGradients gru_layer_gradient(const Tensor& x,
                                     const GruLayerWeights& weights,
                                     const GruLayerConfig& config,
                                     const OutputStart& start,
                                     const Outputs& seeds,
                                     const OpOptions& options) {
  Op operation(kind_of(config, options),
               inputs_of(x, weights, start, given),
               config.format,
               start.max_ts_length,
               options);
  std::vector<Tensor> g = gradients_of(operation, {given(seeds.h), given(seeds.h_last)});
  return {.x = std::move(g[0]),
          .weights = {std::move(g[1]), std::move(g[2]), std::move(g[3]), std::move(g[4])},
          .h_last = std::move(g[5])};
}

}  // namespace recurra::ops

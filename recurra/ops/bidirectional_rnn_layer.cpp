#include "recurra/ops/bidirectional_rnn_layer.h"

#include "recurra/base/error.h"
#include "recurra/ops/differentiate.h"
#include "recurra/ops/output_layer_operation.h"

namespace recurra::ops {

namespace {

using autograd::Variable;
using Op = OutputLayerOperation;

constexpr std::size_t forward_h = Op::h;
constexpr std::size_t forward_last = Op::last;
constexpr std::size_t backward_h = Op::outputs_of_direction + Op::h;
constexpr std::size_t backward_last = Op::outputs_of_direction + Op::last;

[[nodiscard]] OutputLayerKind kind_of(const BidirectionalRnnConfig& config, const OpOptions& options) {
  constexpr const char* name = "bidirectional_rnn_layer";
  if (config.merge != RnnMerge::concat && config.merge != RnnMerge::apart) {
    throw Error(ErrorCode::unsupported,
                (options.name.empty() ? name : options.name) + ".merge",
                "concat, apart",
                std::to_string(static_cast<int>(config.merge)));
  }
  return {.name = name,
          .cell = "vanilla",
          .joint_biases = true,
          .directions = 2,
          .concatenates = config.merge == RnnMerge::concat};
}

template <class T, class Given>
[[nodiscard]] std::vector<const T*> inputs_of(const T& x,
                                              const BidirectionalRnnWeightsOf<T>& w,
                                              const BidirectionalRnnStartOf<T>& start,
                                              const Given& given) {
  std::vector<const T*> all{&x};
  const auto append = [&](const RnnWeightsOf<T>& one, const T* h_last) {
    all.insert(all.end(),
               {given(one.input_weights), given(one.recurrent_weights), given(one.biases), nullptr, h_last});
  };
  append(w.forward, start.forward_h_last);
  append(w.backward, start.backward_h_last);
  return all;
}

}  // namespace

BidirectionalRnnOutputs bidirectional_rnn_layer(const Tensor& x,
                                                const BidirectionalRnnWeights& weights,
                                                const BidirectionalRnnConfig& config,
                                                const BidirectionalRnnStart& start,
                                                const OpOptions& options) {
  Op operation(kind_of(config, options),
               inputs_of(x, weights, start, given),
               config.format,
               start.max_ts_length,
               options);
  std::vector<Tensor> y = operation.forward(false);
  return {std::move(y[forward_h]),
          std::move(y[backward_h]),
          std::move(y[forward_last]),
          std::move(y[backward_last])};
}

BidirectionalRnnOutputsOf<Variable> bidirectional_rnn_layer(
    const Variable& x,
    const BidirectionalRnnWeightsOf<Variable>& weights,
    const BidirectionalRnnConfig& config,
    const BidirectionalRnnStartOf<Variable>& start,
    const OpOptions& options) {
  const Differentiated call(inputs_of(x, weights, start, given_variable), options);
  const std::vector<Variable> y = call.run(
      std::make_shared<Op>(
          kind_of(config, options), call.values(), config.format, start.max_ts_length, call.options()),
      {"h", "forward_h_last", "backward_h", "backward_h_last"});
  return {y[forward_h], y[backward_h], y[forward_last], y[backward_last]};
}

BidirectionalRnnGradients bidirectional_rnn_layer_gradient(const Tensor& x,
                                                           const BidirectionalRnnWeights& weights,
                                                           const BidirectionalRnnConfig& config,
                                                           const BidirectionalRnnStart& start,
                                                           const BidirectionalRnnOutputs& seeds,
                                                           const OpOptions& options) {
  Op operation(kind_of(config, options),
               inputs_of(x, weights, start, given),
               config.format,
               start.max_ts_length,
               options);
  std::vector<Tensor> g = gradients_of(
      operation,
      {given(seeds.h), given(seeds.forward_h_last), given(seeds.backward_h), given(seeds.backward_h_last)});
  const auto take = [&](int direction, Op::Input input) {
    return std::move(g[static_cast<std::size_t>(Op::place(direction, input))]);
  };
  const auto weights_of = [&](int direction) {
    return RnnWeights{take(direction, Op::input_weights),
                      take(direction, Op::recurrent_weights),
                      take(direction, Op::biases)};
  };
  return {.x = std::move(g[0]),
          .weights = {weights_of(0), weights_of(1)},
          .forward_h_last = take(0, Op::h_last),
          .backward_h_last = take(1, Op::h_last)};
}

}  // namespace recurra::ops

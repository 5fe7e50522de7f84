#include "recurra/stack/rnn_stack_function.h"

#include "recurra/autograd/operation.h"
#include "recurra/base/error.h"

namespace recurra {

namespace {

using autograd::BackwardPass;
using autograd::Variable;

// Places of the inputs, and of the outputs: c and the layers follow where there are any.
constexpr int at_weights = 0;
constexpr int at_x = 1;
constexpr int at_h = 2;
constexpr int at_c = 3;
constexpr int out_y = 0;
constexpr int out_h = 1;
constexpr int out_c = 2;

const Tensor* value_of(const Variable* variable) {
  return variable != nullptr && !variable->empty() ? &variable->value() : nullptr;
}

Variable or_empty(const Variable* variable) {
  return variable != nullptr ? *variable : Variable();
}

/// Takes the gradients of the outputs through the stack.
void run_backward(
    RnnStack& stack, bool has_c, bool gives_layers, const Execution& execution, BackwardPass& pass) {
  const int first_layer = has_c ? out_c + 1 : out_c;
  std::vector<Tensor> layers(gives_layers ? static_cast<std::size_t>(stack.options().layers) : 0);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const int place = first_layer + static_cast<int>(i);
    if (pass.gradient(place) != nullptr) layers[i] = pass.take_gradient(place);
  }
  RnnStackOutputGradients gradients{.y = pass.gradient(out_y),
                                    .final_h = pass.gradient(out_h),
                                    .final_c = has_c ? pass.gradient(out_c) : nullptr,
                                    .layers = gives_layers ? &layers : nullptr,
                                    .want_weights = pass.wants(at_weights),
                                    .want_x = pass.wants(at_x)};
  RnnStackGradients to = stack.backward(gradients, execution);
  if (pass.wants(at_weights)) pass.add(at_weights, std::move(to.weights));
  if (pass.wants(at_x)) pass.add(at_x, std::move(to.x));
  if (pass.wants(at_h)) pass.add(at_h, std::move(to.initial_h));
  if (pass.wants(at_c)) pass.add(at_c, std::move(to.initial_c));
}

}  // namespace

RnnStackVariables optimized_rnn_stack(const Variable& weights,
                                      const Variable& x,
                                      const RnnStackOptions& options,
                                      const RnnStackVariableInputs& inputs,
                                      const Execution& execution) {
  std::vector<Variable> made_of = {weights, x, or_empty(inputs.initial_h), or_empty(inputs.initial_c)};
  const bool recorded = autograd::will_record(made_of);
  const bool has_c = options.op == RecurrentOp::lstm;
  const auto stack = std::make_shared<RnnStack>(options, RnnStack::features_of(x.value()));
  const bool way_back = recorded || inputs.training || inputs.way_back;
  stack->set_weights(
      weights.value(), way_back ? PackedWeights::Use::training : PackedWeights::Use::inference, execution);
  stack->forward(x.value(),
                 {.lengths = inputs.lengths,
                  .initial_h = value_of(inputs.initial_h),
                  .initial_c = value_of(inputs.initial_c),
                  .training = inputs.training,
                  .way_back = way_back,
                  .dropout_seed = inputs.dropout_seed,
                  .dropout_factors = inputs.dropout_factors,
                  .layer_outputs = inputs.layer_outputs},
                 execution);
  RnnStackOutputs outputs = stack->take_outputs();
  std::vector<Tensor> results;
  results.push_back(std::move(outputs.y));
  results.push_back(std::move(outputs.final_h));
  if (has_c) results.push_back(std::move(outputs.final_c));
  for (Tensor& layer : outputs.layers) results.push_back(std::move(layer));
  const auto backward = [stack, has_c, gives = inputs.layer_outputs, execution](BackwardPass& pass) {
    run_backward(*stack, has_c, gives, execution, pass);
  };
  std::vector<Variable> made =
      autograd::make_operation("optimized_rnn_stack", std::move(made_of), std::move(results), backward);
  RnnStackVariables all;
  all.y = made[out_y];
  all.final_h = made[out_h];
  if (has_c) all.final_c = made[out_c];
  all.layers.assign(made.begin() + (has_c ? out_c + 1 : out_c), made.end());
  all.dropout_factors = std::move(outputs.dropout_factors);
  return all;
}

}  // namespace recurra

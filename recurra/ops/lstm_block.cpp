#include "recurra/ops/lstm_block.h"

#include "recurra/ops/differentiate.h"
#include "recurra/ops/lstm_block_operation.h"

namespace recurra::ops {

namespace {

using autograd::Variable;
using Op = LstmBlockOperation;

[[nodiscard]] const char* name_of(StepCount count) noexcept {
  return count == StepCount::one ? "lstm_cell" : "lstm_block";
}

[[nodiscard]] Op make_operation(StepCount count,
                                const Tensor& x,
                                const LstmWeights& weights,
                                const LstmConfiguration& configuration,
                                const LstmStart& start,
                                const OpOptions& options) {
  return {name_of(count),
          lstm_block_inputs(x, weights, start, given),
          configuration,
          start.max_ts_length,
          count,
          options};
}

[[nodiscard]] LstmBlockOutputs run(Op&& operation) {
  std::vector<Tensor> y = operation.forward(false);
  return {std::move(y[Op::i]),
          std::move(y[Op::c]),
          std::move(y[Op::f]),
          std::move(y[Op::o]),
          std::move(y[Op::z]),
          std::move(y[Op::h]),
          std::move(y[Op::y])};
}

[[nodiscard]] LstmBlockOutputsOf<Variable> run_variables(StepCount count,
                                                         const Variable& x,
                                                         const LstmWeightsOf<Variable>& weights,
                                                         const LstmConfiguration& configuration,
                                                         const LstmStartOf<Variable>& start,
                                                         const OpOptions& options) {
  const Differentiated call(lstm_block_inputs(x, weights, start, given_variable), options);
  const std::vector<Variable> y =
      call.run(std::make_shared<Op>(
                   name_of(count), call.values(), configuration, start.max_ts_length, count, call.options()),
               {"i", "c", "f", "o", "z", "h", "y"});
  return {y[Op::i], y[Op::c], y[Op::f], y[Op::o], y[Op::z], y[Op::h], y[Op::y]};
}

[[nodiscard]] LstmBlockGradients run_gradient(Op&& operation, const LstmBlockOutputs& s) {
  std::vector<Tensor> g = gradients_of(
      operation, {given(s.i), given(s.c), given(s.f), given(s.o), given(s.z), given(s.h), given(s.y)});
  return {.x = std::move(g[Op::x]),
          .weights = {std::move(g[Op::weights]),
                      std::move(g[Op::biases]),
                      std::move(g[Op::input_peephole]),
                      std::move(g[Op::forget_peephole]),
                      std::move(g[Op::output_peephole])},
          .c_last = std::move(g[Op::c_last]),
          .y_last = std::move(g[Op::y_last])};
}

}  // namespace

LstmBlockOutputs lstm_block(const Tensor& x,
                            const LstmWeights& weights,
                            const LstmConfiguration& configuration,
                            const LstmStart& start,
                            const OpOptions& options) {
  return run(make_operation(StepCount::sequence, x, weights, configuration, start, options));
}

LstmBlockOutputsOf<Variable> lstm_block(const Variable& x,
                                        const LstmWeightsOf<Variable>& weights,
                                        const LstmConfiguration& configuration,
                                        const LstmStartOf<Variable>& start,
                                        const OpOptions& options) {
  return run_variables(StepCount::sequence, x, weights, configuration, start, options);
}

LstmBlockGradients lstm_block_gradient(const Tensor& x,
                                       const LstmWeights& weights,
                                       const LstmConfiguration& configuration,
                                       const LstmStart& start,
                                       const LstmBlockOutputs& seeds,
                                       const OpOptions& options) {
  return run_gradient(make_operation(StepCount::sequence, x, weights, configuration, start, options), seeds);
}

LstmBlockOutputs lstm_cell(const Tensor& x,
                           const LstmWeights& weights,
                           const LstmConfiguration& configuration,
                           const LstmStart& start,
                           const OpOptions& options) {
  return run(make_operation(StepCount::one, x, weights, configuration, start, options));
}

LstmBlockOutputsOf<Variable> lstm_cell(const Variable& x,
                                       const LstmWeightsOf<Variable>& weights,
                                       const LstmConfiguration& configuration,
                                       const LstmStartOf<Variable>& start,
                                       const OpOptions& options) {
  return run_variables(StepCount::one, x, weights, configuration, start, options);
}

LstmBlockGradients lstm_cell_gradient(const Tensor& x,
                                      const LstmWeights& weights,
                                      const LstmConfiguration& configuration,
                                      const LstmStart& start,
                                      const LstmBlockOutputs& seeds,
                                      const OpOptions& options) {
  return run_gradient(make_operation(StepCount::one, x, weights, configuration, start, options), seeds);
}

}  // namespace recurra::ops

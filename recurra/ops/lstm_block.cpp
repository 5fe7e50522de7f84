#include "recurra/ops/lstm_block.h"

#include "recurra/ops/lstm_block_operation.h"

namespace recurra::ops {

namespace {

using Op = LstmBlockOperation;

[[nodiscard]] Op make_operation(StepCount count,
                                const Tensor& x,
                                const LstmWeights& weights,
                                const LstmConfiguration& configuration,
                                const LstmStart& start,
                                const OpOptions& options) {
  return {count == StepCount::one ? "lstm_cell" : "lstm_block",
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

LstmBlockGradients lstm_cell_gradient(const Tensor& x,
                                      const LstmWeights& weights,
                                      const LstmConfiguration& configuration,
                                      const LstmStart& start,
                                      const LstmBlockOutputs& seeds,
                                      const OpOptions& options) {
  return run_gradient(make_operation(StepCount::one, x, weights, configuration, start, options), seeds);
}

}  // namespace recurra::ops

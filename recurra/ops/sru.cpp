#include "recurra/ops/sru.h"

#include "recurra/ops/differentiate.h"
#include "recurra/ops/sru_operation.h"

namespace recurra::ops {

namespace {

using autograd::Variable;
using Op = SruOperation;

template <class T, class Given>
[[nodiscard]] std::vector<const T*> inputs_of(const T& x,
                                              const SruWeightsOf<T>& w,
                                              const T* initial_c,
                                              const Given& given) {
  return {&x, given(w.weights), given(w.biases), initial_c};
}

[[nodiscard]] Op make_operation(SruForm form,
                                const Tensor& x,
                                const SruWeights& weights,
                                const SruConfig& config,
                                const SruStart& start,
                                const OpOptions& options) {
  return {
      form, inputs_of(x, weights, start.initial_c, given), config, start.mask, start.max_ts_length, options};
}

[[nodiscard]] SruOutputs run(Op&& operation) {
  std::vector<Tensor> y = operation.forward(false);
  return {std::move(y[Op::h]), std::move(y[Op::c])};
}

[[nodiscard]] SruOutputsOf<Variable> run_variables(SruForm form,
                                                   const Variable& x,
                                                   const SruWeightsOf<Variable>& weights,
                                                   const SruConfig& config,
                                                   const SruStartOf<Variable>& start,
                                                   const OpOptions& options) {
  const Differentiated call(inputs_of(x, weights, start.initial_c, given_variable), options);
  const std::vector<Variable> y = call.run(
      std::make_shared<Op>(form, call.values(), config, start.mask, start.max_ts_length, call.options()),
      {"h", "c"});
  return {y[Op::h], y[Op::c]};
}

[[nodiscard]] SruGradients run_gradient(Op&& operation, const SruOutputs& seeds) {
  std::vector<Tensor> g = gradients_of(operation, {given(seeds.h), given(seeds.c)});
  return {.x = std::move(g[Op::x]),
          .weights = {std::move(g[Op::weights]), std::move(g[Op::biases])},
          .initial_c = std::move(g[Op::initial_c])};
}

}  // namespace

SruOutputs sru(const Tensor& x,
               const SruWeights& weights,
               const SruConfig& config,
               const SruStart& start,
               const OpOptions& options) {
  return run(make_operation(SruForm::sequence, x, weights, config, start, options));
}

SruOutputsOf<Variable> sru(const Variable& x,
                           const SruWeightsOf<Variable>& weights,
                           const SruConfig& config,
                           const SruStartOf<Variable>& start,
                           const OpOptions& options) {
  return run_variables(SruForm::sequence, x, weights, config, start, options);
}

SruGradients sru_gradient(const Tensor& x,
                          const SruWeights& weights,
                          const SruConfig& config,
                          const SruStart& start,
                          const SruOutputs& seeds,
                          const OpOptions& options) {
  return run_gradient(make_operation(SruForm::sequence, x, weights, config, start, options), seeds);
}

SruOutputs sru_cell(const Tensor& x,
                    const Tensor& c_last,
                    const SruWeights& weights,
                    SruLayout layout,
                    const OpOptions& options) {
  return run(make_operation(
      SruForm::cell, x, weights, {SequenceFormat::tns, layout}, {.initial_c = &c_last}, options));
}

SruOutputsOf<Variable> sru_cell(const Variable& x,
                                const Variable& c_last,
                                const SruWeightsOf<Variable>& weights,
                                SruLayout layout,
                                const OpOptions& options) {
  return run_variables(
      SruForm::cell, x, weights, {SequenceFormat::tns, layout}, {.initial_c = &c_last}, options);
}

SruGradients sru_cell_gradient(const Tensor& x,
                               const Tensor& c_last,
                               const SruWeights& weights,
                               SruLayout layout,
                               const SruOutputs& seeds,
                               const OpOptions& options) {
  return run_gradient(
      make_operation(
          SruForm::cell, x, weights, {SequenceFormat::tns, layout}, {.initial_c = &c_last}, options),
      seeds);
}

SruOutputs sru_bi(const Tensor& x,
                  const SruWeights& weights,
                  SequenceFormat format,
                  const SruStart& start,
                  const OpOptions& options) {
  return run(make_operation(
      SruForm::both_directions, x, weights, {format, SruLayout::gate_columns}, start, options));
}

SruOutputsOf<Variable> sru_bi(const Variable& x,
                              const SruWeightsOf<Variable>& weights,
                              SequenceFormat format,
                              const SruStartOf<Variable>& start,
                              const OpOptions& options) {
  return run_variables(
      SruForm::both_directions, x, weights, {format, SruLayout::gate_columns}, start, options);
}

SruGradients sru_bi_gradient(const Tensor& x,
                             const SruWeights& weights,
                             SequenceFormat format,
                             const SruStart& start,
                             const SruOutputs& seeds,
                             const OpOptions& options) {
  return run_gradient(
      make_operation(SruForm::both_directions, x, weights, {format, SruLayout::gate_columns}, start, options),
      seeds);
}

}  // namespace recurra::ops

#include "recurra/ops/differentiate.h"

#include "recurra/autograd/operation.h"
#include "recurra/autograd/scope.h"

namespace recurra::ops {

namespace {

using autograd::BackwardPass;
using autograd::Variable;

/// From the gradients of those outputs that there are, at `places`, to those of the inputs.
void pass_back(Operation& operation,
               const std::vector<std::size_t>& places,
               std::size_t outputs,
               BackwardPass& pass) {
  std::vector<const Tensor*> seeds(outputs, nullptr);
  for (std::size_t k = 0; k < places.size(); ++k) seeds[places[k]] = pass.gradient(static_cast<int>(k));
  std::vector<bool> wanted;
  for (std::size_t i = 0; i < operation.inputs(); ++i) wanted.push_back(pass.wants(static_cast<int>(i)));
  std::vector<Tensor> gradients = operation.backward(seeds, wanted);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (wanted[i]) pass.add(static_cast<int>(i), std::move(gradients[i]));
  }
}

}  // namespace

Differentiated::Differentiated(const std::vector<const Variable*>& inputs, const OpOptions& options)
    : options_(options) {
  for (const Variable* input : inputs) inputs_.push_back(input != nullptr ? *input : Variable());
  const Execution& said = options.execution;
  if (said.team == nullptr && said.threads == 0) {
    options_.execution.team = autograd::execution().team;
    options_.execution.threads = autograd::execution().threads;
  }
  if (options_.target == nullptr) options_.target = &autograd::target();
}

Inputs Differentiated::values() const {
  Inputs all;
  for (const Variable& input : inputs_) all.push_back(input.empty() ? nullptr : &input.value());
  return all;
}

std::vector<Variable> Differentiated::run(const std::shared_ptr<Operation>& operation,
                                          std::initializer_list<const char*> names) const {
  std::vector<Tensor> outputs = operation->forward(autograd::will_record(inputs_));
  std::vector<std::size_t> places;
  std::vector<Tensor> there;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (outputs[k].shape() == Shape{0}) continue;
    places.push_back(k);
    there.push_back(std::move(outputs[k]));
  }
  const std::vector<Variable> made =
      autograd::make_operation(operation->name(),
                               inputs_,
                               std::move(there),
                               [operation, places, count = outputs.size()](BackwardPass& pass) {
                                 pass_back(*operation, places, count, pass);
                               });
  std::vector<Variable> all(outputs.size());
  for (std::size_t k = 0; k < places.size(); ++k) {
    all[places[k]] = made[k];
    if (!options_.name.empty()) made[k].named(options_.name + "/" + names.begin()[places[k]]);
  }
  return all;
}

}  // namespace recurra::ops

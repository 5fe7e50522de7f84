#include "recurra/training/graph_run.h"

#include <algorithm>
#include <cstring>

namespace recurra {

namespace {

/// In the memory that `to` has.
void copy_into(const Tensor& from, Tensor& to) {
  if (to.dtype() != from.dtype()) to = Tensor(from.shape(), from.dtype());
  to.resize(from.shape());
  if (from.bytes() > 0) std::memcpy(to.raw(), from.raw(), from.bytes());
}

void add_to(const Tensor& from, Tensor& to) {
  float* sum = to.data();
  for (const float value : from.as<float>()) *sum++ += value;
}

/// What the weights of a layer cost, without its outputs.
double weight_penalty(Layer& layer) {
  double sum = 0;
  for (const Parameter* parameter : layer.parameters()) {
    if (parameter->trainable && parameter->regularizer != nullptr)
      sum += parameter->regularizer->value(parameter->value);
  }
  return sum;
}

std::vector<Parameter*> of_kind(Layer& layer, bool trainable) {
  std::vector<Parameter*> some;
  for (Parameter* parameter : layer.parameters())
    if (parameter->trainable == trainable) some.push_back(parameter);
  return some;
}

}  // namespace

GraphRun::GraphRun(GraphPlan plan) : plan_(std::move(plan)) {
  const std::size_t values = plan_.shapes.size();
  uses_.resize(values);
  for (const Call& call : plan_.calls) {
    for (const std::size_t input : call.inputs) ++uses_[input];
  }
  for (const std::size_t output : plan_.outputs) ++uses_[output];
  values_.resize(values);
  masks_.resize(values);
  copies_.resize(values);
  mask_copies_.resize(values);
  gradients_.resize(values);
  sums_.resize(values);
  call_inputs_.resize(plan_.calls.size());
  call_masks_.resize(plan_.calls.size());
  for (std::size_t i = 0; i < plan_.layers.size(); ++i) layer_calls_.push_back(plan_.calls_of(i));
  parameter_sums_.resize(plan_.layers.size());
  statistics_.resize(plan_.layers.size());
}

Context GraphRun::context_for(std::size_t call, const Pass& pass) const {
  // Each call draws its own dropout, also where the layer is the same.
  Context context{.training = pass.training,
                  .mask = masks_[plan_.calls[call].inputs[0]],
                  .dropout = {.seed = pass.seed, .layer = call, .update = pass.update},
                  .execution = pass.execution};
  context.masks = call_masks_[call];
  return context;
}

TensorList GraphRun::forward(TensorList inputs, const StepMask* mask, const Pass& pass) {
  std::ranges::fill(masks_, nullptr);
  std::ranges::copy(inputs, values_.begin());
  masks_[0] = mask;
  shared_penalty_ = 0;
  for (std::size_t i = 0; i < plan_.calls.size(); ++i) run(i, pass);
  outputs_.clear();
  for (const std::size_t output : plan_.outputs) outputs_.push_back(values_[output]);
  return outputs_;
}

void GraphRun::run(std::size_t number, const Pass& pass) {
  const Call& call = plan_.calls[number];
  std::vector<const Tensor*>& inputs = call_inputs_[number];
  std::vector<const StepMask*>& masks = call_masks_[number];
  inputs.clear();
  masks.clear();
  for (const std::size_t input : call.inputs) {
    inputs.push_back(values_[input]);
    if (call.inputs.size() > 1) masks.push_back(masks_[input]);
  }
  Layer& layer = *plan_.layers[call.layer];
  const Context context = context_for(number, pass);
  const TensorList outputs = layer.forward(inputs, context);
  for (std::size_t i = 0; i < call.count; ++i) {
    values_[call.first + i] = outputs[i];
    masks_[call.first + i] = layer.mask_of_output(context, i);
  }
  if (!call.last) keep_outputs(call);
}

/// The layer's next call takes their place.
void GraphRun::keep_outputs(const Call& call) {
  for (std::size_t value = call.first; value < call.first + call.count; ++value) {
    copy_into(*values_[value], copies_[value]);
    values_[value] = &copies_[value];
    if (masks_[value] == nullptr) continue;
    mask_copies_[value] = *masks_[value];
    masks_[value] = &mask_copies_[value];
  }
  Layer& layer = *plan_.layers[call.layer];
  shared_penalty_ += layer.penalty() - weight_penalty(layer);
}

double GraphRun::penalty() const {
  double sum = shared_penalty_;
  for (const auto& layer : plan_.layers) sum += layer->penalty();
  return sum;
}

void GraphRun::backward(TensorList d_outputs, const Pass& pass) {
  std::ranges::fill(gradients_, nullptr);
  reached_.assign(plan_.layers.size(), 0);
  clear_shared_gradients();
  for (std::size_t i = 0; i < d_outputs.size(); ++i) {
    if (d_outputs[i] != nullptr) add_gradient(plan_.outputs[i], *d_outputs[i], false);
  }
  for (std::size_t i = plan_.calls.size(); i-- > 0;) run_back(i, pass);
  finish_parameter_gradients();
}

/// A layer may take back no more of its last gradient than it wrote itself, which is one call's part of the
/// sum.
void GraphRun::clear_shared_gradients() {
  for (std::size_t layer = 0; layer < plan_.layers.size(); ++layer) {
    if (layer_calls_[layer] == 1) continue;
    for (Parameter* parameter : of_kind(*plan_.layers[layer], true))
      std::ranges::fill(parameter->gradient.as<float>(), 0.0F);
  }
}

void GraphRun::run_back(std::size_t number, const Pass& pass) {
  const Call& call = plan_.calls[number];
  const TensorList d_outputs(gradients_.data() + call.first, call.count);
  if (std::ranges::all_of(d_outputs, [](const Tensor* d) { return d == nullptr; })) return;
  if (!call.last) run_again(number, pass);
  wanted_.clear();
  for (const std::size_t input : call.inputs) wanted_.push_back(input >= plan_.inputs.size() ? 1 : 0);
  const TensorList d_inputs =
      plan_.layers[call.layer]->backward(call_inputs_[number], d_outputs, wanted_, context_for(number, pass));
  if (!call.last) restore_statistics(call);
  const bool passes = layer_calls_[call.layer] > 1;  // with the layer's next call
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    if (d_inputs[i] != nullptr) add_gradient(call.inputs[i], *d_inputs[i], passes);
  }
  if (passes) add_parameter_gradients(call);
  reached_[call.layer] = 1;
}

/// So that the layer has what the way back of this call needs.
void GraphRun::run_again(std::size_t number, const Pass& pass) {
  const Call& call = plan_.calls[number];
  Layer& layer = *plan_.layers[call.layer];
  std::vector<Tensor>& kept = statistics_[call.layer];
  const std::vector<Parameter*> statistics = of_kind(layer, false);
  kept.resize(statistics.size());
  for (std::size_t i = 0; i < kept.size(); ++i) copy_into(statistics[i]->value, kept[i]);
  static_cast<void>(layer.forward(call_inputs_[number], context_for(number, pass)));
}

void GraphRun::restore_statistics(const Call& call) {
  const std::vector<Parameter*> statistics = of_kind(*plan_.layers[call.layer], false);
  for (std::size_t i = 0; i < statistics.size(); ++i)
    copy_into(statistics_[call.layer][i], statistics[i]->value);
}

/// `passes`: the gradient does not stay until it is used.
void GraphRun::add_gradient(std::size_t value, const Tensor& gradient, bool passes) {
  if (gradients_[value] != nullptr) {
    add_to(gradient, sums_[value]);
  } else if (passes || uses_[value] > 1) {
    copy_into(gradient, sums_[value]);
    gradients_[value] = &sums_[value];
  } else {
    gradients_[value] = &gradient;
  }
}

void GraphRun::add_parameter_gradients(const Call& call) {
  const std::vector<Parameter*> trainable = of_kind(*plan_.layers[call.layer], true);
  std::vector<Tensor>& sums = parameter_sums_[call.layer];
  sums.resize(trainable.size());
  for (std::size_t i = 0; i < trainable.size(); ++i) {
    if (reached_[call.layer] == 0) {
      copy_into(trainable[i]->gradient, sums[i]);
    } else {
      add_to(trainable[i]->gradient, sums[i]);
    }
  }
}

void GraphRun::finish_parameter_gradients() {
  for (std::size_t layer = 0; layer < plan_.layers.size(); ++layer) {
    if (reached_[layer] != 0 && layer_calls_[layer] == 1) continue;
    const std::vector<Parameter*> trainable = of_kind(*plan_.layers[layer], true);
    for (std::size_t i = 0; i < trainable.size(); ++i) {
      if (reached_[layer] != 0) {
        copy_into(parameter_sums_[layer][i], trainable[i]->gradient);
      } else {
        std::ranges::fill(trainable[i]->gradient.as<float>(), 0.0F);
      }
    }
  }
}

}  // namespace recurra

#include "recurra/layers/bidirectional.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

constexpr std::array merge_modes = {"concat", "sum", "mul", "ave"};

std::unique_ptr<Recurrent> changed(const Recurrent& layer,
                                   const RecurrentOptions& options,
                                   std::string name) {
  std::unique_ptr<Recurrent> copy = layer.with(options, std::move(name));
  copy->set_trainable(layer.trainable());
  return copy;
}

std::unique_ptr<Recurrent> reversed(const Recurrent& layer) {
  RecurrentOptions options = layer.recurrent_options();
  options.go_backwards = !options.go_backwards;
  return changed(layer, options, layer.name());
}

/// The layer as a direction: Keras gives 0 for steps that do not count, so that what is merged of them is 0.
std::unique_ptr<Recurrent> direction(const Recurrent& layer, const char* prefix) {
  RecurrentOptions options = layer.recurrent_options();
  options.zero_output_for_mask = options.return_sequences;
  if (options.activity_regularizer != nullptr) {
    throw Error(ErrorCode::unsupported,
                "Bidirectional",
                "layers without activity_regularizer",
                layer.name() + " with one");
  }
  const std::string& name = layer.name();
  return changed(layer, options, name.rfind(prefix, 0) == 0 ? name : std::string(prefix).append(name));
}

}  // namespace

MergeMode parse_merge_mode(std::string_view name) {
  const auto found = std::ranges::find(merge_modes, name);
  if (found != merge_modes.end()) return static_cast<MergeMode>(found - merge_modes.begin());
  throw Error(ErrorCode::unsupported, "merge_mode", "concat, sum, mul, ave", std::string(name));
}

Bidirectional::Bidirectional(std::unique_ptr<Recurrent> layer, MergeMode merge_mode, std::string name)
    : Bidirectional(changed(*layer, layer->recurrent_options(), layer->name()),
                    reversed(*layer),
                    merge_mode,
                    std::move(name)) {}

Bidirectional::Bidirectional(std::unique_ptr<Recurrent> forward_layer,
                             std::unique_ptr<Recurrent> backward_layer,
                             MergeMode merge_mode,
                             std::string name)
    : GeneralLayer(std::move(name)),
      layers_{direction(*forward_layer, "forward_"), direction(*backward_layer, "backward_")},
      merge_mode_(merge_mode) {
  check_agreement();
}

void Bidirectional::check_agreement() const {
  const RecurrentOptions& a = layers_[0]->recurrent_options();
  const RecurrentOptions& b = layers_[1]->recurrent_options();
  const auto fail = [&](const std::string& expected, const std::string& actual) {
    throw Error(ErrorCode::invalid_argument, name() + ".backward_layer", expected, actual);
  };
  const auto agree = [&](const char* option, bool of_forward, bool of_backward) {
    if (of_forward != of_backward)
      fail(std::string(option) + " as of the forward layer", of_backward ? "true" : "false");
  };
  if (a.go_backwards == b.go_backwards) fail("the other direction", "go_backwards as of the forward layer");
  agree("return_sequences", a.return_sequences, b.return_sequences);
  agree("return_state", a.return_state, b.return_state);
  agree("stateful", a.stateful, b.stateful);
  const bool apart = merge_mode_ == MergeMode::concat || merge_mode_ == MergeMode::none;
  if (!apart && a.units != b.units)
    fail(std::to_string(a.units) + " units as the forward layer", std::to_string(b.units));
}

nlohmann::json Bidirectional::config() const {
  nlohmann::json config = base_config();
  config["merge_mode"] = nullptr;
  if (merge_mode_ != MergeMode::none)
    config["merge_mode"] = merge_modes[static_cast<std::size_t>(merge_mode_)];
  const auto add = [&](const char* key, const Recurrent& layer) {
    config[key] = {{"class_name", layer.type()}, {"config", layer.config()}};
  };
  add("layer", *layers_[0]);
  add("backward_layer", *layers_[1]);
  return config;
}

/// All initial states or none.
void Bidirectional::check_initial_count(std::size_t inputs) const {
  const std::size_t expected = layers_[0]->state_count() + layers_[1]->state_count();
  if (inputs == 1 || inputs == 1 + expected) return;
  throw Error(ErrorCode::invalid_argument,
              name() + ".initial_state",
              std::to_string(expected) + " states, the first half for the forward layer",
              std::to_string(inputs - 1));
}

std::vector<Shape> Bidirectional::run_build_all(std::span<const Shape> inputs, Random& random) {
  require_inputs(inputs.size(), 1, any_number);
  std::vector<Shape> ends[2];  // outputs of each direction
  for (int d = 0; d < 2; ++d) ends[d] = layers_[d]->build(inputs.first(1), random);
  check_initial_count(inputs.size());
  for (int d = 0; d < 2 && inputs.size() > 1; ++d) {
    check_state_shapes(states_of(inputs.subspan(1), d),
                       std::vector<Shape>(layers_[d]->state_count(), {units(d)}),
                       layers_[d]->name() + ".initial_state");
  }
  const std::array prefixes = {"forward_layer/", "backward_layer/"};
  for (std::size_t d = 0; d < 2; ++d) {
    for (Parameter* parameter : layers_[d]->parameters()) parameter->name.insert(0, prefixes[d]);
  }
  std::vector<Shape> outputs = {ends[0][0]};
  if (merge_mode_ == MergeMode::none) outputs.push_back(ends[1][0]);
  if (merge_mode_ == MergeMode::concat) outputs[0][outputs[0].rank() - 1] = units(0) + units(1);
  for (const std::vector<Shape>& end : ends) outputs.insert(outputs.end(), end.begin() + 1, end.end());
  return outputs;
}

std::vector<Parameter*> Bidirectional::parameters() {
  std::vector<Parameter*> all = layers_[0]->parameters();
  const std::vector<Parameter*> second = layers_[1]->parameters();
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

void Bidirectional::parameters_changed() {
  for (const auto& layer : layers_) layer->parameters_changed();
}

const StepMask* Bidirectional::output_mask(const Context& context) const {
  return sequences() ? context.mask : nullptr;
}

const StepMask* Bidirectional::mask_of_output(const Context& context, std::size_t output) const {
  return output < merged() ? output_mask(context) : nullptr;
}

bool Bidirectional::stateful() const noexcept {
  return layers_[0]->stateful();
}

std::vector<CarriedStates*> Bidirectional::carried_states() {
  std::vector<CarriedStates*> all = layers_[0]->carried_states();
  std::ranges::copy(layers_[1]->carried_states(), std::back_inserter(all));
  return all;
}

void Bidirectional::set_trainable(bool trainable) {
  Layer::set_trainable(trainable);
  for (const auto& layer : layers_) layer->set_trainable(trainable);
}

Context Bidirectional::part_of(const Context& context, int which) {
  Context part = context;
  part.dropout.part = static_cast<std::uint64_t>(which);
  return part;
}

Recurrent::Output Bidirectional::place_output(const Shape& x, int which) {
  const i64 batch = x[0];
  const i64 steps = x[1];
  if (in_place()) {
    const i64 width = units(0) + units(1);
    return {{y_.data() + (which == 0 ? 0 : units(0)), width, steps * width}, nullptr};
  }
  Tensor& half = halves_[which];
  if (!sequences()) {
    half.resize({batch, units(which)});
    return {{}, half.data()};
  }
  half.resize({batch, steps, units(which)});
  return {batch_major(half.data(), steps, units(which)), nullptr};
}

TensorList Bidirectional::run_forward_all(TensorList inputs, const Context& context) {
  require_inputs(inputs.size(), 1, any_number);
  const Tensor& x = *inputs[0];
  layers_[0]->check_input(x.shape());
  check_initial_count(inputs.size());
  const i64 batch = x.shape()[0];
  TensorList initial[2];
  for (int d = 0; d < 2 && inputs.size() > 1; ++d) {
    initial[d] = states_of(inputs.subspan(1), d);
    layers_[d]->check_initial(initial[d], batch);
  }
  if (merge_mode_ != MergeMode::none) {
    const i64 width = merge_mode_ == MergeMode::concat ? units(0) + units(1) : units(0);
    y_.resize(sequences() ? Shape{batch, x.shape()[1], width} : Shape{batch, width});
  }
  Job jobs[2];
  for (int d = 0; d < 2; ++d) {
    jobs[d] = layers_[d]->forward_job(
        x, Recurrent::Initial(initial[d]), part_of(context, d), place_output(x.shape(), d));
  }
  forward_both(jobs[0], jobs[1], context.training, context.execution);
  for (const auto& layer : layers_) layer->finish_forward(context);
  if (merge_mode_ == MergeMode::none) {
    outputs_ = {&halves_[0], &halves_[1]};
  } else {
    if (!in_place()) merge();
    outputs_.assign(1, &y_);
  }
  if (layers_[0]->recurrent_options().return_state) {
    for (const auto& layer : layers_)
      for (const Tensor& state : layer->final_states()) outputs_.push_back(&state);
  }
  return outputs_;
}

/// y from both directions' outputs.
void Bidirectional::merge() {
  const float* a = halves_[0].data();
  const float* b = halves_[1].data();
  float* y = y_.data();
  if (merge_mode_ == MergeMode::concat) {
    const i64 rows = y_.shape()[0];
    for (i64 row = 0; row < rows; ++row) {
      y = std::copy_n(a + row * units(0), units(0), y);
      y = std::copy_n(b + row * units(1), units(1), y);
    }
    return;
  }
  for (i64 i = 0; i < y_.size(); ++i) {
    y[i] = merge_mode_ == MergeMode::mul ? a[i] * b[i] : a[i] + b[i];
    if (merge_mode_ == MergeMode::ave) y[i] *= 0.5F;
  }
}

/// The gradients of both directions' outputs.
void Bidirectional::split(const Tensor& dy) {
  const float* d = dy.data();
  for (int which = 0; which < 2; ++which) {
    d_halves_[which].resize(halves_[which].shape());
    float* to = d_halves_[which].data();
    if (merge_mode_ == MergeMode::concat) {
      const i64 width = units(0) + units(1);
      for (i64 row = 0; row < dy.shape()[0]; ++row)
        to = std::copy_n(d + row * width + (which == 0 ? 0 : units(0)), units(which), to);
      continue;
    }
    const float* other = halves_[1 - which].data();
    for (i64 i = 0; i < dy.size(); ++i) {
      to[i] = merge_mode_ == MergeMode::mul   ? d[i] * other[i]
              : merge_mode_ == MergeMode::ave ? 0.5F * d[i]
                                              : d[i];
    }
  }
}

/// Where the gradient of a direction's output lies, as place_output; of no output where none reaches it.
Recurrent::OutputGradient Bidirectional::place_gradient(const Shape& x, TensorList d_outputs, int which) {
  Recurrent::OutputGradient gradient;
  const bool apart = merge_mode_ == MergeMode::none;
  const Tensor* d = d_outputs[apart ? static_cast<std::size_t>(which) : 0];
  const i64 steps = x[1];
  if (d != nullptr && in_place()) {
    const i64 width = units(0) + units(1);
    gradient.sequence = {d->data() + (which == 0 ? 0 : units(0)), width, steps * width};
  } else if (d != nullptr) {
    const float* half = apart ? d->data() : d_halves_[which].data();
    if (sequences()) {
      gradient.sequence = batch_major(half, steps, units(which));
    } else {
      gradient.last = half;
    }
  }
  if (d_outputs.size() == merged()) return gradient;
  const TensorList d_states = states_of(d_outputs.subspan(merged()), which);
  for (std::size_t k = 0; k < d_states.size(); ++k)
    if (d_states[k] != nullptr) gradient.states[k] = d_states[k]->data();
  return gradient;
}

TensorList Bidirectional::run_backward_all(TensorList inputs,
                                           TensorList d_outputs,
                                           std::span<const std::uint8_t> wanted,
                                           const Context& context) {
  const Tensor& x = *inputs[0];
  const bool want_dx = wanted[0] != 0;
  if (merge_mode_ != MergeMode::none && !in_place() && d_outputs[0] != nullptr) split(*d_outputs[0]);
  const bool want_states = std::ranges::any_of(wanted.subspan(1), [](std::uint8_t w) { return w != 0; });
  Job jobs[2];
  for (int d = 0; d < 2; ++d) {
    jobs[d] = layers_[d]->backward_job(
        x, place_gradient(x.shape(), d_outputs, d), {want_dx ? &dx_[d] : nullptr, want_states}, context);
  }
  backward_both(jobs[0], jobs[1], context.execution);
  for (const auto& layer : layers_) layer->take_gradients();
  for (i64 i = 0; want_dx && i < dx_[0].size(); ++i) dx_[0].data()[i] += dx_[1].data()[i];
  d_inputs_.assign(1, &dx_[0]);
  for (const auto& layer : layers_)
    for (const Tensor& d : layer->initial_gradients()) d_inputs_.push_back(&d);
  d_inputs_.resize(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (wanted[i] == 0) d_inputs_[i] = nullptr;
  return d_inputs_;
}

}  // namespace recurra

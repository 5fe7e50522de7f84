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
    : Layer(std::move(name)),
      layers_{direction(*forward_layer, "forward_"), direction(*backward_layer, "backward_")},
      merge_mode_(merge_mode) {
  const RecurrentOptions& a = layers_[0]->recurrent_options();
  const RecurrentOptions& b = layers_[1]->recurrent_options();
  const auto fail = [&](const char* expected, const std::string& actual) {
    throw Error(
        ErrorCode::invalid_argument, std::string(this->name()).append(".backward_layer"), expected, actual);
  };
  if (a.go_backwards == b.go_backwards) fail("the other direction", "go_backwards as of the forward layer");
  if (a.return_sequences != b.return_sequences)
    fail("return_sequences as of the forward layer", b.return_sequences ? "true" : "false");
  if (a.stateful != b.stateful) fail("stateful as of the forward layer", b.stateful ? "true" : "false");
  if (merge_mode != MergeMode::concat && a.units != b.units)
    fail(std::to_string(a.units).append(" units as the forward layer").c_str(), std::to_string(b.units));
}

nlohmann::json Bidirectional::config() const {
  nlohmann::json config = base_config();
  config["merge_mode"] = merge_modes[static_cast<std::size_t>(merge_mode_)];
  const auto add = [&](const char* key, const Recurrent& layer) {
    config[key] = {{"class_name", layer.type()}, {"config", layer.config()}};
  };
  add("layer", *layers_[0]);
  add("backward_layer", *layers_[1]);
  return config;
}

Shape Bidirectional::run_build(const Shape& input, Random& random) {
  const Shape one = layers_[0]->build(input, random);
  layers_[1]->build(input, random);
  const std::array prefixes = {"forward_layer/", "backward_layer/"};
  for (std::size_t d = 0; d < 2; ++d) {
    for (Parameter* parameter : layers_[d]->parameters()) parameter->name.insert(0, prefixes[d]);
  }
  Shape output = one;
  if (merge_mode_ == MergeMode::concat) output[output.rank() - 1] = units(0) + units(1);
  return output;
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

const Tensor& Bidirectional::run_forward(const Tensor& x, const Context& context) {
  layers_[0]->check_input(x.shape());
  const i64 batch = x.shape()[0];
  const i64 steps = x.shape()[1];
  const i64 width = merge_mode_ == MergeMode::concat ? units(0) + units(1) : units(0);
  y_.resize(sequences() ? Shape{batch, steps, width} : Shape{batch, width});
  Job jobs[2];
  for (int d = 0; d < 2; ++d) {
    Recurrent::Output output;
    if (in_place()) {
      output.sequence = {y_.data() + (d == 0 ? 0 : units(0)), width, steps * width};
    } else if (sequences()) {
      halves_[d].resize({batch, steps, units(d)});
      output.sequence = batch_major(halves_[d].data(), steps, units(d));
    } else {
      halves_[d].resize({batch, units(d)});
      output.last = halves_[d].data();
    }
    jobs[d] = layers_[d]->forward_job(x, {}, part_of(context, d), output);
  }
  forward_both(jobs[0], jobs[1], context.training, context.execution);
  for (const auto& layer : layers_) layer->finish_forward(context);
  if (!in_place()) merge();
  return y_;
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

const Tensor& Bidirectional::run_backward(const Tensor& x,
                                          const Tensor& dy,
                                          bool want_dx,
                                          const Context& context) {
  const i64 steps = x.shape()[1];
  const i64 width = units(0) + units(1);
  if (!in_place()) split(dy);
  Job jobs[2];
  for (int d = 0; d < 2; ++d) {
    Recurrent::OutputGradient gradient;
    if (in_place()) {
      gradient.sequence = {dy.data() + (d == 0 ? 0 : units(0)), width, steps * width};
    } else if (sequences()) {
      gradient.sequence = batch_major<const float>(d_halves_[d].data(), steps, units(d));
    } else {
      gradient.last = d_halves_[d].data();
    }
    jobs[d] = layers_[d]->backward_job(x, gradient, {want_dx ? &dx_[d] : nullptr, false}, context);
  }
  backward_both(jobs[0], jobs[1], context.execution);
  for (const auto& layer : layers_) layer->take_gradients();
  if (!want_dx) dx_[0].resize({0});
  for (i64 i = 0; want_dx && i < dx_[0].size(); ++i) dx_[0].data()[i] += dx_[1].data()[i];
  return dx_[0];
}

}  // namespace recurra

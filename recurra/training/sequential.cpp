#include "recurra/training/sequential.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

Sequential::Sequential(const ModelSpec& spec) : name_(spec.name) {
  for (const ModelSpec::LayerSpec& layer : spec.layers) add(make_layer(layer));
}

void Sequential::add(std::unique_ptr<Layer> layer) {
  if (built())
    throw Error(ErrorCode::invalid_argument, name_ + ".add", "a model not built yet", "a built one");
  const auto taken = [&](const std::string& name) {
    return std::ranges::any_of(layers_, [&](const auto& other) { return other->name() == name; });
  };
  const std::string base = layer->name();
  for (int number = 1; taken(layer->name()); ++number) layer->rename(base + "_" + std::to_string(number));
  layers_.push_back(std::move(layer));
}

void Sequential::build(const Shape& input, std::uint64_t seed) {
  if (layers_.empty()) throw Error(ErrorCode::invalid_argument, name_, "at least one layer", "none");
  if (built())
    throw Error(ErrorCode::invalid_argument, name_ + ".build", "a model not built yet", "a built one");
  Shape shape = input;
  std::vector<Shape> outputs;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Random random(seed, i + 1);  // a stream a layer: what one draws does not move the next
    shape = layers_[i]->build(shape, random);
    outputs.push_back(shape);
  }
  outputs_ = std::move(outputs);
  input_ = input;
  seed_ = seed;
  for (const auto& layer : layers_) {
    for (Parameter* parameter : layer->parameters()) {
      if (parameter->trainable) trainable_.push_back(parameter);
      // A layer that does not learn leaves its statistics, too.
      if (!parameter->trainable && layer->trainable())
        statistics_.push_back({parameter, Tensor(parameter->value.shape())});
    }
  }
}

void Sequential::compile(std::unique_ptr<Optimizer> optimizer,
                         std::unique_ptr<Loss> loss,
                         const std::vector<std::string>& metrics,
                         const std::vector<std::string>& weighted_metrics) {
  require_not_in_fit("compile");
  MetricOptions options;
  options.from_logits = loss != nullptr && loss->from_logits();
  metrics_ = MetricSet(metrics, weighted_metrics, options);
  if (resuming_ && resumed_optimizer_ == nullptr) resumed_optimizer_ = std::move(optimizer_);
  if (!resuming_) forget_run();  // the optimizer that it would go on with is gone
  optimizer_ = std::move(optimizer);
  loss_ = std::move(loss);
}

void Sequential::require_compiled() const {
  if (optimizer_ == nullptr || loss_ == nullptr) {
    throw Error(
        ErrorCode::invalid_argument, name_, "a compiled model: call compile first", "one not compiled");
  }
}

std::vector<Parameter*> Sequential::parameters() const {
  std::vector<Parameter*> all;
  for (const auto& layer : layers_) {
    const std::vector<Parameter*> own = layer->parameters();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

void Sequential::require_not_in_fit(const char* what) const {
  if (in_fit_)
    throw Error(ErrorCode::invalid_argument, name_ + "." + what, "a call outside fit", "one within");
}

void Sequential::weights_changed() {
  for (const auto& layer : layers_) layer->parameters_changed();
}

/// The weights are no longer those of a run that was stopped. One that runs goes on with what its hook made
/// of them.
void Sequential::forget_run() {
  if (in_fit_) return;
  run_.reset();
  resuming_ = false;
  resumed_optimizer_.reset();
}

void Sequential::parameters_changed() {
  weights_changed();
  forget_run();
}

void Sequential::reset_states() {
  for (const auto& layer : layers_)
    for (CarriedStates* carried : layer->carried_states()) carried->reset();
}

ModelSpec Sequential::spec() const {
  ModelSpec spec{name_, {}, {}};
  for (const auto& layer : layers_) spec.layers.push_back({layer->type(), layer->config().dump()});
  return spec;
}

std::vector<Tensor> Sequential::get_weights() const {
  std::vector<Tensor> weights;
  for (const Parameter* parameter : parameters()) weights.push_back(parameter->value);
  return weights;
}

void Sequential::set_weights(const std::vector<Tensor>& weights) {
  const std::vector<Parameter*> all = parameters();
  if (weights.size() != all.size()) {
    throw Error(ErrorCode::invalid_argument,
                name_ + ".set_weights",
                std::to_string(all.size()) + " weights",
                std::to_string(weights.size()));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string subject = "weights[" + std::to_string(i) + "] for " + all[i]->name;
    if (weights[i].dtype() != Dtype::f32)
      throw Error(ErrorCode::dtype, subject, "f32", std::string(name_of(weights[i].dtype())));
    if (weights[i].shape() != all[i]->value.shape()) {
      throw Error(ErrorCode::shape,
                  subject,
                  "shape " + all[i]->value.shape().to_string(),
                  weights[i].shape().to_string());
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    std::ranges::copy(weights[i].as<float>(), all[i]->value.data());
  parameters_changed();
}

Layer& Sequential::get_layer(const std::string& name) const {
  std::string names;
  for (const auto& layer : layers_) {
    if (layer->name() == name) return *layer;
    names.append(names.empty() ? "" : ", ").append(layer->name());
  }
  throw Error(ErrorCode::unsupported, name_ + ".get_layer", names, name);
}

i64 Sequential::count_params() const {
  if (!built()) {
    throw Error(ErrorCode::invalid_argument, name_ + ".count_params", "a built model", "one without weights");
  }
  i64 count = 0;
  for (const Parameter* parameter : parameters()) count += parameter->value.size();
  return count;
}

}  // namespace recurra

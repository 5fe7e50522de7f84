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
}

void Sequential::compile(std::unique_ptr<Optimizer> optimizer,
                         std::unique_ptr<Loss> loss,
                         const std::vector<std::string>& metrics) {
  std::vector<std::unique_ptr<Metric>> made;
  MetricOptions options;
  options.from_logits = loss != nullptr && loss->from_logits();
  for (const std::string& metric : metrics) made.push_back(make_metric(metric, options));
  optimizer_ = std::move(optimizer);
  loss_ = std::move(loss);
  metrics_ = std::move(made);
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

void Sequential::parameters_changed() {
  for (const auto& layer : layers_) layer->parameters_changed();
}

ModelSpec Sequential::spec() const {
  ModelSpec spec{name_, {}, {}};
  for (const auto& layer : layers_) spec.layers.push_back({layer->type(), layer->config().dump()});
  return spec;
}

Context Sequential::context_for(std::size_t layer, bool training) const {
  return {training,
          masks_[layer],
          {.seed = seed_, .layer = static_cast<std::uint64_t>(layer), .update = updates_done_},
          execution_};
}

const Tensor& Sequential::forward(const Tensor& x, std::span<const int> lengths, bool training) {
  if (!lengths.empty()) mask_.assign(lengths, x.shape()[1]);
  values_.assign(1, &x);
  masks_.assign(1, lengths.empty() ? nullptr : &mask_);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Context context = context_for(i, training);
    values_.push_back(&layers_[i]->forward(*values_.back(), context));
    masks_.push_back(layers_[i]->output_mask(context));
  }
  return *values_.back();
}

void Sequential::backward(const Tensor& x, const Tensor& dy) {
  values_[0] = &x;
  const Tensor* d = &dy;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    d = &layers_[i]->backward(*values_[i], *d, i > 0, context_for(i, true));
  }
}

double Sequential::penalty() const {
  double sum = 0;
  for (const auto& layer : layers_) sum += layer->penalty();
  return sum;
}

std::vector<Parameter*> Sequential::regularized() const {
  std::vector<Parameter*> trainable = parameters();
  std::erase_if(trainable, [](const Parameter* parameter) { return !parameter->trainable; });
  for (Parameter* parameter : trainable) {
    if (parameter->regularizer == nullptr) continue;
    parameter->regularizer->add_gradient(parameter->value, 1.0, parameter->gradient);
  }
  return trainable;
}

Tensor Sequential::predict(const Tensor& x, std::span<const int> lengths, i64 batch_size) {
  if (x.shape().rank() < 2)
    throw Error(ErrorCode::shape, "x", "(examples, ..., features)", x.shape().to_string());
  if (batch_size < 1) {
    throw Error(ErrorCode::invalid_argument, "batch_size", "from 1 up", std::to_string(batch_size));
  }
  if (!built())
    throw Error(ErrorCode::invalid_argument, name_ + ".predict", "a built model", "one without weights");
  const Examples examples{x, Tensor({x.shape()[0]}), {lengths.begin(), lengths.end()}};
  check_examples(examples, "predict");
  std::vector<i64> extents = outputs_.back().extents();
  if (extents.size() > 1 && extents[0] == any_extent) extents[0] = x.shape()[1];
  extents.insert(extents.begin(), x.shape()[0]);
  Tensor result{Shape(extents)};
  Batch batch;
  std::vector<int> rows;
  for (i64 first = 0; first < x.shape()[0]; first += batch_size) {
    rows.clear();
    for (i64 row = first; row < std::min(first + batch_size, x.shape()[0]); ++row)
      rows.push_back(static_cast<int>(row));
    batch.gather(examples, rows, execution_);
    const Tensor& y = forward(batch.x, batch.lengths, false);
    std::copy_n(y.data(), y.size(), result.data() + first * (result.size() / std::max<i64>(x.shape()[0], 1)));
  }
  return result;
}

}  // namespace recurra

#include "recurra/layers/graph.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/graph_call.h"
#include "recurra/layers/model_spec.h"

namespace recurra {

namespace {

std::shared_ptr<const GraphCall> input_call(const Shape& shape, const InputOptions& options) {
  for (const i64 extent : shape.extents()) {
    if (extent < 1 && extent != any_extent)
      throw Error(ErrorCode::shape, options.name, "extents from 1 up, or any_extent", shape.to_string());
  }
  if (options.dtype && options.dtype != Dtype::f32 && options.dtype != Dtype::i32)
    throw Error(ErrorCode::dtype, options.name, "f32 or i32", std::string(name_of(*options.dtype)));
  return std::make_shared<GraphCall>(GraphCall{nullptr, {}, {shape}, options});
}

std::vector<Shape> shapes_of(const std::vector<Parameter*>& parameters) {
  std::vector<Shape> shapes;
  for (const Parameter* parameter : parameters) shapes.push_back(parameter->value.shape());
  return shapes;
}

/// What the layer gives for other inputs than it is built for: a copy of it is built for these.
std::vector<Shape> outputs_of_copy(Layer& layer, const std::vector<Shape>& inputs) {
  const std::unique_ptr<Layer> copy = make_layer({layer.type(), layer.config().dump()});
  Random random(0);
  std::vector<Shape> outputs = copy->build(inputs, random);
  const std::vector<Shape> have = shapes_of(layer.parameters());
  const std::vector<Shape> need = shapes_of(copy->parameters());
  for (std::size_t i = 0; i < have.size(); ++i) {
    if (have[i] == need.at(i)) continue;
    throw Error(ErrorCode::shape,
                layer.name() + "/" + layer.parameters()[i]->name,
                have[i].to_string() + ", the layer's, for this input, too",
                need[i].to_string());
  }
  return outputs;
}

}  // namespace

const Shape& SymbolicTensor::shape() const noexcept {
  return call_->outputs[output_];
}

const std::string& SymbolicTensor::name() const noexcept {
  return call_->layer != nullptr ? call_->layer->layer->name() : call_->input.name;
}

Input::Input(const Shape& shape, const InputOptions& options)
    : SymbolicTensor(input_call(shape, options), 0) {}

GraphLayer::GraphLayer(std::unique_ptr<Layer> layer)
    : shared_(std::make_shared<SharedLayer>(SharedLayer{std::move(layer)})) {}

Layer& GraphLayer::layer() const noexcept {
  return *shared_->layer;
}

std::vector<SymbolicTensor> GraphLayer::outputs(std::span<const SymbolicTensor> inputs) const {
  GraphCall call{shared_, {inputs.begin(), inputs.end()}};
  std::vector<Shape> shapes;
  for (const SymbolicTensor& input : inputs) shapes.push_back(input.shape());
  if (shared_->outputs.empty()) {
    Random random(0);
    shared_->outputs = shared_->layer->build(shapes, random);
    shared_->inputs = shapes;
  }
  call.outputs = shapes == shared_->inputs ? shared_->outputs : outputs_of_copy(layer(), shapes);
  const auto made = std::make_shared<const GraphCall>(std::move(call));
  std::vector<SymbolicTensor> outputs;
  for (std::size_t i = 0; i < made->outputs.size(); ++i) outputs.emplace_back(made, i);
  return outputs;
}

std::vector<SymbolicTensor> GraphLayer::outputs(std::initializer_list<SymbolicTensor> inputs) const {
  return outputs(std::span(inputs.begin(), inputs.size()));
}

std::vector<SymbolicTensor> GraphLayer::outputs(const SymbolicTensor& input) const {
  return outputs(std::span(&input, 1));
}

SymbolicTensor GraphLayer::operator()(std::span<const SymbolicTensor> inputs) const {
  std::vector<SymbolicTensor> all = outputs(inputs);
  if (all.size() == 1) return all[0];
  throw Error(
      ErrorCode::invalid_argument, layer().name(), "a layer of one output", std::to_string(all.size()));
}

SymbolicTensor GraphLayer::operator()(std::initializer_list<SymbolicTensor> inputs) const {
  return (*this)(std::span(inputs.begin(), inputs.size()));
}

SymbolicTensor GraphLayer::operator()(const SymbolicTensor& input) const {
  return (*this)(std::span(&input, 1));
}

}  // namespace recurra

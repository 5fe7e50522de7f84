#include "recurra/training/sequential.h"

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

Sequential::Sequential(const ModelSpec& spec) : TrainableModel(spec.name) {
  for (const ModelSpec::LayerSpec& layer : spec.layers) add(make_layer(layer));
}

void Sequential::add(std::unique_ptr<Layer> layer) {
  if (built())
    throw Error(ErrorCode::invalid_argument, name() + ".add", "a model not built yet", "a built one");
  append(std::move(layer));
}

void Sequential::build(const Shape& input, std::uint64_t seed) {
  if (layers().empty()) throw Error(ErrorCode::invalid_argument, name(), "at least one layer", "none");
  if (built())
    throw Error(ErrorCode::invalid_argument, name() + ".build", "a model not built yet", "a built one");
  Shape shape = input;
  std::vector<Shape> outputs;
  for (std::size_t i = 0; i < layers().size(); ++i) {
    Random random(seed, i + 1);  // a stream a layer: what one draws does not move the next
    shape = layers()[i]->build(shape, random);
    outputs.push_back(shape);
  }
  set_graph(GraphPlan::chain(input, layers(), outputs), seed);
}

void Sequential::build_for_shape(const Shape& input, std::uint64_t seed) {
  if (!built()) build(input, seed);
}

void Sequential::check_model_inputs(const BatchView& batch) const {
  if (batch.more_x.empty()) return;
  throw Error(ErrorCode::invalid_argument,
              "batch.more_x",
              "one input, x",
              std::to_string(batch.more_x.size()) + " more");
}

ModelSpec Sequential::spec() const {
  ModelSpec spec{name(), {}, {}};
  for (const auto& layer : layers()) spec.layers.push_back({layer->type(), layer->config().dump()});
  return spec;
}

}  // namespace recurra

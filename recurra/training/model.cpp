#include "recurra/training/model.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

void require_one_call_of_stateful(const GraphPlan& plan) {
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    if (plan.calls_of(i) == 1 || !plan.layers[i]->stateful()) continue;
    throw Error(ErrorCode::unsupported,
                plan.layers[i]->name(),
                "stateful layers that are called once",
                std::to_string(plan.calls_of(i)) + " calls");
  }
}

/// `name`, or with the first number that is not taken.
std::string free_name(const std::string& name, const std::vector<std::string>& taken) {
  std::string free = name;
  for (int number = 1; std::ranges::find(taken, free) != taken.end(); ++number)
    free = name + "_" + std::to_string(number);
  return free;
}

/// Layers of other models keep their names; the others, and the inputs, take what is free.
void give_names(const std::string& model,
                GraphPlan& plan,
                const std::vector<std::shared_ptr<SharedLayer>>& shared) {
  std::vector<std::string> taken;
  for (const auto& layer : shared) {
    if (!layer->owned) continue;
    const std::string& name = layer->layer->name();
    if (std::ranges::find(taken, name) != taken.end())
      throw Error(
          ErrorCode::invalid_argument, model, "layers of other models with different names", "two " + name);
    taken.push_back(name);
  }
  for (GraphPlan::Input& input : plan.inputs) {
    input.name = free_name(input.name, taken);
    taken.push_back(input.name);
  }
  for (const auto& layer : shared) {
    if (layer->owned) continue;
    layer->layer->rename(free_name(layer->layer->name(), taken));
    taken.push_back(layer->layer->name());
  }
}

/// Of those that no other model has drawn.
void draw_weights(const std::vector<std::shared_ptr<SharedLayer>>& shared, std::uint64_t seed) {
  for (std::size_t i = 0; i < shared.size(); ++i) {
    if (shared[i]->owned) continue;
    Random random(seed, i + 1);  // as in a Sequential
    static_cast<void>(shared[i]->layer->build(shared[i]->inputs, random));
    shared[i]->owned = true;
  }
}

bool fits(const Shape& declared, const Shape& actual) {
  if (actual.rank() != declared.rank() + 1) return false;
  for (int axis = 0; axis < declared.rank(); ++axis) {
    if (declared[axis] != any_extent && declared[axis] != actual[axis + 1]) return false;
  }
  return true;
}

std::string text_of(const Shape& declared) {
  std::string text = "(batch";
  for (const i64 extent : declared.extents())
    text.append(", ").append(extent == any_extent ? "any" : std::to_string(extent));
  return text.append(")");
}

}  // namespace

Model::Model(const std::vector<SymbolicTensor>& inputs,
             const std::vector<SymbolicTensor>& outputs,
             std::string name,
             std::uint64_t seed)
    : TrainableModel(std::move(name)) {
  std::vector<std::shared_ptr<SharedLayer>> shared;
  GraphPlan plan = GraphPlan::between(this->name(), inputs, outputs, shared);
  require_one_call_of_stateful(plan);
  give_names(this->name(), plan, shared);
  draw_weights(shared, seed);
  for (const auto& layer : plan.layers) append(layer);
  std::vector<std::string> names;
  for (const SymbolicTensor& output : outputs) names.push_back(free_name(output.name(), names));
  set_graph(std::move(plan), seed, std::move(names));
}

void Model::compile(std::unique_ptr<Optimizer> optimizer, std::vector<OutputLoss> outputs) {
  compile_outputs(std::move(optimizer), std::move(outputs));
}

std::vector<std::string> Model::input_names() const {
  std::vector<std::string> names;
  for (const GraphPlan::Input& input : plan().inputs) names.push_back(input.name);
  return names;
}

void Model::build_for_shape(const Shape& input, std::uint64_t seed) {
  static_cast<void>(input);
  static_cast<void>(seed);
}

void Model::check_model_inputs(const BatchView& batch) const {
  const std::vector<GraphPlan::Input>& inputs = plan().inputs;
  if (batch.more_x.size() + 1 != inputs.size()) {
    throw Error(ErrorCode::invalid_argument,
                "batch.more_x",
                std::to_string(inputs.size() - 1) + " further inputs",
                std::to_string(batch.more_x.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& x = i == 0 ? *batch.x : batch.more_x[i - 1];
    if (!fits(inputs[i].shape, x.shape()))
      throw Error(ErrorCode::shape, inputs[i].name, text_of(inputs[i].shape), x.shape().to_string());
    if (inputs[i].dtype && *inputs[i].dtype != x.dtype()) {
      throw Error(ErrorCode::dtype,
                  inputs[i].name,
                  std::string(name_of(*inputs[i].dtype)),
                  std::string(name_of(x.dtype())));
    }
  }
}

nlohmann::json Model::architecture() const {
  throw Error(ErrorCode::unsupported, name() + ".save", "model files of a Sequential", "a Model");
}

}  // namespace recurra

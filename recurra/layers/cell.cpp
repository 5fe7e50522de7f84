#include "recurra/layers/cell.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

Shape with_batch(i64 batch, const Shape& shape) {
  std::vector<i64> extents = shape.extents();
  extents.insert(extents.begin(), batch);
  return Shape(std::move(extents));
}

void check_count(const std::string& subject, std::size_t expected, std::size_t actual) {
  if (actual != expected) {
    throw Error(ErrorCode::invalid_argument, subject, std::to_string(expected), std::to_string(actual));
  }
}

// Each of `variables` is (batch, …) of its shape.
void check_shapes(const std::string& subject,
                  const Variables& variables,
                  i64 batch,
                  const std::vector<Shape>& shapes) {
  check_count(subject, shapes.size(), variables.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::vector<i64>& actual = variables[i].shape().extents();
    const std::vector<i64>& own = shapes[i].extents();
    if (actual.size() == own.size() + 1 && actual[0] == batch &&
        std::equal(own.begin(), own.end(), actual.begin() + 1))
      continue;
    throw Error(ErrorCode::shape,
                subject + "[" + std::to_string(i) + "]",
                "shape " + with_batch(batch, shapes[i]).to_string(),
                variables[i].shape().to_string());
  }
}

}  // namespace

nlohmann::json Cell::config() const {
  return {{"name", name_}, {"trainable", trainable_}};
}

std::vector<Shape> Cell::output_shapes() const {
  return {state_shapes().at(0)};
}

std::vector<Tensor> Cell::initial_states(i64 batch) const {
  std::vector<Tensor> states;
  for (const Shape& shape : state_shapes()) states.emplace_back(with_batch(batch, shape));
  return states;
}

void Cell::build(std::span<const Shape> inputs, Random& random) {
  check_count(name_ + ".inputs", this->inputs(), inputs.size());
  built_ = false;
  weights_.clear();
  random_ = &random;
  run_build(inputs);
  random_ = nullptr;
  changed_ = false;
  built_ = true;
}

void Cell::begin_sequence(i64 batch, const Context& context) {
  static_cast<void>(batch);
  static_cast<void>(context);
}

CellStep Cell::step(const Variables& inputs, const Variables& states, const Context& context) {
  if (!built_)
    throw Error(ErrorCode::invalid_argument, name_ + ".step", "a cell that is built", "one that is not");
  check_count(name_ + ".inputs", this->inputs(), inputs.size());
  const i64 batch = inputs[0].shape().rank() > 0 ? inputs[0].shape()[0] : 0;
  check_shapes(name_ + ".states", states, batch, state_shapes());
  if (changed_) refresh();
  CellStep made = run_step(inputs, states, context);
  check_shapes(name_ + ".step: outputs", made.outputs, batch, output_shapes());
  check_shapes(name_ + ".step: states", made.states, batch, state_shapes());
  return made;
}

std::vector<Parameter*> Cell::parameters() {
  std::vector<Parameter*> all;
  for (const Weight& weight : weights_) all.push_back(weight.parameter);
  return all;
}

void Cell::take_gradients() {
  for (const Weight& weight : weights_) {
    if (!weight.parameter->trainable) continue;
    if (weight.variable.has_gradient()) {
      weight.parameter->gradient = weight.variable.take_gradient();
    } else {
      std::ranges::fill(weight.parameter->gradient.as<float>(), 0.0F);
    }
  }
}

autograd::Variable Cell::add_weight(std::string name, const Shape& shape, const WeightOptions& options) {
  if (random_ == nullptr)
    throw Error(ErrorCode::invalid_argument, name_ + ".add_weight", "a call by run_build", "another");
  weights_.push_back(
      {std::make_unique<Parameter>(make_weight(std::move(name), shape, options, trainable_, *random_)),
       nullptr,
       {}});
  Weight& weight = weights_.back();
  weight.parameter = weight.own.get();
  weight.variable =
      autograd::Variable(weight.parameter->value, trainable_, name_ + "." + weight.parameter->name);
  return weight.variable;
}

autograd::Variable Cell::share_weight(Parameter& parameter) {
  weights_.push_back(
      {nullptr,
       &parameter,
       autograd::Variable(parameter.value, parameter.trainable, name_ + "." + parameter.name)});
  return weights_.back().variable;
}

void Cell::refresh() {
  for (const Weight& weight : weights_) {
    const Tensor& value = weight.parameter->value;
    std::copy_n(value.data(), value.size(), weight.variable.edit().data());
  }
  changed_ = false;
}

}  // namespace recurra

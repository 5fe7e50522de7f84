#include "recurra/layers/layer.h"

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/input_mask.h"

namespace recurra {

namespace {

void require_dtype(bool fits, const std::string& subject, const Tensor& tensor) {
  if (fits) return;
  throw Error(
      ErrorCode::dtype, subject, std::string(name_of(Dtype::f32)), std::string(name_of(tensor.dtype())));
}

void require_shape(const std::string& subject, const Shape& expected, const Shape& actual) {
  if (actual != expected)
    throw Error(ErrorCode::shape, subject, "shape " + expected.to_string(), actual.to_string());
}

}  // namespace

Parameter make_weight(
    std::string name, const Shape& shape, const WeightOptions& options, bool trainable, Random& random) {
  Parameter parameter{std::move(name), Tensor(shape), Tensor(), trainable};
  if (trainable) parameter.gradient = Tensor(shape);
  initialize(options.initializer, parameter.value, random);
  parameter.regularizer = options.regularizer;
  parameter.constraint = options.constraint;
  if (options.constraint != nullptr) {
    Tensor probe(shape);  // one that does not fit the shape says so now, not after the first update
    options.constraint->apply(probe);
  }
  return parameter;
}

std::string Layer::subject_of(const char* list, std::size_t index, std::size_t count) const {
  std::string subject = name_ + "." + list;
  return count == 1 ? subject : subject + "s[" + std::to_string(index) + "]";
}

void Layer::require_inputs(std::size_t actual, std::size_t least, std::size_t most) const {
  if (actual >= least && actual <= most) return;
  std::string expected = std::to_string(least);
  if (most == any_number) {
    expected += " or more";
  } else if (most > least) {
    expected += " to " + std::to_string(most);
  }
  throw Error(ErrorCode::invalid_argument, name_ + ".inputs", expected, std::to_string(actual));
}

Shape Layer::build(const Shape& input, Random& random) {
  const std::vector<Shape> outputs = build(std::span(&input, 1), random);
  if (outputs.size() == 1) return outputs[0];
  throw Error(ErrorCode::invalid_argument, name_, "a layer of one output", std::to_string(outputs.size()));
}

std::vector<Shape> Layer::build(std::span<const Shape> inputs, Random& random) {
  trained_ = false;
  return run_build_all(inputs, random);
}

/// Numbers, elements and masks; shapes are for the layer to look at.
void Layer::check_inputs(TensorList inputs, const Context& context) const {
  if (!context.masks.empty() && context.masks.size() != inputs.size()) {
    throw Error(ErrorCode::invalid_argument,
                name_ + ".masks",
                std::to_string(inputs.size()) + ", one an input",
                std::to_string(context.masks.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    // No text is made without need.
    if (!takes(inputs[i]->dtype())) require_dtype(false, subject_of("input", i, inputs.size()), *inputs[i]);
    const StepMask* mask = mask_of(context, i);
    if (mask == nullptr) continue;
    const Shape& x = inputs[i]->shape();
    const std::string subject = subject_of("mask", i, inputs.size());
    if (x.rank() < 2) throw Error(ErrorCode::shape, subject, "none for an input without steps", "one");
    require_shape(subject, {x[0], x[1]}, {mask->batch(), mask->steps()});
  }
}

const Tensor& Layer::forward(const Tensor& x, const Context& context) {
  const Tensor* input = &x;
  const TensorList outputs = forward(TensorList(&input, 1), context);
  if (outputs.size() == 1) return *outputs[0];
  throw Error(ErrorCode::invalid_argument, name_, "a layer of one output", std::to_string(outputs.size()));
}

TensorList Layer::forward(TensorList inputs, const Context& context) {
  check_inputs(inputs, context);
  trained_ = false;
  const TensorList outputs = run_forward_all(inputs, context);
  input_shapes_.resize(inputs.size());
  masks_of_.resize(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    input_shapes_[i] = inputs[i]->shape();
    masks_of_[i] = mask_of(context, i);
  }
  output_shapes_.resize(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) output_shapes_[i] = outputs[i]->shape();
  trained_ = context.training;
  return outputs;
}

const Tensor& Layer::backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) {
  static const Tensor none(Shape{0});
  const Tensor* input = &x;
  const Tensor* gradient = &dy;
  const std::uint8_t wanted = want_dx ? 1 : 0;
  const TensorList dx = backward(TensorList(&input, 1), TensorList(&gradient, 1), {&wanted, 1}, context);
  return dx[0] != nullptr ? *dx[0] : none;
}

TensorList Layer::backward(TensorList inputs,
                           TensorList d_outputs,
                           std::span<const std::uint8_t> wanted,
                           const Context& context) {
  if (!trained_)
    throw Error(ErrorCode::invalid_argument, name_ + ".backward", "a training forward before", "none");
  if (!context.training)
    throw Error(ErrorCode::invalid_argument, name_ + ".backward", "a training context", "one of inference");
  const auto require_count = [&](const char* what, std::size_t expected, std::size_t actual) {
    if (actual == expected) return;
    throw Error(ErrorCode::invalid_argument,
                name_ + "." + what,
                std::to_string(expected) + " as forward had",
                std::to_string(actual));
  };
  require_count("inputs", input_shapes_.size(), inputs.size());
  require_count("wanted", input_shapes_.size(), wanted.size());
  require_count("d_outputs", output_shapes_.size(), d_outputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string subject = subject_of("input", i, inputs.size());
    require_dtype(takes(inputs[i]->dtype()), subject, *inputs[i]);
    require_shape(subject, input_shapes_[i], inputs[i]->shape());
  }
  check_inputs(inputs, context);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool before = masks_of_[i] != nullptr;
    if (before == (mask_of(context, i) != nullptr)) continue;
    throw Error(ErrorCode::invalid_argument,
                subject_of("mask", i, inputs.size()),
                before ? "one as forward had" : "none as forward had",
                before ? "none" : "one");
  }
  for (std::size_t i = 0; i < d_outputs.size(); ++i) {
    if (d_outputs[i] == nullptr) continue;
    const std::string subject =
        d_outputs.size() == 1 ? name_ + ".dy" : subject_of("d_output", i, d_outputs.size());
    require_dtype(d_outputs[i]->dtype() == Dtype::f32, subject, *d_outputs[i]);
    require_shape(subject, output_shapes_[i], d_outputs[i]->shape());
  }
  if (std::ranges::all_of(d_outputs, [](const Tensor* d) { return d == nullptr; }))
    throw Error(ErrorCode::invalid_argument, name_ + ".d_outputs", "a gradient of some output", "none");
  return run_backward_all(inputs, d_outputs, wanted, context);
}

std::vector<Shape> Layer::run_build_all(std::span<const Shape> inputs, Random& random) {
  require_inputs(inputs.size(), 1, 1);
  return {run_build(inputs[0], random)};
}

TensorList Layer::run_forward_all(TensorList inputs, const Context& context) {
  require_inputs(inputs.size(), 1, 1);
  one_output_ = &run_forward(*inputs[0], context);
  return {&one_output_, 1};
}

TensorList Layer::run_backward_all(TensorList inputs,
                                   TensorList d_outputs,
                                   std::span<const std::uint8_t> wanted,
                                   const Context& context) {
  const Tensor& dx = run_backward(*inputs[0], *d_outputs[0], wanted[0] != 0, context);
  one_gradient_ = wanted[0] != 0 ? &dx : nullptr;
  return {&one_gradient_, 1};
}

Shape GeneralLayer::run_build(const Shape& input, Random& random) {
  return run_build_all({&input, 1}, random).at(0);
}

const Tensor& GeneralLayer::run_forward(const Tensor& x, const Context& context) {
  const Tensor* input = &x;
  return *run_forward_all({&input, 1}, context)[0];
}

const Tensor& GeneralLayer::run_backward(const Tensor& x,
                                         const Tensor& dy,
                                         bool want_dx,
                                         const Context& context) {
  const Tensor* input = &x;
  const Tensor* gradient = &dy;
  const std::uint8_t wanted = want_dx ? 1 : 0;
  const Tensor* dx = run_backward_all({&input, 1}, {&gradient, 1}, {&wanted, 1}, context)[0];
  return dx != nullptr ? *dx : none_;
}

double Layer::penalty() {
  double sum = activity_.value();
  for (const Parameter* parameter : parameters()) {
    if (parameter->trainable && parameter->regularizer != nullptr)
      sum += parameter->regularizer->value(parameter->value);
  }
  return sum;
}

std::vector<CarriedStates*> Layer::require_carried(const char* what) {
  std::vector<CarriedStates*> carried = carried_states();
  if (!carried.empty()) return carried;
  const bool can = stateful();
  throw Error(ErrorCode::invalid_argument,
              name_ + "." + what,
              can ? "a built layer" : "a stateful layer",
              can ? "one without weights" : "one that is not");
}

std::vector<Tensor> Layer::states() {
  std::vector<Tensor> all;
  for (const CarriedStates* carried : require_carried("states")) {
    for (const Tensor& state : carried->states())
      if (state.shape() != Shape{0}) all.push_back(state);
  }
  return all;
}

void Layer::set_states(const std::vector<Tensor>& states) {
  const std::vector<CarriedStates*> carried = require_carried("set_states");
  std::vector<const Tensor*> given;
  for (const Tensor& state : states) given.push_back(&state);
  const bool has_rows = !states.empty() && states[0].shape().rank() > 0;
  const i64 batch = has_rows ? states[0].shape()[0] : 0;  // the first says how many
  std::vector<Shape> expected;
  for (const CarriedStates* one : carried) {
    const std::vector<Shape> own = one->shapes(batch);
    expected.insert(expected.end(), own.begin(), own.end());
  }
  check_states(given, expected, name_ + ".states");
  std::span<const Tensor> rest = states;
  for (CarriedStates* one : carried) {
    one->set(rest.first(one->count()));
    rest = rest.subspan(one->count());
  }
}

void Layer::reset_states() {
  for (CarriedStates* carried : require_carried("reset_states")) carried->reset();
}

Parameter Layer::make_parameter(std::string name,
                                const Shape& shape,
                                const WeightOptions& options,
                                Random& random) const {
  return make_weight(std::move(name), shape, options, trainable(), random);
}

nlohmann::json Layer::base_config() const {
  return {{"name", name_}, {"trainable", trainable_}};
}

}  // namespace recurra

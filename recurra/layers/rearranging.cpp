#include "recurra/layers/rearranging.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/autograd/shapes.h"
#include "recurra/base/error.h"

namespace recurra {

using autograd::Variable;

namespace {

std::vector<i64> behind_batch(const Shape& shape) {
  return {shape.extents().begin() + 1, shape.extents().end()};
}

[[noreturn]] void fail_for_input(const std::string& name, const std::string& expected, const Shape& actual) {
  throw Error(ErrorCode::shape, name + ".input", expected, actual.to_string());
}

std::string text_of(const std::vector<i64>& numbers) {
  return Shape(numbers).to_string();
}

}  // namespace

RepeatVector::RepeatVector(i64 n, std::string name) : FunctionLayer(std::move(name)), n_(n) {
  if (n < 1) throw Error(ErrorCode::invalid_argument, "n", "from 1 up", std::to_string(n));
}

nlohmann::json RepeatVector::config() const {
  nlohmann::json config = base_config();
  config["n"] = n_;
  return config;
}

std::vector<Shape> RepeatVector::build_function(std::span<const Shape> inputs, Random& random) {
  static_cast<void>(random);
  require_inputs(inputs.size(), 1, 1);
  if (inputs[0].rank() != 1) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, features)", "(batch, ...) with " + inputs[0].to_string());
  }
  return {Shape{n_, inputs[0][0]}};
}

std::vector<Variable> RepeatVector::apply(std::span<const Variable> inputs,
                                          std::span<const Variable> weights,
                                          const Context& context) {
  static_cast<void>(weights);
  static_cast<void>(context);
  require_inputs(inputs.size(), 1, 1);
  const Shape& shape = inputs[0].shape();
  if (shape.rank() != 2) fail_for_input(name(), "(batch, features)", shape);
  return {autograd::broadcast_to(autograd::expand(inputs[0], 1), {shape[0], n_, shape[1]})};
}

Reshape::Reshape(const Shape& target, std::string name) : FunctionLayer(std::move(name)), target_(target) {
  int free = 0;
  for (const i64 extent : target.extents()) {
    if (extent == -1) ++free;
    if ((extent < 1 && extent != -1) || free > 1) {
      throw Error(ErrorCode::invalid_argument,
                  "target_shape",
                  "extents from 1 up, one of -1 at most",
                  target.to_string());
    }
  }
}

nlohmann::json Reshape::config() const {
  nlohmann::json config = base_config();
  config["target_shape"] = target_.extents();
  return config;
}

/// The target for rows of this shape, all of whose extents are known.
Shape Reshape::target_for(const Shape& row) const {
  Shape target = target_;
  i64 known = 1;
  for (const i64 extent : target.extents())
    known = extent < 0 ? known : checked_multiply(known, extent, "target_shape");
  const i64 elements = row.elements();
  const auto free = std::ranges::find(target.extents(), -1);
  if (free != target.extents().end() && elements % known == 0)
    target[static_cast<int>(free - target.extents().begin())] = elements / known;
  const bool whole = std::ranges::find(target.extents(), -1) == target.extents().end();
  if (whole && target.elements() == elements) return target;
  throw Error(ErrorCode::shape,
              name() + ".input",
              "as many elements as " + target_.to_string(),
              "(batch, ...) with " + row.to_string());
}

std::vector<Shape> Reshape::build_function(std::span<const Shape> inputs, Random& random) {
  static_cast<void>(random);
  require_inputs(inputs.size(), 1, 1);
  const bool known = std::ranges::find(inputs[0].extents(), any_extent) == inputs[0].extents().end();
  return {known ? target_for(inputs[0]) : target_};
}

std::vector<Variable> Reshape::apply(std::span<const Variable> inputs,
                                     std::span<const Variable> weights,
                                     const Context& context) {
  static_cast<void>(weights);
  static_cast<void>(context);
  require_inputs(inputs.size(), 1, 1);
  const Shape& shape = inputs[0].shape();
  if (shape.rank() < 1) fail_for_input(name(), "(batch, ...)", shape);
  std::vector<i64> extents = target_for(Shape(behind_batch(shape))).extents();
  extents.insert(extents.begin(), shape[0]);
  return {autograd::reshape(inputs[0], Shape(std::move(extents)))};
}

Permute::Permute(std::vector<i64> dims, std::string name)
    : FunctionLayer(std::move(name)), dims_(std::move(dims)) {
  std::vector<i64> sorted = dims_;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] == static_cast<i64>(i) + 1) continue;
    throw Error(ErrorCode::invalid_argument,
                "dims",
                "each axis from 1 to " + std::to_string(sorted.size()) + " once",
                text_of(dims_));
  }
}

nlohmann::json Permute::config() const {
  nlohmann::json config = base_config();
  config["dims"] = dims_;
  return config;
}

std::vector<Shape> Permute::build_function(std::span<const Shape> inputs, Random& random) {
  static_cast<void>(random);
  require_inputs(inputs.size(), 1, 1);
  if (inputs[0].rank() != static_cast<int>(dims_.size())) {
    throw Error(ErrorCode::shape,
                name(),
                "input of the axes " + text_of(dims_) + " behind the batch's",
                "(batch, ...) with " + inputs[0].to_string());
  }
  Shape output = inputs[0];
  for (std::size_t k = 0; k < dims_.size(); ++k)
    output[static_cast<int>(k)] = inputs[0][static_cast<int>(dims_[k]) - 1];
  return {output};
}

std::vector<Variable> Permute::apply(std::span<const Variable> inputs,
                                     std::span<const Variable> weights,
                                     const Context& context) {
  static_cast<void>(weights);
  static_cast<void>(context);
  require_inputs(inputs.size(), 1, 1);
  if (inputs[0].shape().rank() != static_cast<int>(dims_.size()) + 1) {
    fail_for_input(
        name(), "(batch, ...) with " + std::to_string(dims_.size()) + " axes more", inputs[0].shape());
  }
  std::vector<int> axes = {0};
  for (const i64 dim : dims_) axes.push_back(static_cast<int>(dim));
  return {autograd::permute(inputs[0], axes)};
}

}  // namespace recurra

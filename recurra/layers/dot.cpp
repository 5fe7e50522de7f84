#include "recurra/layers/dot.h"

#include <nlohmann/json.hpp>

#include "recurra/autograd/arithmetic.h"
#include "recurra/autograd/math.h"
#include "recurra/autograd/matmul.h"
#include "recurra/autograd/reduce.h"
#include "recurra/autograd/shapes.h"
#include "recurra/base/error.h"

namespace recurra {

using autograd::Variable;

namespace {

// Keras's epsilon, squared: what a vector's squared length is at least.
constexpr float least_square = 1e-14F;

Shape with_batch(const Shape& shape) {
  std::vector<i64> extents = shape.extents();
  extents.insert(extents.begin(), any_extent);
  return Shape(std::move(extents));
}

/// Letters of the axes behind the batch's, from `first`; the summed one is z.
std::string letters(int rank, int summed, char first) {
  std::string text;
  for (int axis = 1; axis < rank; ++axis) {
    text += axis == summed ? 'z' : first;
    ++first;
  }
  return text;
}

std::string without_z(std::string text) {
  std::erase(text, 'z');
  return text;
}

Variable normalized(const Variable& x, int axis) {
  const Variable square = autograd::sum(autograd::square(x), {.axes = {axis}, .keepdims = true});
  return x / autograd::sqrt(autograd::maximum(square, autograd::scalar(least_square)));
}

}  // namespace

Dot::Dot(const DotOptions& options, std::string name) : FunctionLayer(std::move(name)), options_(options) {
  for (const i64 axis : options.axes)
    if (axis == 0) throw Error(ErrorCode::invalid_argument, "axes", "axes behind the batch's", "0");
}

nlohmann::json Dot::config() const {
  nlohmann::json config = base_config();
  config["axes"] = options_.axes;
  config["normalize"] = options_.normalize;
  return config;
}

/// The places of the axes, of shapes with the batch axis.
std::array<int, 2> Dot::axes_for(const Shape& a, const Shape& b) const {
  std::array<int, 2> places{};
  const std::array shapes = {&a, &b};
  for (std::size_t i = 0; i < 2; ++i) {
    const i64 asked = options_.axes[i];
    const int rank = shapes[i]->rank();
    const i64 axis = asked < 0 ? asked + rank : asked;
    if (axis < 1 || axis >= rank) {
      throw Error(ErrorCode::shape,
                  name() + ".inputs[" + std::to_string(i) + "]",
                  "an axis " + std::to_string(asked) + " behind the batch's",
                  shapes[i]->to_string());
    }
    places[i] = static_cast<int>(axis);
  }
  const i64 first = a[places[0]];
  const i64 second = b[places[1]];
  if (first == second || first == any_extent || second == any_extent) return places;
  throw Error(ErrorCode::shape,
              name() + ".inputs[1]",
              "extent " + std::to_string(first) + " of axis " + std::to_string(places[1]),
              b.to_string());
}

std::vector<Shape> Dot::build_function(std::span<const Shape> inputs, Random& random) {
  static_cast<void>(random);
  require_inputs(inputs.size(), 2, 2);
  const std::array<int, 2> axes = axes_for(with_batch(inputs[0]), with_batch(inputs[1]));
  std::vector<i64> extents;
  for (std::size_t i = 0; i < 2; ++i) {
    for (int axis = 0; axis < inputs[i].rank(); ++axis)
      if (axis + 1 != axes[i]) extents.push_back(inputs[i][axis]);
  }
  if (extents.empty()) extents = {1};
  return {Shape(std::move(extents))};
}

std::vector<Variable> Dot::apply(std::span<const Variable> inputs,
                                 std::span<const Variable> weights,
                                 const Context& context) {
  static_cast<void>(weights);
  static_cast<void>(context);
  require_inputs(inputs.size(), 2, 2);
  const std::array<int, 2> axes = axes_for(inputs[0].shape(), inputs[1].shape());
  if (inputs[0].shape()[0] != inputs[1].shape()[0]) {
    throw Error(ErrorCode::shape,
                name() + ".inputs[1]",
                "(batch, ...), as many rows as the first",
                inputs[1].shape().to_string());
  }
  const std::string a = letters(inputs[0].shape().rank(), axes[0], 'b');
  const std::string b = letters(inputs[1].shape().rank(), axes[1], 'n');
  const std::string left = without_z(a) + without_z(b);
  const std::string equation = "a" + a + ",a" + b + "->a" + left;
  Variable y =
      options_.normalize
          ? autograd::einsum(equation, normalized(inputs[0], axes[0]), normalized(inputs[1], axes[1]))
          : autograd::einsum(equation, inputs[0], inputs[1]);
  return {left.empty() ? autograd::expand(y, 1) : y};
}

}  // namespace recurra

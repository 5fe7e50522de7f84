#include "recurra/autograd/variable.h"

#include <cstring>

#include "recurra/autograd/node.h"
#include "recurra/base/error.h"

namespace recurra::autograd {

using detail::Access;
using detail::Node;
using detail::Output;

namespace {

[[noreturn]] void fail(const Variable& variable, const char* expected, const char* actual) {
  const std::string& name = variable.name();
  throw Error(ErrorCode::invalid_argument, name.empty() ? "variable" : name, expected, actual);
}

Node& node_of(const Variable& variable) {
  if (variable.empty())
    throw Error(ErrorCode::invalid_argument, "variable", "one with a value", "an empty one");
  return *Access::node(variable);
}

}  // namespace

Variable::Variable(Tensor value, bool requires_grad, std::string name) : node_(std::make_shared<Node>()) {
  node_->outputs.push_back({std::move(value), {}, false, std::move(name)});
  set_requires_grad(requires_grad);
}

void Variable::set_requires_grad(bool requires_grad) const {
  if (!is_leaf()) fail(*this, "a leaf, which may want a gradient", "the result of an operation");
  const Dtype dtype = value().dtype();
  if (requires_grad && dtype != Dtype::f32) {
    throw Error(ErrorCode::dtype,
                name().empty() ? "variable" : name(),
                "f32 where a gradient is wanted",
                std::string(name_of(dtype)));
  }
  node_->requires_grad = requires_grad;
}

const Tensor& Variable::value() const {
  node_of(*this);
  return Access::output(*this).value;
}

bool Variable::requires_grad() const noexcept {
  return detail::wants_gradient(*this);
}

bool Variable::is_leaf() const {
  return node_of(*this).number == 0;
}

bool Variable::has_gradient() const noexcept {
  return node_ != nullptr && node_->number == 0 && Access::output(*this).has_gradient;
}

const Tensor& Variable::gradient() const {
  if (!is_leaf()) fail(*this, "a leaf, which keeps its gradient", "the result of an operation");
  if (!requires_grad()) fail(*this, "a gradient", "a leaf made without requires_grad");
  if (!has_gradient()) fail(*this, "a gradient", "none: no backward has reached it");
  return Access::output(*this).gradient;
}

Tensor Variable::take_gradient() const {
  static_cast<void>(gradient());
  Access::output(*this).has_gradient = false;
  return std::move(Access::output(*this).gradient);
}

void Variable::clear_gradient() const {
  if (!is_leaf()) fail(*this, "a leaf, which keeps its gradient", "the result of an operation");
  Access::output(*this).gradient = {};
  Access::output(*this).has_gradient = false;
}

Tensor& Variable::edit() const {
  if (!is_leaf()) fail(*this, "a leaf, which may be edited", "the result of an operation");
  ++node_->edits;
  Access::output(*this).kept = nullptr;
  return Access::output(*this).value;
}

Variable Variable::detached() const {
  const Tensor& own = value();
  Tensor copy = Tensor::recycled(own.shape(), own.dtype());
  if (own.bytes() > 0) std::memcpy(copy.raw(), own.raw(), own.bytes());
  return Variable(std::move(copy), false, name());
}

const std::string& Variable::name() const {
  node_of(*this);
  return Access::output(*this).name;
}

const Variable& Variable::named(std::string_view name) const {
  node_of(*this);
  Access::output(*this).name = name;
  return *this;
}

}  // namespace recurra::autograd

#include "recurra/layers/activity_penalty.h"

#include <algorithm>

namespace recurra {

namespace {

double batch_of(const Tensor& y) {
  return static_cast<double>(std::max<i64>(y.shape()[0], 1));
}

}  // namespace

void ActivityPenalty::forward(const Tensor& y) {
  if (regularizer_ != nullptr) value_ = regularizer_->value(y) / batch_of(y);
}

const Tensor& ActivityPenalty::backward(const Tensor& y, const Tensor& dy) {
  return *backward(y, &dy);
}

const Tensor* ActivityPenalty::backward(const Tensor& y, const Tensor* dy) {
  if (regularizer_ == nullptr) return dy;
  d_.resize(y.shape());
  if (dy != nullptr) {
    std::ranges::copy(dy->as<float>(), d_.data());
  } else {
    std::ranges::fill(d_.as<float>(), 0.0F);
  }
  regularizer_->add_gradient(y, 1.0 / batch_of(y), d_);
  return &d_;
}

}  // namespace recurra

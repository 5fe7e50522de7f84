#include "recurra/layers/carried_states.h"

#include <algorithm>

#include "recurra/base/error.h"

namespace recurra {

void check_states(std::span<const Tensor* const> states,
                  std::span<const Shape> expected,
                  const std::string& subject) {
  if (states.size() != expected.size()) {
    throw Error(ErrorCode::invalid_argument,
                subject,
                std::to_string(expected.size()) + (expected.size() == 1 ? " state" : " states"),
                std::to_string(states.size()));
  }
  for (std::size_t k = 0; k < states.size(); ++k) {
    const Tensor& state = *states[k];
    const std::string one = std::string(subject).append("[").append(std::to_string(k)).append("]");
    if (state.dtype() != Dtype::f32)
      throw Error(ErrorCode::dtype, one, "f32", std::string(name_of(state.dtype())));
    if (state.shape() != expected[k]) {
      throw Error(ErrorCode::shape,
                  one,
                  "shape " + expected[k].to_string() + (expected[k].rank() == 2 ? " = (batch, units)" : ""),
                  state.shape().to_string());
    }
  }
}

std::vector<Shape> CarriedStates::shapes(i64 batch) const {
  std::vector<Shape> all;
  for (const Shape& shape : shapes_) {
    std::vector<i64> extents = {batch};
    extents.insert(extents.end(), shape.extents().begin(), shape.extents().end());
    all.emplace_back(std::move(extents));
  }
  return all;
}

void CarriedStates::check_batch(i64 batch, const std::string& subject) const {
  if (fresh_ || batch == states_[0].shape()[0]) return;
  throw Error(ErrorCode::shape,
              subject,
              "a batch of " + std::to_string(states_[0].shape()[0]) + " as the states it goes on from",
              std::to_string(batch));
}

void CarriedStates::set(std::span<const Tensor> states) {
  std::ranges::copy(states, states_.begin());
  fresh_ = false;
}

void CarriedStates::reset() noexcept {
  for (Tensor& state : states_) std::ranges::fill(state.as<float>(), 0.0F);
  fresh_ = true;
}

void CarriedStates::keep() {
  kept_ = states_;
  kept_fresh_ = fresh_;
}

void CarriedStates::restore() {
  states_ = kept_;
  fresh_ = kept_fresh_;
}

}  // namespace recurra

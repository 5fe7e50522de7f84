#include "recurra/layers/carried_states.h"

#include <algorithm>

#include "recurra/base/error.h"

namespace recurra {

namespace {

std::string numbered(const std::string& subject, std::size_t number) {
  return std::string(subject).append("[").append(std::to_string(number)).append("]");
}

/// The axes of a state that is a vector for each row.
struct Axes {
  int rank;
  const char* text;
};

void require_shapes(std::span<const Shape> shapes,
                    std::span<const Shape> expected,
                    const Axes& axes,
                    const std::string& subject) {
  if (shapes.size() != expected.size()) {
    throw Error(ErrorCode::invalid_argument,
                subject,
                std::to_string(expected.size()) + (expected.size() == 1 ? " state" : " states"),
                std::to_string(shapes.size()));
  }
  for (std::size_t k = 0; k < shapes.size(); ++k) {
    if (shapes[k] == expected[k]) continue;
    throw Error(ErrorCode::shape,
                numbered(subject, k),
                "shape " + expected[k].to_string() + (expected[k].rank() == axes.rank ? axes.text : ""),
                shapes[k].to_string());
  }
}

}  // namespace

void check_state_shapes(std::span<const Shape> shapes,
                        std::span<const Shape> expected,
                        const std::string& subject) {
  require_shapes(shapes, expected, {1, " = (units)"}, subject);
}

void check_states(std::span<const Tensor* const> states,
                  std::span<const Shape> expected,
                  const std::string& subject) {
  std::vector<Shape> shapes;
  for (const Tensor* state : states) shapes.push_back(state->shape());
  require_shapes(shapes, expected, {2, " = (batch, units)"}, subject);
  for (std::size_t k = 0; k < states.size(); ++k) {
    if (states[k]->dtype() == Dtype::f32) continue;
    throw Error(ErrorCode::dtype, numbered(subject, k), "f32", std::string(name_of(states[k]->dtype())));
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

/// What a stateful layer carries from one call to the next.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recurra/base/tensor.h"

namespace recurra {

/// Throws Error, subject `subject`, unless there is a shape for each expected one (invalid_argument) and it
/// is this one (shape).
RECURRA_API void check_state_shapes(std::span<const Shape> shapes,
                                    std::span<const Shape> expected,
                                    const std::string& subject);

/// Throws Error, subject `subject`, unless there is a state for each expected shape (invalid_argument), of
/// this shape, (batch, …), (shape) and f32 (dtype).
RECURRA_API void check_states(std::span<const Tensor* const> states,
                              std::span<const Shape> expected,
                              const std::string& subject);

/// The states of one recurrent layer, each (batch, …): where its last call ended and the next begins.
///
/// They belong to the rows of a batch, so a batch of another size is refused until `reset` or `set`. Before
/// the first call there are none.
class RECURRA_API CarriedStates {
 public:
  /// `count` states, >= 1, of so many units.
  CarriedStates(int count, i64 units)
      : CarriedStates(std::vector<Shape>(static_cast<std::size_t>(count), Shape{units})) {}

  /// One of each shape, without the batch axis.
  explicit CarriedStates(std::vector<Shape> shapes) : shapes_(std::move(shapes)), states_(shapes_.size()) {}

  /// Throws Error (shape), subject `subject`, where the states are those of another number of rows.
  void check_batch(i64 batch, const std::string& subject) const;

  /// Whether the next call begins with zeros.
  [[nodiscard]] bool fresh() const noexcept { return fresh_; }

  [[nodiscard]] std::size_t count() const noexcept { return states_.size(); }

  /// Of each state without the batch axis.
  [[nodiscard]] const std::vector<Shape>& shapes() const noexcept { return shapes_; }

  /// The same for so many rows.
  [[nodiscard]] std::vector<Shape> shapes(i64 batch) const;

  /// Where the next call begins, each (batch, …); before the first call, each empty.
  [[nodiscard]] const std::vector<Tensor>& states() const noexcept { return states_; }

  /// Takes `count` states of this layer, for a batch of any size.
  void set(std::span<const Tensor> states);

  /// All become zeros; the next batch may be of any size.
  void reset() noexcept;

  /// Notes the states as they are.
  void keep();

  /// They become what they were when noted.
  void restore();

 private:
  std::vector<Shape> shapes_;
  std::vector<Tensor> states_, kept_;
  bool fresh_ = true;
  bool kept_fresh_ = true;
};

}  // namespace recurra

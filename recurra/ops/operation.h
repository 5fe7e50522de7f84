/// What an operation of this door is inside, whether it is called on tensors or on variables: the values of
/// its inputs in an order of its own, and the way forward and back.
///
/// Private to the library.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "recurra/base/tensor.h"
#include "recurra/ops/op_options.h"
#include "recurra/ops/sequence_layout.h"

namespace recurra::ops {

/// Input tensors by place; null: left out.
using Inputs = std::vector<const Tensor*>;

/// Where a struct's member was left out, null.
[[nodiscard]] inline const Tensor* given(const Tensor& tensor) noexcept {
  return tensor.shape() == Shape{0} ? nullptr : &tensor;
}

/// Whether x is a sequence or one step of it.
enum class StepCount { sequence, one };

/// A pointer to a direction's part of what has one of `size` elements a direction; null stays.
template <class T>
[[nodiscard]] T* part(T* all, i64 size, int direction) noexcept {
  return all != nullptr ? all + direction * size : nullptr;
}

class Operation {
 public:
  Operation(const char* name, Inputs inputs, OpOptions options);
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  Operation(Operation&&) = delete;
  Operation& operator=(Operation&&) = delete;

  /// The outputs by place; empty where they are not asked for. In training inputs and outputs must stay where
  /// they are until `backward`.
  [[nodiscard]] virtual std::vector<Tensor> forward(bool training) = 0;

  /// The gradients of the inputs by place, of those that are wanted and there; the others are empty. `seeds`
  /// are those of the outputs; null: zeros. Throws Error (shape) for a seed of another shape than its output.
  [[nodiscard]] std::vector<Tensor> backward(const std::vector<const Tensor*>& seeds,
                                             const std::vector<bool>& wanted);

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

  [[nodiscard]] std::size_t inputs() const noexcept { return inputs_.size(); }

 protected:
  [[nodiscard]] bool has(int place) const noexcept { return input(place) != nullptr; }

  [[nodiscard]] const Tensor* input(int place) const noexcept {
    return inputs_[static_cast<std::size_t>(place)];
  }

  /// An input's elements; null where it was left out.
  [[nodiscard]] const float* data(int place) const { return has(place) ? input(place)->data() : nullptr; }

  [[nodiscard]] const OpOptions& options() const noexcept { return options_; }

  /// The subject of an error about `field`.
  [[nodiscard]] std::string subject(const char* field) const { return name() + "." + field; }

  // Throw Error (dtype, shape) with the field's name. `meaning` says the shape in words.
  void check_rank(int place, const char* field, int rank, const std::string& meaning) const;
  /// Throws Error (invalid_argument) where an input that must be there was left out.
  void check_given(int place, const char* field) const;

  /// The sizes of x: of a sequence in `format`, TNS, NST or NTS, or of one step (batch, features).
  [[nodiscard]] SequenceSizes check_x(int place, SequenceFormat format, StepCount count) const;

  void check_shape(int place, const char* field, const Shape& shape, const char* meaning) const;

  /// The extent of the last axis of an input of that rank over `gates`. Throws Error (shape) where it is not
  /// a multiple above 0.
  [[nodiscard]] i64 units_of(int place, const char* field, i64 gates) const;

  /// Throws Error (invalid_argument) unless a clip is finite and not below 0.
  void check_clip(const char* field, double clip) const;

  /// Throws Error (invalid_argument) unless a number is finite.
  void check_finite(const char* field, double value) const;

  /// The rows' lengths of a tensor (batch), of whole numbers 0 to `steps` in any element type; empty where
  /// null. Throws Error (shape, invalid_argument).
  [[nodiscard]] std::vector<int> lengths_of(const Tensor* given, i64 batch, i64 steps) const;

  // On the way back.
  virtual void run_backward(const std::vector<const Tensor*>& seeds) = 0;

  /// Where the gradient of an input goes, as it is shaped; null where it is not wanted.
  [[nodiscard]] float* gradient(int place);

  /// The same as a tensor, to be given its shape.
  [[nodiscard]] Tensor* gradient_tensor(int place) noexcept;

  /// The shapes of the outputs, for the check of seeds: kept by forward.
  void keep_shapes(const std::vector<Tensor>& outputs);

 private:
  OpOptions options_;
  Inputs inputs_;
  std::vector<Shape> shapes_;
  std::vector<Tensor> gradients_;
  std::vector<bool> wanted_;
};

/// A training forward and the way back in one, of an operation on tensors.
[[nodiscard]] std::vector<Tensor> gradients_of(Operation& operation, const std::vector<const Tensor*>& seeds);

}  // namespace recurra::ops

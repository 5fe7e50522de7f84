/// What is to be computed: the cell and its sizes, the weights, the sequences of a call.
#pragma once

#include <string>
#include <vector>

#include "recurra/cells/abi.h"

namespace recurra {

/// A recurrent layer in one direction.
struct Recurrence {
  std::string cell;      ///< name of a cell of cells/cell_list.inc
  i64 input = 0;         ///< features of a step, > 0
  i64 units = 0;         ///< > 0
  i64 projection = 0;    ///< width of the output after a product behind the step; 0: none, the output is h
  bool reverse = false;  ///< from the last step of each row to the first
  /// One for each place the cell has (its page says which); empty: the cell's own.
  std::vector<Activation> activations = {};
  /// Bound of a cell's elementwise state, which is limited to -clip .. clip before it is used: > 0; 0: none.
  float clip = 0;
  /// Bound of the output behind a projection, which is limited to -bound .. bound before anything reads it: >
  /// 0; 0: none.
  float projection_clip = 0;

  bool operator==(const Recurrence&) const = default;
};

/// Elements from a row, a gate and a unit of a weight to the next. All 0: contiguous, row-major.
struct WeightStrides {
  i64 row = 0;
  i64 gate = 0;
  i64 unit = 0;
  /// Of weights whose gates have another order than the cell's: how many gates stand before each of the
  /// cell's, a permutation that outlives the weights. Null: the cell's order. Not for params and P.
  const int* gate_places = nullptr;

  /// Elements from the first gate in memory to the cell's gate `index`.
  [[nodiscard]] constexpr i64 gate_offset(int index) const noexcept {
    return (gate_places != nullptr ? gate_places[index] : index) * gate;
  }
};

/// `given`, or where all are 0 those of a contiguous (rows, gates, units).
[[nodiscard]] constexpr WeightStrides strides_or_contiguous(const WeightStrides& given,
                                                            i64 gates,
                                                            i64 units) noexcept {
  return given.unit != 0 ? given : WeightStrides{gates * units, units, 1};
}

/// Weights or their gradients, gates in the cell's order; contiguous and row-major unless their strides say
/// otherwise.
template <class T>
struct WeightsOf {
  T* W = nullptr;  ///< (input, gates, units)
  T* U = nullptr;  ///< (width, gates, units), width = projection or units; null for a cell without product
  T* b = nullptr;  ///< (gates, units); null: no bias
  T* params = nullptr;  ///< (params, units); null: zeros
  T* P = nullptr;       ///< (units, projection); null without
  WeightStrides W_strides = {};
  WeightStrides U_strides = {};
  WeightStrides b_strides = {};       ///< gate and unit
  WeightStrides params_strides = {};  ///< gate, from a parameter to the next, and unit
  WeightStrides P_strides = {};       ///< row, and unit, from a column to the next
};

/// Weights to be read.
using Weights = WeightsOf<const float>;
/// Memory for the gradients of weights.
using WeightGradients = WeightsOf<float>;

/// Element (step, row, feature) is at data + step * step_stride + row * row_stride + feature.
template <class T>
struct SequenceOf {
  T* data = nullptr;    ///< element (0, 0, 0)
  i64 step_stride = 0;  ///< elements from a step to the next
  i64 row_stride = 0;   ///< elements from a row to the next
};

/// A sequence to be read.
using ConstSequence = SequenceOf<const float>;
/// A sequence to be written.
using Sequence = SequenceOf<float>;

/// (batch, steps, features), contiguous.
template <class T>
[[nodiscard]] SequenceOf<T> batch_major(T* data, i64 steps, i64 features) {
  return {data, features, steps * features};
}

/// (steps, batch, features), contiguous.
template <class T>
[[nodiscard]] SequenceOf<T> time_major(T* data, i64 batch, i64 features) {
  return {data, batch * features, features};
}

}  // namespace recurra

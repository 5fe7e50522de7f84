/// The choices a descriptor of the RNN primitive has, under oneDNN's names.
#pragma once

#include "recurra/base/platform.h"

namespace recurra::primitive {

/// The cell. oneDNN's, and those it lacks; docs/primitive.md has the gate orders.
enum class CellKind {
  vanilla_rnn,
  lstm,             ///< gates i f c~ o
  gru,              ///< gates u r o; u keeps the old state
  lbr_gru,          ///< linear before reset: a bias of four rows u r o u'
  augru,            ///< gru under attention
  lbr_augru,        ///< lbr_gru under attention
  lstm_coupled,     ///< gates i c~ o; f = 1 - i
  indrnn,           ///< weights_iter is diagonal: (1, units)
  lstm_layer_norm,  ///< gates i f c~ o; weights_norm has their gains
};

/// The last of them.
inline constexpr CellKind last_cell_kind = CellKind::lstm_layer_norm;

/// What a primitive computes.
enum class Propagation {
  forward_inference,
  forward_training,  ///< fills a workspace for `backward`
  backward,
};

/// Which way over the steps, and what becomes of two outputs. Results stand in the order of time.
enum class Direction {
  left2right,
  right2left,
  bidirectional_concat,  ///< [left2right | right2left] along the channels
  bidirectional_sum,
};

/// How weights come to `execute`.
enum class WeightsFormat {
  any,    ///< packed once in the format the primitive chose
  plain,  ///< views of any strides, packed anew in every execution
};

/// What forward_training keeps of every step for backward. No gradient's bits depend on it.
enum class MemoryLevel {
  keep_gates,  ///< gates and states
  recompute,   ///< states alone: backward makes the gates again, which takes the time of another forward
};

/// Element types of tensors.
enum class DataType { f32, bf16, f16, s8, u8, s32 };

/// `lstm`, …
[[nodiscard]] RECURRA_API const char* name_of(CellKind kind) noexcept;
/// `forward_training`, …
[[nodiscard]] RECURRA_API const char* name_of(Propagation propagation) noexcept;
/// `left2right`, …
[[nodiscard]] RECURRA_API const char* name_of(Direction direction) noexcept;
/// `keep_gates`, …
[[nodiscard]] RECURRA_API const char* name_of(MemoryLevel level) noexcept;
/// `f32`, …
[[nodiscard]] RECURRA_API const char* name_of(DataType type) noexcept;

/// Bytes of one element.
[[nodiscard]] RECURRA_API i64 size_of(DataType type) noexcept;

}  // namespace recurra::primitive

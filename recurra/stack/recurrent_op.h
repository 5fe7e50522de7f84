/// The four networks that cuDNN's stacks are made of.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "recurra/base/activation.h"
#include "recurra/base/platform.h"

namespace recurra {

/// CNTK's recurrentOp.
enum class RecurrentOp {
  lstm,      ///< long short-term memory, gates i f g o
  gru,       ///< gated recurrent unit, gates r u n, the reset gate behind the recurrent product and its bias
  rnn_tanh,  ///< one gate: h' = tanh(W x + b_W + R h + b_R)
  rnn_relu,  ///< the same with max(0, .)
};

/// The op called lstm, gru, rnnTanh or rnnReLU. CNTK's older files have LSTM, GRU, RNN_TANH and RNN_RELU, its
/// documentation of Python tanh and relu: these are taken, too. Throws Error (unsupported) with `subject`,
/// naming the four.
[[nodiscard]] RECURRA_API RecurrentOp parse_recurrent_op(std::string_view name,
                                                         const char* subject = "recurrent_op");

/// Its name: lstm, gru, rnnTanh, rnnReLU.
[[nodiscard]] RECURRA_API const char* name_of(RecurrentOp op) noexcept;

/// The gates' names in the blob's order; as many as the op has gates. Of the simple networks one, called h.
[[nodiscard]] RECURRA_API std::span<const char* const> gate_names(RecurrentOp op) noexcept;

/// How the engine computes an op.
struct OpCell {
  const char* cell;                     ///< name of the engine's cell
  std::vector<Activation> activations;  ///< empty: the cell's own
  const int* gate_places;               ///< where in the blob each of the cell's gates stands; null: in order
};

/// Of an op. Throws Error (invalid_argument) for a number that is none.
[[nodiscard]] RECURRA_API OpCell cell_of(RecurrentOp op);

}  // namespace recurra

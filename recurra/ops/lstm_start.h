/// What a call of an LSTM may begin with.
#pragma once

#include "recurra/base/tensor.h"

namespace recurra::ops {

/// What a call of an LSTM may have besides. The two states have names, so that nothing can swap them. T is
/// Tensor or a variable.
template <class T>
struct LstmStartOf {
  const T* c_last = nullptr;  ///< cLast: cell state before the first step, (batch, units); null: zeros
  const T* y_last = nullptr;  ///< yLast: output before the first step, (batch, units); null: zeros
  /// maxTSLength: how many steps count, whole numbers of any element type; null: all. Of lstm_layer (batch),
  /// of lstm_block one number for all rows.
  const Tensor* max_ts_length = nullptr;
};

/// Of tensors.
using LstmStart = LstmStartOf<Tensor>;

}  // namespace recurra::ops

/// The layouts in which sequences come and go.
#pragma once

#include "recurra/base/tensor.h"

namespace recurra::ops {

/// ND4J's RnnDataFormat and LSTMDataFormat in one: one set of names for all operations, whatever numbers they
/// have there.
enum class SequenceFormat {
  tns,   ///< TNS: (steps, batch, features)
  nst,   ///< NST: (batch, features, steps)
  nts,   ///< NTS: (batch, steps, features)
  t2ns,  ///< T2NS: inputs as TNS, outputs of both directions (steps, 2, batch, units)
};

/// `TNS`, …; "unknown" for a number that is none.
[[nodiscard]] RECURRA_API const char* name_of(SequenceFormat format) noexcept;

}  // namespace recurra::ops

/// What the primitive knows of a cell beside the engine's numbers.
///
/// Private to the library.
#pragma once

#include "recurra/primitive/rnn_desc.h"

namespace recurra::primitive {

/// The tensor that has the engine's parameters of a cell.
enum class ParamTensor { none, bias, peephole, iter, norm };

/// Where the tensors of a cell go in the engine.
struct CellTraits {
  const char* cell;    ///< the engine's name
  ParamTensor params;  ///< `bias`: its rows behind those of the gates
};

/// Of the descriptor's cell. Throws Error (unsupported) for a kind that is none.
[[nodiscard]] CellTraits traits_of(const RnnDesc& desc);

/// The engine's words for the descriptor.
[[nodiscard]] Stack stack_of(const RnnDesc& desc);

/// Throws Error for what the descriptor must not have; what the engine's plan checks is left to it.
void check(const RnnDesc& desc);

}  // namespace recurra::primitive

/// Which steps of a layer's inputs count.
///
/// Private to the library.
#pragma once

#include "recurra/layers/layer.h"

namespace recurra {

/// The mask of a layer's input; null: all of its steps count.
[[nodiscard]] inline const StepMask* mask_of(const Context& context, std::size_t input) {
  if (!context.masks.empty()) return context.masks[input];
  return input == 0 ? context.mask : nullptr;
}

}  // namespace recurra

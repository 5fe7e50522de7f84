/// What lies around a sequence for windows that reach over its ends.
#pragma once

#include <string_view>

#include "recurra/base/platform.h"

namespace recurra {

/// Keras's padding.
enum class Padding {
  valid,  ///< nothing: windows lie within the sequence
  same,  ///< as much at both ends that with strides 1 there are as many outputs as steps; if odd, more behind
  causal,  ///< before the first step alone: no output sees a later step
};

/// The padding called "valid", "same" or "causal". Throws Error (unsupported).
[[nodiscard]] RECURRA_API Padding parse_padding(std::string_view name);

/// What parse_padding reads.
[[nodiscard]] RECURRA_API const char* name_of(Padding padding) noexcept;

}  // namespace recurra

/// Chooses the target a process runs on, once.
#pragma once

#include <span>
#include <string_view>

#include "recurra/engine/dispatch/target.h"

namespace recurra {

/// The targets this processor can run, slowest first: scalar, avx2, avx512.
[[nodiscard]] RECURRA_API std::span<const Target* const> supported_targets();

/// The target called `name`. Throws Error (unsupported), naming those this processor has.
[[nodiscard]] RECURRA_API const Target& find_target(std::string_view name);

/// The target of this process, chosen at the first call: the fastest, or the one the environment variable
/// RECURRA_TARGET names. Throws Error (unsupported) where that is unknown or this processor lacks it.
[[nodiscard]] RECURRA_API const Target& active_target();

/// The cell called `name` on `target`. Throws Error (unsupported), naming those there are.
[[nodiscard]] RECURRA_API const CellKernels& find_cell(const Target& target, std::string_view name);

}  // namespace recurra

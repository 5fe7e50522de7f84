/// The version of these headers, and of the library that runs. The numbers stand here and nowhere else; CMake
/// reads them from this file.
#pragma once

#include "recurra/base/platform.h"

/// While the major number is 0, a new minor number may change interfaces.
#define RECURRA_VERSION_MAJOR 0
/// Features were added, or interfaces changed.
#define RECURRA_VERSION_MINOR 1
/// Faults were mended.
#define RECURRA_VERSION_PATCH 0

/// The tokens of a macro's value as text.
#define RECURRA_TEXT_OF(value) RECURRA_TEXT_OF_TOKENS(value)
/// Tokens as text.
#define RECURRA_TEXT_OF_TOKENS(tokens) #tokens

/// The version of these headers, as `0.1.0`.
#define RECURRA_VERSION                  \
  RECURRA_TEXT_OF(RECURRA_VERSION_MAJOR) \
  "." RECURRA_TEXT_OF(RECURRA_VERSION_MINOR) "." RECURRA_TEXT_OF(RECURRA_VERSION_PATCH)

namespace recurra {

/// The version of the library that runs, as RECURRA_VERSION was when it was compiled.
[[nodiscard]] RECURRA_API const char* version() noexcept;

}  // namespace recurra

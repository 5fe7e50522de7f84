/// Examples set aside for validation.
#pragma once

#include "recurra/base/platform.h"
#include "recurra/data/examples.h"

namespace recurra {

/// The two parts of a split.
struct ExamplesSplit {
  Examples training;
  Examples validation;
};

/// Keras's validation_split: the first floor(n (1 - validation_split)) examples, and the rest.
///
/// Throws Error (invalid_argument) for a fraction not inside (0, 1), and where either part would be empty;
/// and as check_examples (subject `examples`).
[[nodiscard]] RECURRA_API ExamplesSplit split_examples(const Examples& examples, double validation_split);

}  // namespace recurra

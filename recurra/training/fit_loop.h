/// What one call of fit carries through its epochs. Not for users of the library.
///
/// Private to the library.
#pragma once

#include "recurra/training/checkpoint_writer.h"
#include "recurra/training/fit_options.h"

namespace recurra {

/// Lives as long as the call.
struct FitLoop {
  BatchSource& source;
  const FitOptions& options;
  CheckpointWriter checkpoints;
  Batch batch{};
  History history{};
};

}  // namespace recurra

/// What every operation can be told besides its arguments.
#pragma once

#include <string>
#include <vector>

#include "recurra/engine/call.h"
#include "recurra/engine/dispatch/dispatch.h"

namespace recurra::ops {

/// How an operation is called and runs, and what it tells of that.
struct OpOptions {
  /// The page's `name`: stands in errors in the place of the operation's own. Outputs that are variables get
  /// it, with the output's behind it: `encoder/h`.
  std::string name = {};
  Execution execution = {};
  const Target* target = nullptr;  ///< null: the process's
  /// Where not null, one for each direction is added: which kernels ran, over how many rows and steps.
  std::vector<Report>* reports = nullptr;
};

}  // namespace recurra::ops

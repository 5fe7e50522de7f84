/// Long short-term memory. Equations, gate order and papers: lstm.md.
#pragma once

#include "recurra/cells/lstm/lstm_base.h"

namespace recurra::RECURRA_TARGET_NAME {

/// LstmBase as it stands.
struct Lstm : LstmBase {
  static constexpr const char* name = "lstm";
};

}  // namespace recurra::RECURRA_TARGET_NAME

/// The GRU, reset before, whose update gate an attention turns down. Equations, gate order and paper:
/// augru.md.
#pragma once

#include "recurra/cells/gru/gru_base.h"

namespace recurra::RECURRA_TARGET_NAME {

/// GruBase with attention.
struct Augru : GruBase {
  static constexpr const char* name = "augru";
  static constexpr bool attention = true;
};

}  // namespace recurra::RECURRA_TARGET_NAME

/// The gated recurrent unit with the reset gate before the product. Equations, gate order and paper: gru.md.
#pragma once

#include "recurra/cells/gru/gru_base.h"

namespace recurra::RECURRA_TARGET_NAME {

/// GruBase as it stands.
struct Gru : GruBase {
  static constexpr const char* name = "gru";
};

}  // namespace recurra::RECURRA_TARGET_NAME

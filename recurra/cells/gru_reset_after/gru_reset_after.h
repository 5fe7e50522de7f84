/// The gated recurrent unit with the reset gate behind the product. Equations, gate order and papers:
/// gru_reset_after.md.
#pragma once

#include "recurra/cells/gru_reset_after/gru_reset_after_base.h"

namespace recurra::RECURRA_TARGET_NAME {

/// GruResetAfterBase as it stands.
struct GruResetAfter : GruResetAfterBase {
  static constexpr const char* name = "gru_reset_after";
};

}  // namespace recurra::RECURRA_TARGET_NAME

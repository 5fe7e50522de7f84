/// The GRU, reset after, whose update gate an attention turns down. Equations, gate order and papers:
/// augru_reset_after.md.
#pragma once

#include "recurra/cells/gru_reset_after/gru_reset_after_base.h"

namespace recurra::RECURRA_TARGET_NAME {

/// GruResetAfterBase with attention.
struct AugruResetAfter : GruResetAfterBase {
  static constexpr const char* name = "augru_reset_after";
  static constexpr bool attention = true;
};

}  // namespace recurra::RECURRA_TARGET_NAME

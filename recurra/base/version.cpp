#include "recurra/base/version.h"

namespace recurra {

const char* version() noexcept {
  return RECURRA_VERSION;
}

}  // namespace recurra

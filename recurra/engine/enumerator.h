/// Numbers that came as enumerators.
///
/// Private to the library.
#pragma once

#include <string>

#include "recurra/base/error.h"

namespace recurra {

/// Throws Error (invalid_argument) with `subject` for a number that is no enumerator; `last`: the
/// enumeration's.
template <class Enum>
void check_enumerator(Enum value, Enum last, const char* subject) {
  const int number = static_cast<int>(value);
  const int most = static_cast<int>(last);
  if (number >= 0 && number <= most) return;
  throw Error(ErrorCode::invalid_argument,
              subject,
              "an enumerator, 0 to " + std::to_string(most),
              std::to_string(number));
}

}  // namespace recurra

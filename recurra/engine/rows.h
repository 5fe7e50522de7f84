/// Where the rows of a call lie at each of its steps.
///
/// Private to the library.
#pragma once

#include <span>

#include "recurra/cells/abi.h"

namespace recurra {

/// Padded or caller's memory of one kind, by sorted row.
template <class T>
struct Rows {
  std::span<T*> at;
  i64 step = 0;   // floats from one processed step to the next
  i64 table = 0;  // pointers from one step's rows to the next's; 0: one row of them serves all steps

  [[nodiscard]] StepRows<T> of(i64 t) const noexcept { return {at.data() + t * table, t * step}; }
};

}  // namespace recurra

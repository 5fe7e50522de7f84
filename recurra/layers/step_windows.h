/// Windows that slide over the steps of a sequence: of a convolution or a pooling.
///
/// Private to the library.
#pragma once

#include <string>
#include <string_view>

#include "recurra/base/shape.h"
#include "recurra/layers/padding.h"

namespace recurra {

/// Where each window begins and ends.
struct StepWindows {
  i64 size = 1;    ///< places of a window
  i64 stride = 1;  ///< steps from one window to the next
  i64 spread = 1;  ///< steps from one place to the next
  Padding padding = Padding::valid;

  /// Steps from a window's first place to behind its last.
  [[nodiscard]] i64 extent() const noexcept { return (size - 1) * spread + 1; }

  /// How many windows there are over `steps` steps; any_extent for any_extent. Throws Error (shape) for fewer
  /// steps than a window has where nothing is added around them; `subject` names the input.
  [[nodiscard]] i64 windows(i64 steps, const std::string& subject) const;

  /// The step of place `place` of window `window`; below 0 or from `steps` up where it is padding.
  [[nodiscard]] i64 step(i64 window, i64 place, i64 steps) const noexcept {
    return window * stride + place * spread - before(steps);
  }

 private:
  /// Steps of padding before the first one.
  [[nodiscard]] i64 before(i64 steps) const noexcept;
};

/// Throws Error (invalid_argument), subject `name`, unless `value` is from 1 up.
void require_positive(const char* name, i64 value);

}  // namespace recurra

/// Who does what: the share of each member of a crew.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"

namespace recurra {

/// A contiguous part of something counted.
struct Range {
  int first = 0;
  int last = 0;

  [[nodiscard]] int count() const noexcept { return last - first; }
};

/// Part `index` of `count` even parts of 0 .. total.
[[nodiscard]] inline Range even_share(int total, int index, int count) noexcept {
  return {static_cast<int>(i64{total} * index / count), static_cast<int>(i64{total} * (index + 1) / count)};
}

/// How one pass is spread.
struct Split {
  Schedule schedule = Schedule::rows;
  int threads = 1;
};

/// The split of a pass over a call that is bound: as `execution` says, or as RECURRA_SCHEDULE, or the
/// cheapest. `panels`: how finely units can be split in this pass. Throws as threads_of.
[[nodiscard]] Split choose_split(
    const Plan& plan, const Execution& execution, const Memory& memory, int panels, bool back);

/// Rows of `member` when split by rows: even by what runs of `steps`, not by rows. Whose share has a row has
/// one that runs.
[[nodiscard]] Range row_share(const Memory& memory, Steps steps, int member, int members) noexcept;

/// Throws what running on `execution` would throw, and makes the process's team where it is the one.
void check_execution(const Execution& execution);

/// The team a call runs on: of at least threads_of members where it is the process's. Throws as threads_of.
[[nodiscard]] Team& team_of(const Execution& execution);

/// At most how many threads a call runs on. Throws Error (invalid_argument) for a number out of range, and as
/// threads(); std::system_error where the system refuses a thread.
[[nodiscard]] int threads_of(const Execution& execution);

/// A plain product's panels and its packed weights of `depth` rows.
inline void plain_panels(const Panels& panels, const float* weights, i64 depth, ProductArgs& p) noexcept {
  p.vectors = panels.vectors;
  p.columns = panels.columns;
  p.w = weights;
  p.w_panel = depth * panels.width;
  p.out_panel = panels.width;
}

}  // namespace recurra

#include "recurra/engine/schedule.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/threads.h"
#include "recurra/engine/cost.h"
#include "recurra/engine/enumerator.h"
#include "recurra/engine/forced_schedule.h"
#include "recurra/engine/plan_log.h"

namespace recurra {

void check_execution(const Execution& execution) {
  static_cast<void>(forced_schedule());
  static_cast<void>(logs_plans());
  check_threads(execution.threads);
  check_enumerator(execution.schedule, Schedule::units, "schedule");
  check_enumerator(execution.directions, Directions::in_turn, "directions");
  check_enumerator(execution.layers, Layers::wavefront, "layers");
  require(execution.chunk >= 0,
          ErrorCode::invalid_argument,
          "chunk",
          "from 0 up",
          std::to_string(execution.chunk));
  require(
      execution.wave >= 0, ErrorCode::invalid_argument, "wave", "from 0 up", std::to_string(execution.wave));
  static_cast<void>(team_of(execution));
}

Team& team_of(const Execution& execution) {
  return execution.team != nullptr ? *execution.team : Team::shared(threads_of(execution));
}

int threads_of(const Execution& execution) {
  check_threads(execution.threads);
  if (execution.team == nullptr) return execution.threads > 0 ? execution.threads : threads();
  const int size = execution.team->size();
  return execution.threads > 0 ? std::min(execution.threads, size) : size;
}

Split choose_split(const Plan& plan, const Execution& execution, const Memory& m, int panels, bool back) {
  const Execution asked = with_forced(execution);
  const int threads = threads_of(asked);
  const PassShape shape = shape_of(m, back);
  const int by_rows = static_cast<int>(std::min<i64>(threads, shape.rows));
  if (asked.schedule == Schedule::rows) return {Schedule::rows, std::max(by_rows, 1)};
  if (asked.schedule == Schedule::units) return {Schedule::units, std::max(std::min(threads, panels), 1)};
  return threads > 1 ? cheapest_split(plan, shape, threads, panels) : Split{Schedule::rows, 1};
}

Range row_share(const Memory& m, Steps steps, int member, int members) noexcept {
  if (steps.first == steps.last) return {};
  const int rows = m.active(steps.first);
  const i64 all = m.rows_before(steps.last) - m.rows_before(steps.first);
  const auto run = [&](int row) {
    return std::min<i64>(m.length[static_cast<std::size_t>(row)], steps.last) - steps.first;
  };
  Range share;
  i64 sum = 0;
  for (int part = 1; part <= member + 1; ++part) {
    share.first = share.last;
    const int most = rows - (members - part);  // one row at least is left for each that follows
    while (share.last < most && (part == members || share.last == share.first ||
                                 sum + run(share.last) / 2 < all * part / members)) {
      sum += run(share.last++);
    }
  }
  return share;
}

}  // namespace recurra

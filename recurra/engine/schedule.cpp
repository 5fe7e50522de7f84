#include "recurra/engine/schedule.h"

#include <algorithm>

#include "recurra/base/cpu.h"
#include "recurra/base/threads.h"

namespace recurra {

namespace {

// Multiply-adds below which handing work to a second thread costs more than it saves: about 10 us of one core
// at 50 G multiply-adds a second, against some 2 us for waking and joining a spinning thread.
constexpr i64 least_call_work = 500'000;

// The same for one step when the threads wait for each other in it: 160 KiB of weights, about 1.5 us.
constexpr i64 least_step_work = 40'000;

}  // namespace

void check_execution(const Execution& execution) {
  check_threads(execution.threads);
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

bool is_worth_a_thread(const Plan& plan, const Memory& m) noexcept {
  return m.all_rows * (plan.recurrent_work() + plan.input_work()) >= least_call_work;
}

bool keeps_weights_in_cache(const Plan& plan) noexcept {
  const i64 weight_bytes = plan.recurrent_work() * static_cast<i64>(sizeof(float));
  return weight_bytes * 5 <= second_level_cache() * 4;
}

Split choose_split(const Plan& plan, const Execution& execution, const Memory& m, int panels) {
  const int threads = threads_of(execution);
  const int rows = m.active(0);
  const int by_rows = std::min(threads, rows);
  const int by_units = std::min(threads, panels);
  if (execution.schedule == Schedule::rows) return {Schedule::rows, std::max(by_rows, 1)};
  if (execution.schedule == Schedule::units) return {Schedule::units, std::max(by_units, 1)};

  if (threads == 1 || !is_worth_a_thread(plan, m)) return {Schedule::rows, 1};
  // Rows need no waiting, but every thread then reads all weights.
  const bool fits = keeps_weights_in_cache(plan);
  if (fits && by_rows == threads && rows >= 2 * plan.target().most_rows * threads)
    return {Schedule::rows, threads};
  if (!plan.cell().dense || plan.recurrent_work() * m.all_rows / m.running >= least_step_work) {
    if (by_units > 1) return {Schedule::units, by_units};
  }
  if (by_rows > 1 && rows >= 2 * by_rows) return {Schedule::rows, by_rows};
  return {Schedule::rows, 1};
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

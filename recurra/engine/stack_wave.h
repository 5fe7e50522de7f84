/// Wavefronts over the layers of a stack of one direction: while a layer has a chunk of steps, the one before
/// it has the next, each on its own part of the team.
///
/// Private to the library.
#pragma once

#include "recurra/engine/forced_schedule.h"
#include "recurra/engine/stack_calls.h"
#include "recurra/engine/wave.h"

namespace recurra {

/// Steps of a chunk of a wavefront where the way forward, or back where `back` is given, is to be one; else
/// 0. Throws as threads_of.
[[nodiscard]] i64 choose_wave(const StackPlan& plan,
                              const StackCall& call,
                              const StackBackwardCall* back,
                              const StackWorkspace& workspace,
                              const Execution& execution);

/// All layers forward, in chunks of `wave` steps. Throws as threads_of.
void run_forward_wave(const StackPlan& plan,
                      StackCalls& calls,
                      const StackWorkspace& workspace,
                      i64 wave,
                      bool training,
                      const Execution& execution);

/// Runs a wavefront on the execution's team; `begin`, `run` and `end` are WaveLane::run's. Returns how many
/// layers were at work at once. Throws as threads_of.
template <class Begin, class Run, class End>
int run_on_team(const Wave& wave, const Execution& execution, Begin begin, Run run, End end) {
  Execution known = with_forced(execution);
  known.threads = threads_of(known);  // once: another thread may change the process's number meanwhile
  int lanes = 0;
  team_of(known).run(known.threads, [&](Crew& crew) {
    WaveLane lane(wave, crew);
    if (crew.index() == 0) lanes = lane.lanes();
    lane.run(begin, run, end);
  });
  return lanes;
}

/// A member's share of `steps` of a job, on as many of the lane as the job is worth.
void run_on_lane(const Job& job, Steps steps, const Execution& execution, Crew& lane) noexcept;

}  // namespace recurra

#include "recurra/engine/jobs.h"

namespace recurra {

namespace {

Split begin_report(const Job& job, const Execution& execution) {
  const Plan& plan = *job.plan;
  Memory& m = job.workspace->memory();
  const int panels = job.back != nullptr ? plan.unit_panels().count : plan.blocks();
  const Split split = choose_split(plan, execution, m, panels);
  if (!job.continues) m.report = Report{};
  m.report.schedule = split.schedule;
  m.report.steps += m.all_rows;
  m.report.own_activations = plan.chosen() == 0;
  return split;
}

void run(const Job& job, const Split& split, Crew& crew) noexcept {
  if (crew.index() == 0) job.workspace->memory().report.threads = crew.count();
  job.back != nullptr ? run_backward(job, split, crew) : run_forward(job, split, crew);
}

void finish(const Job& job) noexcept {
  job.back != nullptr ? finish_gradients(job) : finish_outputs(*job.plan, *job.call, job.workspace->memory());
}

void run_together(const Job& first, const Job& second, const Execution& execution) {
  // The number is read once: another thread may change the process's meanwhile.
  Execution all = execution;
  all.threads = threads_of(execution);
  Execution half = all;
  half.threads = all.threads / 2;
  const Split splits[] = {begin_report(first, half), begin_report(second, half)};
  const Job* jobs[] = {&first, &second};
  team_of(all).run(splits[0].threads + splits[1].threads, [&](Crew& crew) {
    if (crew.count() <
        splits[0].threads + splits[1].threads) {  // the team was taken, or its pool has no more
      if (crew.index() > 0) return;
      Crew alone = crew.part(0, 1);
      for (int i = 0; i < 2; ++i) run(*jobs[i], splits[i], alone);
      return;
    }
    const int which = crew.index() < splits[0].threads ? 0 : 1;
    Crew part = crew.part(which * splits[0].threads, splits[which].threads);
    run(*jobs[which], splits[which], part);
  });
  finish(first);
  finish(second);
}

bool run_better_together(const Job& first, const Job& second, const Execution& execution) {
  const bool possible = threads_of(execution) >= 2 && first.workspace->memory().running > 0 &&
                        second.workspace->memory().running > 0;
  if (!possible || execution.directions == Directions::in_turn) return false;
  if (execution.directions == Directions::together) return true;
  return is_worth_a_thread(*first.plan, first.workspace->memory()) && keeps_weights_in_cache(*first.plan) &&
         keeps_weights_in_cache(*second.plan);
}

}  // namespace

void run_alone(const Job& job, const Execution& execution) {
  const Split split = begin_report(job, execution);
  team_of(execution).run(split.threads, [&](Crew& crew) { run(job, split, crew); });
  finish(job);
}

void run_both(const Job& first, const Job& second, const Execution& execution) {
  if (run_better_together(first, second, execution)) {
    run_together(first, second, execution);
  } else {
    run_alone(first, execution);
    run_alone(second, execution);
  }
}

void forward_both(const Job& first, const Job& second, bool training, const Execution& execution) {
  check_forward(first, training, execution);
  check_forward(second, training, execution);
  begin_forward(first, training, execution);
  begin_forward(second, training, execution);
  run_both(first, second, execution);
}

void backward_both(const Job& first, const Job& second, const Execution& execution) {
  check_backward(first, execution);
  check_backward(second, execution);
  begin_backward(first);
  begin_backward(second);
  run_both(first, second, execution);
}

}  // namespace recurra

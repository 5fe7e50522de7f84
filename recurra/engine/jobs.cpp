#include "recurra/engine/jobs.h"

#include <array>

namespace recurra {

namespace {

Split begin_report(const Job& job, const Execution& execution, bool continues) {
  const Plan& plan = *job.plan;
  Memory& m = job.workspace->memory();
  const int panels = job.back != nullptr ? plan.unit_panels().count : plan.blocks();
  const Split split = choose_split(plan, execution, m, panels);
  if (!continues) m.report = Report{};
  m.report.steps += m.all_rows;
  m.report.own_activations = plan.chosen() == 0;
  return split;
}

void run(const Job& job, const Split& split, Crew& crew) noexcept {
  Report& report = job.workspace->memory().report;
  if (crew.index() == 0 && crew.count() >= report.threads) {
    report.threads = crew.count();
    report.schedule = split.schedule;
  }
  job.back != nullptr ? run_backward(job, split, crew) : run_forward(job, split, crew);
}

void finish(const Job& job) noexcept {
  job.back != nullptr ? finish_gradients(job) : finish_outputs(*job.plan, *job.call, job.workspace->memory());
}

void run_together(const Job& first, const Job& second, const Execution& execution, bool continues) {
  // The number is read once: another thread may change the process's meanwhile.
  Execution all = execution;
  all.threads = threads_of(execution);
  Execution half = all;
  half.threads = all.threads / 2;
  const Split splits[] = {begin_report(first, half, continues), begin_report(second, half, continues)};
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

void run_alone(const Job& job, const Execution& execution, bool continues) {
  const Split split = begin_report(job, execution, continues);
  team_of(execution).run(split.threads, [&](Crew& crew) { run(job, split, crew); });
  finish(job);
}

}  // namespace

void run_jobs(std::span<const Job> jobs, const Execution& execution, bool continues) {
  if (jobs.size() == 2 && run_better_together(jobs[0], jobs[1], execution)) {
    run_together(jobs[0], jobs[1], execution, continues);
    return;
  }
  for (const Job& job : jobs) run_alone(job, execution, continues);
}

void forward_both(const Job& first, const Job& second, bool training, const Execution& execution) {
  check_forward(first, training, execution);
  check_forward(second, training, execution);
  begin_forward(first, training, execution);
  begin_forward(second, training, execution);
  run_jobs(std::array{first, second}, execution);
}

void backward_both(const Job& first, const Job& second, const Execution& execution) {
  check_backward(first, execution);
  check_backward(second, execution);
  begin_backward(first);
  begin_backward(second);
  run_jobs(std::array{first, second}, execution);
}

}  // namespace recurra

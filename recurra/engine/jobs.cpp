#include "recurra/engine/jobs.h"

#include <algorithm>
#include <array>

#include "recurra/engine/cost.h"
#include "recurra/engine/forced_schedule.h"
#include "recurra/engine/plan_log.h"

namespace recurra {

namespace {

/// How finely units can be split.
int panels_of(const Plan& plan, bool back) noexcept {
  return back ? plan.unit_panels().count : plan.blocks();
}

}  // namespace

void begin_report(const Job& job) noexcept {
  Memory& m = job.workspace->memory();
  m.report = Report{};
  m.report.own_activations = job.plan->chosen() == 0;
}

Split split_of(const Job& job, const Execution& execution) {
  return choose_split(*job.plan,
                      execution,
                      job.workspace->memory(),
                      panels_of(*job.plan, job.back != nullptr),
                      job.back != nullptr);
}

void run_part(const Job& job, const Split& split, Crew& crew, Steps steps) noexcept {
  Report& report = job.workspace->memory().report;
  if (crew.index() == 0 && crew.count() >= report.threads) {
    report.threads = crew.count();
    report.schedule = split.schedule;
  }
  job.back != nullptr ? run_backward(job, split, crew, steps) : run_forward(job, split, crew, steps);
}

void finish(const Job& job) noexcept {
  job.back != nullptr ? finish_gradients(job) : finish_outputs(*job.plan, *job.call, job.workspace->memory());
}

namespace {

/// `continues`: the report is of the calls before it too.
Split begin_report(const Job& job, const Execution& execution, bool continues) {
  if (!continues) begin_report(job);
  Memory& m = job.workspace->memory();
  m.report.steps += m.all_rows;
  const Split split = split_of(job, execution);
  if (logs_plans()) {
    const bool back = job.back != nullptr;
    const int threads = threads_of(with_forced(execution));
    log_split(*job.plan, shape_of(m, back), split, threads, panels_of(*job.plan, back));
  }
  return split;
}

void run(const Job& job, const Split& split, Crew& crew) noexcept {
  run_part(job, split, crew, {0, job.workspace->memory().running});
}

void run_together(const Job& first, const Job& second, const Execution& execution, bool continues) {
  // The number is read once: another thread may change the process's meanwhile.
  Execution all = execution;
  all.threads = threads_of(execution);
  Execution half = all;
  half.threads = all.threads / 2;
  const Split splits[] = {begin_report(first, half, continues), begin_report(second, half, continues)};
  const Job* jobs[] = {&first, &second};
  for (const Job* job : jobs) job->workspace->memory().report.directions = Directions::together;
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

struct DirectionCosts {
  double together = 0;
  double in_turn = 0;
};

/// What both directions take.
DirectionCosts direction_costs(std::span<const Job> jobs, int threads) {
  DirectionCosts costs;
  for (const Job& job : jobs) {
    const bool back = job.back != nullptr;
    const PassShape shape = shape_of(job.workspace->memory(), back);
    const auto cost = [&](int most, int streams) {
      const Split split = cheapest_split(*job.plan, shape, most, panels_of(*job.plan, back), streams);
      return pass_cost(*job.plan, shape, split, streams) + waking_cost(split.threads);
    };
    const int half = threads / 2;
    costs.together = std::max(costs.together, cost(half, half) + waking_cost(threads));
    costs.in_turn += cost(threads, 0);
  }
  return costs;
}

bool run_better_together(const Job& first, const Job& second, const Execution& execution) {
  const Execution asked = with_forced(execution);
  const int threads = threads_of(asked);
  const bool possible =
      threads >= 2 && first.workspace->memory().running > 0 && second.workspace->memory().running > 0;
  if (!possible || asked.directions == Directions::in_turn) return false;
  if (asked.directions == Directions::together) return true;
  const PassShape shape = shape_of(first.workspace->memory(), first.back != nullptr);
  if (!is_worth_a_thread(*first.plan, shape)) return false;
  const Job jobs[] = {first, second};
  const DirectionCosts costs = direction_costs(jobs, threads);
  const bool together = costs.together < costs.in_turn;
  log_directions(*first.plan, shape, {threads, together, costs.together, costs.in_turn});
  return together;
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

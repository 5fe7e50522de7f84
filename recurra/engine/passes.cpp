#include "recurra/engine/passes.h"

namespace recurra {

namespace {

Split begin_report(const Pass& pass, const Execution& execution) noexcept {
  const Plan& plan = *pass.plan;
  Memory& m = *pass.memory;
  const int panels = pass.back != nullptr ? plan.unit_panels().count : plan.blocks();
  const Split split = choose_split(plan, execution, m, panels);
  m.report = Report{};
  m.report.schedule = split.schedule;
  m.report.steps = m.running > 0 ? m.first[static_cast<std::size_t>(m.running)] : 0;
  m.report.own_activations = plan.chosen() == 0;
  return split;
}

void run(const Pass& pass, const Split& split, Crew& crew) noexcept {
  if (crew.index() == 0) pass.memory->report.threads = crew.count();
  pass.back != nullptr ? run_backward(pass, split, crew) : run_forward(pass, split, crew);
}

void finish(const Pass& pass) noexcept {
  pass.back != nullptr ? finish_gradients(pass) : finish_outputs(*pass.plan, *pass.call, *pass.memory);
}

}  // namespace

void run_alone(const Pass& pass, const Execution& execution) noexcept {
  const Split split = begin_report(pass, execution);
  team_of(execution).run(split.threads, [&](Crew& crew) { run(pass, split, crew); });
  finish(pass);
}

void run_together(const Pass& first, const Pass& second, const Execution& execution) noexcept {
  Execution half = execution;
  half.threads = threads_of(execution) / 2;
  const Split splits[] = {begin_report(first, half), begin_report(second, half)};
  const Pass* passes[] = {&first, &second};
  team_of(execution).run(splits[0].threads + splits[1].threads, [&](Crew& crew) {
    if (crew.count() == 1) {  // the team was taken
      for (int i = 0; i < 2; ++i) run(*passes[i], splits[i], crew);
      return;
    }
    const int which = crew.index() < splits[0].threads ? 0 : 1;
    Crew part = crew.part(which * splits[0].threads, splits[which].threads);
    run(*passes[which], splits[which], part);
  });
  finish(first);
  finish(second);
}

bool run_better_together(const Pass& first, const Pass& second, const Execution& execution) noexcept {
  const bool possible = threads_of(execution) >= 2 && first.memory->running > 0 && second.memory->running > 0;
  if (!possible || execution.directions == Directions::in_turn) return false;
  if (execution.directions == Directions::together) return true;
  return is_worth_a_thread(*first.plan, *first.memory) && keeps_weights_in_cache(*first.plan) &&
         keeps_weights_in_cache(*second.plan);
}

}  // namespace recurra

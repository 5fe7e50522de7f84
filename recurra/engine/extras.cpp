#include "recurra/engine/extras.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/row_tables.h"

namespace recurra {

namespace {

/// Sequences of states, one each; `first` is the first state that may have one.
template <class T>
void check_states(const Plan& plan,
                  const SequenceOf<T> (&sequences)[max_states],
                  const char* name,
                  int first) {
  for (int k = 0; k < max_states; ++k) {
    if (sequences[k].data == nullptr || (k >= first && k < plan.cell().states)) continue;
    throw Error(ErrorCode::invalid_argument,
                name + ("[" + std::to_string(k) + "]"),
                k < first ? "null: state 0 is the output"
                          : "null for cell \"" + plan.recurrence().cell + "\" of " +
                                std::to_string(plan.cell().states) + " states",
                "a sequence");
  }
}

template <class T>
[[nodiscard]] bool any_of(const SequenceOf<T> (&sequences)[max_states]) noexcept {
  return std::ranges::any_of(sequences, [](const SequenceOf<T>& s) { return s.data != nullptr; });
}

}  // namespace

void check_extras(const Plan& plan, const Call& call) {
  check_states(plan, call.states, "states", 1);
  check_states(plan, call.zoneout, "zoneout", 0);
  if (call.zoneout[0].data != nullptr && plan.projected())
    throw Error(ErrorCode::invalid_argument, "zoneout[0]", "null beside a projection", "a sequence");
}

void check_extras(const Plan& plan, const BackwardCall& back, const Room& room) {
  check_states(plan, back.d_states, "d_states", 1);
  if (!any_of(back.d_states) || room.states) return;
  throw Error(
      ErrorCode::invalid_argument, "workspace", "one prepared for states of every step", "one that is not");
}

bool has_zoneout(const Call& call) noexcept {
  return call.zoneout[0].data != nullptr;
}

bool has_zoneout_states(const Call& call) noexcept {
  return std::ranges::any_of(std::span(call.zoneout).subspan(1), [](auto& s) { return s.data != nullptr; });
}

bool takes_states(const Call& call) noexcept {
  return any_of(call.states);
}

void bind_extras(const Plan& plan, const Call& call, Memory& m) noexcept {
  ExtraTables& e = m.extras;
  e.any = any_of(call.zoneout) || takes_states(call);
  for (int k = 0; k < plan.cell().states; ++k) {
    e.zones[k] = call.zoneout[k].data != nullptr;
    if (e.zones[k]) bind_steps(plan, call.zoneout[k], m, e.zoneout[k]);
    if (k == 0) continue;
    e.gives[k - 1] = call.states[k].data != nullptr;
    if (e.gives[k - 1]) bind_steps(plan, call.states[k], m, e.states[k - 1]);
  }
}

void bind_extras_backward(const Plan& plan, const Call& call, const BackwardCall& back, Memory& m) noexcept {
  bind_extras(plan, call, m);
  ExtraTables& e = m.extras;
  e.any = any_of(call.zoneout) || any_of(back.d_states);
  for (bool& gives : e.gives) gives = false;  // the caller has them
  for (int k = 1; k < plan.cell().states; ++k) {
    const ConstSequence& given = back.d_states[k];
    e.takes[k - 1] = given.data != nullptr;
    if (!e.takes[k - 1]) continue;
    if (!repeats_outputs(call)) {
      bind_steps(plan, given, m, e.d_states[k - 1]);
      continue;
    }
    gather_gradient(plan, call, given, plan.units(), m, e.gathered[k - 1].data());
    bind_buffer<const float>(e.gathered[k - 1], plan.units(), m, e.d_states[k - 1]);
  }
}

StepExtras step_extras(const Plan& plan, Memory& m, i64 step) noexcept {
  ExtraTables& e = m.extras;
  StepExtras s{};
  for (int k = 0; k < plan.cell().states; ++k) {
    if (e.zones[k]) s.zoneout[k] = e.zoneout[k].of(step);
    if (k == 0) continue;
    if (e.zones[k] && !e.fresh[k - 1].empty()) s.fresh[k - 1] = e.fresh[k - 1].data() + step * m.state_step;
    if (e.gives[k - 1]) s.states[k - 1] = e.states[k - 1].of(step);
    if (e.takes[k - 1]) s.d_states[k - 1] = e.d_states[k - 1].of(step);
  }
  return s;
}

}  // namespace recurra

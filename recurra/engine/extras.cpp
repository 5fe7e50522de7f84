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

/// `table` gets where every running row's steps lie in the caller's sequence.
template <class T>
void list_sequence(const SequenceOf<T>& sequence, const Memory& m, std::span<T*> table) noexcept {
  for (i64 t = 0; t < m.running; ++t) {
    const int rows = m.active(t);
    for (int row = 0; row < rows; ++row) table[index(t * m.batch + row)] = m.at(sequence, t, row);
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
  return any_of(call.zoneout);
}

bool takes_states(const Call& call) noexcept {
  return any_of(call.states);
}

void bind_extras(const Plan& plan, const Call& call, Memory& m) noexcept {
  ExtraTables& e = m.extras;
  e.any = has_zoneout(call) || takes_states(call);
  for (int k = 0; k < plan.cell().states; ++k) {
    e.zones[k] = call.zoneout[k].data != nullptr;
    if (e.zones[k]) list_sequence(call.zoneout[k], m, e.zoneout[k]);
    if (k == 0) continue;
    e.gives[k - 1] = call.states[k].data != nullptr;
    if (e.gives[k - 1]) list_sequence(call.states[k], m, e.states[k - 1]);
  }
}

void bind_extras_backward(const Plan& plan, const Call& call, const BackwardCall& back, Memory& m) noexcept {
  bind_extras(plan, call, m);
  ExtraTables& e = m.extras;
  e.any = has_zoneout(call) || any_of(back.d_states);
  for (bool& gives : e.gives) gives = false;  // the caller has them
  for (int k = 1; k < plan.cell().states; ++k) {
    const ConstSequence& given = back.d_states[k];
    e.takes[k - 1] = given.data != nullptr;
    if (!e.takes[k - 1]) continue;
    if (!repeats_outputs(call)) {
      list_sequence(given, m, e.d_states[k - 1]);
      continue;
    }
    const i64 units = plan.units();
    gather_gradient(plan, call, given, units, m, e.gathered[k - 1].data());
    for (i64 t = 0; t < m.running; ++t) {
      const float* from = e.gathered[k - 1].data() + t * m.batch * units;
      const float** to = e.d_states[k - 1].data() + t * m.batch;
      for (i64 row = 0; row < m.batch; ++row) to[row] = from + row * units;
    }
  }
}

StepExtras step_extras(const Plan& plan, Memory& m, i64 step) noexcept {
  ExtraTables& e = m.extras;
  const i64 first = step * m.batch;
  StepExtras s{};
  for (int k = 0; k < plan.cell().states; ++k) {
    if (e.zones[k]) s.zoneout[k] = e.zoneout[k].data() + first;
    if (k == 0) continue;
    if (e.zones[k] && !e.fresh[k - 1].empty()) s.fresh[k - 1] = e.fresh[k - 1].data() + step * m.state_step;
    if (e.gives[k - 1]) s.states[k - 1] = e.states[k - 1].data() + first;
    if (e.takes[k - 1]) s.d_states[k - 1] = e.d_states[k - 1].data() + first;
  }
  return s;
}

}  // namespace recurra

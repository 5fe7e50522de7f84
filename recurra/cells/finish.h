/// The epilogues: they take a tile of products from L1 and run a cell's step on it, forward or backward.
#pragma once

#include "recurra/cells/cell.h"
#include "recurra/kernels/tile.h"

namespace recurra::RECURRA_TARGET_NAME {

/// Loads and stores of one vector of units of a row-major row that ends at `units`.
template <Lane V>
struct UnitVector {
  int unit;
  int left;

  RECURRA_INLINE V load(const float* row) const {
    return left >= V::width ? V::load(row + unit) : V::load(row + unit, V::first(left));
  }

  RECURRA_INLINE void store(V x, float* row) const {
    if (left >= V::width) {
      x.store(row + unit);
    } else {
      x.store(row + unit, V::first(left));
    }
  }
};

template <class C>
constexpr int state_order_offset(int phase) {
  int offset = 0;
  for (int p = 0; p < phase; ++p) offset += C::phase[p].count;
  return offset;
}

/// Vector u of a block's parameters, or where W is half a V the first of its lanes.
template <Lane V, class C, Lane W>
RECURRA_INLINE void load_params(const StepArgs& s, int block, int u, W (&param)[C::params + 1]) {
  constexpr int run = C::vectors * V::width;
  RECURRA_UNROLL
  for (int p = 0; p < C::params; ++p)
    param[p] = W::load(s.params + (block * C::params + p) * run + u * V::width);
}

/// What the extras make of new state k before it is stored. Once a target: few calls come here.
template <Lane V>
[[gnu::noinline]] V finish_state(const StepArgs& s, int k, int row, UnitVector<V> at, V fresh) {
  const StepExtras& extras = s.extras;
  const i64 place = row * s.state_row + at.unit;
  V state = fresh;
  if (extras.zoneout[k].at != nullptr) {
    if (k > 0 && extras.fresh[k - 1] != nullptr) fresh.store(extras.fresh[k - 1] + place);
    const V z = at.load(extras.zoneout[k].at[row] + extras.zoneout[k].offset);
    const V old = k == 0 ? at.load(s.h_old[row] + s.h_old_offset) : V::load(s.state_old[k - 1] + place);
    state = fma(z, old, (V(1.0F) - z) * fresh);
  }
  if (k > 0 && extras.states[k - 1].at != nullptr)
    at.store(state, extras.states[k - 1].at[row] + extras.states[k - 1].offset);
  return state;
}

/// The gradient of state k, d, with what comes from outside; under zoneout the part of the fresh state, that
/// of the old one waiting in d_state.
template <Lane V>
[[gnu::noinline]] V begin_state_gradient(const StepArgs& s, int k, int row, UnitVector<V> at, V d) {
  const StepExtras& extras = s.extras;
  if (k > 0 && extras.d_states[k - 1].at != nullptr)
    d = d + at.load(extras.d_states[k - 1].at[row] + extras.d_states[k - 1].offset);
  if (extras.zoneout[k].at != nullptr) {
    const V z = at.load(extras.zoneout[k].at[row] + extras.zoneout[k].offset);
    (z * d).store(s.d_state[k] + row * s.state_row + at.unit);
    d = (V(1.0F) - z) * d;
  }
  return d;
}

/// The direct part of the old state's gradient, with what waited.
template <Lane V>
[[gnu::noinline]] V end_state_gradient(const StepArgs& s, int k, int row, UnitVector<V> at, V d) {
  return s.extras.zoneout[k].at != nullptr ? d + V::load(s.d_state[k] + row * s.state_row + at.unit) : d;
}

/// Runs the cell on the vector of units from `unit` on, whose gates, slots and parameters are in `io`, and
/// stores its states.
template <int Phase, Lane V, class C, class A>
RECURRA_INLINE void run_step(const StepArgs& s, int row, int unit, StepIo<V, C, A>& io) {
  constexpr bool last = Phase == C::phases - 1;
  const UnitVector<V> at{unit, s.units - unit};
  if constexpr (C::reads_h) io.state[0] = at.load(s.h_old[row] + s.h_old_offset);
  RECURRA_UNROLL
  for (int k = 1; k < C::states; ++k) io.state[k] = V::load(s.state_old[k - 1] + row * s.state_row + unit);
  if constexpr (C::attention) io.row = V(s.attention.at[row][s.attention.offset]);

  C::template step<Phase>(io);

  if constexpr (last) {
    if (s.has_extras) {
      RECURRA_UNROLL
      for (int k = 0; k < C::states; ++k) io.state[k] = finish_state(s, k, row, at, io.state[k]);
    }
    at.store(io.state[0], s.h_new[row] + s.h_new_offset);
    if (s.h_copy != nullptr) at.store(io.state[0], s.h_copy);
    if (s.dropout != nullptr)
      at.store(io.state[0] * at.load(s.dropout[row]), s.h_dropped[row] + s.h_dropped_offset);
    RECURRA_UNROLL
    for (int k = 1; k < C::states; ++k) io.state[k].store(s.state_new[k - 1] + row * s.state_row + unit);
  } else {
    if (s.dropout != nullptr) io.operand = io.operand * at.load(s.dropout[row]);
    at.store(io.operand, s.operand[row] + s.operand_offset);
  }
}

template <Lane V, class C, class A, int Phase>
RECURRA_INLINE void finish_vector(const StepArgs& s, int row, int block, int u, const float* scratch) {
  constexpr int run = C::vectors * V::width;
  constexpr Window window = C::phase[Phase];
  float* slots = s.gates[row] + s.gates_offset + block * s.gates_block + u * V::width;

  StepIo<V, C, A> io(s);
  RECURRA_UNROLL
  for (int g = 0; g < window.count; ++g) {
    io.gate[C::state_order[state_order_offset<C>(Phase) + g]] = V::load(scratch + g * run + u * V::width);
  }
  RECURRA_UNROLL
  for (int k = 0; k < C::slots; ++k) io.slot[k] = V::load(slots + k * run);
  load_params<V, C>(s, block, u, io.param);
  run_step<Phase>(s, row, block * run + u * V::width, io);
  RECURRA_UNROLL
  for (int k = 0; k < C::slots; ++k) {
    if (s.keep || ((C::carry >> k) & 1U) != 0) io.slot[k].store(slots + k * run);
  }
}

/// Panel = unit block.
template <Lane V, class C, class A, int Phase>
void finish(const void* context, int panel, int first_row, int rows, const float* scratch) {
  const StepArgs& s = *static_cast<const StepArgs*>(context);
  constexpr int width = C::phase[Phase].count * C::vectors * V::width;
  for (int r = 0; r < rows; ++r) {
    for (int u = 0; u < C::vectors; ++u)
      finish_vector<V, C, A, Phase>(s, first_row + r, panel, u, scratch + r * width);
  }
}

/// What the way forward left of one vector of units.
template <Lane V, class C, class A>
RECURRA_INLINE void load_kept(const StepArgs& s, int row, int vector, BackwardIo<V, C, A>& io) {
  constexpr int run = C::vectors * V::width;
  const int block = vector / C::vectors;
  const int u = vector % C::vectors;
  const int unit = vector * V::width;
  const UnitVector<V> at{unit, s.units - unit};
  const float* slots = s.gates[row] + s.gates_offset + block * s.gates_block + u * V::width;
  RECURRA_UNROLL
  for (int k = 0; k < C::slots; ++k) io.slot[k] = V::load(slots + k * run);
  if constexpr (C::reads_h) {
    io.old_state[0] = at.load(s.h_old[row] + s.h_old_offset);
    io.new_state[0] = at.load(s.h_new[row] + s.h_new_offset);
  }
  RECURRA_UNROLL
  for (int k = 1; k < C::states; ++k) {
    io.old_state[k] = V::load(s.state_old[k - 1] + row * s.state_row + unit);
    io.new_state[k] = V::load(s.state_new[k - 1] + row * s.state_row + unit);
  }
  load_params<V, C>(s, block, u, io.param);
  if constexpr (C::attention) io.row = V(s.attention.at[row][s.attention.offset]);
}

/// Whether slot k is a gradient of a later phase, final by now: while this phase finishes its units, the
/// products of other threads read it.
template <class C>
constexpr bool is_read_by_others(int phase, int k) {
  for (int p = phase + 1; p < C::phases; ++p) {
    if (k >= C::phase[p].first && k < C::phase[p].first + C::phase[p].count) return true;
  }
  return false;
}

template <Lane V, class C, class A, int Phase>
RECURRA_INLINE void finish_vector_backward(const StepArgs& s, int row, int vector, V product) {
  constexpr int run = C::vectors * V::width;
  constexpr bool last = Phase == C::phases - 1;
  const int unit = vector * V::width;
  const i64 place = row * s.state_row + unit;

  BackwardIo<V, C, A> io(s);
  load_kept(s, row, vector, io);
  const UnitVector<V> at{unit, s.units - unit};
  if (s.dropout != nullptr) product = product * at.load(s.dropout[row]);
  RECURRA_UNROLL
  for (int k = 0; k < C::states; ++k) io.d_state[k] = V::load(s.d_state[k] + place);
  if constexpr (last) {
    io.d_state[0] = product + io.d_state[0];
    if (s.dy != nullptr) io.d_state[0] = io.d_state[0] + at.load(s.dy[row] + s.dy_offset);
    if (s.has_extras) {
      RECURRA_UNROLL
      for (int k = 0; k < C::states; ++k) io.d_state[k] = begin_state_gradient(s, k, row, at, io.d_state[k]);
    }
  } else {
    io.d_operand = product;
  }

  C::template step_backward<Phase>(io);

  float* slots =
      s.gates[row] + s.gates_offset + vector / C::vectors * s.gates_block + vector % C::vectors * V::width;
  // Padding meets zero weights in the products to come; an infinity of the row would make it NaN there.
  const bool whole = s.units - unit >= V::width;
  RECURRA_UNROLL
  for (int k = 0; k < C::slots; ++k) {
    if (is_read_by_others<C>(Phase, k)) continue;
    if (whole) {
      io.slot[k].store(slots + k * run);
    } else {
      V::zero().store(slots + k * run);
      io.slot[k].store(slots + k * run, V::first(s.units - unit));
    }
  }
  if (last && s.has_extras) {
    RECURRA_UNROLL
    for (int k = 0; k < C::states; ++k) io.d_state[k] = end_state_gradient(s, k, row, at, io.d_state[k]);
  }
  RECURRA_UNROLL
  for (int k = 0; k < C::states; ++k) io.d_state[k].store(s.d_state[k] + place);
  if constexpr (last && C::attention)
    s.d_attention[i64{row} * s.vectors + vector] = sum(io.d_row, s.units - unit);
}

/// Panel = `s.group` vectors of units.
template <Lane V, class C, class A, int Phase>
void finish_backward(const void* context, int panel, int first_row, int rows, const float* scratch) {
  const StepArgs& s = *static_cast<const StepArgs*>(context);
  const int first = panel * s.group;
  const int count = s.vectors - first < s.group ? s.vectors - first : s.group;
  for (int r = 0; r < rows; ++r) {
    const float* product = scratch + r * s.group * V::width;
    for (int n = 0; n < count; ++n) {
      finish_vector_backward<V, C, A, Phase>(s, first_row + r, first + n, V::load(product + n * V::width));
    }
  }
}

/// Runs after the way back: no sum depends on how the steps were split.
template <Lane V, class C>
void param_gradient(const ParamGradientArgs& a) {
  const StepArgs& s = *a.step;
  for (int vector = a.first_vector; vector < a.last_vector; ++vector) {
    V sum[C::params + 1];
    RECURRA_UNROLL
    for (int p = 0; p < C::params; ++p) sum[p] = V::load(a.sum + p * a.sum_param + vector * V::width);
    for (int row = a.first_row; row < a.last_row; ++row) {
      BackwardIo<V, C, OwnActivations<C>> io(s);
      load_kept(s, row, vector, io);
      if constexpr (C::params > 0) C::param_gradient(io, sum);
    }
    RECURRA_UNROLL
    for (int p = 0; p < C::params; ++p) sum[p].store(a.sum + p * a.sum_param + vector * V::width);
  }
}

template <Lane V, class C, int Phase>
constexpr void add_phases(CellKernels& k) {
  static_assert(C::phase[Phase].count * C::vectors <= widest_panel);
  k.phase[Phase] = C::phase[Phase];
  k.forward[0][Phase] = finish<V, C, OwnActivations<C>, Phase>;
  k.forward[1][Phase] = finish<V, C, ChosenActivations<C>, Phase>;
  k.backward[0][Phase] = finish_backward<V, C, OwnActivations<C>, Phase>;
  k.backward[1][Phase] = finish_backward<V, C, ChosenActivations<C>, Phase>;
  if constexpr (Phase + 1 < C::phases) add_phases<V, C, Phase + 1>(k);
}

/// What the target's table has of a cell, but for the functions that finish whole rows.
template <Lane V, class C>
constexpr CellKernels kernels_of() {
  CellKernels k{};
  k.name = C::name;
  k.gates = C::gates;
  k.slots = C::slots;
  k.states = C::states;
  k.params = C::params;
  k.phases = C::phases;
  k.vectors = C::vectors;
  k.separate = C::separate;
  k.dense = C::dense;
  k.reads_h = C::reads_h;
  k.attention = C::attention;
  k.clips = C::clips;
  k.input = C::input;
  k.activation_count = sizeof(C::activations) / sizeof(C::activations[0]);
  for (int a = 0; a < k.activation_count; ++a) k.activations[a] = C::activations[a];
  for (int g = 0; g < max_gates; ++g) {
    k.state_order[g] = C::state_order[g];
    k.input_order[g] = C::input_order[g];
  }
  if constexpr (C::normalised) {
    k.phase[0] = C::phase[0];  // its rows are finished whole
  } else {
    add_phases<V, C, 0>(k);
    k.param_gradient = param_gradient<V, C>;
  }
  return k;
}

}  // namespace recurra::RECURRA_TARGET_NAME

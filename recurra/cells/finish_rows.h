/// Finishes whole rows of a normalised cell, once the products lie in the slots.
///
/// Slots stay as the products left them until the way back puts their gradients there; of each normalisation
/// the moments are kept. Parameter gradients are summed row by row: a row has one owner at a time, so that no
/// sum depends on threads.
#pragma once

#include "recurra/cells/finish.h"
#include "recurra/cells/normalised_cell.h"
#include "recurra/cells/row_step.h"
#include "recurra/kernels/normalise.h"

namespace recurra::RECURRA_TARGET_NAME {

/// What a step keeps of a row.
struct RowMoments {
  Moments input, recurrent, state;
};

/// Places of the parameters of a normalised cell, in the pack and in the sums of their gradients. In the sums
/// those are followed by room for what one pass over the row hands to the next.
template <class C>
struct RowParams {
  static constexpr int input_gain = 0;
  static constexpr int recurrent_gain = C::gates;
  static constexpr int state_gain = 2 * C::gates;
  static constexpr int state_shift = state_gain + 1;
  static constexpr int bias = state_gain + 2;
  static constexpr int count = bias + C::gates;
  static constexpr int d_gate = count;
  static constexpr int d_normal = count + C::gates;
  static constexpr int all = d_normal + 1;
  static_assert(C::params == bias && C::vectors == 1 && C::phases == 1 && !C::reads_h);
};

/// One row of one step, vector by vector of its units.
template <Lane V, class C>
struct RowView {
  using P = RowParams<C>;
  static constexpr int last_state = C::states - 1;

  const StepArgs& s;
  int row;

  [[nodiscard]] RECURRA_INLINE float* slot(Window window, int k, int block) const {
    return s.gates[row] + s.gates_offset + block * s.gates_block + (window.first + k) * V::width;
  }

  [[nodiscard]] RECURRA_INLINE V param(int p, int block) const {
    return V::load(s.params + (block * P::count + p) * V::width);
  }

  [[nodiscard]] RECURRA_INLINE float* state(float* states, int block) const {
    return states + row * s.state_row + block * V::width;
  }

  [[nodiscard]] RECURRA_INLINE const float* state(const float* states, int block) const {
    return states + row * s.state_row + block * V::width;
  }

  [[nodiscard]] RECURRA_INLINE float* sum(int p, int block) const {
    return s.row_sums + (i64{row} * P::all + p) * s.state_row + block * V::width;
  }

  RECURRA_INLINE void add(V x, int p, int block) const { (V::load(sum(p, block)) + x).store(sum(p, block)); }

  [[nodiscard]] RECURRA_INLINE UnitVector<V> units(int block) const {
    return {block * V::width, s.units - block * V::width};
  }

  [[nodiscard]] RECURRA_INLINE float* h() const { return s.h_new[row] + s.h_new_offset; }

  [[nodiscard]] RECURRA_INLINE RowMoments& kept() const {
    return reinterpret_cast<RowMoments*>(s.row_kept)[row];
  }

  [[nodiscard]] RECURRA_INLINE V input_part(int g, int block, const RowMoments& m) const {
    return normalise(V::load(slot(C::input, g, block)), m.input);
  }

  [[nodiscard]] RECURRA_INLINE V recurrent_part(int g, int block, const RowMoments& m) const {
    return normalise(V::load(slot(C::phase[0], g, block)), m.recurrent);
  }

  RECURRA_INLINE void load_gates(int block, const RowMoments& m, V (&gate)[C::gates]) const {
    RECURRA_UNROLL
    for (int g = 0; g < C::gates; ++g) {
      const V recurrent =
          fma(param(P::recurrent_gain + g, block), recurrent_part(g, block, m), param(P::bias + g, block));
      gate[g] = fma(param(P::input_gain + g, block), input_part(g, block, m), recurrent);
    }
  }

  /// The new last state as the cell made it, before any zoneout: what is normalised.
  [[nodiscard]] RECURRA_INLINE const float* fresh(int block) const {
    const float* kept = s.has_extras ? s.extras.fresh[last_state - 1] : nullptr;
    return state(kept != nullptr ? kept : s.state_new[last_state - 1], block);
  }

  [[nodiscard]] RECURRA_INLINE V state_part(int block, const RowMoments& m) const {
    return normalise(V::load(fresh(block)), m.state);
  }

  /// What step<1> gets of the normalised state.
  [[nodiscard]] RECURRA_INLINE V normal(int block, V part) const {
    return fma(param(P::state_gain, block), part, param(P::state_shift, block));
  }
};

template <Lane V, class C, class A>
[[gnu::noinline]] void finish_row(const StepArgs& s, int row) {
  const RowView<V, C> r{s, row};
  RowMoments m;
  m.input = row_moments<V, C::gates>(r.slot(C::input, 0, 0), s.gates_block, s.units);
  m.recurrent = row_moments<V, C::gates>(r.slot(C::phase[0], 0, 0), s.gates_block, s.units);
  for (int block = 0; block < s.vectors; ++block) {
    NormalisedIo<V, C, A> io(s);
    r.load_gates(block, m, io.gate);
    RECURRA_UNROLL
    for (int k = 1; k < C::states; ++k) io.state[k] = V::load(r.state(s.state_old[k - 1], block));
    C::template step<0>(io);
    RECURRA_UNROLL
    for (int k = 1; k < C::states; ++k) {
      if (s.has_extras) io.state[k] = finish_state(s, k, row, r.units(block), io.state[k]);
      io.state[k].store(r.state(s.state_new[k - 1], block));
    }
    r.units(block).store(io.state[0], r.h());
  }
  m.state = row_moments<V, 1>(r.fresh(0), V::width, s.units);
  for (int block = 0; block < s.vectors; ++block) {
    const UnitVector<V> at = r.units(block);
    NormalisedIo<V, C, A> io(s);
    io.state[0] = at.load(r.h());
    io.normal = r.normal(block, r.state_part(block, m));
    C::template step<1>(io);
    if (s.has_extras) io.state[0] = finish_state(s, 0, row, at, io.state[0]);
    at.store(io.state[0], r.h());
    if (s.dropout != nullptr)
      at.store(io.state[0] * at.load(s.dropout[row]), s.h_dropped[row] + s.h_dropped_offset);
  }
  if (s.keep) r.kept() = m;
}

/// The gradient of h through step<1>, and what the normalisation of the state needs to know of its row.
template <Lane V, class C, class A>
[[gnu::noinline]] MeanGradients output_backward(const RowView<V, C>& r, const RowMoments& m) {
  using P = RowParams<C>;
  const StepArgs& s = r.s;
  NormaliseBackward<V, 1> sums;
  for (int block = 0; block < s.vectors; ++block) {
    const UnitVector<V> at = r.units(block);
    NormalisedBackwardIo<V, C, A> io(s);
    const V part = r.state_part(block, m);
    r.load_gates(block, m, io.gate);
    io.normal = r.normal(block, part);
    V product = at.load(s.product[r.row]);
    if (s.dropout != nullptr) product = product * at.load(s.dropout[r.row]);
    io.d_state[0] = product + V::load(r.state(s.d_state[0], block));
    if (s.dy != nullptr) io.d_state[0] = io.d_state[0] + at.load(s.dy[r.row] + s.dy_offset);
    if (s.has_extras) io.d_state[0] = begin_state_gradient(s, 0, r.row, at, io.d_state[0]);
    RECURRA_UNROLL
    for (int g = 0; g < C::gates; ++g) io.d_gate[g] = V::zero();

    C::template step_backward<1>(io);

    const V gradient = io.d_normal * r.param(P::state_gain, block);
    sums.add(0, gradient, part);
    r.add(io.d_normal * part, P::state_gain, block);
    r.add(io.d_normal, P::state_shift, block);
    gradient.store(r.sum(P::d_normal, block));
    if (s.has_extras) io.d_state[0] = end_state_gradient(s, 0, r.row, at, io.d_state[0]);
    io.d_state[0].store(r.state(s.d_state[0], block));
    RECURRA_UNROLL
    for (int g = 0; g < C::gates; ++g) io.d_gate[g].store(r.sum(P::d_gate + g, block));
  }
  return means_of(sums, s.units);
}

/// What the normalisations of both products need to know of their row.
struct GateMeans {
  MeanGradients input, recurrent;
};

/// The gradient of the states through their normalisation and step<0>.
template <Lane V, class C, class A>
[[gnu::noinline]] GateMeans states_backward(const RowView<V, C>& r,
                                            const RowMoments& m,
                                            const MeanGradients& state) {
  using P = RowParams<C>;
  const StepArgs& s = r.s;
  NormaliseBackward<V, C::gates> input, recurrent;
  for (int block = 0; block < s.vectors; ++block) {
    const UnitVector<V> at = r.units(block);
    NormalisedBackwardIo<V, C, A> io(s);
    r.load_gates(block, m, io.gate);
    RECURRA_UNROLL
    for (int k = 0; k < C::states; ++k) {
      io.d_state[k] = V::load(r.state(s.d_state[k], block));
      if (k > 0 && s.has_extras) io.d_state[k] = begin_state_gradient(s, k, r.row, at, io.d_state[k]);
    }
    RECURRA_UNROLL
    for (int k = 1; k < C::states; ++k) {
      io.old_state[k] = V::load(r.state(s.state_old[k - 1], block));
      io.new_state[k] = V::load(r.state(s.state_new[k - 1], block));
    }
    RECURRA_UNROLL
    for (int g = 0; g < C::gates; ++g) io.d_gate[g] = V::load(r.sum(P::d_gate + g, block));
    const V through =
        normalise_backward(V::load(r.sum(P::d_normal, block)), r.state_part(block, m), m.state, state);
    io.d_state[r.last_state] = first_lanes(io.d_state[r.last_state] + through, at.left);

    C::template step_backward<0>(io);

    RECURRA_UNROLL
    for (int k = 0; k < C::states; ++k) {
      if (k > 0 && s.has_extras) io.d_state[k] = end_state_gradient(s, k, r.row, at, io.d_state[k]);
      io.d_state[k].store(r.state(s.d_state[k], block));
    }
    RECURRA_UNROLL
    for (int g = 0; g < C::gates; ++g) {
      io.d_gate[g].store(r.sum(P::d_gate + g, block));
      input.add(g, io.d_gate[g] * r.param(P::input_gain + g, block), r.input_part(g, block, m));
      recurrent.add(g, io.d_gate[g] * r.param(P::recurrent_gain + g, block), r.recurrent_part(g, block, m));
    }
  }
  return {means_of(input, s.units), means_of(recurrent, s.units)};
}

template <Lane V, class C, class A>
[[gnu::noinline]] void finish_row_backward(const StepArgs& s, int row) {
  using P = RowParams<C>;
  const RowView<V, C> r{s, row};
  const RowMoments m = r.kept();
  const MeanGradients state = output_backward<V, C, A>(r, m);
  const GateMeans means = states_backward<V, C, A>(r, m, state);
  for (int block = 0; block < s.vectors; ++block) {
    const int left = r.units(block).left;
    RECURRA_UNROLL
    for (int g = 0; g < C::gates; ++g) {
      const V d_gate = V::load(r.sum(P::d_gate + g, block));
      const V input = r.input_part(g, block, m);
      const V recurrent = r.recurrent_part(g, block, m);
      r.add(d_gate * input, P::input_gain + g, block);
      r.add(d_gate * recurrent, P::recurrent_gain + g, block);
      r.add(d_gate, P::bias + g, block);
      // Padding meets zero weights in the products to come; an infinity of the row would make it NaN there.
      const V d_input =
          normalise_backward(d_gate * r.param(P::input_gain + g, block), input, m.input, means.input);
      const V d_recurrent = normalise_backward(
          d_gate * r.param(P::recurrent_gain + g, block), recurrent, m.recurrent, means.recurrent);
      first_lanes(d_input, left).store(r.slot(C::input, g, block));
      first_lanes(d_recurrent, left).store(r.slot(C::phase[0], g, block));
    }
  }
}

template <Lane V, class C, class A>
void finish_rows(const StepArgs& s, int first_row, int last_row) {
  for (int row = first_row; row < last_row; ++row) finish_row<V, C, A>(s, row);
}

template <Lane V, class C, class A>
void finish_rows_backward(const StepArgs& s, int first_row, int last_row) {
  for (int row = first_row; row < last_row; ++row) finish_row_backward<V, C, A>(s, row);
}

/// The line of any cell in the target's table.
template <Lane V, class C>
constexpr CellKernels line_of() {
  CellKernels k = kernels_of<V, C>();
  if constexpr (has_row_step<C>) {
    k.row_step[0] = row_step<V, C, OwnActivations<C>>;
    k.row_step[1] = row_step<V, C, ChosenActivations<C>>;
  }
  if constexpr (C::normalised) {
    k.rows = {
        {finish_rows<V, C, OwnActivations<C>>, finish_rows<V, C, ChosenActivations<C>>},
        {finish_rows_backward<V, C, OwnActivations<C>>, finish_rows_backward<V, C, ChosenActivations<C>>},
        sizeof(RowMoments) / sizeof(float),
        RowParams<C>::all};
  }
  return k;
}

}  // namespace recurra::RECURRA_TARGET_NAME

/// A step of one row in one pass: input product, recurrent product and cell, for a few blocks of units at
/// once.
///
/// With few units the two products, and the memory between them, cost as much as the multiply-adds. The sums
/// are those of the products: bias, inputs in order, then the operand in order.
#pragma once

#include "recurra/cells/finish.h"

namespace recurra::RECURRA_TARGET_NAME {

template <class C>
inline constexpr bool has_row_step = C::dense&& C::phases == 1 && !C::normalised;

/// Where a pack has the vectors of a cell's slots: of the input product, and of the recurrent one.
template <class C>
struct RowWindows {
  static constexpr Window input = {C::input.first * C::vectors, C::input.count* C::vectors};
  static constexpr Window state = {C::phase[0].first * C::vectors, C::phase[0].count* C::vectors};
  static constexpr int separate = C::separate * C::vectors;
  static constexpr int all = C::slots * C::vectors;
};

/// The sums of J blocks in vectors W: V, or half of it.
template <Lane V, class C, Lane W, int J>
struct RowSums {
  using Windows = RowWindows<C>;
  W sum[J][Windows::all];

  RECURRA_INLINE void start(const RowStepArgs& a, int block) {
    RECURRA_UNROLL
    for (int j = 0; j < J; ++j) {
      const float* bias = a.bias + i64{block + j} * Windows::input.count * V::width;
      const float* params = a.step.params + i64{block + j} * C::params * C::vectors * V::width;
      RECURRA_UNROLL
      for (int n = 0; n < Windows::all; ++n) {
        if (n >= Windows::input.first && n < Windows::input.first + Windows::input.count) {
          sum[j][n] = W::load(bias + (n - Windows::input.first) * V::width);
        } else if (n >= Windows::state.first && n < Windows::state.first + Windows::separate) {
          sum[j][n] = W::load(params + (n - Windows::state.first) * V::width);
        } else {
          sum[j][n] = W::zero();
        }
      }
    }
  }

  /// Adds factor times the weights of one k, at w for the first block and `stride` on for each other.
  template <int First, int Count>
  RECURRA_INLINE void add(W factor, const float* w, i64 stride) {
    RECURRA_UNROLL
    for (int j = 0; j < J; ++j) {
      RECURRA_UNROLL
      for (int n = 0; n < Count; ++n)
        sum[j][First + n] = fma(factor, W::load(w + j * stride + n * V::width), sum[j][First + n]);
    }
  }
};

/// J blocks, and with a Tail, where there are halves, the block `tail` of which only the first half are
/// units.
template <Lane V, class C, int J, bool Tail>
struct RowTile {
  RowSums<V, C, V, J> whole;

  RECURRA_INLINE void start(const RowStepArgs& a, int block, int /*tail*/) { whole.start(a, block); }

  template <int First, int Count>
  RECURRA_INLINE void multiply(const float* x, int depth, const float* pack, int block, int /*tail*/) {
    const i64 stride = i64{depth} * Count * V::width;
    const float* w = pack + block * stride;
    for (i64 k = 0; k < depth; ++k, w += Count * V::width)
      whole.template add<First, Count>(V(x[k]), w, stride);
  }
};

template <Halved V, class C, int J>
struct RowTile<V, C, J, true> {
  RowSums<V, C, V, J> whole;
  RowSums<V, C, typename V::Half, 1> half;

  RECURRA_INLINE void start(const RowStepArgs& a, int block, int tail) {
    whole.start(a, block);
    half.start(a, tail);
  }

  template <int First, int Count>
  RECURRA_INLINE void multiply(const float* x, int depth, const float* pack, int block, int tail) {
    const i64 stride = i64{depth} * Count * V::width;
    const float* w = pack + block * stride;
    const float* w_tail = pack + tail * stride;
    for (i64 k = 0; k < depth; ++k, w += Count * V::width, w_tail += Count * V::width) {
      const V factor(x[k]);
      whole.template add<First, Count>(factor, w, stride);
      half.template add<First, Count>(factor.half(), w_tail, stride);
    }
  }
};

/// Runs the cell on the sums; `input` are those before the recurrent product.
template <class A, Lane V, class C, Lane W, int J>
RECURRA_INLINE void finish_sums(const RowStepArgs& a,
                                const RowSums<V, C, W, J>& input,
                                const RowSums<V, C, W, J>& all,
                                int block) {
  RECURRA_UNROLL
  for (int j = 0; j < J; ++j) {
    RECURRA_UNROLL
    for (int u = 0; u < C::vectors; ++u) {
      StepIo<W, C, A> io(a.step);
      RECURRA_UNROLL
      for (int g = 0; g < C::phase[0].count; ++g)
        io.gate[C::state_order[g]] = all.sum[j][(C::phase[0].first + g) * C::vectors + u];
      RECURRA_UNROLL
      for (int k = 0; k < C::slots; ++k) io.slot[k] = input.sum[j][k * C::vectors + u];
      load_params<V, C>(a.step, block + j, u, io.param);
      run_step<0>(a.step, a.row, ((block + j) * C::vectors + u) * V::width, io);
    }
  }
}

template <Lane V, class C, class A, int J, bool Tail>
[[gnu::noinline]] void row_blocks(const RowStepArgs& a, int block, int tail) {
  constexpr Window in = RowWindows<C>::input;
  constexpr Window state = RowWindows<C>::state;
  RowTile<V, C, J, Tail> all;
  all.start(a, block, tail);
  all.template multiply<in.first, in.count>(a.x, a.inputs, a.in, block, tail);
  const RowTile<V, C, J, Tail> input = all;
  all.template multiply<state.first, state.count>(a.h, a.width, a.state, block, tail);
  if constexpr (Tail) finish_sums<A>(a, input.half, all.half, tail);
  finish_sums<A>(a, input.whole, all.whole, block);
}

/// Blocks two by two: that gives chains enough to hide a multiply-add's latency, and more streams of weights
/// are slower.
template <Lane V, class C, class A>
RECURRA_INLINE void whole_blocks(const RowStepArgs& a, int first, int last) {
  for (int done = 0; done < last - first;) {
    const int count = last - first - done >= 2 ? 2 : 1;
    const int block = a.descending ? last - done - count : first + done;
    done += count;
    if (count == 2) {
      row_blocks<V, C, A, 2, false>(a, block, 0);
    } else {
      row_blocks<V, C, A, 1, false>(a, block, 0);
    }
  }
}

/// Half a block at the end comes with the first whole one.
template <Lane V, class C, class A>
void row_step(const RowStepArgs& a) {
  if (a.executed != nullptr) *a.executed = RECURRA_TARGET_TEXT;
  if constexpr (Halved<V> && C::vectors == 1) {
    const int tail = a.last_block - 1;
    if (a.step.units <= tail * V::width + V::width / 2 && a.first_block < tail) {
      if (a.descending) whole_blocks<V, C, A>(a, a.first_block + 1, tail);
      row_blocks<V, C, A, 1, true>(a, a.first_block, tail);
      if (!a.descending) whole_blocks<V, C, A>(a, a.first_block + 1, tail);
      return;
    }
  }
  whole_blocks<V, C, A>(a, a.first_block, a.last_block);
}

}  // namespace recurra::RECURRA_TARGET_NAME

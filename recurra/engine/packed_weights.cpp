#include "recurra/engine/packed_weights.h"

#include <algorithm>
#include <cstring>

#include "recurra/base/error.h"
#include "recurra/engine/schedule.h"

namespace recurra {

namespace {

Range share(int count, const Crew& crew) {
  return even_share(count, crew.index(), crew.count());
}

/// The gates of one product in the order of its panel.
struct Gates {
  const int* order;
  int count;
};

/// Calls visit(packed, weight, count, stride) for every run of units of a weight in packs laid out
/// [block][row][gate of `gates`][run].
template <class T, class P, class Visit>
void for_runs(const Plan& plan,
              T* weights,
              const WeightStrides& strides,
              int rows,
              Gates gates,
              P* packed,
              Range blocks,
              Visit visit) {
  const int run = plan.run();
  for (int block = blocks.first; block < blocks.last; ++block) {
    const i64 first = i64{block} * run;
    const i64 count = std::min<i64>(run, plan.units() - first);
    P* at = packed + i64{block} * rows * gates.count * run;
    for (int row = 0; row < rows; ++row) {
      for (int g = 0; g < gates.count; ++g, at += run) {
        visit(at,
              weights + row * strides.row + strides.gate_offset(gates.order[g]) + first * strides.unit,
              count);
      }
    }
  }
}

void pack_forward(const Plan& plan,
                  const float* weights,
                  const WeightStrides& strides,
                  int rows,
                  Gates gates,
                  float* out,
                  Range blocks) {
  for_runs(plan, weights, strides, rows, gates, out, blocks, [&](float* to, const float* from, i64 count) {
    if (strides.unit == 1) {
      std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
    } else {
      for (i64 u = 0; u < count; ++u) to[u] = from[u * strides.unit];
    }
  });
}

void unpack_forward(const Plan& plan,
                    const float* packed,
                    const WeightStrides& strides,
                    int rows,
                    Gates gates,
                    float* weights) {
  const Range blocks{0, plan.blocks()};
  for_runs(plan, weights, strides, rows, gates, packed, blocks, [&](const float* from, float* to, i64 count) {
    for (i64 u = 0; u < count; ++u) to[u * strides.unit] = from[u];
  });
}

/// Calls visit(packed, weight, count) for every run of units of (places.count, units) in the packed params
/// [block][packed param][run], at `places`.
template <class T, class P, class Visit>
void for_params(const Plan& plan,
                T* weights,
                const WeightStrides& strides,
                Window places,
                P* packed,
                Range blocks,
                Visit visit) {
  for (int block = blocks.first; block < blocks.last; ++block) {
    const i64 first = i64{block} * plan.run();
    const i64 count = std::min<i64>(plan.run(), plan.units() - first);
    for (int p = 0; p < places.count; ++p) {
      visit(packed + (i64{block} * plan.packed_params() + places.first + p) * plan.run(),
            weights != nullptr ? weights + strides.gate_offset(p) + first * strides.unit : nullptr,
            count);
    }
  }
}

void pack_params(const Plan& plan,
                 const float* weights,
                 const WeightStrides& strides,
                 Window places,
                 float* out,
                 Range blocks) {
  for_params(plan, weights, strides, places, out, blocks, [&](float* to, const float* from, i64 count) {
    for (i64 u = 0; u < count; ++u) to[u] = from != nullptr ? from[u * strides.unit] : 0.0F;
  });
}

void unpack_params(
    const Plan& plan, const float* packed, const WeightStrides& strides, Window places, float* weights) {
  if (weights == nullptr) return;
  const Range blocks{0, plan.blocks()};
  for_params(plan, weights, strides, places, packed, blocks, [&](const float* from, float* to, i64 count) {
    for (i64 u = 0; u < count; ++u) to[u * strides.unit] = from[u];
  });
}

/// weights (columns, gates, units) -> out [panel][block][gate of `gates`][run][panel width].
void pack_backward(const Plan& plan,
                   const float* weights,
                   const WeightStrides& strides,
                   const Panels& panels,
                   int columns,
                   Gates gates,
                   float* out,
                   Range range) {
  const int run = plan.run();
  const i64 depth = i64{plan.blocks()} * gates.count * run;
  for (int panel = range.first; panel < range.last; ++panel) {
    const int first = panel * panels.width;
    const int last = std::min(first + panels.width, columns);
    for (int block = 0; block < plan.blocks(); ++block) {
      const int count = static_cast<int>(std::min<i64>(run, plan.units() - i64{block} * run));
      for (int g = 0; g < gates.count; ++g) {
        float* to = out + panel * depth * panels.width + (i64{block} * gates.count + g) * run * panels.width;
        const float* from = weights + strides.gate_offset(gates.order[g]) + i64{block} * run * strides.unit;
        for (int column = first; column < last; ++column) {
          const float* of_column = from + column * strides.row;
          for (int u = 0; u < count; ++u) to[u * panels.width + column - first] = of_column[u * strides.unit];
        }
      }
    }
  }
}

/// weights (rows, columns) -> out [panel][row][panel width].
void pack_plain(const float* weights,
                const WeightStrides& strides,
                const Panels& panels,
                int rows,
                int columns,
                float* out,
                Range range) {
  for (int panel = range.first; panel < range.last; ++panel) {
    const int first = panel * panels.width;
    const int last = std::min(first + panels.width, columns);
    for (int row = 0; row < rows; ++row) {
      float* to = out + (i64{panel} * rows + row) * panels.width;
      for (int column = first; column < last; ++column)
        to[column - first] = weights[row * strides.row + column * strides.unit];
    }
  }
}

}  // namespace

PackedWeights::PackedWeights(const Plan& plan, Use use) : plan_(plan), use_(use) {
  own_ = AlignedBuffer<float>(lay_out(nullptr));
  lay_out(own_.data());
}

PackedWeights::PackedWeights(const Plan& plan, Use use, float* memory) : plan_(plan), use_(use) {
  lay_out(memory);
}

i64 PackedWeights::floats(const Plan& plan, Use use) {
  return PackedWeights(plan, use, nullptr).lay_out(nullptr);
}

/// Places all parts in `memory`; the floats they take.
i64 PackedWeights::lay_out(float* memory) {
  constexpr i64 line = cache_line / sizeof(float);
  i64 used = 0;
  const auto take = [&](i64 size) {
    const std::span<float> part(memory != nullptr ? memory + used : nullptr, static_cast<std::size_t>(size));
    used += (size + line - 1) / line * line;
    return part;
  };
  const CellKernels& cell = plan_.cell();
  const i64 padded = plan_.padded();
  in = take(i64{plan_.input()} * cell.input.count * padded);
  bias = take(cell.input.count * padded);
  params = take(plan_.packed_params() * padded);
  for (int p = 0; cell.dense && p < cell.phases; ++p)
    state[p] = take(i64{plan_.operand(p)} * cell.phase[p].count * padded);
  const Panels& width = plan_.width_panels();
  if (plan_.projected()) projection = take(i64{width.count} * width.width * plan_.units());
  if (use_ == Use::inference) return used;
  const Panels& input = plan_.input_panels();
  back_in = take(i64{input.count} * input.width * cell.input.count * padded);
  for (int p = 0; cell.dense && p < cell.phases; ++p) {
    const Panels& panels = plan_.operand_panels(p);
    back_state[p] = take(i64{panels.count} * panels.width * cell.phase[p].count * padded);
  }
  const Panels& units = plan_.unit_panels();
  if (plan_.projected()) back_projection = take(i64{units.count} * units.width * plan_.width());
  return used;
}

void PackedWeights::check(const Plan& plan, Use use) const {
  if (!plan_.packs_alike(plan)) {
    throw Error(ErrorCode::invalid_argument, "weights", "packs of this plan", "packs of another");
  }
  if (use == Use::training && !for_training()) {
    throw Error(ErrorCode::invalid_argument, "weights", "packs for training", "packs for inference");
  }
}

void PackedWeights::pack(const Plan& plan, const Weights& weights, const Execution& execution) {
  check_execution(execution);
  const CellKernels& cell = plan.cell();
  const i64 units = plan.units();
  const WeightStrides in_strides = strides_or_contiguous(weights.W_strides, cell.gates, units);
  const WeightStrides state_strides = strides_or_contiguous(weights.U_strides, cell.gates, units);
  const WeightStrides bias_strides = strides_or_contiguous(weights.b_strides, cell.gates, units);
  const WeightStrides param_strides = strides_or_contiguous(weights.params_strides, cell.params, units);
  const WeightStrides out_strides = strides_or_contiguous(weights.P_strides, 1, plan.width());
  // Copying a megabyte takes some 100 us; below a tenth of that a second thread does not pay.
  std::size_t floats = in.size() + back_in.size();
  for (int p = 0; p < cell.phases; ++p) floats += state[p].size() + back_state[p].size();
  const int threads = floats > 32'768 ? threads_of(execution) : 1;
  team_of(execution).run(threads, [&](const Crew& crew) {
    const Range blocks = share(plan.blocks(), crew);
    const Gates input{cell.input_order, cell.input.count};
    pack_forward(plan, weights.W, in_strides, plan.input(), input, in.data(), blocks);
    if (plan.finishes_rows()) {
      pack_params(plan, weights.b, bias_strides, {cell.params, cell.gates}, params.data(), blocks);
    } else if (weights.b != nullptr) {
      pack_forward(plan, weights.b, bias_strides, 1, input, bias.data(), blocks);
    } else {
      const i64 block = i64{cell.input.count} * plan.run();
      std::fill_n(bias.data() + blocks.first * block, blocks.count() * block, 0.0F);
    }
    pack_params(plan, weights.params, param_strides, {0, cell.params}, params.data(), blocks);
    if (for_training()) {
      const Panels& panels = plan.input_panels();
      const Range mine = share(panels.count, crew);
      pack_backward(plan, weights.W, in_strides, panels, plan.input(), input, back_in.data(), mine);
    }
    for (int p = 0; cell.dense && p < cell.phases; ++p) {
      const Gates gates{cell.state_order + plan.order_offset(p), cell.phase[p].count};
      pack_forward(plan, weights.U, state_strides, plan.operand(p), gates, state[p].data(), blocks);
      if (!for_training()) continue;
      const Panels& panels = plan.operand_panels(p);
      const Range mine = share(panels.count, crew);
      pack_backward(
          plan, weights.U, state_strides, panels, plan.operand(p), gates, back_state[p].data(), mine);
    }
    if (!plan.projected()) return;
    const Panels& width = plan.width_panels();
    const Range mine = share(width.count, crew);
    pack_plain(weights.P, out_strides, width, plan.units(), plan.width(), projection.data(), mine);
    if (!for_training()) return;
    const Panels& unit_panels = plan.unit_panels();
    const WeightStrides transposed{out_strides.unit, 0, out_strides.row};
    const Range back = share(unit_panels.count, crew);
    pack_plain(weights.P, transposed, unit_panels, plan.width(), plan.units(), back_projection.data(), back);
  });
}

void PackedWeights::unpack(const WeightGradients& weights) const noexcept {
  const CellKernels& cell = plan_.cell();
  const i64 units = plan_.units();
  const auto unpack_rows =
      [&](std::span<const float> from, const WeightStrides& given, int rows, Gates gates, float* to) {
        if (to == nullptr) return;
        unpack_forward(plan_, from.data(), strides_or_contiguous(given, cell.gates, units), rows, gates, to);
      };
  const Gates input{cell.input_order, cell.input.count};
  unpack_rows(in, weights.W_strides, plan_.input(), input, weights.W);
  const WeightStrides bias_strides = strides_or_contiguous(weights.b_strides, cell.gates, units);
  if (plan_.finishes_rows()) {
    unpack_params(plan_, params.data(), bias_strides, {cell.params, cell.gates}, weights.b);
  } else {
    unpack_rows(bias, weights.b_strides, 1, input, weights.b);
  }
  const WeightStrides param_strides = strides_or_contiguous(weights.params_strides, cell.params, units);
  unpack_params(plan_, params.data(), param_strides, {0, cell.params}, weights.params);
  for (int p = 0; cell.dense && p < cell.phases; ++p) {
    const Gates gates{cell.state_order + plan_.order_offset(p), cell.phase[p].count};
    unpack_rows(state[p], weights.U_strides, plan_.operand(p), gates, weights.U);
  }
  if (!plan_.projected() || weights.P == nullptr) return;
  const Panels& width = plan_.width_panels();
  const WeightStrides strides = strides_or_contiguous(weights.P_strides, 1, plan_.width());
  for (i64 row = 0; row < units; ++row) {
    for (i64 column = 0; column < plan_.width(); ++column) {
      const i64 panel = column / width.width;
      weights.P[row * strides.row + column * strides.unit] =
          projection[static_cast<std::size_t>((panel * units + row) * width.width + column % width.width)];
    }
  }
}

}  // namespace recurra

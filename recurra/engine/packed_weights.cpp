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

/// weights (rows, gates, units) -> out [block][row][gate of `gates`][run].
void pack_forward(const Plan& plan, const float* weights, int rows, Gates gates, float* out, Range blocks) {
  const i64 units = plan.units();
  const i64 row_size = plan.cell().gates * units;
  const int run = plan.run();
  for (int block = blocks.first; block < blocks.last; ++block) {
    const i64 first = i64{block} * run;
    const auto filled = static_cast<std::size_t>(std::min<i64>(run, units - first)) * sizeof(float);
    float* to = out + i64{block} * rows * gates.count * run;
    for (int row = 0; row < rows; ++row) {
      for (int g = 0; g < gates.count; ++g, to += run) {
        std::memcpy(to, weights + row * row_size + gates.order[g] * units + first, filled);
      }
    }
  }
}

/// weights (columns, gates, units) -> out [panel][block][gate of `gates`][run][panel width].
void pack_backward(const Plan& plan,
                   const float* weights,
                   const Panels& panels,
                   int columns,
                   Gates gates,
                   float* out,
                   Range range) {
  const i64 units = plan.units();
  const i64 row_size = plan.cell().gates * units;
  const int run = plan.run();
  const i64 depth = i64{plan.blocks()} * gates.count * run;
  for (int panel = range.first; panel < range.last; ++panel) {
    const int first = panel * panels.width;
    const int last = std::min(first + panels.width, columns);
    for (int block = 0; block < plan.blocks(); ++block) {
      const int count = static_cast<int>(std::min<i64>(run, units - i64{block} * run));
      for (int g = 0; g < gates.count; ++g) {
        float* to = out + panel * depth * panels.width + (i64{block} * gates.count + g) * run * panels.width;
        const float* from = weights + gates.order[g] * units + i64{block} * run;
        for (int column = first; column < last; ++column) {
          for (int u = 0; u < count; ++u) to[u * panels.width + column - first] = from[column * row_size + u];
        }
      }
    }
  }
}

/// weights (places.count, units) -> out [block][packed param][run] at `places`; null: zeros.
void pack_params(const Plan& plan, const float* weights, Window places, float* out, Range blocks) {
  for (int p = 0; p < places.count; ++p) {
    for (int block = blocks.first; block < blocks.last; ++block) {
      const i64 first = i64{block} * plan.run();
      const i64 count = std::min<i64>(plan.run(), plan.units() - first);
      float* to = out + (i64{block} * plan.packed_params() + places.first + p) * plan.run();
      if (weights != nullptr) {
        std::copy_n(weights + p * plan.units() + first, count, to);
      } else {
        std::fill_n(to, count, 0.0F);
      }
    }
  }
}

/// weights (rows, columns) -> out [panel][row][panel width], or from (columns, rows) when transposed.
void pack_plain(const float* weights,
                const Panels& panels,
                int rows,
                int columns,
                bool transposed,
                float* out,
                Range range) {
  for (int panel = range.first; panel < range.last; ++panel) {
    for (int row = 0; row < rows; ++row) {
      float* to = out + (i64{panel} * rows + row) * panels.width;
      const int first = panel * panels.width;
      const int last = std::min(first + panels.width, columns);
      for (int column = first; column < last; ++column) {
        to[column - first] =
            transposed ? weights[i64{column} * rows + row] : weights[i64{row} * columns + column];
      }
    }
  }
}

}  // namespace

PackedWeights::PackedWeights(const Plan& plan, Use use) : plan_(plan), use_(use) {
  const CellKernels& cell = plan.cell();
  const i64 padded = plan.padded();
  in = AlignedBuffer<float>(i64{plan.input()} * cell.input.count * padded);
  bias = AlignedBuffer<float>(cell.input.count * padded);
  params = AlignedBuffer<float>(plan.packed_params() * padded);
  for (int p = 0; cell.dense && p < cell.phases; ++p) {
    state[p] = AlignedBuffer<float>(i64{plan.operand(p)} * cell.phase[p].count * padded);
  }
  const Panels& width = plan.width_panels();
  if (plan.projected()) projection = AlignedBuffer<float>(i64{width.count} * width.width * plan.units());
  if (use == Use::inference) return;
  const Panels& input = plan.input_panels();
  back_in = AlignedBuffer<float>(i64{input.count} * input.width * cell.input.count * padded);
  for (int p = 0; cell.dense && p < cell.phases; ++p) {
    const Panels& panels = plan.operand_panels(p);
    back_state[p] = AlignedBuffer<float>(i64{panels.count} * panels.width * cell.phase[p].count * padded);
  }
  const Panels& units = plan.unit_panels();
  if (plan.projected()) back_projection = AlignedBuffer<float>(i64{units.count} * units.width * plan.width());
}

void PackedWeights::check(const Plan& plan, Use use) const {
  if (plan_ != plan) {
    throw Error(ErrorCode::invalid_argument, "weights", "packs of this plan", "packs of another");
  }
  if (use == Use::training && !for_training()) {
    throw Error(ErrorCode::invalid_argument, "weights", "packs for training", "packs for inference");
  }
}

void PackedWeights::pack(const Plan& plan, const Weights& weights, const Execution& execution) {
  const CellKernels& cell = plan.cell();
  // Copying a megabyte takes some 100 us; below a tenth of that a second thread does not pay.
  i64 floats = in.size() + back_in.size();
  for (int p = 0; p < cell.phases; ++p) floats += state[p].size() + back_state[p].size();
  team_of(execution).run(floats > 32'768 ? threads_of(execution) : 1, [&](const Crew& crew) {
    const Range blocks = share(plan.blocks(), crew);
    const Gates input{cell.input_order, cell.input.count};
    pack_forward(plan, weights.W, plan.input(), input, in.data(), blocks);
    if (plan.finishes_rows()) {
      pack_params(plan, weights.b, {cell.params, cell.gates}, params.data(), blocks);
    } else if (weights.b != nullptr) {
      pack_forward(plan, weights.b, 1, input, bias.data(), blocks);
    } else {
      const i64 block = i64{cell.input.count} * plan.run();
      std::fill_n(bias.data() + blocks.first * block, blocks.count() * block, 0.0F);
    }
    pack_params(plan, weights.params, {0, cell.params}, params.data(), blocks);
    if (for_training()) {
      const Panels& panels = plan.input_panels();
      pack_backward(plan, weights.W, panels, plan.input(), input, back_in.data(), share(panels.count, crew));
    }
    for (int p = 0; cell.dense && p < cell.phases; ++p) {
      const Gates gates{cell.state_order + plan.order_offset(p), cell.phase[p].count};
      pack_forward(plan, weights.U, plan.operand(p), gates, state[p].data(), blocks);
      if (!for_training()) continue;
      const Panels& panels = plan.operand_panels(p);
      pack_backward(
          plan, weights.U, panels, plan.operand(p), gates, back_state[p].data(), share(panels.count, crew));
    }
    if (!plan.projected()) return;
    const Panels& width = plan.width_panels();
    pack_plain(
        weights.P, width, plan.units(), plan.width(), false, projection.data(), share(width.count, crew));
    if (!for_training()) return;
    const Panels& units = plan.unit_panels();
    pack_plain(
        weights.P, units, plan.width(), plan.units(), true, back_projection.data(), share(units.count, crew));
  });
}

}  // namespace recurra

/// The bits of the RNN primitive's results do not depend on the layouts of its tensors.
#include <gtest/gtest.h>

#include "tests/support/engine_case.h"
#include "tests/support/rnn_problem.h"

namespace recurra::test {

namespace {

using namespace primitive;

constexpr CellKind cells[] = {
    CellKind::lstm, CellKind::gru, CellKind::lbr_augru, CellKind::indrnn, CellKind::lstm_layer_norm};

/// Three layers with every tensor the cell may have.
RnnDesc everything(CellKind cell) {
  RnnDesc desc;
  desc.cell = cell;
  desc.layers = 3;
  desc.units = desc.input = 19;
  const bool has_c = cell == CellKind::lstm || cell == CellKind::lstm_layer_norm;
  desc.peephole = cell == CellKind::lstm;
  desc.projection = cell == CellKind::lstm ? 19 : 0;
  desc.zoneout = desc.projection > 0 ? 0.0F : 0.2F;
  desc.zoneout_c = has_c ? 0.3F : 0.0F;
  desc.tensors = {.src_iter = true,
                  .src_iter_c = has_c,
                  .dst_iter = true,
                  .dst_iter_c = has_c,
                  .lengths = true,
                  .dst_states = true,
                  .dst_states_c = has_c};
  return desc;
}

/// On every target, all that inference, training and backward give.
using Found = std::vector<std::vector<std::vector<float>>>;

/// Of the same numbers in a layout.
Found found(const RnnDesc& desc, const RnnLayout& layout, i64 steps, i64 batch) {
  Random random(20283);
  RnnProblem problem(desc, steps, batch, layout, random);
  Found all;
  for (const Target* target : supported_targets()) {
    problem.check(*target);
    all.push_back(problem.found());
  }
  return all;
}

/// The bits in every layout are those in the first.
void check(const RnnDesc& desc, const std::vector<RnnLayout>& layouts, i64 steps = 7, i64 batch = 5) {
  const Found expected = found(desc, {}, steps, batch);
  for (const RnnLayout& layout : layouts) {
    const Found actual = found(desc, layout, steps, batch);
    for (std::size_t target = 0; target < expected.size(); ++target) {
      ASSERT_EQ(actual[target].size(), expected[target].size());
      for (std::size_t i = 0; i < expected[target].size(); ++i)
        EXPECT_TRUE(same_bits(actual[target][i], expected[target][i]))
            << "tensor " << i << " of " << name_of(desc.cell) << " on " << supported_targets()[target]->name
            << ", sequences " << int(layout.sequences) << ", weights " << int(layout.weights) << ", states "
            << int(layout.states);
    }
  }
}

TEST(PrimitiveLayouts, of_sequences_and_states_do_not_change_the_bits) {
  std::vector<RnnLayout> layouts;
  for (const auto sequences : {SequenceLayout::tnc, SequenceLayout::ntc, SequenceLayout::padded}) {
    for (const auto states : {StatesLayout::dense, StatesLayout::apart})
      layouts.push_back({sequences, WeightsLayout::igo, states});
  }
  for (const CellKind cell : cells) {
    RnnDesc desc = everything(cell);
    desc.direction = primitive::Direction::bidirectional_concat;
    for (const Stacking stacking : {Stacking::independent, Stacking::cross_fed}) {
      desc.stacking = stacking;
      check(desc, layouts);
    }
    desc = everything(cell);
    check(desc, layouts, 9, 1);  // one row and one step go other ways through the engine than many
    check(desc, layouts, 1, 9);
  }
}

TEST(PrimitiveLayouts, of_weights_do_not_change_the_bits) {
  std::vector<RnnLayout> layouts;
  for (const auto weights :
       {WeightsLayout::goi, WeightsLayout::padded, WeightsLayout::ldigo, WeightsLayout::ldgoi})
    layouts.push_back({SequenceLayout::tnc, weights, StatesLayout::dense});
  for (const CellKind cell : cells) {
    RnnDesc desc = everything(cell);
    desc.direction = primitive::Direction::bidirectional_sum;
    for (const auto format : {WeightsFormat::plain, WeightsFormat::any}) {
      desc.weights = format;
      check(desc, layouts);
    }
  }
}

}  // namespace

}  // namespace recurra::test

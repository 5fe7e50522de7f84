/// The RNN primitive against the reference of all of it: every cell, direction and stacking, with and without
/// each tensor that may be left out, in all layouts.
#include <gtest/gtest.h>

#include "tests/support/rnn_forms.h"
#include "tests/support/rnn_problem.h"
#include "tests/support/thinning.h"

namespace recurra::test {

namespace {

using namespace primitive;

constexpr std::uint64_t seed = 20271;

/// A descriptor's cell, and what of a cell's options is chosen.
struct Cell {
  const char* name;
  CellKind kind;
  bool peephole = false;
  i64 projection = 0;
};

constexpr Cell cells[] = {{"vanilla_rnn", CellKind::vanilla_rnn},
                          {"vanilla_rnn_projection", CellKind::vanilla_rnn, false, 7},
                          {"lstm", CellKind::lstm},
                          {"lstm_peephole", CellKind::lstm, true},
                          {"lstm_projection", CellKind::lstm, false, 7},
                          {"lstm_peephole_projection", CellKind::lstm, true, 11},
                          {"gru", CellKind::gru},
                          {"lbr_gru", CellKind::lbr_gru},
                          {"augru", CellKind::augru},
                          {"lbr_augru", CellKind::lbr_augru},
                          {"lstm_coupled", CellKind::lstm_coupled},
                          {"lstm_coupled_projection", CellKind::lstm_coupled, false, 7},
                          {"indrnn", CellKind::indrnn},
                          {"lstm_layer_norm", CellKind::lstm_layer_norm},
                          {"lstm_layer_norm_projection", CellKind::lstm_layer_norm, false, 11}};

bool has_c(const Cell& cell) {
  return cell.kind == CellKind::lstm || cell.kind == CellKind::lstm_coupled ||
         cell.kind == CellKind::lstm_layer_norm;
}

class PrimitiveCellTest : public testing::TestWithParam<Cell> {};

TEST_P(PrimitiveCellTest, agrees_with_the_reference_whatever_tensors_there_are) {
  const Cell& cell = GetParam();
  Random random(seed);
  int count = 0;
  RnnDesc desc;
  desc.cell = cell.kind;
  desc.peephole = cell.peephole;
  desc.projection = cell.projection;
  for_each_form(desc, [&](RnnDesc form) {
    for (unsigned given = 0; given < 64; ++given) {
      const auto bit = [&](unsigned at) {
        return (given >> at & 1U) != 0;
      };
      form.tensors = {.bias = bit(0),
                      .src_iter = bit(1),
                      .src_iter_c = bit(2),
                      .dst_iter = bit(3),
                      .dst_iter_c = bit(4),
                      .lengths = bit(5)};
      if (!has_c(cell) && (form.tensors.src_iter_c || form.tensors.dst_iter_c)) continue;
      form.weights = count % 3 == 0 ? WeightsFormat::plain : WeightsFormat::any;
      form.memory_level = count % 4 == 1 ? MemoryLevel::recompute : MemoryLevel::keep_gates;
      form.units = 6 + 5 * (count % 4);
      // Every other time the layers have one input, so that one tensor may hold all their weights.
      const bool both = form.direction == primitive::Direction::bidirectional_concat;
      const i64 width = form.projection > 0 ? form.projection : form.units;
      const bool crosses = both && form.stacking == Stacking::cross_fed;
      form.input = count % 2 == 0 ? width * (crosses ? 2 : 1) : 9;
      const RnnLayout layout{SequenceLayout(count % 3), WeightsLayout(count % 5), StatesLayout(count % 2)};
      RnnProblem problem(form, 3, 3, layout, random, !form.tensors.dst_iter || count % 4 != 0);
      Thinning thinning(count + count / 3);  // of what goes by threes too, every one meets every target
      ++count;
      for (const Target* target : supported_targets()) {
        if (thinning.skips()) continue;
        SCOPED_TRACE(target->name);
        problem.check(*target);
        if (HasFatalFailure()) return;
      }
    }
  });
}

TEST_P(PrimitiveCellTest, agrees_with_the_reference_with_states_of_every_step_zoneout_and_clip) {
  const Cell& cell = GetParam();
  Random random(seed + 1);
  int count = 0;
  RnnDesc desc;
  desc.cell = cell.kind;
  desc.peephole = cell.peephole;
  desc.projection = cell.projection;
  desc.units = 9;
  desc.input = 6;
  for_each_form(desc, [&](RnnDesc form) {
    for (unsigned given = 0; given < 32; ++given) {
      const auto bit = [&](unsigned at) {
        return (given >> at & 1U) != 0;
      };
      form.tensors.dst_states = bit(0);
      form.tensors.dst_states_c = bit(1);
      form.zoneout = bit(2) ? 0.3F : 0.0F;
      form.zoneout_c = bit(3) ? 0.4F : 0.0F;
      form.clip = bit(4) ? 0.2F : 0.0F;
      form.tensors.lengths = count % 2 == 0;
      form.tensors.src_iter = count % 3 == 0;
      form.memory_level = count % 4 >= 2 ? MemoryLevel::recompute : MemoryLevel::keep_gates;
      if (!has_c(cell) && (form.tensors.dst_states_c || form.zoneout_c > 0 || form.clip > 0)) continue;
      if (form.projection > 0 && form.zoneout > 0) continue;
      const RnnLayout layout{
          SequenceLayout(count % 3), WeightsLayout(count % 5), StatesLayout(count / 3 % 2)};
      RnnProblem problem(form, 4, 3, layout, random, count % 5 != 0 || !form.tensors.dst_states);
      Thinning thinning(count + count / 3);  // of what goes by threes too, every one meets every target
      ++count;
      for (const Target* target : supported_targets()) {
        if (thinning.skips()) continue;
        SCOPED_TRACE(target->name);
        problem.check(*target);
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(All, PrimitiveCellTest, testing::ValuesIn(cells), [](const auto& info) {
  return std::string(info.param.name);
});

}  // namespace

}  // namespace recurra::test

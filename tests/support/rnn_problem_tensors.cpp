/// The tensors of a problem in its layouts.
#include "tests/support/rnn_numbers.h"
#include "tests/support/rnn_problem.h"

namespace recurra::test {

namespace {

using namespace primitive;
using Doubles = std::vector<double>;

/// The same extents with gaps everywhere but between channels.
TensorDesc padded(const TensorDesc& desc) {
  if (desc.rank() == 3)
    return {{desc.dim(0), desc.dim(1), desc.dim(2)},
            {desc.dim(1) * (desc.dim(2) + 5) + 2, desc.dim(2) + 5, 1}};
  return {{desc.dim(0), desc.dim(1)}, {desc.dim(1) + 3, 1}};
}

/// Weights: gaps between all neighbours, and the rows lie innermost.
TensorDesc padded_weights(const TensorDesc& desc) {
  const i64 rows = desc.dim(0);
  if (desc.rank() == 3)
    return {{rows, desc.dim(1), desc.dim(2)}, {2, (2 * rows + 1) * desc.dim(2) + 3, 2 * rows + 1}};
  return {{rows, desc.dim(1)}, {2, 2 * rows + 1}};
}

}  // namespace

bool RnnProblem::is_whole() const {
  const StackPlan& plan = primitive_.plan();
  const bool asked = layout_.weights == WeightsLayout::ldigo || layout_.weights == WeightsLayout::ldgoi;
  return asked && (plan.layers() == 1 || plan.plan(1, 0).input() == plan.plan(0, 0).input());
}

TestTensor RnnProblem::sequence(i64 width, const Doubles& numbers) const {
  const FormatTag tag = layout_.sequences == SequenceLayout::ntc ? FormatTag::ntc : FormatTag::tnc;
  TensorDesc desc({steps_, batch_, width}, tag);
  if (layout_.sequences == SequenceLayout::padded) desc = padded(desc);
  return numbers.empty() ? TestTensor(desc) : TestTensor(desc, exchanged(numbers, batch_, steps_, width));
}

TestTensor RnnProblem::states(int k, const std::vector<Doubles>& numbers) const {
  const TensorDesc desc = k == 0 ? primitive_.iter_desc(batch_) : primitive_.iter_c_desc(batch_);
  return numbers.empty() ? TestTensor(desc) : TestTensor(desc, joined(numbers));
}

TestTensor RnnProblem::step_states(i64 width, const std::vector<Doubles>& numbers) const {
  const StackPlan& plan = primitive_.plan();
  const FormatTag tag = layout_.sequences == SequenceLayout::ntc ? FormatTag::ldntc : FormatTag::ldtnc;
  TensorDesc desc({plan.layers(), plan.directions(), steps_, batch_, width}, tag);
  if (layout_.sequences == SequenceLayout::padded) {
    const i64 run = steps_ * batch_ * (width + 3) + 1;
    desc = TensorDesc({plan.layers(), plan.directions(), steps_, batch_, width},
                      {plan.directions() * run, run, batch_ * (width + 3), width + 3, 1});
  }
  if (numbers.empty()) return TestTensor(desc);
  Doubles all;
  for (const Doubles& one : numbers) {
    const Doubles of_run = exchanged(one, batch_, steps_, width);
    all.insert(all.end(), of_run.begin(), of_run.end());
  }
  return TestTensor(desc, all);
}

/// A weight of one run, or of all.
TestTensor RnnProblem::weight(std::size_t run, TensorDesc one, const std::vector<Doubles>& numbers) const {
  const bool transposed = layout_.weights == WeightsLayout::goi || layout_.weights == WeightsLayout::ldgoi;
  const i64 directions = primitive_.plan().directions();
  if (is_whole()) {
    const i64 layers = desc_.layers;
    const TensorDesc all = one.rank() == 3
                               ? TensorDesc({layers, directions, one.dim(0), one.dim(1), one.dim(2)},
                                            transposed ? FormatTag::ldgoi : FormatTag::ldigo)
                               : TensorDesc({layers, directions, one.dim(0), one.dim(1)},
                                            transposed ? FormatTag::ldoi : FormatTag::ldio);
    return numbers.empty() ? TestTensor(all) : TestTensor(all, joined(numbers));
  }
  if (layout_.weights == WeightsLayout::padded) one = padded_weights(one);
  if (transposed && one.rank() == 3) one = TensorDesc({one.dim(0), one.dim(1), one.dim(2)}, FormatTag::goi);
  if (transposed && one.rank() == 2) one = TensorDesc({one.dim(0), one.dim(1)}, FormatTag::oi);
  return numbers.empty() ? TestTensor(one) : TestTensor(one, numbers[run]);
}

std::vector<RnnProblem::WeightTensors> RnnProblem::weights(bool gradients) const {
  using V = reference::Values;
  const auto numbers = [&](Doubles V::*member) {
    return of_runs(expected_, [&](const reference::StackRun& run) {
      return gradients ? run.gradients.*member : run.values.*member;
    });
  };
  const bool more = desc_.cell == CellKind::lbr_gru || desc_.cell == CellKind::lbr_augru;
  const std::vector<Doubles> params = numbers(&V::params);
  std::vector<Doubles> bias = numbers(&V::b);
  for (std::size_t i = 0; more && i < bias.size(); ++i)
    bias[i].insert(bias[i].end(), params[i].begin(), params[i].end());
  std::vector<WeightTensors> all;
  for (std::size_t run = 0; run < (is_whole() ? 1 : bias.size()); ++run) {
    WeightTensors& one = all.emplace_back();
    const i64 layer = i64(run) / primitive_.plan().directions();
    one.layer = weight(run, primitive_.weights_layer_desc(layer), numbers(&V::W));
    if (desc_.cell == CellKind::indrnn) {
      one.iter = weight(run, primitive_.weights_rows_desc(), params);
    } else {
      one.iter = weight(run, primitive_.weights_iter_desc(), numbers(&V::U));
    }
    if (desc_.peephole) one.peephole = weight(run, primitive_.weights_rows_desc(), params);
    if (desc_.cell == CellKind::lstm_layer_norm)
      one.norm = weight(run, primitive_.weights_rows_desc(), params);
    if (desc_.projection > 0)
      one.projection = weight(run, primitive_.weights_projection_desc(), numbers(&V::P));
    if (desc_.tensors.bias) one.bias = weight(run, primitive_.bias_desc(), bias);
  }
  return all;
}

RnnProblem::Results RnnProblem::results() const {
  Results results;
  if (outputs_) results.layer = sequence(primitive_.plan().width());
  if (desc_.tensors.dst_iter) results.iter = states(0);
  if (desc_.tensors.dst_iter_c) results.iter_c = states(1);
  if (desc_.tensors.dst_states) results.states = step_states(primitive_.plan().plan(0, 0).width());
  if (desc_.tensors.dst_states_c) results.states_c = step_states(desc_.units);
  return results;
}

}  // namespace recurra::test

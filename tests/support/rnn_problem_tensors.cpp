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
  TensorDesc desc = k == 0 ? primitive_.iter_desc(batch_) : primitive_.iter_c_desc(batch_);
  if (layout_.states == StatesLayout::apart) {
    const i64 width = desc.dim(3);
    const i64 layer = batch_ * width + 3;
    desc = TensorDesc({desc.dim(0), desc.dim(1), batch_, width}, {layer, desc.dim(0) * layer + 5, width, 1});
  }
  return numbers.empty() ? TestTensor(desc) : TestTensor(desc, joined(numbers));
}

TestTensor RnnProblem::step_states(i64 width, const std::vector<Doubles>& numbers) const {
  const StackPlan& plan = primitive_.plan();
  const FormatTag tag = layout_.sequences == SequenceLayout::ntc ? FormatTag::ldntc : FormatTag::ldtnc;
  TensorDesc desc({plan.layers(), plan.directions(), steps_, batch_, width}, tag);
  if (layout_.sequences == SequenceLayout::padded) {
    const i64 run = steps_ * batch_ * (width + 3) + 1;
    const bool apart = layout_.states == StatesLayout::apart;
    desc = TensorDesc({plan.layers(), plan.directions(), steps_, batch_, width},
                      {apart ? run : plan.directions() * run,
                       apart ? plan.layers() * run + 2 : run,
                       batch_ * (width + 3),
                       width + 3,
                       1});
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
TestTensor RnnProblem::weight(std::size_t run,
                              const TensorDesc& one,
                              const std::vector<Doubles>& numbers) const {
  WeightsLayout layout = layout_.weights;
  if (!is_whole() && layout == WeightsLayout::ldigo) layout = WeightsLayout::igo;
  if (!is_whole() && layout == WeightsLayout::ldgoi) layout = WeightsLayout::goi;
  const TensorDesc desc = laid_out(one, layout, desc_.layers, primitive_.plan().directions());
  if (numbers.empty()) return TestTensor(desc);
  return TestTensor(desc, is_whole() ? joined(numbers) : numbers[run]);
}

std::vector<WeightTensors> RnnProblem::weights(bool gradients) const {
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

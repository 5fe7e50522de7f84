/// A small call of the RNN primitive with plain weights and all its tensors: what tests of rules change.
#pragma once

#include <list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_tensor.h"

namespace recurra::test {

/// 3 inputs, 5 units, states, plain weights.
inline primitive::RnnDesc plain_desc(primitive::CellKind cell, i64 projection = 0) {
  primitive::RnnDesc desc;
  desc.cell = cell;
  desc.input = 3;
  desc.units = 5;
  desc.projection = projection;
  desc.weights = primitive::WeightsFormat::plain;
  const bool has_c = cell == primitive::CellKind::lstm || cell == primitive::CellKind::lstm_layer_norm;
  desc.tensors = {.src_iter = true, .src_iter_c = has_c, .dst_iter = true, .dst_iter_c = has_c};
  return desc;
}

/// Two steps of two rows of any descriptor of plain weights, all good until something is changed.
class PlainCall {
 public:
  explicit PlainCall(const primitive::RnnDesc& desc)
      : forward(with(desc, primitive::Propagation::forward_training)),
        backward(with(desc, primitive::Propagation::backward)),
        workspace(forward, 2, 2) {
    for (int run = 0; run < forward.plan().layers() * forward.plan().directions(); ++run) {
      weights.push_back(views_of(run));
      gradients.push_back(views_of(run));
    }
    arguments.src_layer = take(forward.src_layer_desc(2, 2));
    arguments.src_iter = take(forward.iter_desc(2));
    if (desc.tensors.src_iter_c) arguments.src_iter_c = take(forward.iter_c_desc(2));
    if (forward.takes_attention()) arguments.attention = take({{2, 2, 1}, primitive::FormatTag::tnc});
    arguments.dst_layer = take(forward.dst_layer_desc(2, 2));
    arguments.dst_iter = take(forward.iter_desc(2));
    if (desc.tensors.dst_iter_c) arguments.dst_iter_c = take(forward.iter_c_desc(2));
    if (desc.tensors.dst_states) arguments.dst_states = take(forward.states_desc(2, 2));
    if (desc.tensors.dst_states_c) arguments.dst_states_c = take(forward.states_c_desc(2, 2));
    if (desc.zoneout > 0) arguments.zoneout = take(forward.states_c_desc(2, 2));
    if (desc.zoneout_c > 0) arguments.zoneout_c = take(forward.states_c_desc(2, 2));
  }

  primitive::TensorView take(const primitive::TensorDesc& desc) { return memory.emplace_back(desc).write(); }

  /// The text that changed arguments are refused with.
  std::string with_arguments(ErrorCode code, auto change) {
    primitive::ForwardArguments changed = arguments;
    change(changed);
    return run(code, changed, weights);
  }

  /// Changed weights of the last layer and direction.
  std::string with_weights(ErrorCode code, auto change) {
    std::vector<primitive::MutableWeightViews> changed = weights;
    change(changed.back());
    return run(code, arguments, changed);
  }

  /// Changed arguments of the way back.
  std::string with_back(ErrorCode code, auto change) {
    EXPECT_EQ(run(code, arguments, weights), "no error");
    std::vector<primitive::MutableWeightViews> changed = gradients;
    const std::vector<primitive::WeightViews> read = read_only(weights);
    primitive::BackwardArguments back{.forward = arguments};
    back.forward.weights = read;
    change(back, changed.back());
    back.diff_weights = changed;
    return error_text(code, [&] { backward.execute(back, workspace); });
  }

  primitive::RnnPrimitive forward, backward;
  primitive::RnnWorkspace workspace;
  std::vector<primitive::MutableWeightViews> weights, gradients;
  primitive::ForwardArguments arguments;

 private:
  static primitive::RnnDesc with(primitive::RnnDesc desc, primitive::Propagation propagation) {
    desc.propagation = propagation;
    return desc;
  }

  primitive::MutableWeightViews views_of(int run) {
    const primitive::RnnDesc& desc = forward.desc();
    primitive::MutableWeightViews views;
    views.layer = take(forward.weights_layer_desc(run / forward.plan().directions()));
    views.iter = take(forward.weights_iter_desc());
    if (desc.peephole) views.peephole = take(forward.weights_rows_desc());
    if (desc.cell == primitive::CellKind::lstm_layer_norm) views.norm = take(forward.weights_rows_desc());
    if (desc.projection > 0) views.projection = take(forward.weights_projection_desc());
    views.bias = take(forward.bias_desc());
    return views;
  }

  static std::vector<primitive::WeightViews> read_only(
      const std::vector<primitive::MutableWeightViews>& views) {
    std::vector<primitive::WeightViews> read;
    for (const primitive::MutableWeightViews& v : views)
      read.push_back({v.layer, v.iter, v.peephole, v.projection, v.norm, v.bias});
    return read;
  }

  std::string run(ErrorCode code,
                  primitive::ForwardArguments changed,
                  const std::vector<primitive::MutableWeightViews>& changed_weights) {
    const std::vector<primitive::WeightViews> read = read_only(changed_weights);
    changed.weights = read;
    return error_text(code, [&] { forward.execute(changed, workspace); });
  }

  std::list<TestTensor> memory;
};

}  // namespace recurra::test

/// A small LSTM with all it is called with: what tests of refusals change.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "recurra/base/error.h"
#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_tensor.h"

namespace recurra::test {

/// 3 inputs, 5 units.
inline primitive::RnnDesc small_desc() {
  primitive::RnnDesc desc;
  desc.input = 3;
  desc.units = 5;
  return desc;
}

/// A small LSTM with all its tensors, and the texts that changed arguments are refused with.
class Caller {
 public:
  explicit Caller(primitive::RnnDesc desc = all_tensors())
      : forward(desc_of(desc, primitive::Propagation::forward_training)),
        backward(desc_of(desc, primitive::Propagation::backward)),
        workspace(forward, 4, 2),
        packed(forward) {
    views.layer = take(forward.weights_layer_desc(0));
    views.iter = take(forward.weights_iter_desc());
    views.bias = take(forward.bias_desc());
    packed.pack(std::vector{primitive::WeightViews{views.layer, views.iter, {}, {}, {}, views.bias}});
    arguments.src_layer = take(forward.src_layer_desc(4, 2));
    arguments.src_iter = take(forward.iter_desc(2));
    arguments.src_iter_c = take(forward.iter_c_desc(2));
    arguments.dst_layer = take(forward.dst_layer_desc(4, 2));
    arguments.dst_iter = take(forward.iter_desc(2));
    arguments.dst_iter_c = take(forward.iter_c_desc(2));
    arguments.packed_weights = &packed;
  }

  static primitive::RnnDesc all_tensors() {
    primitive::RnnDesc desc = small_desc();
    desc.tensors = {.bias = true, .src_iter = true, .src_iter_c = true, .dst_iter = true, .dst_iter_c = true};
    return desc;
  }

  static primitive::RnnDesc desc_of(primitive::RnnDesc desc, primitive::Propagation propagation) {
    desc.propagation = propagation;
    return desc;
  }

  primitive::TensorView take(const primitive::TensorDesc& desc) { return memory.emplace_back(desc).write(); }

  /// The text that the changed arguments are refused with.
  template <class Change>
  std::string refusal(ErrorCode code, Change change) {
    primitive::ForwardArguments changed = arguments;
    change(changed);
    return error_text(code, [&] { forward.execute(changed, workspace); });
  }

  template <class Change>
  std::string refusal_back(ErrorCode code, Change change) {
    primitive::BackwardArguments changed;
    changed.forward = arguments;
    change(changed);
    return error_text(code, [&] { backward.execute(changed, workspace); });
  }

  std::list<TestTensor> memory;
  primitive::RnnPrimitive forward, backward;
  primitive::RnnWorkspace workspace;
  primitive::PackedRnnWeights packed;
  primitive::MutableWeightViews views;
  primitive::ForwardArguments arguments;
};

}  // namespace recurra::test

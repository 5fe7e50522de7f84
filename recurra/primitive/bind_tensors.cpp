/// Sequences and states of an execution.
#include "recurra/base/error.h"
#include "recurra/engine/check_call.h"
#include "recurra/primitive/bind.h"

namespace recurra::primitive {

namespace {

/// The sizes all tensors share.
struct Sizes {
  Sizes(const RnnPrimitive& primitive, const ConstTensorView& src_layer)
      : layers(primitive.plan().layers()),
        directions(primitive.plan().directions()),
        input(primitive.desc().input),
        width(primitive.plan().plan(0, 0).width()),
        units(primitive.desc().units),
        output(primitive.plan().width()) {
    const TensorDesc& desc = src_layer.desc();
    if (desc.rank() != 3) {
      throw Error(ErrorCode::shape,
                  "src_layer",
                  "3 dimensions (steps, batch, input)",
                  src_layer.exists() ? desc.to_string() : "none");
    }
    steps = desc.dim(0);
    batch = desc.dim(1);
  }

  [[nodiscard]] Expected src_layer(const char* name) const {
    return {{name}, 3, {steps, batch, input}, "(steps, batch, input)"};
  }

  [[nodiscard]] Expected attention(const char* name) const {
    return {{name}, 3, {steps, batch, 1}, "(steps, batch, 1)"};
  }

  [[nodiscard]] Expected dst_layer(const char* name) const {
    return {{name}, 3, {steps, batch, output}, "(steps, batch, channels)"};
  }

  /// `state` 0: h, 1: c.
  [[nodiscard]] Expected iter(const char* name, int state) const {
    Expected expected{
        {name},
        4,
        {layers, directions, batch, state == 0 ? width : units},
        state == 0 ? "(layers, directions, batch, channels of h)" : "(layers, directions, batch, units)"};
    expected.dense_rows = true;
    return expected;
  }

  /// The same of every step.
  [[nodiscard]] Expected states(const char* name, int state) const {
    return {{name},
            5,
            {layers, directions, steps, batch, state == 0 ? width : units},
            state == 0 ? "(layers, directions, steps, batch, channels of h)"
                       : "(layers, directions, steps, batch, units)"};
  }

  i64 layers, directions, input, width, units, output;
  i64 steps = 0;
  i64 batch = 0;
};

/// A part of one layer and direction of (layers, directions, steps, batch, channels).
template <class Void>
auto sequence_of(const TensorViewOf<Void>& view, i64 run, i64 directions) {
  using Float = typename TensorViewOf<Void>::Float;
  if (!view.exists()) return SequenceOf<Float>{};
  const TensorDesc& desc = view.desc();
  Float* data = view.floats();
  if (data != nullptr) data += run / directions * desc.stride(0) + run % directions * desc.stride(1);
  return SequenceOf<Float>{data, desc.stride(2), desc.stride(3)};
}

Expected written(Expected expected) {
  expected.written = true;
  return expected;
}

Expected optional(Expected expected) {
  expected.required = false;
  return expected;
}

template <class Void>
auto sequence_of(const TensorViewOf<Void>& view) {
  using Float = typename TensorViewOf<Void>::Float;
  if (!view.exists()) return SequenceOf<Float>{};
  return SequenceOf<Float>{view.floats(), view.desc().stride(0), view.desc().stride(1)};
}

/// A state tensor's part of one layer and direction; null where there is no tensor.
template <class Void>
auto part_of(const TensorViewOf<Void>& view, i64 run, i64 directions) {
  if (!view.exists() || view.data() == nullptr) return static_cast<decltype(view.floats())>(nullptr);
  const TensorDesc& desc = view.desc();
  return view.floats() + run / directions * desc.stride(0) + run % directions * desc.stride(1);
}

/// A tensor that the descriptor asks for or excludes.
void check_optional(const ConstTensorView& view, bool declared, const Expected& expected) {
  if (declared) {
    check_tensor(view, expected);
  } else {
    check_absent(view, expected.subject.name, "the descriptor has none");
  }
}

}  // namespace

StackCall bind_forward(const RnnPrimitive& primitive,
                       const ForwardArguments& arguments,
                       RnnWorkspace& workspace) {
  const Sizes sizes(primitive, arguments.src_layer);
  const OptionalTensors& tensors = primitive.desc().tensors;
  check_tensor(arguments.src_layer, sizes.src_layer("src_layer"));
  check_optional(arguments.dst_layer, tensors.dst_layer, written(sizes.dst_layer("dst_layer")));
  check_optional(arguments.src_iter, tensors.src_iter, sizes.iter("src_iter", 0));
  check_optional(arguments.src_iter_c, tensors.src_iter_c, sizes.iter("src_iter_c", 1));
  check_optional(arguments.attention, primitive.takes_attention(), sizes.attention("attention"));
  check_optional(arguments.dst_iter, tensors.dst_iter, written(sizes.iter("dst_iter", 0)));
  check_optional(arguments.dst_iter_c, tensors.dst_iter_c, written(sizes.iter("dst_iter_c", 1)));
  check_optional(arguments.dst_states, tensors.dst_states, written(sizes.states("dst_states", 0)));
  check_optional(arguments.dst_states_c, tensors.dst_states_c, written(sizes.states("dst_states_c", 1)));
  const RnnDesc& desc = primitive.desc();
  const bool training = desc.propagation != Propagation::forward_inference;
  check_optional(arguments.zoneout, training && desc.zoneout > 0, sizes.states("zoneout", 1));
  check_optional(arguments.zoneout_c, training && desc.zoneout_c > 0, sizes.states("zoneout_c", 1));
  const auto rows = static_cast<i64>(arguments.lengths.size());
  if (rows != (tensors.lengths ? sizes.batch : 0)) {
    throw Error(ErrorCode::shape,
                "lengths",
                tensors.lengths ? std::to_string(sizes.batch) + ", one for each row"
                                : "none, since the descriptor has none",
                std::to_string(rows));
  }
  check_lengths(tensors.lengths ? arguments.lengths.data() : nullptr, sizes.steps, sizes.batch);
  StackCall call;
  call.steps = sizes.steps;
  call.batch = sizes.batch;
  call.x = sequence_of(arguments.src_layer);
  call.y = sequence_of(arguments.dst_layer);
  call.attention = sequence_of(arguments.attention);
  call.lengths = tensors.lengths ? arguments.lengths.data() : nullptr;
  const std::span<StackRun> runs = workspace.runs();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto run = static_cast<i64>(i);
    runs[i] = StackRun{};
    runs[i].y = sequence_of(arguments.dst_states, run, sizes.directions);
    runs[i].states[1] = sequence_of(arguments.dst_states_c, run, sizes.directions);
    runs[i].zoneout[0] = sequence_of(arguments.zoneout, run, sizes.directions);
    runs[i].zoneout[1] = sequence_of(arguments.zoneout_c, run, sizes.directions);
    if (!training && desc.zoneout > 0) runs[i].zoneout[0] = workspace.shares(0);
    if (!training && desc.zoneout_c > 0) runs[i].zoneout[1] = workspace.shares(1);
    runs[i].initial[0] = part_of(arguments.src_iter, run, sizes.directions);
    runs[i].initial[1] = part_of(arguments.src_iter_c, run, sizes.directions);
    runs[i].final[0] = part_of(arguments.dst_iter, run, sizes.directions);
    runs[i].final[1] = part_of(arguments.dst_iter_c, run, sizes.directions);
  }
  call.runs = runs;
  return call;
}

StackBackwardCall bind_backward(const RnnPrimitive& primitive,
                                const BackwardArguments& arguments,
                                std::span<StackRunGradients> runs) {
  const Sizes sizes(primitive, arguments.forward.src_layer);
  const OptionalTensors& tensors = primitive.desc().tensors;
  check_optional(arguments.diff_dst_layer, tensors.dst_layer, optional(sizes.dst_layer("diff_dst_layer")));
  check_optional(arguments.diff_dst_states, tensors.dst_states, optional(sizes.states("diff_dst_states", 0)));
  check_optional(
      arguments.diff_dst_states_c, tensors.dst_states_c, optional(sizes.states("diff_dst_states_c", 1)));
  check_tensor(arguments.diff_src_layer, optional(written(sizes.src_layer("diff_src_layer"))));
  check_optional(arguments.diff_dst_iter, tensors.dst_iter, optional(sizes.iter("diff_dst_iter", 0)));
  check_optional(arguments.diff_dst_iter_c, tensors.dst_iter_c, optional(sizes.iter("diff_dst_iter_c", 1)));
  check_optional(
      arguments.diff_src_iter, tensors.src_iter, optional(written(sizes.iter("diff_src_iter", 0))));
  check_optional(
      arguments.diff_src_iter_c, tensors.src_iter_c, optional(written(sizes.iter("diff_src_iter_c", 1))));
  check_optional(arguments.diff_attention,
                 primitive.takes_attention(),
                 optional(written(sizes.attention("diff_attention"))));
  StackBackwardCall call;
  call.dy = sequence_of(arguments.diff_dst_layer);
  call.dx = sequence_of(arguments.diff_src_layer);
  call.d_attention = sequence_of(arguments.diff_attention);
  call.accumulate = !primitive.desc().diff_weights_overwrite;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto run = static_cast<i64>(i);
    runs[i] = StackRunGradients{};
    runs[i].dy = sequence_of(arguments.diff_dst_states, run, sizes.directions);
    runs[i].d_states[1] = sequence_of(arguments.diff_dst_states_c, run, sizes.directions);
    runs[i].d_final[0] = part_of(arguments.diff_dst_iter, run, sizes.directions);
    runs[i].d_final[1] = part_of(arguments.diff_dst_iter_c, run, sizes.directions);
    runs[i].d_initial[0] = part_of(arguments.diff_src_iter, run, sizes.directions);
    runs[i].d_initial[1] = part_of(arguments.diff_src_iter_c, run, sizes.directions);
  }
  call.runs = runs;
  return call;
}

}  // namespace recurra::primitive

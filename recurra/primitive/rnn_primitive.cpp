#include "recurra/primitive/rnn_primitive.h"

#include <string>

#include "recurra/base/error.h"
#include "recurra/primitive/bind.h"
#include "recurra/primitive/cell_traits.h"
#include "recurra/primitive/rnn_workspace.h"

namespace recurra::primitive {

namespace {

const RnnDesc& checked(const RnnDesc& desc) {
  check(desc);
  return desc;
}

void check_c(const RnnDesc& desc, bool has_c) {
  const std::pair<bool, const char*> all[] = {{desc.tensors.src_iter_c, "src_iter_c"},
                                              {desc.tensors.dst_iter_c, "dst_iter_c"},
                                              {desc.tensors.dst_states_c, "dst_states_c"},
                                              {desc.zoneout_c > 0, "zoneout_c"}};
  for (const auto& [given, subject] : all) {
    if (!given || has_c) continue;
    throw Error(ErrorCode::invalid_argument,
                subject,
                "none for cell " + std::string(name_of(desc.cell)) + ", which has no c",
                "one");
  }
}

void check_propagation(const RnnDesc& desc, bool backward) {
  if ((desc.propagation == Propagation::backward) == backward) return;
  throw Error(ErrorCode::invalid_argument,
              "arguments",
              "those of " + std::string(name_of(desc.propagation)),
              backward ? "those of backward" : "those of a forward propagation");
}

}  // namespace

RnnPrimitive::RnnPrimitive(const RnnDesc& desc, const Target& target)
    : desc_(checked(desc)),
      plan_(stack_of(desc), target),
      weights_desc_(desc_, plan_, desc.propagation != Propagation::forward_inference),
      training_weights_desc_(desc_, plan_, true) {
  check_c(desc, has_c());
}

TensorDesc RnnPrimitive::src_layer_desc(i64 steps, i64 batch, FormatTag tag) const {
  return {{steps, batch, desc_.input}, tag};
}

TensorDesc RnnPrimitive::dst_layer_desc(i64 steps, i64 batch, FormatTag tag) const {
  return {{steps, batch, plan_.width()}, tag};
}

TensorDesc RnnPrimitive::iter_desc(i64 batch) const {
  return {{plan_.layers(), plan_.directions(), batch, plan_.plan(0, 0).width()}, FormatTag::ldnc};
}

TensorDesc RnnPrimitive::iter_c_desc(i64 batch) const {
  return {{plan_.layers(), plan_.directions(), batch, desc_.units}, FormatTag::ldnc};
}

TensorDesc RnnPrimitive::states_desc(i64 steps, i64 batch, FormatTag tag) const {
  return {{plan_.layers(), plan_.directions(), steps, batch, plan_.plan(0, 0).width()}, tag};
}

TensorDesc RnnPrimitive::states_c_desc(i64 steps, i64 batch, FormatTag tag) const {
  return {{plan_.layers(), plan_.directions(), steps, batch, desc_.units}, tag};
}

TensorDesc RnnPrimitive::weights_layer_desc(i64 layer, FormatTag tag) const {
  if (layer < 0 || layer >= desc_.layers) {
    throw Error(ErrorCode::invalid_argument,
                "layer",
                "0 to " + std::to_string(desc_.layers - 1),
                std::to_string(layer));
  }
  const Plan& plan = plan_.plan(static_cast<int>(layer), 0);
  return {{plan.input(), plan.cell().gates, desc_.units}, tag};
}

TensorDesc RnnPrimitive::weights_iter_desc(FormatTag tag) const {
  const Plan& plan = plan_.plan(0, 0);
  if (!plan.cell().dense) throw Error(ErrorCode::shape, "weights_iter", "a recurrent product", "none");
  return {{plan.width(), plan.cell().gates, desc_.units}, tag};
}

TensorDesc RnnPrimitive::weights_rows_desc() const {
  const ParamTensor params = traits_of(desc_).params;
  if (params == ParamTensor::none || params == ParamTensor::bias)
    throw Error(ErrorCode::shape, "weights", "a cell with rows of weights", name_of(desc_.cell));
  return {{plan_.plan(0, 0).cell().params, desc_.units}, FormatTag::go};
}

TensorDesc RnnPrimitive::weights_projection_desc(FormatTag tag) const {
  if (desc_.projection == 0) throw Error(ErrorCode::shape, "weights_projection", "a projection", "none");
  return {{desc_.units, desc_.projection}, tag};
}

TensorDesc RnnPrimitive::bias_desc() const {
  const CellKernels& cell = plan_.plan(0, 0).cell();
  const bool more = traits_of(desc_).params == ParamTensor::bias;
  return {{cell.gates + (more ? cell.params : 0), desc_.units}, FormatTag::go};
}

void RnnPrimitive::execute(const ForwardArguments& arguments,
                           RnnWorkspace& workspace,
                           const Execution& execution) const {
  check_propagation(desc_, false);
  workspace.check(*this);
  const StackCall call = bind_forward(*this, arguments, workspace);
  check_apart(*this, arguments, workspace);
  const StackPacks& packs = workspace.packs_of(*this, arguments, execution);
  const bool training = desc_.propagation == Propagation::forward_training;
  forward(plan_, packs, call, workspace.stack(), training, execution);
}

void RnnPrimitive::execute(const BackwardArguments& arguments,
                           RnnWorkspace& workspace,
                           const Execution& execution) const {
  check_propagation(desc_, true);
  workspace.check(*this);
  const StackCall call = bind_forward(*this, arguments.forward, workspace);
  const StackBackwardCall back = bind_backward(*this, arguments, workspace.gradient_runs());
  bind_weight_gradients(*this, arguments.diff_weights, workspace.gradient_runs());
  check_apart(*this, arguments, workspace);
  const StackPacks& packs = workspace.packs_of(*this, arguments.forward, execution);
  backward(plan_, packs, call, back, workspace.stack(), execution);
}

}  // namespace recurra::primitive

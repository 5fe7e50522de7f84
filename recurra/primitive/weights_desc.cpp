#include "recurra/primitive/weights_desc.h"

#include "recurra/primitive/packed_header.h"

namespace recurra::primitive {

WeightsDesc::WeightsDesc(const RnnDesc& desc, const StackPlan& plan, bool training) {
  const Plan& first = plan.plan(0, 0);
  const Recurrence& recurrence = first.recurrence();
  text_ = std::string(first.target().name) + " " + recurrence.cell;
  // Packs of both kinds have the same size: the engine adds a bias of zeros where there is none.
  text_ += desc.tensors.bias ? " with bias" : " without bias";
  text_ += training ? " for training" : " for inference";
  text_ += ", " + std::to_string(plan.layers()) + " layers, " + std::to_string(plan.directions()) +
           " directions, input " + std::to_string(first.input()) + ", units " +
           std::to_string(first.units()) + ", projection " + std::to_string(recurrence.projection);
  if (plan.layers() > 1) text_ += ", input above " + std::to_string(plan.plan(1, 0).input());
  using Use = PackedWeights::Use;
  size_ = packed_header_size + static_cast<i64>(sizeof(float)) *
                                   StackPacks::floats(plan, training ? Use::training : Use::inference);
}

}  // namespace recurra::primitive

#include "recurra/engine/folded_bias.h"

#include <algorithm>

namespace recurra {

FoldedBias::FoldedBias(const Plan& plan, const int* gate_places)
    : cell_(&plan.cell()),
      units_(plan.units()),
      gate_places_(gate_places),
      b_(cell_->gates * units_),
      params_(cell_->separate * units_),
      d_b_(cell_->gates * units_),
      d_params_(cell_->separate * units_) {}

template <class Visit>
void FoldedBias::for_each_gate(Visit visit) const noexcept {
  const WeightStrides strides{0, units_, 1, gate_places_};
  for (int gate = 0; gate < cell_->gates; ++gate) {
    int param = cell_->separate - 1;
    while (param >= 0 && cell_->state_order[param] != gate) --param;
    visit(gate, strides.gate_offset(gate), param);
  }
}

void FoldedBias::fold(const float* input, const float* recurrent) noexcept {
  for_each_gate([&](int gate, i64 place, int param) {
    float* b = b_.data() + gate * units_;
    for (i64 u = 0; u < units_; ++u) {
      b[u] = param < 0 ? input[place + u] + recurrent[place + u] : input[place + u];
      if (param >= 0) params_.data()[param * units_ + u] = recurrent[place + u];
    }
  });
}

void FoldedBias::give(Weights& weights) const noexcept {
  weights.b = b_.data();
  if (cell_->separate > 0) weights.params = params_.data();
}

void FoldedBias::take(WeightGradients& gradients) noexcept {
  gradients.b = d_b_.data();
  if (cell_->separate > 0) gradients.params = d_params_.data();
}

void FoldedBias::spread(float* d_input, float* d_recurrent) const noexcept {
  for_each_gate([&](int gate, i64 place, int param) {
    const float* d = d_b_.data() + gate * units_;
    const float* apart = param >= 0 ? d_params_.data() + param * units_ : d;
    std::copy_n(d, units_, d_input + place);
    std::copy_n(apart, units_, d_recurrent + place);
  });
}

}  // namespace recurra

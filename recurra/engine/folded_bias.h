/// Two biases, of the input's product and of the recurrent one, as cuDNN and PyTorch have them.
#pragma once

#include "recurra/base/buffer.h"
#include "recurra/engine/plan.h"

namespace recurra {

/// What the engine takes of two biases of (gates, units), and their gradients made of its. Of a gate whose
/// two products are added it takes the sum of both; of one whose products stay apart (CellKernels::separate)
/// the recurrent bias is a parameter of the cell.
class RECURRA_API FoldedBias {
 public:
  /// Zeros. `gate_places`: where in the two biases each of the cell's gates stands, as in WeightStrides.
  explicit FoldedBias(const Plan& plan, const int* gate_places = nullptr);

  /// Takes values.
  void fold(const float* input, const float* recurrent) noexcept;

  /// Puts what it took into `weights`.
  void give(Weights& weights) const noexcept;

  /// Has the engine leave its gradients here.
  void take(WeightGradients& gradients) noexcept;

  /// The gradients of both biases, of those the engine left.
  void spread(float* d_input, float* d_recurrent) const noexcept;

 private:
  /// Calls visit(gate, place of its units in the two biases, number of its parameter or -1).
  template <class Visit>
  void for_each_gate(Visit visit) const noexcept;

  const CellKernels* cell_;
  i64 units_;
  const int* gate_places_;
  AlignedBuffer<float> b_, params_, d_b_, d_params_;
};

}  // namespace recurra

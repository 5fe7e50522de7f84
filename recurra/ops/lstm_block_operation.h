/// lstm_block and lstm_cell inside.
///
/// Private to the library.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "recurra/ops/lstm_block.h"
#include "recurra/ops/operation.h"
#include "recurra/ops/run.h"

namespace recurra::ops {

class LstmBlockOperation final : public Operation {
 public:
  enum Input { x, weights, biases, input_peephole, forget_peephole, output_peephole, c_last, y_last };

  enum Output { i, c, f, o, z, h, y, outputs };

  /// `inputs` in that order. Checks everything.
  LstmBlockOperation(const char* name,
                     Inputs inputs,
                     const LstmConfiguration& configuration,
                     const Tensor* max_ts_length,
                     StepCount count,
                     const OpOptions& options);

  [[nodiscard]] std::vector<Tensor> forward(bool training) override;

 private:
  void check_peepholes() const;
  void check_tensors();
  void take_length(const Tensor* max_ts_length);
  void gather_weights();
  [[nodiscard]] Weights engine_weights() const;
  void place_outputs(Call& call, std::vector<Tensor>& all);
  void run_backward(const std::vector<const Tensor*>& seeds) override;
  [[nodiscard]] Tensor cell_seed(const Tensor* c_seed, const Tensor* h_seed) const;
  void place_seeds(BackwardCall& back, const std::vector<const Tensor*>& seeds);

  [[nodiscard]] SequenceSizes output_sizes() const noexcept { return {n_.steps, n_.batch, units_}; }

  LstmConfiguration configuration_;
  StepCount count_;
  SequenceSizes n_;  // of x
  i64 units_ = 0;
  std::vector<int> lengths_;
  std::vector<float> biases_, params_;  // with the forget bias; the three peepholes
  std::optional<Run> run_;
  Tensor x_copy_;                            // of NST
  std::array<Tensor, outputs> copies_;       // of NST
  std::array<Tensor, outputs> seed_copies_;  // of NST
  Tensor cell_seed_;                         // of c and of h by c
  const float* tanh_c_ = nullptr;            // where the output h lies
};

/// Both operations' lists of inputs.
template <class T, class Given>
[[nodiscard]] std::vector<const T*> lstm_block_inputs(const T& x,
                                                      const LstmWeightsOf<T>& w,
                                                      const LstmStartOf<T>& start,
                                                      const Given& given) {
  return {&x,
          given(w.weights),
          given(w.biases),
          given(w.input_peephole),
          given(w.forget_peephole),
          given(w.output_peephole),
          start.c_last,
          start.y_last};
}

}  // namespace recurra::ops

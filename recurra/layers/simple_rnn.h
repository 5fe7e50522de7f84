/// The SimpleRNN layer.
#pragma once

#include "recurra/layers/recurrent.h"

namespace recurra {

/// The simple recurrent network (Elman 1990), Keras's SimpleRNN: h' = activation(x kernel + bias + h
/// recurrent_kernel). Bias (units).
class RECURRA_API SimpleRnn final : public Recurrent {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit SimpleRnn(const RecurrentOptions& options, std::string name = "simple_rnn");

  [[nodiscard]] const char* type() const noexcept override { return "SimpleRNN"; }

  [[nodiscard]] std::unique_ptr<Recurrent> with(const RecurrentOptions& options,
                                                std::string name) const override;

 private:
  [[nodiscard]] Kind kind() const override;
};

}  // namespace recurra

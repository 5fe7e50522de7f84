/// The GRU layer.
#pragma once

#include "recurra/layers/recurrent.h"

namespace recurra {

/// Arguments of GRU, with Keras's names and defaults.
struct GruOptions : RecurrentOptions {
  Activation recurrent_activation = {ActivationKind::sigmoid};
  bool reset_after = true;  ///< the reset gate acts on the product, which has a bias of its own; or before it
};

/// The gated recurrent unit (Cho et al. 2014), Keras's GRU. Gates z r h, z weighing the old state. Bias (2, 3
/// * units), of the input and of the recurrent product; without reset_after (3 * units).
class RECURRA_API Gru final : public Recurrent {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit Gru(const GruOptions& options, std::string name = "gru");

  [[nodiscard]] const char* type() const noexcept override { return "GRU"; }

  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] std::unique_ptr<Recurrent> with(const RecurrentOptions& options,
                                                std::string name) const override;

 private:
  [[nodiscard]] Kind kind() const override;

  Activation recurrent_activation_;
  bool reset_after_;
};

}  // namespace recurra

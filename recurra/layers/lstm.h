/// The LSTM layer.
#pragma once

#include "recurra/layers/recurrent.h"

namespace recurra {

/// Arguments of LSTM, with Keras's names and defaults.
struct LstmOptions : RecurrentOptions {
  Activation recurrent_activation = {ActivationKind::sigmoid};
  bool unit_forget_bias = true;  ///< the forget gate's bias starts at one (Jozefowicz et al. 2015)
  /// Not Keras's: i and f see the old c, o the new one, each unit its own by a weight (Gers and Schmidhuber
  /// 2000).
  bool use_peepholes = false;
  WeightOptions peephole = {};  ///< of these weights; with use_peepholes alone
};

/// Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000), Keras's LSTM.
/// Gates i f c o, bias (4 * units). With peepholes a weight peephole (3, units), of i f o.
class RECURRA_API Lstm final : public Recurrent {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit Lstm(const LstmOptions& options, std::string name = "lstm");

  [[nodiscard]] const char* type() const noexcept override { return "LSTM"; }

  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] std::unique_ptr<Recurrent> with(const RecurrentOptions& options,
                                                std::string name) const override;

 private:
  [[nodiscard]] Kind kind() const override;
  void adjust_bias(Tensor& bias) const override;

  Activation recurrent_activation_;
  bool unit_forget_bias_;
  bool use_peepholes_;
  WeightOptions peephole_;
};

}  // namespace recurra

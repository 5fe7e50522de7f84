/// The LSTM layer, on the engine.
#pragma once

#include <optional>

#include "recurra/engine/engine.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// Arguments of LSTM, with Keras's names and defaults.
struct LstmOptions {
  i64 units = 0;                  ///< > 0
  bool return_sequences = false;  ///< outputs of all steps, or of the last
};

/// Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000), Keras's LSTM:
/// (batch, steps, features) -> (batch, units), or (batch, steps, units) with return_sequences.
///
/// Weights: kernel (features, 4 * units), recurrent_kernel (units, 4 * units), bias (4 * units), gates i f c
/// o; the forget gate's bias starts at one. Steps past a row's length leave its state and give 0.
class RECURRA_API Lstm final : public Layer {
 public:
  /// Throws Error (invalid_argument) unless units > 0.
  explicit Lstm(const LstmOptions& options, std::string name = "lstm");

  [[nodiscard]] const char* type() const noexcept override { return "LSTM"; }

  [[nodiscard]] nlohmann::json config() const override;
  Shape build(const Shape& input, Random& random) override;
  const Tensor& forward(const Tensor& x, const Context& context) override;
  const Tensor& backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) override;
  [[nodiscard]] std::vector<Parameter*> parameters() override;

  void parameters_changed() override { packed_ = false; }

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    return options_.return_sequences ? context.mask : nullptr;
  }

  [[nodiscard]] const Report* report() const noexcept override { return &workspace_.report(); }

 private:
  [[nodiscard]] Call call_for(const Tensor& x, const Context& context);

  LstmOptions options_;
  std::optional<Plan> plan_;
  std::optional<PackedWeights> packs_;
  bool packed_ = false;
  Workspace workspace_;
  Parameter kernel_, recurrent_kernel_, bias_;
  Tensor y_, dx_;
};

}  // namespace recurra

#include "recurra/layers/lstm.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/engine/activations.h"
#include "recurra/layers/activation_function.h"

namespace recurra {

Lstm::Lstm(const LstmOptions& options, std::string name)
    : Recurrent(options, std::move(name)),
      recurrent_activation_(options.recurrent_activation),
      unit_forget_bias_(options.unit_forget_bias),
      use_peepholes_(options.use_peepholes),
      peephole_(options.peephole) {
  check_activation(recurrent_activation_, "recurrent_activation");
}

nlohmann::json Lstm::config() const {
  nlohmann::json config = Recurrent::config();
  config["recurrent_activation"] = config_of(ActivationFunction(recurrent_activation_));
  config["unit_forget_bias"] = unit_forget_bias_;
  if (!use_peepholes_) return config;  // as Keras writes it
  config["use_peepholes"] = true;
  write_weight_options(config, "peephole", peephole_);
  return config;
}

std::unique_ptr<Recurrent> Lstm::with(const RecurrentOptions& options, std::string name) const {
  return std::make_unique<Lstm>(
      LstmOptions{options, recurrent_activation_, unit_forget_bias_, use_peepholes_, peephole_},
      std::move(name));
}

Recurrent::Kind Lstm::kind() const {
  const Activation& gate = recurrent_activation_;
  const Activation& own = recurrent_options().activation;
  Kind kind{"lstm", 4, {gate, gate, own, gate, own}};
  if (use_peepholes_) {
    kind.cell = "lstm_peephole";
    kind.peephole = &peephole_;
  }
  return kind;
}

void Lstm::adjust_bias(Tensor& bias) const {
  const i64 units = recurrent_options().units;
  if (unit_forget_bias_) std::fill_n(bias.data() + units, units, 1.0F);
}

}  // namespace recurra

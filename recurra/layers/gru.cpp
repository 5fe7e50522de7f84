#include "recurra/layers/gru.h"

#include <nlohmann/json.hpp>

#include "recurra/engine/activations.h"
#include "recurra/layers/activation_function.h"

namespace recurra {

Gru::Gru(const GruOptions& options, std::string name)
    : Recurrent(options, std::move(name)),
      recurrent_activation_(options.recurrent_activation),
      reset_after_(options.reset_after) {
  check_activation(recurrent_activation_, "recurrent_activation");
}

nlohmann::json Gru::config() const {
  nlohmann::json config = Recurrent::config();
  config["recurrent_activation"] = config_of(ActivationFunction(recurrent_activation_));
  config["reset_after"] = reset_after_;
  return config;
}

std::unique_ptr<Recurrent> Gru::with(const RecurrentOptions& options, std::string name) const {
  return std::make_unique<Gru>(GruOptions{options, recurrent_activation_, reset_after_}, std::move(name));
}

Recurrent::Kind Gru::kind() const {
  const Activation& gate = recurrent_activation_;
  return {reset_after_ ? "gru_reset_after" : "gru",
          3,
          {gate, gate, recurrent_options().activation},
          reset_after_};
}

}  // namespace recurra

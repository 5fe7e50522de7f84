/// Adam, AMSGrad and AdamW.
#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "recurra/training/config_arguments.h"
#include "recurra/training/optimizers.h"

namespace recurra {

namespace {

std::vector<const char*> slot_names(const AdamOptions& options) {
  std::vector<const char*> names = {"momentum", "velocity"};
  if (options.amsgrad) names.push_back("velocity_hat");
  return names;
}

AdamOptions with_decay(AdamOptions options) {
  if (!options.update.weight_decay) options.update.weight_decay = 0.004;
  return options;
}

}  // namespace

Adam::Adam(const AdamOptions& options)
    : Optimizer(options.learning_rate, options.update, slot_names(options)),
      beta_1_(options.beta_1),
      beta_2_(options.beta_2),
      epsilon_(options.epsilon),
      amsgrad_(options.amsgrad) {
  check_share("beta_1", options.beta_1);
  check_share("beta_2", options.beta_2);
  check_epsilon(options.epsilon);
}

void Adam::update(const Update& update) const noexcept {
  float* __restrict w = update.weight;
  const float* __restrict g = update.gradient;
  float* __restrict m = update.slots[0];
  float* __restrict v = update.slots[1];
  float* __restrict hat = update.slots[2];
  const auto t = static_cast<double>(update.iteration);
  const auto rate = static_cast<float>(update.learning_rate * std::sqrt(1.0 - std::pow(beta_2_, t)) /
                                       (1.0 - std::pow(beta_1_, t)));
  const auto fresh_1 = static_cast<float>(1.0 - beta_1_);
  const auto fresh_2 = static_cast<float>(1.0 - beta_2_);
  const auto epsilon = static_cast<float>(epsilon_);
  const float decay = update.decay;
  if (hat == nullptr) {
    for (i64 i = 0; i < update.size; ++i) {
      m[i] += (g[i] - m[i]) * fresh_1;
      v[i] += (g[i] * g[i] - v[i]) * fresh_2;
      w[i] -= rate * m[i] / (std::sqrt(v[i]) + epsilon) + decay * w[i];
    }
  } else {
    for (i64 i = 0; i < update.size; ++i) {
      m[i] += (g[i] - m[i]) * fresh_1;
      v[i] += (g[i] * g[i] - v[i]) * fresh_2;
      hat[i] = std::max(hat[i], v[i]);
      w[i] -= rate * m[i] / (std::sqrt(hat[i]) + epsilon) + decay * w[i];
    }
  }
}

nlohmann::json Adam::config() const {
  nlohmann::json config{
      {"beta_1", beta_1_}, {"beta_2", beta_2_}, {"epsilon", epsilon_}, {"amsgrad", amsgrad_}};
  add_common(config);
  return named_config("Adam", config);
}

AdamW::AdamW(const AdamOptions& options) : Adam(with_decay(options)) {}

nlohmann::json AdamW::config() const {
  return named_config("AdamW", Adam::config().at("config"));
}

}  // namespace recurra

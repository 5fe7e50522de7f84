/// RMSprop, plain or centered.
#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "recurra/training/config_arguments.h"
#include "recurra/training/optimizers.h"

namespace recurra {

namespace {

std::vector<const char*> slot_names(const RmsPropOptions& options) {
  std::vector<const char*> names = {"velocity"};
  if (options.momentum > 0.0) names.push_back("momentum");
  if (options.centered) names.push_back("average_gradient");
  return names;
}

}  // namespace

RmsProp::RmsProp(const RmsPropOptions& options)
    : Optimizer(options.learning_rate, options.update, slot_names(options)),
      rho_(options.rho),
      momentum_(options.momentum),
      epsilon_(options.epsilon),
      centered_(options.centered) {
  check_share("rho", options.rho);
  check_share("momentum", options.momentum);
  check_epsilon(options.epsilon);
}

void RmsProp::update(const Update& update) const noexcept {
  float* __restrict w = update.weight;
  const float* __restrict g = update.gradient;
  float* __restrict v = update.slots[0];
  float* __restrict m = momentum_ > 0.0 ? update.slots[1] : nullptr;
  float* __restrict a = centered_ ? update.slots[momentum_ > 0.0 ? 2 : 1] : nullptr;
  const auto rate = static_cast<float>(update.learning_rate);
  const auto fresh = static_cast<float>(1.0 - rho_);
  const auto momentum = static_cast<float>(momentum_);
  const auto epsilon = static_cast<float>(epsilon_);
  for (i64 i = 0; i < update.size; ++i) {
    v[i] += (g[i] * g[i] - v[i]) * fresh;
    float variance = v[i];
    if (a != nullptr) {
      a[i] += (g[i] - a[i]) * fresh;
      // A mean of squares is at least the square of the mean; rounding may not think so.
      variance = std::max(variance - a[i] * a[i], 0.0F);
    }
    float change = rate * g[i] / std::sqrt(variance + epsilon);
    if (m != nullptr) change = m[i] = momentum * m[i] + change;
    w[i] -= change + update.decay * w[i];
  }
}

nlohmann::json RmsProp::config() const {
  nlohmann::json config{
      {"rho", rho_}, {"momentum", momentum_}, {"epsilon", epsilon_}, {"centered", centered_}};
  add_common(config);
  return named_config("RMSprop", config);
}

}  // namespace recurra

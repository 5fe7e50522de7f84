/// Gradient descent with momentum.
#include <nlohmann/json.hpp>

#include "recurra/training/config_arguments.h"
#include "recurra/training/optimizers.h"

namespace recurra {

Sgd::Sgd(const SgdOptions& options)
    : Optimizer(options.learning_rate,
                options.update,
                options.momentum > 0.0 ? std::vector{"momentum"} : std::vector<const char*>()),
      momentum_(options.momentum),
      nesterov_(options.nesterov) {
  check_share("momentum", options.momentum);
}

void Sgd::update(const Update& update) const noexcept {
  float* __restrict w = update.weight;
  const float* __restrict g = update.gradient;
  float* __restrict m = update.slots[0];
  const auto rate = static_cast<float>(update.learning_rate);
  const auto momentum = static_cast<float>(momentum_);
  const float decay = update.decay;
  if (m == nullptr) {
    for (i64 i = 0; i < update.size; ++i) w[i] -= decay * w[i] + rate * g[i];
  } else if (nesterov_) {
    for (i64 i = 0; i < update.size; ++i) {
      m[i] = momentum * m[i] - rate * g[i];
      w[i] += momentum * m[i] - (rate * g[i] + decay * w[i]);
    }
  } else {
    for (i64 i = 0; i < update.size; ++i) {
      m[i] = momentum * m[i] - rate * g[i];
      w[i] += m[i] - decay * w[i];
    }
  }
}

nlohmann::json Sgd::config() const {
  nlohmann::json config{{"momentum", momentum_}, {"nesterov", nesterov_}};
  add_common(config);
  return named_config("SGD", config);
}

}  // namespace recurra

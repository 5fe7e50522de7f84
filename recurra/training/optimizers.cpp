#include "recurra/training/optimizers.h"

#include <cmath>
#include <string>

#include "recurra/base/error.h"

namespace recurra {

namespace {

void require_range(const char* name, double value, double low, double high, const char* expected) {
  if (!(value >= low && value < high))
    throw Error(ErrorCode::invalid_argument, name, expected, std::to_string(value));
}

/// Slots of the parameters' shapes, zero, made at the first step.
void make_slots(std::vector<Tensor>& slots, std::span<Parameter* const> parameters) {
  if (!slots.empty()) return;
  for (const Parameter* parameter : parameters) slots.emplace_back(parameter->value.shape());
}

}  // namespace

Optimizer::Optimizer(double learning_rate) : learning_rate_(learning_rate) {
  if (!(learning_rate > 0.0) || !std::isfinite(learning_rate)) {
    throw Error(ErrorCode::invalid_argument,
                "learning_rate",
                "a finite number above 0",
                std::to_string(learning_rate));
  }
}

Sgd::Sgd(const SgdOptions& options) : Optimizer(options.learning_rate), momentum_(options.momentum) {
  require_range("momentum", options.momentum, 0.0, 1.0, "from 0 up to below 1");
}

void Sgd::step(std::span<Parameter* const> parameters) {
  const auto rate = static_cast<float>(learning_rate());
  const auto momentum = static_cast<float>(momentum_);
  if (momentum_ > 0.0) make_slots(velocity_, parameters);
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    float* w = parameters[p]->value.data();
    const float* g = parameters[p]->gradient.data();
    float* m = momentum_ > 0.0 ? velocity_[p].data() : nullptr;
    for (i64 i = 0; i < parameters[p]->value.size(); ++i) {
      if (m == nullptr) {
        w[i] -= rate * g[i];
      } else {
        m[i] = momentum * m[i] - rate * g[i];
        w[i] += m[i];
      }
    }
  }
}

Adam::Adam(const AdamOptions& options) : Optimizer(options.learning_rate), options_(options) {
  require_range("beta_1", options.beta_1, 0.0, 1.0, "from 0 up to below 1");
  require_range("beta_2", options.beta_2, 0.0, 1.0, "from 0 up to below 1");
  require_range("epsilon", options.epsilon, 1e-30, 1.0, "above 0 and below 1");
}

void Adam::step(std::span<Parameter* const> parameters) {
  make_slots(mean_, parameters);
  make_slots(square_, parameters);
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const auto rate = static_cast<float>(learning_rate() * std::sqrt(1.0 - std::pow(options_.beta_2, t)) /
                                       (1.0 - std::pow(options_.beta_1, t)));
  const auto fresh_1 = static_cast<float>(1.0 - options_.beta_1);
  const auto fresh_2 = static_cast<float>(1.0 - options_.beta_2);
  const auto epsilon = static_cast<float>(options_.epsilon);
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    float* w = parameters[p]->value.data();
    const float* g = parameters[p]->gradient.data();
    float* m = mean_[p].data();
    float* v = square_[p].data();
    for (i64 i = 0; i < parameters[p]->value.size(); ++i) {
      m[i] += (g[i] - m[i]) * fresh_1;
      v[i] += (g[i] * g[i] - v[i]) * fresh_2;
      w[i] -= rate * m[i] / (std::sqrt(v[i]) + epsilon);
    }
  }
}

std::unique_ptr<Optimizer> make_optimizer(std::string_view name, double learning_rate) {
  if (name == "sgd") {
    SgdOptions options;
    if (learning_rate != 0.0) options.learning_rate = learning_rate;
    return std::make_unique<Sgd>(options);
  }
  if (name == "adam") {
    AdamOptions options;
    if (learning_rate != 0.0) options.learning_rate = learning_rate;
    return std::make_unique<Adam>(options);
  }
  throw Error(ErrorCode::unsupported, "optimizer", "sgd, adam", std::string(name));
}

}  // namespace recurra

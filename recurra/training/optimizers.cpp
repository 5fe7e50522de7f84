/// What all optimizers share: slots, the gradient's norm, clipping, and the checks of options.
#include "recurra/training/optimizers.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra {

namespace {

void check_number(const char* name, double value, bool fits, const char* expected) {
  if (!fits || !std::isfinite(value))
    throw Error(ErrorCode::invalid_argument, name, expected, shortest(value));
}

void check_positive(const char* name, const std::optional<double>& value) {
  if (value) check_number(name, *value, *value > 0.0, "a finite number above 0");
}

void check_one_clip(const UpdateOptions& options) {
  std::string given;
  int count = 0;
  const auto add = [&](const char* name, const std::optional<double>& value) {
    if (!value) return;
    given.append(++count > 1 ? ", " : "").append(name);
  };
  add("clipnorm", options.clipnorm);
  add("global_clipnorm", options.global_clipnorm);
  add("clipvalue", options.clipvalue);
  if (count > 1) {
    throw Error(ErrorCode::invalid_argument,
                "gradient clipping",
                "one of clipnorm, global_clipnorm, clipvalue",
                given);
  }
}

/// Sum of squares in double. Eight sums side by side do not wait for one another.
double square_sum(std::span<const float> values) noexcept {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= values.size(); i += sums.size()) {
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += double{values[i + j]} * values[i + j];
  }
  for (; i < values.size(); ++i) sums[0] += double{values[i]} * values[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// Scaled down to `limit` where the norm is above it.
void scale_to(std::span<float> gradient, double norm, double limit) noexcept {
  if (norm <= limit) return;
  const double factor = limit / norm;
  for (float& value : gradient) value = static_cast<float>(value * factor);
}

nlohmann::json number_or_null(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

}  // namespace

void check_share(const char* name, double value) {
  check_number(name, value, value >= 0.0 && value < 1.0, "from 0 up to below 1");
}

void check_epsilon(double epsilon) {
  check_number("epsilon", epsilon, epsilon >= 1e-30, "a finite number from 1e-30 up");
}

Optimizer::Optimizer(double learning_rate, const UpdateOptions& options, std::vector<const char*> slot_names)
    : options_(options), slot_names_(std::move(slot_names)) {
  set_learning_rate(learning_rate);
  if (options.weight_decay) {
    check_number(
        "weight_decay", *options.weight_decay, *options.weight_decay >= 0.0, "a finite number from 0 up");
  }
  check_positive("clipnorm", options.clipnorm);
  check_positive("global_clipnorm", options.global_clipnorm);
  check_positive("clipvalue", options.clipvalue);
  check_one_clip(options);
}

void Optimizer::set_learning_rate(double learning_rate) {
  check_positive("learning_rate", learning_rate);
  learning_rate_ = learning_rate;
}

void Optimizer::set_iterations(i64 iterations) {
  if (iterations < 0)
    throw Error(ErrorCode::invalid_argument, "iterations", "from 0 up", std::to_string(iterations));
  iterations_ = iterations;
}

void Optimizer::make_slots(std::span<Parameter* const> parameters) {
  if (slots_.empty()) {
    for (std::size_t i = 0; i < slot_names_.size(); ++i) {
      for (const Parameter* parameter : parameters) slots_.emplace_back(parameter->value.shape());
    }
  }
  if (slots_.size() != slot_names_.size() * parameters.size()) {
    throw Error(ErrorCode::invalid_argument,
                "optimizer",
                "the " + std::to_string(slots_.size() / slot_names_.size()) + " parameters of its first step",
                std::to_string(parameters.size()));
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Parameter& parameter = *parameters[i % parameters.size()];
    if (slots_[i].shape() == parameter.value.shape()) continue;
    throw Error(ErrorCode::shape,
                parameter.name,
                "shape " + slots_[i].shape().to_string() + " as in the optimizer's first step",
                parameter.value.shape().to_string());
  }
}

std::vector<OptimizerSlot> Optimizer::slots(std::span<Parameter* const> parameters) {
  make_slots(parameters);
  std::vector<OptimizerSlot> all;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    all.push_back({parameters[i % parameters.size()], slot_names_[i / parameters.size()], &slots_[i]});
  }
  return all;
}

void Optimizer::measure(std::span<Parameter* const> parameters) {
  squares_.clear();
  double sum = 0;
  for (const Parameter* parameter : parameters) {
    if (parameter->gradient.shape() != parameter->value.shape()) {
      throw Error(ErrorCode::shape,
                  parameter->name + ".gradient",
                  "shape " + parameter->value.shape().to_string(),
                  parameter->gradient.shape().to_string());
    }
    squares_.push_back(square_sum(parameter->gradient.as<float>()));
    sum += squares_.back();
  }
  gradient_norm_ = std::sqrt(sum);
}

void Optimizer::clip(std::span<Parameter* const> parameters) const {
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const std::span<float> gradient = parameters[p]->gradient.as<float>();
    if (options_.clipnorm) scale_to(gradient, std::sqrt(squares_[p]), *options_.clipnorm);
    if (options_.global_clipnorm) scale_to(gradient, gradient_norm_, *options_.global_clipnorm);
    if (options_.clipvalue) {
      const auto limit = static_cast<float>(*options_.clipvalue);
      for (float& value : gradient) value = std::clamp(value, -limit, limit);
    }
  }
}

bool Optimizer::step(std::span<Parameter* const> parameters) {
  make_slots(parameters);
  measure(parameters);
  // Squares of f32 do not overflow in double, so this is so just where a gradient is not finite.
  if (!std::isfinite(gradient_norm_)) return false;
  clip(parameters);
  ++iterations_;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    Parameter& parameter = *parameters[p];
    Update change;
    change.weight = parameter.value.data();
    change.gradient = parameter.gradient.data();
    for (std::size_t i = 0; i < slot_names_.size(); ++i)
      change.slots[i] = slots_[i * parameters.size() + p].data();
    change.size = parameter.value.size();
    change.iteration = iterations_;
    change.learning_rate = learning_rate_;
    change.decay = static_cast<float>(learning_rate_ * options_.weight_decay.value_or(0.0));
    update(change);
  }
  return true;
}

void Optimizer::add_common(nlohmann::json& config) const {
  config["name"] = name();
  config["learning_rate"] = learning_rate_;
  config["weight_decay"] = number_or_null(options_.weight_decay);
  config["clipnorm"] = number_or_null(options_.clipnorm);
  config["global_clipnorm"] = number_or_null(options_.global_clipnorm);
  config["clipvalue"] = number_or_null(options_.clipvalue);
}

}  // namespace recurra

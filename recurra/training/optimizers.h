/// Optimizers: how gradients change weights. Keras's update rules, options and defaults.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/layers/layer.h"

namespace recurra {

/// What every optimizer takes beside its own options. At most one of the three clips may be given.
struct UpdateOptions {
  /// >= 0, decoupled: w -= learning_rate * weight_decay * w at each step.
  std::optional<double> weight_decay{};
  std::optional<double> clipnorm{};         ///< > 0: each parameter's gradient is scaled down to this norm
  std::optional<double> global_clipnorm{};  ///< > 0: all gradients are scaled down to this norm together
  std::optional<double> clipvalue{};        ///< > 0: each element is kept within -clipvalue … clipvalue
};

/// A tensor that an optimizer keeps beside a parameter, of its shape.
struct OptimizerSlot {
  const Parameter* parameter;
  const char* name;  ///< as in Keras: momentum, velocity, velocity_hat, average_gradient
  Tensor* value;     ///< the optimizer's own; writing it sets the state
};

/// Changes parameters by their gradients.
class RECURRA_API Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  Optimizer(Optimizer&&) = delete;
  Optimizer& operator=(Optimizer&&) = delete;

  /// Keras's name in lower case.
  [[nodiscard]] virtual const char* name() const noexcept = 0;

  /// Takes one step: every parameter by its gradient, which is clipped in place first. Where a gradient is
  /// not finite, nothing changes and false is returned: what follows is the caller's policy. The parameters
  /// are the same at each call. Throws Error (shape or invalid_argument) where they are not, or lack a
  /// gradient.
  [[nodiscard]] bool step(std::span<Parameter* const> parameters);

  /// Euclidean norm of all gradients of the last step together, before clipping; not finite where one of them
  /// was not. 0 before the first step.
  [[nodiscard]] double gradient_norm() const noexcept { return gradient_norm_; }

  /// Steps taken.
  [[nodiscard]] i64 iterations() const noexcept { return iterations_; }

  /// Throws Error (invalid_argument) below 0.
  void set_iterations(i64 iterations);

  /// Slots kept per parameter.
  [[nodiscard]] int slots_per_parameter() const noexcept { return static_cast<int>(slot_names_.size()); }

  /// All slots, made as zeros where there are none yet: each name over all parameters, in the order of
  /// Keras's variables behind iteration and learning_rate. Valid as long as this optimizer. Throws as step.
  [[nodiscard]] std::vector<OptimizerSlot> slots(std::span<Parameter* const> parameters);

  [[nodiscard]] double learning_rate() const noexcept { return learning_rate_; }

  /// Throws Error (invalid_argument) unless it is a finite number above 0.
  void set_learning_rate(double learning_rate);

  /// Keras's {"class_name", "config"}; make_optimizer_from_config reads it.
  [[nodiscard]] virtual nlohmann::json config() const = 0;

 protected:
  /// One parameter's memory, and what its update needs to know of the step.
  struct Update {
    float* weight = nullptr;
    const float* gradient = nullptr;
    std::array<float*, 3> slots{};  // as slot_names
    i64 size = 0;
    i64 iteration = 0;  // from 1
    double learning_rate = 0.0;
    float decay = 0.0F;  // share of a weight that goes at this step
  };

  /// Throws Error (invalid_argument) on a value out of range or two clips. At most three slots.
  Optimizer(double learning_rate, const UpdateOptions& options, std::vector<const char*> slot_names);

  /// Changes one parameter.
  virtual void update(const Update& update) const noexcept = 0;

  /// Puts what all optimizers have into a config.
  void add_common(nlohmann::json& config) const;

 private:
  void make_slots(std::span<Parameter* const> parameters);
  void measure(std::span<Parameter* const> parameters);
  void clip(std::span<Parameter* const> parameters) const;

  double learning_rate_ = 0.0;
  UpdateOptions options_;
  std::vector<const char*> slot_names_;
  std::vector<Tensor> slots_;    // each name over all parameters
  std::vector<double> squares_;  // of the parameters' gradient norms
  double gradient_norm_ = 0.0;
  i64 iterations_ = 0;
};

/// Arguments of Sgd, with Keras's names and defaults.
struct SgdOptions {
  double learning_rate = 0.01;
  double momentum = 0.0;  ///< in [0, 1)
  bool nesterov = false;
  UpdateOptions update{};
};

/// m = momentum * m - learning_rate * g;  w += m, or with nesterov w += momentum * m - learning_rate * g.
/// Without momentum: w -= learning_rate * g. Slot: momentum.
class RECURRA_API Sgd final : public Optimizer {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit Sgd(const SgdOptions& options = {});

  [[nodiscard]] const char* name() const noexcept override { return "sgd"; }

  [[nodiscard]] nlohmann::json config() const override;

 private:
  void update(const Update& update) const noexcept override;

  double momentum_;
  bool nesterov_;
};

/// Arguments of RmsProp, with Keras's names and defaults.
struct RmsPropOptions {
  double learning_rate = 0.001;
  double rho = 0.9;       ///< in [0, 1)
  double momentum = 0.0;  ///< in [0, 1)
  double epsilon = 1e-7;  ///< from 1e-30 up, inside the root
  bool centered = false;
  UpdateOptions update{};
};

/// RMSprop (Hinton 2012), as Keras:
///
///   v = rho * v + (1 - rho) * g^2;  a = rho * a + (1 - rho) * g
///   i = learning_rate * g / sqrt(v + epsilon), centered: sqrt(v - a^2 + epsilon)
///   w -= i, with momentum: m = momentum * m + i;  w -= m
///
/// Slots: velocity, then momentum and average_gradient where they are used.
class RECURRA_API RmsProp final : public Optimizer {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit RmsProp(const RmsPropOptions& options = {});

  [[nodiscard]] const char* name() const noexcept override { return "rmsprop"; }

  [[nodiscard]] nlohmann::json config() const override;

 private:
  void update(const Update& update) const noexcept override;

  double rho_;
  double momentum_;
  double epsilon_;
  bool centered_;
};

/// Arguments of Adam, with Keras's names and defaults.
struct AdamOptions {
  double learning_rate = 0.001;
  double beta_1 = 0.9;    ///< in [0, 1)
  double beta_2 = 0.999;  ///< in [0, 1)
  double epsilon = 1e-7;  ///< from 1e-30 up, outside the root
  bool amsgrad = false;   ///< divides by the largest v so far (Reddi, Kale and Kumar 2018)
  UpdateOptions update{};
};

/// Adam (Kingma and Ba 2014), as Keras: w -= lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon).
/// Slots: momentum, velocity, and velocity_hat with amsgrad.
class RECURRA_API Adam : public Optimizer {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit Adam(const AdamOptions& options = {});

  [[nodiscard]] const char* name() const noexcept override { return "adam"; }

  [[nodiscard]] nlohmann::json config() const override;

 private:
  void update(const Update& update) const noexcept override;

  double beta_1_;
  double beta_2_;
  double epsilon_;
  bool amsgrad_;
};

/// Adam with a weight decay of 0.004 where none is given (Loshchilov and Hutter 2017).
class RECURRA_API AdamW final : public Adam {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit AdamW(const AdamOptions& options = {});

  [[nodiscard]] const char* name() const noexcept override { return "adamw"; }

  [[nodiscard]] nlohmann::json config() const override;
};

/// The optimizer called `name` (sgd, rmsprop, adam, adamw, in any case) with its defaults; a learning_rate
/// other than 0 replaces the default one. Throws Error (unsupported or invalid_argument).
[[nodiscard]] RECURRA_API std::unique_ptr<Optimizer> make_optimizer(std::string_view name,
                                                                    double learning_rate = 0.0);

/// The optimizer Keras or Optimizer::config wrote as {"class_name", "config"}, or a string as make_optimizer;
/// a learning_rate other than 0 replaces its own. Throws Error: format, unsupported for an optimizer or
/// argument that is not here, invalid_argument for a value out of range.
[[nodiscard]] RECURRA_API std::unique_ptr<Optimizer> make_optimizer_from_config(const nlohmann::json& config,
                                                                                double learning_rate = 0.0);

/// Throws Error (invalid_argument), subject `name`, unless `value` is in [0, 1).
void check_share(const char* name, double value);

/// Throws Error (invalid_argument) unless `epsilon` is finite and from 1e-30 up, which f32 can hold.
void check_epsilon(double epsilon);

}  // namespace recurra

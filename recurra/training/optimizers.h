/// Optimizers: how gradients change weights. Keras's update rules and defaults.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "recurra/layers/layer.h"

namespace recurra {

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

  /// Takes one step: every parameter by its gradient. The parameters are the same at each call.
  virtual void step(std::span<Parameter* const> parameters) = 0;

  /// Slots kept per parameter, as Keras counts them: momenta.
  [[nodiscard]] virtual int slots() const noexcept = 0;

  [[nodiscard]] double learning_rate() const noexcept { return learning_rate_; }

 protected:
  /// Throws Error (invalid_argument) unless learning_rate is a finite number above 0.
  explicit Optimizer(double learning_rate);

 private:
  double learning_rate_;
};

/// Arguments of Sgd, with Keras's names and defaults.
struct SgdOptions {
  double learning_rate = 0.01;
  double momentum = 0.0;  ///< in [0, 1)
};

/// m = momentum * m - learning_rate * g;  w += m.  Without momentum: w -= learning_rate * g.
class RECURRA_API Sgd final : public Optimizer {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit Sgd(const SgdOptions& options = {});

  [[nodiscard]] const char* name() const noexcept override { return "sgd"; }

  void step(std::span<Parameter* const> parameters) override;

  [[nodiscard]] int slots() const noexcept override { return momentum_ > 0.0 ? 1 : 0; }

 private:
  double momentum_;
  std::vector<Tensor> velocity_;
};

/// Arguments of Adam, with Keras's names and defaults.
struct AdamOptions {
  double learning_rate = 0.001;
  double beta_1 = 0.9;    ///< in [0, 1)
  double beta_2 = 0.999;  ///< in [0, 1)
  double epsilon = 1e-7;  ///< > 0, outside the root
};

/// Adam (Kingma and Ba 2014), as Keras: w -= lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon).
class RECURRA_API Adam final : public Optimizer {
 public:
  /// Throws Error (invalid_argument) on a value out of range.
  explicit Adam(const AdamOptions& options = {});

  [[nodiscard]] const char* name() const noexcept override { return "adam"; }

  void step(std::span<Parameter* const> parameters) override;

  [[nodiscard]] int slots() const noexcept override { return 2; }

 private:
  AdamOptions options_;
  i64 steps_ = 0;
  std::vector<Tensor> mean_, square_;
};

/// The optimizer called `name` with its defaults; a learning_rate other than 0 replaces the default one.
/// Throws Error (unsupported or invalid_argument).
[[nodiscard]] RECURRA_API std::unique_ptr<Optimizer> make_optimizer(std::string_view name,
                                                                    double learning_rate = 0.0);

}  // namespace recurra

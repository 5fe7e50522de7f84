/// Losses: one number for a batch of outputs and targets, and its gradient. Keras's names, options and
/// sum_over_batch_size; computed in double from f32.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/tensor.h"
#include "recurra/training/sample_weights.h"

namespace recurra {

/// sum_i w_i l_i / count over the samples i of a batch. A sample of weight 0 is not looked at.
class RECURRA_API Loss {
 public:
  Loss() = default;
  virtual ~Loss() = default;
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  Loss(Loss&&) = delete;
  Loss& operator=(Loss&&) = delete;

  /// Keras's name, sparse_categorical_crossentropy, ….
  [[nodiscard]] virtual const char* name() const noexcept = 0;

  /// Keras's {"class_name", "config"}; make_loss_from_config reads it.
  [[nodiscard]] virtual nlohmann::json config() const = 0;

  /// Whether outputs are logits rather than probabilities or values.
  [[nodiscard]] virtual bool from_logits() const noexcept { return false; }

  /// The loss of a batch; where `gradient` is not null, its derivative by `output`, of output's shape.
  /// Throws Error (shape, dtype, or invalid_argument for a label out of range).
  virtual double compute(const Tensor& output,
                         const Tensor& target,
                         const SampleWeights& weights,
                         Tensor* gradient) const = 0;
};

/// Unlike Keras's, from_logits is true unless told otherwise: here a model's last layer is linear by default.
struct SparseCategoricalCrossentropyOptions {
  bool from_logits = true;            ///< Keras: false
  std::optional<int> ignore_class{};  ///< samples with this label are left out, also of the count
};

/// -log p[label] of outputs (batch, …, classes); labels are i32 (batch, …) or (batch, …, 1), each below
/// classes.
///
/// p is softmax(output) from logits. Else it is the output divided by its sum and kept 1e-7 away from 0 and
/// 1, as in Keras with JAX, torch or NumPy; TensorFlow clips before it divides, which is the same where
/// outputs sum to 1. The labels of samples of weight 0 are checked too.
class RECURRA_API SparseCategoricalCrossentropy final : public Loss {
 public:
  /// Any class may be the ignored one.
  explicit SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& options = {})
      : options_(options) {}

  [[nodiscard]] const char* name() const noexcept override { return "sparse_categorical_crossentropy"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] bool from_logits() const noexcept override { return options_.from_logits; }

  double compute(const Tensor& output,
                 const Tensor& target,
                 const SampleWeights& weights,
                 Tensor* gradient) const override;

 private:
  SparseCategoricalCrossentropyOptions options_;
};

/// Of the losses of probabilities. Unlike Keras's, from_logits is true unless told otherwise.
struct CrossentropyOptions {
  bool from_logits = true;       ///< Keras: false
  double label_smoothing = 0.0;  ///< in [0, 1]: how much of a target is spread over all classes
};

/// -sum t log p of outputs (batch, …, classes) and f32 targets of the same shape, p as in
/// SparseCategoricalCrossentropy. Label smoothing s makes a target t (1 - s) + s / classes.
class RECURRA_API CategoricalCrossentropy final : public Loss {
 public:
  /// Throws Error (invalid_argument) on label_smoothing out of range.
  explicit CategoricalCrossentropy(const CrossentropyOptions& options = {});

  [[nodiscard]] const char* name() const noexcept override { return "categorical_crossentropy"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] bool from_logits() const noexcept override { return options_.from_logits; }

  double compute(const Tensor& output,
                 const Tensor& target,
                 const SampleWeights& weights,
                 Tensor* gradient) const override;

 private:
  CrossentropyOptions options_;
};

/// Mean over the last axis of -(t log p + (1 - t) log(1 - p)); target f32 or i32 of output's shape, or
/// (batch, …) for an output (batch, …, 1). p is sigmoid(output) from logits, else the output clipped to
/// [1e-7, 1 - 1e-7]. Label smoothing s makes a target t (1 - s) + s / 2.
class RECURRA_API BinaryCrossentropy final : public Loss {
 public:
  /// Throws Error (invalid_argument) on label_smoothing out of range.
  explicit BinaryCrossentropy(const CrossentropyOptions& options = {});

  [[nodiscard]] const char* name() const noexcept override { return "binary_crossentropy"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] bool from_logits() const noexcept override { return options_.from_logits; }

  double compute(const Tensor& output,
                 const Tensor& target,
                 const SampleWeights& weights,
                 Tensor* gradient) const override;

 private:
  CrossentropyOptions options_;
};

/// Mean over the last axis of (output - target)^2; target f32 of output's shape, or (batch, …) for an output
/// (batch, …, 1).
class RECURRA_API MeanSquaredError final : public Loss {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "mean_squared_error"; }

  [[nodiscard]] nlohmann::json config() const override;

  double compute(const Tensor& output,
                 const Tensor& target,
                 const SampleWeights& weights,
                 Tensor* gradient) const override;
};

/// Mean over the last axis of |output - target|; target as MeanSquaredError. The derivative at 0 is 0.
class RECURRA_API MeanAbsoluteError final : public Loss {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "mean_absolute_error"; }

  [[nodiscard]] nlohmann::json config() const override;

  double compute(const Tensor& output,
                 const Tensor& target,
                 const SampleWeights& weights,
                 Tensor* gradient) const override;
};

/// Arguments of Huber, with Keras's names and defaults.
struct HuberOptions {
  double delta = 1.0;  ///< > 0: from here on the loss is linear
};

/// Mean over the last axis of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2; e = output - target,
/// target as MeanSquaredError (Huber 1964).
class RECURRA_API Huber final : public Loss {
 public:
  /// Throws Error (invalid_argument) unless delta is a finite number above 0.
  explicit Huber(const HuberOptions& options = {});

  [[nodiscard]] const char* name() const noexcept override { return "huber"; }

  [[nodiscard]] nlohmann::json config() const override;

  double compute(const Tensor& output,
                 const Tensor& target,
                 const SampleWeights& weights,
                 Tensor* gradient) const override;

 private:
  HuberOptions options_;
};

/// The loss called `name`, Keras's long or short form or class name, with the default options above: the
/// crossentropies take logits. Throws Error (unsupported).
[[nodiscard]] RECURRA_API std::unique_ptr<Loss> make_loss(std::string_view name);

/// The loss Keras or Loss::config wrote as {"class_name", "config"}; a string as make_loss. The config of a
/// crossentropy must say from_logits: defaults differ. Throws Error: format, unsupported for what is not
/// here, invalid_argument for options out of range.
[[nodiscard]] RECURRA_API std::unique_ptr<Loss> make_loss_from_config(const nlohmann::json& config);

/// Probabilities are kept this far from 0 and 1, as in Keras.
inline constexpr double probability_margin = 1e-7;

}  // namespace recurra

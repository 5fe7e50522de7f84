/// What every layer offers: it is built for an input shape, runs forward, and backward after a training
/// forward.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/random.h"
#include "recurra/base/tensor.h"
#include "recurra/engine/call.h"

namespace recurra {

/// Extent of an axis that differs from batch to batch: steps, shown as None.
inline constexpr i64 any_extent = -1;

/// A weight of a layer, f32.
struct Parameter {
  std::string name;  ///< as in Keras: kernel, recurrent_kernel, bias, gamma, …
  Tensor value;
  Tensor gradient;  ///< of the shape of value, empty where not trainable
  bool trainable = true;
};

/// How a layer is to run.
struct Context {
  bool training = false;
  std::span<const int> lengths;  ///< (batch): steps of each row that count; empty: all. For inputs with steps
  Execution execution;
};

/// A function with weights. Not to be run by two threads at once.
class RECURRA_API Layer {
 public:
  /// A layer without weights; build makes them.
  explicit Layer(std::string name) : name_(std::move(name)) {}

  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  Layer(Layer&&) = delete;
  Layer& operator=(Layer&&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Takes another name.
  void rename(std::string name) { name_ = std::move(name); }

  /// Keras's class name.
  [[nodiscard]] virtual const char* type() const noexcept = 0;

  /// The constructor's arguments, as in Keras's config.
  [[nodiscard]] virtual nlohmann::json config() const = 0;

  /// Makes the weights for inputs of shape `input` without the batch axis, drawing initial values from
  /// `random`, and returns the output's shape. Throws Error (shape) where the layer cannot take it.
  virtual Shape build(const Shape& input, Random& random) = 0;

  /// x (batch, …) -> (batch, …), valid until the next call. x must stay until backward when training.
  virtual const Tensor& forward(const Tensor& x, const Context& context) = 0;

  /// After a training forward with the same x and context: gradients of the parameters, and, where `want_dx`,
  /// of x; else an empty tensor. Valid until the next call.
  virtual const Tensor& backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) = 0;

  /// In Keras's order; empty before build.
  [[nodiscard]] virtual std::vector<Parameter*> parameters() { return {}; }

  /// To be called after parameters have been changed from outside.
  virtual void parameters_changed() {}

  /// Whether the output has a step axis for which lengths still count.
  [[nodiscard]] virtual bool keeps_steps() const noexcept { return true; }

 private:
  std::string name_;
};

}  // namespace recurra

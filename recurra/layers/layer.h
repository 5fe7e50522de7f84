/// What every layer offers: it is built for an input shape, runs forward, and backward after a training
/// forward.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/random.h"
#include "recurra/base/tensor.h"
#include "recurra/engine/call.h"
#include "recurra/layers/activity_penalty.h"
#include "recurra/layers/carried_states.h"
#include "recurra/layers/step_mask.h"
#include "recurra/layers/weight_options.h"

namespace recurra {

/// Extent of an axis that differs from batch to batch: steps, shown as None.
inline constexpr i64 any_extent = -1;

/// A weight of a layer, f32.
struct Parameter {
  std::string name;  ///< as in Keras: kernel, recurrent_kernel, bias, gamma, …
  Tensor value;
  Tensor gradient;  ///< of the shape of value, empty where not trainable
  bool trainable = true;
  std::shared_ptr<const Regularizer> regularizer = nullptr;  ///< null: none
  std::shared_ptr<const Constraint> constraint = nullptr;    ///< null: none

  /// Where a way back is to write its gradient; null where not trainable.
  [[nodiscard]] float* d() { return trainable ? gradient.data() : nullptr; }
};

/// A weight as `options` say, drawn from `random`. Throws Error where the initializer or the constraint
/// cannot have that shape.
[[nodiscard]] RECURRA_API Parameter make_weight(
    std::string name, const Shape& shape, const WeightOptions& options, bool trainable, Random& random);

/// Names the random numbers of one layer in one update. What a layer drops out is a function of these
/// numbers only: not of threads, nor of what was drawn before, so training that is resumed draws the same.
struct DropoutStream {
  std::uint64_t seed = 0;    ///< the model's; a layer with a seed of its own puts that in its place
  std::uint64_t layer = 0;   ///< place in the model, < 2^15
  std::uint64_t update = 0;  ///< training passes before this one, < 2^40
  std::uint64_t part = 0;    ///< of a layer made of several that draw, < 2^8

  /// A stream for these numbers alone. Its top bit is set: those of initial weights and of shuffling lie
  /// below 2^33.
  [[nodiscard]] Random random() const noexcept {
    return Random(seed, std::uint64_t{1} << 63 | layer << 48 | part << 40 | update);
  }
};

/// How a layer is to run. The same for a forward pass and its way back.
struct Context {
  bool training = false;
  const StepMask* mask = nullptr;  ///< of the input (batch, steps, …), never an empty one; null: none
  DropoutStream dropout = {};
  Execution execution = {};
  /// Of a layer's inputs in order, the first of them `mask`, each as that; empty: none but that.
  std::span<const StepMask* const> masks = {};
};

/// What goes into a layer or comes out of it, in order.
using TensorList = std::span<const Tensor* const>;

/// A function with weights. Not to be run by two threads at once.
///
/// A layer of your own overrides `type`, `config`, the private `run_build`, `run_forward` and `run_backward`,
/// and `parameters` where it has weights; `takes` where x need not be f32, `output_mask` where other steps
/// count behind it. build, forward and backward look at what they are given and then call these. It cannot be
/// in a model's stream, which has copies of the layers, made by type and config. One with several inputs or
/// outputs is a GeneralLayer.
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
  /// `random`, and returns the output's shape. Throws Error: shape where the layer cannot take it,
  /// invalid_argument where it has several outputs.
  Shape build(const Shape& input, Random& random);

  /// The same for any number of inputs and outputs. Throws also Error (invalid_argument) for a number of
  /// inputs that it does not take.
  std::vector<Shape> build(std::span<const Shape> inputs, Random& random);

  /// x (batch, …) -> (batch, …), valid until the next call. When training, x and the mask must stay as they
  /// are until backward. Throws Error: shape where x or the mask does not fit, dtype for elements that the
  /// layer does not take, invalid_argument where it has other numbers of inputs or outputs.
  const Tensor& forward(const Tensor& x, const Context& context);

  /// The same for all inputs, none of them null, and outputs. Throws also Error (invalid_argument) for a
  /// number of inputs or masks that does not fit.
  TensorList forward(TensorList inputs, const Context& context);

  /// After a training forward with the same x and context: gradients of the parameters, and, where `want_dx`,
  /// of x; else an empty tensor. Valid until the next call. Throws Error: invalid_argument unless the last
  /// forward since build was a training one, with a mask where there is one now; shape or dtype unless x and
  /// the mask are as that forward's and dy, f32, as its output.
  const Tensor& backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context);

  /// The same for all inputs and outputs: `d_outputs` has null where no gradient reaches an output, but not
  /// for all of them, `wanted` a zero where an input's gradient is not needed; there the result has null.
  TensorList backward(TensorList inputs,
                      TensorList d_outputs,
                      std::span<const std::uint8_t> wanted,
                      const Context& context);

  /// In Keras's order; empty before build.
  [[nodiscard]] virtual std::vector<Parameter*> parameters() { return {}; }

  /// To be called after parameters have been changed from outside.
  virtual void parameters_changed() {}

  /// After forward with the same context: which steps of the output, of several the first, count; null: all,
  /// or it has no steps. Valid until the next forward.
  [[nodiscard]] virtual const StepMask* output_mask(const Context& context) const { return context.mask; }

  /// The same of any output.
  [[nodiscard]] virtual const StepMask* mask_of_output(const Context& context, std::size_t output) const {
    return output == 0 ? output_mask(context) : nullptr;
  }

  /// After forward: what its weights and outputs cost, to be added to the loss. The gradient of the outputs'
  /// part is in what backward gives, that of the weights' is not.
  [[nodiscard]] virtual double penalty();

  /// What the engine did in the last forward; null for layers that do not run on it.
  [[nodiscard]] virtual const Report* report() const noexcept { return nullptr; }

  /// Whether each forward, of any context, goes on from the states that the one before ended with: row by
  /// row, as if its batch were the next steps of the same sequences. No gradient goes from one call into
  /// another. A call with states of its own goes on from those. States are in no model file, but in the
  /// checkpoints of fit.
  [[nodiscard]] virtual bool stateful() const noexcept { return false; }

  /// Copies of what the next forward goes on from, each (batch, …); empty before the first since build.
  /// Throws Error (invalid_argument) unless the layer is stateful and built.
  [[nodiscard]] std::vector<Tensor> states();

  /// The next forward goes on from these: of another layer, for instance. Throws Error: invalid_argument for
  /// another number of states than the layer has, and as `states`; shape unless each is (batch, …),
  /// dtype.
  void set_states(const std::vector<Tensor>& states);

  /// The next forward begins with zeros, with a batch of any size. Throws as `states`.
  void reset_states();

  /// reset_states by its other name.
  void reset_state() { reset_states(); }

  /// Where a stateful layer has its states, of each of the layers it is made of; empty before build.
  [[nodiscard]] virtual std::vector<CarriedStates*> carried_states() { return {}; }

  /// What keeps it from going on step by step, to be read behind its name; empty: nothing. An output must
  /// need no later step, and no earlier one but through the states of a Recurrent layer.
  [[nodiscard]] virtual std::string streaming_obstacle() const {
    return "it is no layer of the library's, of which a stream can make a copy";
  }

  /// Whether its weights learn. To be set before build.
  [[nodiscard]] bool trainable() const noexcept { return trainable_; }

  /// To be called before build.
  virtual void set_trainable(bool trainable) { trainable_ = trainable; }

 protected:
  /// A weight that learns where the layer does, drawn as `options` say.
  [[nodiscard]] Parameter make_parameter(std::string name,
                                         const Shape& shape,
                                         const WeightOptions& options,
                                         Random& random) const;

  /// What every layer's config starts with: name and trainable.
  [[nodiscard]] nlohmann::json base_config() const;

  /// For require_inputs: as many as there are.
  static constexpr std::size_t any_number = static_cast<std::size_t>(-1);

  /// Throws Error (invalid_argument), naming the layer's inputs, unless `actual` is within least to most.
  void require_inputs(std::size_t actual, std::size_t least, std::size_t most) const;

  /// For layers with an activity_regularizer.
  ActivityPenalty activity_;

 private:
  /// Elements of an input. For another kind forward throws.
  [[nodiscard]] virtual bool takes(Dtype dtype) const noexcept { return dtype == Dtype::f32; }

  /// What build does: makes the weights, by make_parameter, and returns the output's shape.
  virtual Shape run_build(const Shape& input, Random& random) = 0;

  /// What forward does once elements and mask have been looked at; looks at the shape of x itself.
  virtual const Tensor& run_forward(const Tensor& x, const Context& context) = 0;

  /// What backward does once shapes, elements and mask have been looked at: puts the gradient of every
  /// trainable parameter in place of the one before. Returns dx of the shape of x, or, without `want_dx`, a
  /// tensor of shape (0); it is the layer's and stays until the next call.
  virtual const Tensor& run_backward(const Tensor& x,
                                     const Tensor& dy,
                                     bool want_dx,
                                     const Context& context) = 0;

  /// As run_build, run_forward and run_backward, for any number of inputs and outputs. These take one input
  /// and give one output by the functions above; a layer that has more at times overrides both kinds, one
  /// that always has is a GeneralLayer. The list run_forward_all returns, and that of run_backward_all, with
  /// null where `wanted` has 0, is the layer's and stays until the next call.
  virtual std::vector<Shape> run_build_all(std::span<const Shape> inputs, Random& random);
  virtual TensorList run_forward_all(TensorList inputs, const Context& context);
  virtual TensorList run_backward_all(TensorList inputs,
                                      TensorList d_outputs,
                                      std::span<const std::uint8_t> wanted,
                                      const Context& context);

  void check_inputs(TensorList inputs, const Context& context) const;
  [[nodiscard]] std::string subject_of(const char* list, std::size_t index, std::size_t count) const;
  [[nodiscard]] std::vector<CarriedStates*> require_carried(const char* what);

  std::string name_;
  bool trainable_ = true;
  bool trained_ = false;                   // the last forward was a training one, and came to its end
  std::vector<const StepMask*> masks_of_;  // of the last forward's inputs, to see where there was one
  std::vector<Shape> input_shapes_;        // of the last forward
  std::vector<Shape> output_shapes_;
  const Tensor* one_output_ = nullptr;  // what lists of one have
  const Tensor* one_gradient_ = nullptr;
};

/// A layer of several inputs or outputs: it overrides the functions for lists, run_build_all,
/// run_forward_all and run_backward_all, which serve where it has one of each, too.
class RECURRA_API GeneralLayer : public Layer {
 public:
  using Layer::Layer;

 private:
  std::vector<Shape> run_build_all(std::span<const Shape> inputs, Random& random) override = 0;
  TensorList run_forward_all(TensorList inputs, const Context& context) override = 0;
  TensorList run_backward_all(TensorList inputs,
                              TensorList d_outputs,
                              std::span<const std::uint8_t> wanted,
                              const Context& context) override = 0;

  Shape run_build(const Shape& input, Random& random) final;
  const Tensor& run_forward(const Tensor& x, const Context& context) final;
  const Tensor& run_backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) final;

  Tensor none_{Shape{0}};
};

}  // namespace recurra

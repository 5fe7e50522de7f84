/// One step of a recurrent layer, written by a user of differentiable functions: what RNN repeats.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/autograd/functions.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// Tensors of one step with their way back, each (batch, …).
using Variables = std::vector<autograd::Variable>;

/// What a step gives.
struct CellStep {
  Variables outputs;
  Variables states;  ///< as many as went in, of the same shapes
};

/// Keras's cell: step takes the inputs of one step and the states, and gives outputs and new states. Any
/// number of each, of any shapes.
///
/// A cell of your own overrides `type`, `state_shapes` and the private `run_build`, which makes weights by
/// add_weight, and `run_step`, which computes with functions of autograd/functions.h. Its gradients follow.
/// `inputs` is to be overridden where a step takes several, `output_shapes`
/// where the outputs are not one of the first state's shape. Not to be
/// run by two threads at once.
class RECURRA_API Cell {
 public:
  /// A cell without weights; build makes them.
  explicit Cell(std::string name) : name_(std::move(name)) {}

  virtual ~Cell() = default;
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;
  Cell(Cell&&) = delete;
  Cell& operator=(Cell&&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// The class, as it stands in a config.
  [[nodiscard]] virtual const char* type() const noexcept = 0;

  /// The constructor's arguments, for a model's config.
  [[nodiscard]] virtual nlohmann::json config() const;

  /// How many inputs a step takes: one, unless overridden.
  [[nodiscard]] virtual std::size_t inputs() const noexcept { return 1; }

  /// The shape of each state without the batch axis. Known when built.
  [[nodiscard]] virtual std::vector<Shape> state_shapes() const = 0;

  /// The shape of each output without the batch axis: one of the first state's shape, unless overridden.
  [[nodiscard]] virtual std::vector<Shape> output_shapes() const;

  /// The states before the first step, f32 (batch, …) each: zeros, unless overridden.
  [[nodiscard]] virtual std::vector<Tensor> initial_states(i64 batch) const;

  /// Makes the weights for inputs of these shapes, those of a step without the batch axis, drawing initial
  /// values from `random`. Throws Error: shape where the cell cannot take them, invalid_argument unless there
  /// are as many as inputs().
  void build(std::span<const Shape> inputs, Random& random);

  /// What holds for all steps of a sequence of `batch` rows: to be called before the first. Cells of the
  /// library draw dropout here.
  virtual void begin_sequence(i64 batch, const Context& context);

  /// One step. Throws Error: invalid_argument before build, or where the number of inputs or states is not
  /// what inputs() and state_shapes say; shape where a state, or what run_step returns, is of another
  /// shape.
  [[nodiscard]] CellStep step(const Variables& inputs, const Variables& states, const Context& context);

  /// In the order in which they were added; empty before build.
  [[nodiscard]] virtual std::vector<Parameter*> parameters();

  /// To be called after parameters have been changed from outside.
  virtual void parameters_changed() { changed_ = true; }

  /// Puts the gradients of the walks since the last call into the parameters', zeros where none has reached
  /// one.
  virtual void take_gradients();

  /// Whether its weights learn. To be called before build.
  virtual void set_trainable(bool trainable) { trainable_ = trainable; }

  [[nodiscard]] bool trainable() const noexcept { return trainable_; }

 protected:
  /// A weight, for run_build: initialized, and a parameter of that name. What is returned has its value from
  /// now on, also after updates.
  [[nodiscard]] autograd::Variable add_weight(std::string name,
                                              const Shape& shape,
                                              const WeightOptions& options = {});

  /// A weight that somebody else has and outlives the cell.
  [[nodiscard]] autograd::Variable share_weight(Parameter& parameter);

  /// The source of random numbers, for a run_build that builds cells within the cell.
  [[nodiscard]] Random& random() { return *random_; }

 private:
  struct Weight {
    std::unique_ptr<Parameter> own;
    Parameter* parameter;
    autograd::Variable variable;
  };

  /// What build does: makes the weights.
  virtual void run_build(std::span<const Shape> inputs) = 0;

  /// What step does once inputs and states have been looked at.
  [[nodiscard]] virtual CellStep run_step(const Variables& inputs,
                                          const Variables& states,
                                          const Context& context) = 0;

  void refresh();

  std::string name_;
  bool trainable_ = true;
  bool built_ = false;
  bool changed_ = false;
  Random* random_ = nullptr;  // during build
  std::vector<Weight> weights_;
};

}  // namespace recurra

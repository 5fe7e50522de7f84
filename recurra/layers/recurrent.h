/// What LSTM, GRU and SimpleRNN share: Keras's arguments, and the way onto the engine.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "recurra/engine/folded_bias.h"
#include "recurra/engine/stack.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// Arguments all recurrent layers have, with Keras's names and defaults.
struct RecurrentOptions {
  i64 units = 0;  ///< > 0
  Activation activation = {ActivationKind::tanh};
  bool use_bias = true;
  WeightOptions kernel = {.initializer = glorot_uniform_initializer};
  WeightOptions recurrent = {.initializer = Orthogonal{}};
  WeightOptions bias = {};
  std::shared_ptr<const Regularizer> activity_regularizer = nullptr;  ///< null: none
  /// Shares dropped out while training, in [0, 1): of the input, and of the old output on its way into the
  /// product, not of the state itself. One mask a call, the same at all steps and for all gates; what is left
  /// is scaled by 1 / (1 - share).
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<i64> seed = {};   ///< of the dropout; none: the model's
  bool return_sequences = false;  ///< outputs of all steps, or of the last
  bool return_state = false;      ///< behind the output, the states that the rows end with
  bool go_backwards = false;      ///< from the last step to the first; the output in that order
  bool stateful = false;          ///< a call goes on from the states that the one before ended with
  /// Steps that do not count give 0, not the output before; so does the last output where it is all that is
  /// given.
  bool zero_output_for_mask = false;
};

/// A recurrent layer: (batch, steps, features) -> (batch, units), or (batch, steps, units) with
/// return_sequences.
///
/// Steps that the mask does not count leave the states as they are and repeat the output before, 0 before the
/// first that counts: also where the states do not begin with zeros, as in Keras on TensorFlow. A mask costs
/// no step; one that only ends rows early is run as lengths. Weights: kernel (features, gates * units),
/// recurrent_kernel (units, gates * units), bias.
///
/// The states are the output of the last step that counts and, of an LSTM, c: (batch, units) each. Behind x
/// the layer takes its initial states as inputs, all or none; with return_state it has the final ones as
/// outputs behind y. A stateful layer whose sequences are cut into calls gives the bits of one call over all
/// steps, masked steps aside that repeat an output of the call before.
class RECURRA_API Recurrent : public GeneralLayer {
 public:
  [[nodiscard]] nlohmann::json config() const override;

  /// A layer of the same class with other options and weights of its own; what only its class has is as here.
  [[nodiscard]] virtual std::unique_ptr<Recurrent> with(const RecurrentOptions& options,
                                                        std::string name) const = 0;

  [[nodiscard]] std::vector<Parameter*> parameters() final;

  void parameters_changed() final { packed_ = false; }

  [[nodiscard]] const StepMask* output_mask(const Context& context) const final;

  [[nodiscard]] double penalty() final;

  [[nodiscard]] const Report* report() const noexcept final { return &workspace_.report(); }

  [[nodiscard]] const RecurrentOptions& recurrent_options() const noexcept { return options_; }

  /// Draws the factors of a call of `batch` rows, as forward does; empty ones unless training. Only when
  /// built.
  void draw_dropout(i64 batch, const Context& context);

  /// The factors of the last training forward: (batch, features) and (batch, units), 0 or 1 / (1 - share);
  /// empty without dropout.
  [[nodiscard]] const Tensor& input_dropout_factors() const noexcept { return x_factors_; }

  [[nodiscard]] const Tensor& recurrent_dropout_factors() const noexcept { return h_factors_; }

  [[nodiscard]] std::string streaming_obstacle() const final;

  /// The layer as one of an engine's stack. Only when built.
  [[nodiscard]] Stack::Layer stack_layer() const;

  /// Its weights as the engine has them; valid until they change. Only when built.
  [[nodiscard]] Weights engine_weights();

  [[nodiscard]] bool stateful() const noexcept final { return options_.stateful; }

  [[nodiscard]] std::vector<CarriedStates*> carried_states() final;

  /// How many states it has. Only when built.
  [[nodiscard]] std::size_t state_count() const noexcept;

  /// Throws Error (shape) unless x is (batch, steps, features), of as many rows as carried states have.
  void check_input(const Shape& x) const;

  /// Throws Error unless `states` are all that it has, for so many rows: as check_states.
  void check_initial(TensorList states, i64 batch) const;

  /// Where one direction begins: null members begin with zeros, or of a stateful layer where the call before
  /// ended.
  struct Initial {
    Initial() = default;
    /// `states`, which check_initial takes, or none.
    explicit Initial(TensorList states);

    const float* states[max_states] = {};  ///< (batch, units) each, all or none
  };

  /// Where the output of one direction goes, for a layer that has two: a sequence in the order of time, or
  /// (batch, units) of the last step.
  struct Output {
    Sequence sequence;
    float* last = nullptr;
  };

  /// Gradients of one direction, likewise; null: zero.
  struct OutputGradient {
    ConstSequence sequence;
    const float* last = nullptr;
    const float* states[max_states] = {};  ///< of final_states
  };

  /// What backward is to give beside the weights' gradients.
  struct InputGradient {
    Tensor* x = nullptr;  ///< resized to x's shape; null: not wanted
    bool states = false;  ///< initial_gradients
  };

  /// The engine's work of forward on an x that check_input takes, to be run by the caller; valid until the
  /// next call. When it has run, finish_forward must be called.
  [[nodiscard]] Job forward_job(const Tensor& x,
                                const Initial& initial,
                                const Context& context,
                                const Output& output);
  /// Makes the output of what the engine left, and carries the states on.
  void finish_forward(const Context& context);
  /// The engine's work of backward, likewise; when it has run, take_gradients must be called.
  [[nodiscard]] Job backward_job(const Tensor& x,
                                 const OutputGradient& gradient,
                                 const InputGradient& wanted,
                                 const Context& context);
  /// Puts the gradients where the parameters have them.
  void take_gradients();

  /// After finish_forward: where the rows ended, each (batch, units). Only with return_state or
  /// stateful.
  [[nodiscard]] const std::vector<Tensor>& final_states() const noexcept { return final_; }

  /// After backward, where wanted: the gradients of the initial states, each (batch, units).
  [[nodiscard]] const std::vector<Tensor>& initial_gradients() const noexcept { return d_initial_; }

 protected:
  /// What a layer is made of.
  struct Kind {
    const char* cell;
    int gates;
    std::vector<Activation> activations;  ///< one for each place of the cell
    bool recurrent_bias = false;          ///< a second row of biases, added to the recurrent product
    /// Of the cell's parameters, a weight (params, units) through which gates see the state; null: none.
    const WeightOptions* peephole = nullptr;
  };

  /// Throws Error (invalid_argument) on a value out of range.
  Recurrent(const RecurrentOptions& options, std::string name);

  [[nodiscard]] virtual Kind kind() const = 0;

  /// Changes the bias that bias_initializer made.
  virtual void adjust_bias(Tensor& bias) const { static_cast<void>(bias); }

 private:
  std::vector<Shape> run_build_all(std::span<const Shape> inputs, Random& random) final;
  TensorList run_forward_all(TensorList inputs, const Context& context) final;
  TensorList run_backward_all(TensorList inputs,
                              TensorList d_outputs,
                              std::span<const std::uint8_t> wanted,
                              const Context& context) final;
  void make_weights(const Shape& input, Random& random);
  void pack(const Execution& execution);
  void bind_states(const Initial& initial, i64 batch);
  void bind_mask(const Context& context);
  void bind_state_gradients(const OutputGradient& gradient, bool want_initial, const Context& context);
  [[nodiscard]] Output own_output(const Shape& x);
  [[nodiscard]] OutputGradient own_gradient(const Shape& x, const Tensor& dy) const;
  void zero_rows(const StepMask* mask, float* rows) const;

  RecurrentOptions options_;
  std::optional<Plan> plan_;
  std::optional<PackedWeights> packs_;
  bool packed_ = false;
  Workspace workspace_;
  Parameter kernel_, recurrent_kernel_, bias_;
  std::optional<Parameter> peephole_;
  std::optional<FoldedBias> folded_bias_;  // where the layer's bias has two rows
  Tensor x_factors_, h_factors_;
  std::optional<CarriedStates> carried_;  // of a stateful layer
  Call call_;
  BackwardCall back_;
  Output output_;             // of the last forward
  std::vector<int> lengths_;  // of its rows, where the mask is no more than that
  bool zeroes_ = false;       // whether rows of its last output may be 0 whatever the states are
  std::vector<Tensor> final_, d_initial_;
  std::vector<ActivityPenalty> state_activity_;  // of the states that are outputs
  Tensor y_, dx_, d_last_;
  std::vector<const Tensor*> outputs_, d_inputs_;
};

}  // namespace recurra

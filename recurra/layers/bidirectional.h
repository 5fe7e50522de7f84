/// Both directions of a recurrent layer.
#pragma once

#include <memory>

#include "recurra/layers/recurrent.h"

namespace recurra {

/// How the outputs of two directions become one, Keras's merge_mode.
enum class MergeMode {
  concat,  ///< side by side, the forward one first
  sum,
  mul,   ///< element by element
  ave,   ///< their mean
  none,  ///< they stay two outputs, the forward one first: None in Keras, null in a config
};

/// The mode called "concat", "sum", "mul" or "ave". Throws Error (unsupported).
[[nodiscard]] RECURRA_API MergeMode parse_merge_mode(std::string_view name);

/// A recurrent layer forwards and one backwards in time (Schuster and Paliwal 1997), Keras's Bidirectional:
/// (batch, steps, features) -> (batch, width), or (batch, steps, width) with return_sequences, both in the
/// order of time. The two run at once where that is sooner.
///
/// Behind x it takes initial states and behind the output it gives final ones, as its layers do: those of the
/// forward direction, then those of the backward one. Each direction has weights of its own, initial values
/// and dropout too: forward_layer/kernel, …, backward_layer/bias. Steps that do not count give 0 in a
/// sequence.
class RECURRA_API Bidirectional final : public GeneralLayer {
 public:
  /// The given layer becomes the forward one; the backward one has its options but for the direction. Throws
  /// Error (unsupported) for a layer with an activity_regularizer.
  explicit Bidirectional(std::unique_ptr<Recurrent> layer,
                         MergeMode merge_mode = MergeMode::concat,
                         std::string name = "bidirectional");

  /// With a backward layer of its own. Throws also Error (invalid_argument) unless the two differ in
  /// go_backwards, agree in return_sequences, return_state, stateful and, but for concat and
  /// none, in units.
  Bidirectional(std::unique_ptr<Recurrent> forward_layer,
                std::unique_ptr<Recurrent> backward_layer,
                MergeMode merge_mode,
                std::string name);

  [[nodiscard]] const char* type() const noexcept override { return "Bidirectional"; }

  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] std::vector<Parameter*> parameters() override;
  void parameters_changed() override;
  [[nodiscard]] const StepMask* output_mask(const Context& context) const override;
  [[nodiscard]] const StepMask* mask_of_output(const Context& context, std::size_t output) const override;
  [[nodiscard]] bool stateful() const noexcept override;
  /// The forward direction's, then the backward one's.
  [[nodiscard]] std::vector<CarriedStates*> carried_states() override;
  /// Of both directions.
  void set_trainable(bool trainable) override;

  /// The forward direction's.
  [[nodiscard]] const Report* report() const noexcept override { return layers_[0]->report(); }

  [[nodiscard]] const Recurrent& forward_layer() const noexcept { return *layers_[0]; }

  [[nodiscard]] const Recurrent& backward_layer() const noexcept { return *layers_[1]; }

  [[nodiscard]] std::string streaming_obstacle() const override {
    return "its backward layer begins at the last step";
  }

 private:
  std::vector<Shape> run_build_all(std::span<const Shape> inputs, Random& random) override;
  TensorList run_forward_all(TensorList inputs, const Context& context) override;
  TensorList run_backward_all(TensorList inputs,
                              TensorList d_outputs,
                              std::span<const std::uint8_t> wanted,
                              const Context& context) override;

  [[nodiscard]] i64 units(int which) const noexcept { return layers_[which]->recurrent_options().units; }

  [[nodiscard]] bool sequences() const noexcept { return layers_[0]->recurrent_options().return_sequences; }

  /// Whether both directions write into the output themselves.
  [[nodiscard]] bool in_place() const noexcept { return merge_mode_ == MergeMode::concat && sequences(); }

  /// Outputs before the states.
  [[nodiscard]] std::size_t merged() const noexcept { return merge_mode_ == MergeMode::none ? 2 : 1; }

  /// A direction's part of a list of states.
  template <class List>
  [[nodiscard]] List states_of(List states, int which) const {
    const std::size_t first = layers_[0]->state_count();
    return which == 0 ? states.first(first) : states.subspan(first);
  }

  [[nodiscard]] static Context part_of(const Context& context, int which);
  void check_agreement() const;
  void check_initial_count(std::size_t inputs) const;
  [[nodiscard]] Recurrent::Output place_output(const Shape& x, int which);
  [[nodiscard]] Recurrent::OutputGradient place_gradient(const Shape& x, TensorList d_outputs, int which);
  void merge();
  void split(const Tensor& dy);

  std::unique_ptr<Recurrent> layers_[2];
  MergeMode merge_mode_;
  Tensor halves_[2], d_halves_[2];  // outputs and gradients of each direction, where they are not in place
  Tensor y_, dx_[2];
  std::vector<const Tensor*> outputs_, d_inputs_;
};

}  // namespace recurra

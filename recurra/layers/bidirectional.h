/// Both directions of a recurrent layer.
#pragma once

#include <memory>

#include "recurra/layers/recurrent.h"

namespace recurra {

/// How the outputs of two directions become one, Keras's merge_mode.
enum class MergeMode {
  concat,  ///< side by side, the forward one first
  sum,
  mul,  ///< element by element
  ave,  ///< their mean
};

/// The mode called "concat", "sum", "mul" or "ave". Throws Error (unsupported).
[[nodiscard]] RECURRA_API MergeMode parse_merge_mode(std::string_view name);

/// A recurrent layer forwards and one backwards in time (Schuster and Paliwal 1997), Keras's Bidirectional:
/// (batch, steps, features) -> (batch, width), or (batch, steps, width) with return_sequences, both in the
/// order of time. The two run at once where that is sooner.
///
/// Each direction has weights of its own, initial values and dropout too: forward_layer/kernel, …,
/// backward_layer/bias. Steps that do not count give 0 in a sequence.
class RECURRA_API Bidirectional final : public Layer {
 public:
  /// The given layer becomes the forward one; the backward one has its options but for the direction. Throws
  /// Error (unsupported) for a layer with an activity_regularizer.
  explicit Bidirectional(std::unique_ptr<Recurrent> layer,
                         MergeMode merge_mode = MergeMode::concat,
                         std::string name = "bidirectional");

  /// With a backward layer of its own. Throws also Error (invalid_argument) unless the two differ in
  /// go_backwards, agree in return_sequences, in stateful and, but for concat, in units.
  Bidirectional(std::unique_ptr<Recurrent> forward_layer,
                std::unique_ptr<Recurrent> backward_layer,
                MergeMode merge_mode,
                std::string name);

  [[nodiscard]] const char* type() const noexcept override { return "Bidirectional"; }

  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] std::vector<Parameter*> parameters() override;
  void parameters_changed() override;
  [[nodiscard]] const StepMask* output_mask(const Context& context) const override;
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
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;

  [[nodiscard]] i64 units(int which) const noexcept { return layers_[which]->recurrent_options().units; }

  [[nodiscard]] bool sequences() const noexcept { return layers_[0]->recurrent_options().return_sequences; }

  /// Whether both directions write into the output themselves.
  [[nodiscard]] bool in_place() const noexcept { return merge_mode_ == MergeMode::concat && sequences(); }

  [[nodiscard]] static Context part_of(const Context& context, int which);
  void merge();
  void split(const Tensor& dy);

  std::unique_ptr<Recurrent> layers_[2];
  MergeMode merge_mode_;
  Tensor halves_[2], d_halves_[2];  // outputs and gradients of each direction, where they are not in place
  Tensor y_, dx_[2];
};

}  // namespace recurra

/// A model of layers one after the other: Keras's Sequential.
#pragma once

#include "recurra/layers/model_spec.h"
#include "recurra/training/model_stream.h"
#include "recurra/training/trainable_model.h"

namespace recurra {

/// Layers one after the other.
class RECURRA_API Sequential final : public TrainableModel {
 public:
  /// A model without layers.
  explicit Sequential(std::string name = "sequential") : TrainableModel(std::move(name)) {}

  /// The layers of `spec`. Throws as make_layer.
  explicit Sequential(const ModelSpec& spec);

  /// Appends a layer; a name already taken gets a number, as in Keras. Throws Error (invalid_argument) once
  /// built.
  void add(std::unique_ptr<Layer> layer);

  /// Makes the weights for inputs of shape `input` without the batch axis, any_extent where it varies, drawn
  /// from `seed`. Throws Error (shape) where a layer cannot take its input, (invalid_argument) without layers
  /// or twice.
  void build(const Shape& input, std::uint64_t seed = 0);

  /// Sequences that come step by step, with this model's weights as they are. Throws Error: invalid_argument
  /// when not built and for options out of range; unsupported, saying why, for a layer that does not go on
  /// step by step: one that goes backwards or both ways, masks steps, joins them or is their mean.
  [[nodiscard]] ModelStream stream(const StreamOptions& options = {}) const;

  /// Reads what save wrote, of this version or an older one; the model is compiled where the saved one was,
  /// and fit goes on with the same bits. Throws Error: io, format for bytes that are not such a file,
  /// unsupported for a newer version or layers this build lacks, shape, dtype or non_finite for tensors that
  /// are misshapen or not finite.
  [[nodiscard]] static Sequential load(const std::filesystem::path& path, const LoadOptions& options = {});

  /// The newest whole checkpoint of FitOptions::checkpoint, or where `prefix` is a file, that one. The next
  /// fit goes on where it was written, with the same bits as one that was never interrupted, given the same
  /// examples and options; `epochs` may be more. Fit throws Error (invalid_argument) with all settings that
  /// are not the checkpoint's; compile may be called before it, with the optimizer as the run began or as the
  /// checkpoint has it where `stop` changed its learning rate: what goes on is the checkpoint's. `skipped`
  /// gets the error of each newer one that is damaged. Throws as Checkpoints::load_newest and load, and Error
  /// (format) for a file that fit did not write.
  [[nodiscard]] static Sequential resume(const std::filesystem::path& prefix,
                                         std::vector<std::string>* skipped = nullptr);

  /// A model of other layers with the same input, these weights in the order of its parameters, and what else
  /// this one has: compiled as it is, with an optimizer that begins anew, metadata, seed and epochs. Throws
  /// Error: invalid_argument when not built, and as build, set_weights and make_loss_from_config.
  [[nodiscard]] Sequential rebuilt(const ModelSpec& spec, const std::vector<Tensor>& weights) const;

  /// Shape of a layer's output without the batch axis. Only when built.
  [[nodiscard]] const Shape& output_shape(std::size_t layer) const noexcept {
    return plan().shapes[layer + 1];
  }

  /// Input shape without the batch axis. Only when built.
  [[nodiscard]] const Shape& input_shape() const noexcept { return plan().shapes[0]; }

  /// What the constructor takes.
  [[nodiscard]] ModelSpec spec() const;

 private:
  void build_for_shape(const Shape& input, std::uint64_t seed) override;
  void check_model_inputs(const BatchView& batch) const override;
  [[nodiscard]] nlohmann::json architecture() const override;
  [[nodiscard]] static Sequential from_table(const WeightTable& table,
                                             const std::string& path,
                                             const LoadOptions& options);
};

}  // namespace recurra

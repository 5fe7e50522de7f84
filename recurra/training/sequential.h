/// A model of layers one after the other: Keras's Sequential.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recurra/data/examples.h"
#include "recurra/layers/layer.h"
#include "recurra/layers/model_spec.h"
#include "recurra/training/losses.h"
#include "recurra/training/metrics.h"
#include "recurra/training/optimizers.h"
#include "recurra/training/progress_bar.h"
#include "recurra/training/sample_weights.h"

namespace recurra {

/// Arguments of fit, with Keras's names and defaults.
struct FitOptions {
  i64 batch_size = 32;                        ///< > 0
  i64 epochs = 1;                             ///< >= 0
  bool shuffle = true;                        ///< a new order each epoch, from the model's seed
  const Examples* validation_data = nullptr;  ///< evaluated after each epoch; null: none
  std::ostream* progress = nullptr;           ///< where progress is shown; null: nowhere
  ProgressStyle style = ProgressStyle::lines;
};

/// What each epoch gave, by name: accuracy, loss, val_accuracy, val_loss.
using Logs = std::map<std::string, double>;

/// What fit gives back.
struct History {
  std::vector<Logs> epochs;
  std::vector<double> seconds;  ///< of each epoch, without validation
};

/// Layers one after the other. Not to be used by two threads at once.
class RECURRA_API Sequential {
 public:
  /// A model without layers.
  explicit Sequential(std::string name = "sequential") : name_(std::move(name)) {}

  /// The layers of `spec`. Throws as make_layer.
  explicit Sequential(const ModelSpec& spec);

  /// Appends a layer; a name already taken gets a number, as in Keras. Throws Error (invalid_argument) once
  /// built.
  void add(std::unique_ptr<Layer> layer);

  /// Makes the weights for inputs of shape `input` without the batch axis, any_extent where it varies, drawn
  /// from `seed`. Throws Error (shape) where a layer cannot take its input, (invalid_argument) without layers
  /// or twice.
  void build(const Shape& input, std::uint64_t seed = 0);

  /// Sets what fit and evaluate use. Metrics by name; those with a threshold take the loss's word on whether
  /// outputs are logits.
  void compile(std::unique_ptr<Optimizer> optimizer,
               std::unique_ptr<Loss> loss,
               const std::vector<std::string>& metrics = {});

  /// Trains; builds the model first where that has not been done. Throws Error: invalid_argument when not
  /// compiled or on bad options, shape or dtype for examples that do not fit, non_finite when a loss or a
  /// gradient is not finite: the message names the step, and the weights are those before it.
  History fit(const Examples& examples, const FitOptions& options = {});

  /// One update on one batch; the loss before it. Errors as fit.
  double train_on_batch(const Tensor& x, const Tensor& y, std::span<const int> lengths = {});

  /// Loss and metrics over all examples. Throws as fit.
  Logs evaluate(const Examples& examples, i64 batch_size = 32);

  /// Outputs for x (examples, …). Throws Error (shape, dtype).
  [[nodiscard]] Tensor predict(const Tensor& x, std::span<const int> lengths = {}, i64 batch_size = 32);

  /// Keras 3's table of layers, 88 columns.
  void summary(std::ostream& out) const;

  /// Writes architecture and weights as one safetensors file, aside and renamed. Throws Error (io),
  /// invalid_argument when not built.
  void save(const std::filesystem::path& path) const;

  /// Reads what save wrote. Throws Error: io, format for bytes that are not such a file, unsupported for
  /// layers this build lacks, shape or invalid_argument for tensors that are missing, too many, misshapen or
  /// not finite.
  [[nodiscard]] static Sequential load(const std::filesystem::path& path);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  [[nodiscard]] const std::vector<std::unique_ptr<Layer>>& layers() const noexcept { return layers_; }

  [[nodiscard]] bool built() const noexcept { return input_.has_value(); }

  /// Input shape without the batch axis. Only when built.
  [[nodiscard]] const Shape& input_shape() const noexcept { return *input_; }

  /// All weights in order; after changing a value call parameters_changed.
  [[nodiscard]] std::vector<Parameter*> parameters() const;
  /// To be called after a parameter was changed from outside.
  void parameters_changed();

  [[nodiscard]] ModelSpec spec() const;

  /// At most this many threads; 0: all processors this process may use.
  void set_threads(int threads) noexcept { execution_.threads = threads; }

 private:
  const Tensor& forward(const Tensor& x, std::span<const int> lengths, bool training);
  void backward(const Tensor& x, const Tensor& dy);
  [[nodiscard]] Context context_for(std::size_t layer, bool training) const;

  /// What weights and outputs of the last forward cost beside the loss.
  [[nodiscard]] double penalty() const;

  /// Trainable weights, their gradients with those of their costs.
  [[nodiscard]] std::vector<Parameter*> regularized() const;
  [[nodiscard]] SampleWeights weights_of(const Tensor& output, const Batch& batch);
  void require_compiled() const;
  double update(const Batch& batch, const std::string& where);
  [[nodiscard]] Logs run_epoch(const Examples& examples,
                               const FitOptions& options,
                               i64 epoch,
                               ProgressBar* bar);

  std::string name_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<Shape> outputs_;
  std::optional<Shape> input_;
  std::uint64_t seed_ = 0;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Loss> loss_;
  std::vector<std::unique_ptr<Metric>> metrics_;
  Execution execution_;
  StepMask mask_;                       // of the inputs
  std::vector<const Tensor*> values_;   // inputs of the layers in the last forward, and its output
  std::vector<const StepMask*> masks_;  // theirs
  Tensor d_output_;
  SampleWeightBuilder sample_weights_;
  i64 epochs_done_ = 0;
  std::uint64_t updates_done_ = 0;
};

}  // namespace recurra

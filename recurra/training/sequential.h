/// A model of layers one after the other: Keras's Sequential.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/data/batch_source.h"
#include "recurra/data/examples.h"
#include "recurra/layers/layer.h"
#include "recurra/layers/model_spec.h"
#include "recurra/training/batch_view.h"
#include "recurra/training/fit_options.h"
#include "recurra/training/losses.h"
#include "recurra/training/metric_set.h"
#include "recurra/training/metrics.h"
#include "recurra/training/model_stream.h"
#include "recurra/training/optimizers.h"
#include "recurra/training/progress_bar.h"
#include "recurra/training/run_state.h"
#include "recurra/training/sample_weights.h"

namespace recurra {

struct FitLoop;
struct TrainingRecord;
class WeightTable;

/// What save writes beside architecture and weights.
struct SaveOptions {
  bool include_optimizer = true;  ///< what compile was given, and the state of the optimizer
};

/// What load does with a file.
struct LoadOptions {
  bool compile = true;  ///< false: the model has to be compiled anew; for a loss or optimizer of your own
};

/// Which table summary writes.
enum class SummaryStyle {
  keras3,  ///< with frames, 88 columns; the optimizer's numbers are in the total
  keras2,  ///< with rules of letters, 65 columns
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
  /// outputs are logits. As in Keras, sample weights and class weights count in `weighted_metrics` alone,
  /// masks in both. A fit that was stopped cannot go on afterwards, except from `resume`. Throws as
  /// make_metric, and Error (invalid_argument) when called from within fit.
  void compile(std::unique_ptr<Optimizer> optimizer,
               std::unique_ptr<Loss> loss,
               const std::vector<std::string>& metrics = {},
               const std::vector<std::string>& weighted_metrics = {});

  /// Trains; builds the model first where that has not been done. The loss of an epoch is the mean of its
  /// batches' losses, each before its update, weighing as many as it has examples.
  ///
  /// Throws Error: invalid_argument when not compiled, on bad options, or when called from within fit; shape
  /// or dtype for examples that do not fit; non_finite when a loss or a gradient is not finite: the message
  /// names the step and the tensor, and the weights are those before it; io as write_safetensors for a
  /// checkpoint, the older ones being as they were; and what the source or `stop` throws.
  History fit(const Examples& examples, const FitOptions& options = {});

  /// The same with batches from `source`, which says how many and in which order: batch_size, shuffle and
  /// validation_split are not for it. It begins epochs by their number over the model's life.
  History fit(BatchSource& source, const FitOptions& options = {});

  /// One update on one batch; the loss before it. A fit that was stopped or resumed has then no place to go
  /// on from: the next one is a new one. Errors as fit.
  double train_on_batch(const Tensor& x, const Tensor& y, std::span<const int> lengths = {});

  /// The same with all that examples may have.
  double train_on_batch(const Examples& batch);

  /// Loss and metrics over all examples, sample weights counted as in training. Throws as fit, and Error
  /// (invalid_argument) without an example.
  Logs evaluate(const Examples& examples, i64 batch_size = 32);

  /// The same over an epoch of `source`, its first.
  Logs evaluate(BatchSource& source);

  /// Loss and metrics of one batch. Throws as fit.
  Logs test_on_batch(const Examples& batch);

  /// Outputs for x (examples, …). Throws Error (shape, dtype), (invalid_argument) when not built.
  [[nodiscard]] Tensor predict(const Tensor& x, std::span<const int> lengths = {}, i64 batch_size = 32);

  /// The same for inputs with a mask; targets and weights are not looked at and may be absent.
  [[nodiscard]] Tensor predict(const Examples& inputs, i64 batch_size = 32);

  /// Outputs for an epoch of `source`, its first; without a batch (0, ...), axes that vary being 0. Throws
  /// Error (shape) where batches give outputs that differ behind the first axis.
  [[nodiscard]] Tensor predict(BatchSource& source);

  /// Outputs for x (batch, …) in one pass. Throws as predict.
  [[nodiscard]] Tensor predict_on_batch(const Tensor& x, std::span<const int> lengths = {});

  /// Stateful layers begin anew: with zeros, and with batches of any size. Else their states go on from each
  /// batch to the next, in fit, evaluate and predict alike, over epochs and calls; a batch of another size is
  /// an error, also an epoch's last. An update that was not made leaves them as they were. They are in no
  /// file but those that `resume` takes.
  void reset_states();

  /// Sequences that come step by step, with this model's weights as they are. Throws Error: invalid_argument
  /// when not built and for options out of range; unsupported, saying why, for a layer that does not go on
  /// step by step: one that goes backwards or both ways, masks steps, joins them or is their mean.
  [[nodiscard]] ModelStream stream(const StreamOptions& options = {}) const;

  /// The table of layers.
  void summary(std::ostream& out, SummaryStyle style = SummaryStyle::keras3) const;

  /// Numbers in all weights. Throws Error (invalid_argument) when not built.
  [[nodiscard]] i64 count_params() const;

  /// Writes one safetensors file, aside and renamed: architecture, weights, what compile was given with the
  /// state of the optimizer, and where training stands. Throws Error: io, invalid_argument when not built,
  /// non_finite for weights that are not finite; then the old file stays.
  void save(const std::filesystem::path& path, const SaveOptions& options = {}) const;

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

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  [[nodiscard]] const std::vector<std::unique_ptr<Layer>>& layers() const noexcept { return layers_; }

  [[nodiscard]] bool built() const noexcept { return input_.has_value(); }

  /// Shape of a layer's output without the batch axis. Only when built.
  [[nodiscard]] const Shape& output_shape(std::size_t layer) const noexcept { return outputs_[layer]; }

  /// Input shape without the batch axis. Only when built.
  [[nodiscard]] const Shape& input_shape() const noexcept { return *input_; }

  /// All weights in order; after changing a value call parameters_changed.
  [[nodiscard]] std::vector<Parameter*> parameters() const;

  /// Copies of all weights, in that order.
  [[nodiscard]] std::vector<Tensor> get_weights() const;

  /// Takes weights in that order, all or none; the next fit is a new one, as after train_on_batch. Throws
  /// Error (invalid_argument for another number, shape, dtype).
  void set_weights(const std::vector<Tensor>& weights);

  /// Throws Error (unsupported), listing all names, where there is no such layer.
  [[nodiscard]] Layer& get_layer(const std::string& name) const;

  /// To be called after a parameter was changed from outside; the next fit is a new one, as after
  /// train_on_batch.
  void parameters_changed();

  [[nodiscard]] ModelSpec spec() const;

  /// A model of other layers with the same input, these weights in the order of its parameters, and what else
  /// this one has: compiled as it is, with an optimizer that begins anew, metadata, seed and epochs. Throws
  /// Error: invalid_argument when not built, and as build, set_weights and make_loss_from_config.
  [[nodiscard]] Sequential rebuilt(const ModelSpec& spec, const std::vector<Tensor>& weights) const;

  /// Of initial weights, of the order of examples and of dropout.
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

  /// Epochs that fit has finished over the model's life.
  [[nodiscard]] i64 epochs_done() const noexcept { return epochs_done_; }

  /// Training passes over its life: updates made, and steps left out.
  [[nodiscard]] i64 updates_done() const noexcept { return static_cast<i64>(updates_done_); }

  /// Null when not compiled.
  [[nodiscard]] Optimizer* optimizer() const noexcept { return optimizer_.get(); }

  /// Texts that are saved with the model, by key: what a program wants to find with it again.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept { return metadata_; }

  /// Adds one or replaces it; both must be UTF-8, or save throws.
  void set_metadata(const std::string& key, std::string value) { metadata_[key] = std::move(value); }

  /// At most this many threads; 0: all processors this process may use.
  void set_threads(int threads) noexcept { execution_.threads = threads; }

 private:
  enum class Pass { inference, training };

  /// What an update knows of its step beside the batch.
  struct Step {
    NonFinitePolicy on_non_finite = NonFinitePolicy::error;
    const std::map<int, double>* class_weight = nullptr;
    i64 epoch = -1;  // from 0; -1: of no fit
    i64 number = 0;  // from 0

    [[nodiscard]] std::string place() const;
  };

  struct StepResult {
    double loss = 0;
    bool counted = true;  // in the means
    bool updated = true;
  };

  /// For metrics, and for the loss and weighted metrics.
  struct BatchWeights {
    SampleWeights masked;
    SampleWeights all;
  };

  void require_not_in_fit(const char* what) const;
  void weights_changed();
  void forget_run();

  // One pass: update.cpp
  const Tensor& forward(const BatchView& batch, Pass pass);
  void backward(const Tensor& x, const Tensor& dy);
  [[nodiscard]] Context context_for(std::size_t layer, Pass pass) const;
  [[nodiscard]] double penalty() const;
  [[nodiscard]] BatchWeights weights_of(const Tensor& output,
                                        const BatchView& batch,
                                        const std::map<int, double>* class_weight);
  StepResult update(const BatchView& batch, const Step& step);
  StepResult try_update(const BatchView& batch, const Step& step);
  [[nodiscard]] bool take_step(const Step& step);
  [[noreturn]] void fail_for_gradient(const Step& step) const;
  void keep_statistics();
  void restore_statistics();

  // Training: fit.cpp
  void require_compiled() const;
  void build_for(BatchSource& source, std::uint64_t seed);
  History fit_split(const Examples& examples, const FitOptions& options);
  History run(BatchSource& source, const FitOptions& options, nlohmann::json& settings);
  void require_settings_of_checkpoint(nlohmann::json settings) const;
  void begin_run(const FitOptions& options, const nlohmann::json& settings);
  void run_epoch(FitLoop& loop);
  void run_batches(FitLoop& loop, ProgressBar* bar);
  void finish_epoch(FitLoop& loop, double seconds, ProgressBar* bar);
  void validate(const FitOptions& options, Logs& logs);
  void write_checkpoint(FitLoop& loop);
  [[nodiscard]] Logs logs_of(const MetricState& loss) const;

  // Evaluation and prediction: evaluate.cpp
  Logs evaluate_epoch(BatchSource& source);
  MetricState take_up(const BatchView& batch);
  static void require_rows(const BatchView& batch);
  void require_built(const char* what) const;
  [[nodiscard]] Shape output_shape_of_none() const;
  [[nodiscard]] Tensor predict_all(const BatchView& inputs, i64 batch_size);

  // Files: model_file.cpp
  [[nodiscard]] Optimizer* optimizer_in_use() const noexcept;
  [[nodiscard]] TrainingRecord record(const SaveOptions& options) const;
  void restore(const TrainingRecord& record, const LoadOptions& options);
  [[nodiscard]] static Sequential from_table(const WeightTable& table,
                                             const std::string& path,
                                             const LoadOptions& options);
  [[nodiscard]] static Sequential resumed(const WeightTable& table, const std::string& path);

  // A weight that forward passes of training change: a moving mean.
  struct Statistic {
    Parameter* parameter;
    Tensor kept;  // its value before the step
  };

  std::string name_;
  std::map<std::string, std::string> metadata_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<Shape> outputs_;
  std::optional<Shape> input_;
  std::vector<Parameter*> trainable_;
  std::vector<Statistic> statistics_;
  std::uint64_t seed_ = 0;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Loss> loss_;
  MetricSet metrics_;
  Execution execution_;
  StepMask mask_;                       // of the inputs
  std::vector<const Tensor*> values_;   // inputs of the layers in the last forward, and its output
  std::vector<const StepMask*> masks_;  // theirs
  Tensor d_output_;
  SampleWeightBuilder sample_weights_;
  SampleWeightBuilder mask_weights_;
  i64 epochs_done_ = 0;
  std::uint64_t updates_done_ = 0;
  std::optional<RunState> run_;  // while fit runs, and after it was stopped until the weights change
  bool in_fit_ = false;
  bool resuming_ = false;  // the next fit goes on with run_
  bool resumed_from_file_ = false;
  std::unique_ptr<Optimizer> resumed_optimizer_;  // the checkpoint's, where compile has brought another
  std::string resumed_config_;                    // the checkpoint's optimizer as JSON
};

}  // namespace recurra

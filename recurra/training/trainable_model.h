/// What all models share: training, evaluation, prediction, summaries and files.
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
#include "recurra/training/batch_view.h"
#include "recurra/training/fit_options.h"
#include "recurra/training/graph_run.h"
#include "recurra/training/losses.h"
#include "recurra/training/metrics.h"
#include "recurra/training/optimizers.h"
#include "recurra/training/output_goal.h"
#include "recurra/training/progress_bar.h"
#include "recurra/training/run_state.h"

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
  keras3,  ///< with frames, 88 columns, 108 with the column "Connected to"; the optimizer's numbers are in
           ///< the total
  keras2,  ///< with rules of letters, 65 columns, or 98
};

/// A Sequential or a Model. Not to be used by two threads at once.
///
/// Where there are several inputs, the first is `x` of examples and batches, the others are `more_x`. So it
/// is with targets, of which there is one for each output that compile gives a loss.
class RECURRA_API TrainableModel {
 public:
  virtual ~TrainableModel() = default;
  TrainableModel(const TrainableModel&) = delete;
  TrainableModel& operator=(const TrainableModel&) = delete;

  /// Sets what fit and evaluate use. Metrics by name; those with a threshold take the loss's word on whether
  /// outputs are logits. As in Keras, sample weights and class weights count in `weighted_metrics` alone,
  /// masks in both. A fit that was stopped cannot go on afterwards, except from `resume`. Throws as
  /// make_metric, and Error (invalid_argument) when called from within fit, or for a model of several
  /// outputs.
  void compile(std::unique_ptr<Optimizer> optimizer,
               std::unique_ptr<Loss> loss,
               const std::vector<std::string>& metrics = {},
               const std::vector<std::string>& weighted_metrics = {});

  /// Trains; builds a Sequential first where that has not been done. The loss of an epoch is the mean of its
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

  /// The output for x (examples, …). Throws Error (shape, dtype), (invalid_argument) when not built, and for
  /// a model of several outputs.
  [[nodiscard]] Tensor predict(const Tensor& x, std::span<const int> lengths = {}, i64 batch_size = 32);

  /// The same for inputs with a mask; targets and weights are not looked at and may be absent.
  [[nodiscard]] Tensor predict(const Examples& inputs, i64 batch_size = 32);

  /// Outputs for an epoch of `source`, its first; without a batch (0, ...), axes that vary being 0. Throws
  /// Error (shape) where batches give outputs that differ behind the first axis.
  [[nodiscard]] Tensor predict(BatchSource& source);

  /// Outputs for x (batch, …) in one pass. Throws as predict.
  [[nodiscard]] Tensor predict_on_batch(const Tensor& x, std::span<const int> lengths = {});

  /// All outputs in order, for inputs that may be several. Throws Error (shape, dtype), (invalid_argument)
  /// when not built.
  [[nodiscard]] std::vector<Tensor> predict_outputs(const Examples& inputs, i64 batch_size = 32);

  /// Stateful layers begin anew: with zeros, and with batches of any size. Else their states go on from each
  /// batch to the next, in fit, evaluate and predict alike, over epochs and calls; a batch of another size is
  /// an error, also an epoch's last. An update that was not made leaves them as they were. They are in no
  /// file but those that `resume` takes.
  void reset_states();

  /// The table of layers.
  void summary(std::ostream& out, SummaryStyle style = SummaryStyle::keras3) const;

  /// Numbers in all weights. Throws Error (invalid_argument) when not built.
  [[nodiscard]] i64 count_params() const;

  /// Writes one safetensors file, aside and renamed: architecture, weights, what compile was given with the
  /// state of the optimizer, and where training stands. Throws Error: io, invalid_argument when not built,
  /// non_finite for weights that are not finite; then the old file stays; unsupported for a Model, which has
  /// no file format yet.
  void save(const std::filesystem::path& path, const SaveOptions& options = {}) const;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  [[nodiscard]] const std::vector<std::shared_ptr<Layer>>& layers() const noexcept { return layers_; }

  /// Whether its layers have weights.
  [[nodiscard]] bool built() const noexcept { return !plan().calls.empty(); }

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

 protected:
  /// A model without layers.
  explicit TrainableModel(std::string name) : name_(std::move(name)) {}

  /// For the models themselves: a move of the common part alone would lose the rest.
  TrainableModel(TrainableModel&&) noexcept = default;
  TrainableModel& operator=(TrainableModel&&) noexcept = default;

  /// Appends a layer, whose name gets a number where another has it.
  void append(std::shared_ptr<Layer> layer);

  /// Takes the calls of the layers, whose weights were drawn from `seed`, and a name for each output in logs,
  /// which one alone does not need. Only once.
  void set_graph(GraphPlan plan, std::uint64_t seed, std::vector<std::string> output_names = {});

  [[nodiscard]] const std::vector<std::string>& names_of_outputs() const noexcept { return output_names_; }

  [[nodiscard]] const GraphPlan& plan() const noexcept { return graph_.plan(); }

  /// compile for any number of outputs, one entry each. Throws as compile.
  void compile_outputs(std::unique_ptr<Optimizer> optimizer, std::vector<OutputLoss> outputs);

  /// Takes metadata, counts of training and what compile was given, with an optimizer that begins anew, of a
  /// model with as many outputs. Throws as make_loss_from_config.
  void take_training_of(const TrainableModel& other);

  /// Throws Error (invalid_argument), with the name of a call, unless built.
  void require_built(const char* what) const;

  /// Takes all that a model file has beside the architecture. Throws as Sequential::load.
  void take_file(const WeightTable& table, const std::string& path, const LoadOptions& options);

  /// After take_file of a checkpoint: the next fit goes on with it; `from_file` where its path was named.
  /// Throws Error (format) where it has no place to go on from.
  void go_on(const std::string& path, bool from_file);

 private:
  enum class Pass { inference, training };

  /// Makes the weights where that has not been done, for examples of this shape.
  virtual void build_for_shape(const Shape& input, std::uint64_t seed) = 0;

  /// Throws Error unless the model can take the inputs of `batch`.
  virtual void check_model_inputs(const BatchView& batch) const = 0;

  /// What a model file has of its layers. Throws Error (unsupported) where there is no such format.
  [[nodiscard]] virtual nlohmann::json architecture() const = 0;

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

  void require_not_in_fit(const char* what) const;
  void weights_changed();
  void forget_run();

  // One pass: update.cpp
  TensorList forward(const BatchView& batch, Pass pass);
  [[nodiscard]] GraphRun::Pass run_for(Pass pass) const;
  void check_targets(const BatchView& batch) const;
  template <class Function>
  void for_each_goal(const BatchView& batch, const std::map<int, double>* class_weight, Function function);
  double compute_loss(const BatchView& batch, const std::map<int, double>* class_weight, bool with_gradient);
  void count_metrics(const BatchView& batch);
  void backward();
  StepResult update(const BatchView& batch, const Step& step);
  StepResult try_update(const BatchView& batch, const Step& step);
  [[nodiscard]] bool take_step(const Step& step);
  [[noreturn]] void fail_for_gradient(const Step& step) const;
  void keep_statistics();
  void restore_statistics();

  // Training: fit.cpp
  [[nodiscard]] bool is_compiled() const noexcept;
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
  void reset_metrics() noexcept;
  [[nodiscard]] std::vector<MetricState> metric_states() const;
  void set_metric_states(std::span<const MetricState> states);
  void add_loss_settings(nlohmann::json& settings) const;

  // Evaluation and prediction: evaluate.cpp
  Logs evaluate_epoch(BatchSource& source);
  MetricState take_up(const BatchView& batch);
  static void require_rows(const BatchView& batch);
  void require_one_output(const char* what) const;
  [[nodiscard]] Shape output_shape_of_none() const;
  [[nodiscard]] std::vector<Tensor> predict_all(const BatchView& inputs, i64 batch_size);

  // Files: model_file.cpp
  [[nodiscard]] Optimizer* optimizer_in_use() const noexcept;
  [[nodiscard]] TrainingRecord record(const SaveOptions& options) const;
  void restore(const TrainingRecord& record, const LoadOptions& options);

  // A weight that forward passes of training change: a moving mean.
  struct Statistic {
    Parameter* parameter;
    Tensor kept;  // its value before the step
  };

  std::string name_;
  std::map<std::string, std::string> metadata_;
  std::vector<std::shared_ptr<Layer>> layers_;
  GraphRun graph_;
  std::vector<std::string> output_names_;  // as logs have them
  std::vector<Parameter*> trainable_;
  std::vector<Statistic> statistics_;
  std::uint64_t seed_ = 0;
  std::unique_ptr<Optimizer> optimizer_;
  std::vector<OutputGoal> goals_;  // one an output; none before compile
  Execution execution_;
  StepMask mask_;                      // of the first input
  std::vector<const Tensor*> inputs_;  // of the last forward
  TensorList outputs_;                 // its
  std::vector<const Tensor*> d_outputs_;
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

/// What fit is told and what it gives back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "recurra/data/batch_source.h"
#include "recurra/data/examples.h"
#include "recurra/training/progress_bar.h"

namespace recurra {

/// What training does about a loss or a gradient that is NaN or infinite.
enum class NonFinitePolicy {
  error,      ///< throws Error; the weights are those before the step
  skip_step,  ///< leaves the step out, and a loss that is not finite out of the means
  ignore,     ///< the loss enters the means; a step by such a gradient is left out, as no weight survives it
};

/// Checkpoints that fit writes: files `<prefix>-<updates done>.safetensors`, for Sequential::resume.
struct CheckpointOptions {
  std::filesystem::path prefix{};  ///< of the files' names, `runs/digits`; the folder must exist
  double every_minutes = 0.0;      ///< >= 0; 0: not by time
  i64 every_epochs = 1;            ///< >= 0; 0: not by epochs
  i64 every_updates = 0;           ///< >= 0; 0: not by updates
  int keep = 3;                    ///< > 0: so many of the newest stay
};

/// Arguments of fit, with Keras's names and defaults.
struct FitOptions {
  i64 batch_size = 32;                        ///< > 0; a BatchSource has its own
  i64 epochs = 1;                             ///< >= 0, the last one's number counted from 1
  bool shuffle = true;                        ///< a new order each epoch; a BatchSource has its own
  const Examples* validation_data = nullptr;  ///< evaluated after an epoch; null: none
  std::ostream* progress = nullptr;           ///< where progress is shown; null: nowhere
  ProgressStyle style = ProgressStyle::lines;
  double validation_split = 0.0;             ///< in [0, 1): this share of the examples, the last ones, is
                                             ///< kept for validation; both parts are copied. 0: none
  BatchSource* validation_source = nullptr;  ///< instead of validation_data
  i64 validation_freq = 1;                   ///< > 0: validation after each so many epochs
  i64 validation_batch_size = 0;             ///< 0: batch_size
  i64 initial_epoch = 0;                     ///< >= 0, epochs left out at the beginning; a
                                             ///< fit that resumes knows its own
  i64 steps_per_epoch = 0;  ///< an epoch ends after so many batches; 0: with its data. Unlike Keras's, the
                            ///< next epoch begins the data anew
  std::map<int, double> class_weight{};  ///< factors of the loss by class, 1 for others; not in validation
  std::optional<std::uint64_t> seed{};   ///< of the order of examples, of dropout, and of weights not made
                                         ///< yet; not given: the model's
  NonFinitePolicy on_non_finite = NonFinitePolicy::error;
  std::function<bool()> stop{};                   ///< asked after each batch; true: fit ends there
  std::optional<CheckpointOptions> checkpoint{};  ///< also written where `stop` ends fit
};

/// Values by name: accuracy, loss, val_accuracy, val_loss.
using Logs = std::map<std::string, double>;

/// What fit gives back.
struct History {
  std::vector<Logs> epochs;     ///< of those that came to their end in this call
  std::vector<double> seconds;  ///< of each of them, without validation
  bool stopped = false;         ///< FitOptions::stop ended it
  i64 skipped_updates = 0;      ///< steps left out for numbers that were not finite
};

/// Throws Error (invalid_argument) naming the first option out of range, or two that exclude each other.
void check_fit_options(const FitOptions& options);

/// Throws Error (invalid_argument), subject `name`, unless `value` is from `least` up.
void require_at_least(const char* name, i64 value, i64 least);

}  // namespace recurra

/// A model's training: epochs, validation, checkpoints, and going on after a stop.
#include <algorithm>
#include <limits>
#include <optional>
#include <ostream>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/data/examples_source.h"
#include "recurra/data/split.h"
#include "recurra/training/fit_loop.h"
#include "recurra/training/trainable_model.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

/// Logs as the progress bar takes them: sorted by name.
std::vector<LoggedValue> shown(const Logs& logs) {
  std::vector<LoggedValue> values;
  for (const auto& [name, value] : logs) values.push_back({name, value});
  return values;
}

/// Batches of an epoch; 0: not known.
i64 steps_of(const FitLoop& loop) {
  const i64 batches = loop.source.batches();
  const i64 asked = loop.options.steps_per_epoch;
  if (asked == 0) return batches;
  return batches == 0 ? asked : std::min(asked, batches);
}

Json class_weight_json(const std::map<int, double>& class_weight) {
  Json json = Json::object();
  for (const auto& [label, weight] : class_weight) json[std::to_string(label)] = weight;
  return json;
}

}  // namespace

void TrainableModel::build_for(BatchSource& source, std::uint64_t seed) {
  if (built()) return;
  Batch batch;
  source.begin_epoch(0);
  require(source.next(batch), ErrorCode::invalid_argument, "source", "at least one batch", "none");
  check_batch(BatchView(batch));
  build_for_shape(shape_of_example(batch.x), seed);
}

History TrainableModel::fit_split(const Examples& examples, const FitOptions& options) {
  const ExamplesSplit split = split_examples(examples, options.validation_split);
  FitOptions rest = options;
  rest.validation_split = 0.0;
  rest.validation_data = &split.validation;
  return fit(split.training, rest);
}

History TrainableModel::fit(const Examples& examples, const FitOptions& options) {
  require_not_in_fit("fit");
  require_compiled();
  check_fit_options(options);
  check_examples(examples, "examples");
  const i64 count = examples.x.shape()[0];
  require_at_least("examples", count, 1);
  if (options.validation_split > 0.0) return fit_split(examples, options);
  const std::uint64_t seed = options.seed.value_or(seed_);
  build_for_shape(shape_of_example(examples.x), seed);
  ExamplesSource source(examples, {options.batch_size, options.shuffle, seed}, execution_);
  Json settings{{"examples", count}, {"batch_size", options.batch_size}, {"shuffle", options.shuffle}};
  return run(source, options, settings);
}

History TrainableModel::fit(BatchSource& source, const FitOptions& options) {
  require_not_in_fit("fit");
  require_compiled();
  check_fit_options(options);
  if (options.validation_split > 0.0) {
    throw Error(ErrorCode::invalid_argument,
                "validation_split",
                "validation_data or validation_source beside a batch source",
                shortest(options.validation_split));
  }
  build_for(source, options.seed.value_or(seed_));
  Json settings{{"batches", source.batches()}};
  return run(source, options, settings);
}

History TrainableModel::run(BatchSource& source, const FitOptions& options, Json& settings) {
  settings["seed"] = options.seed.value_or(seed_);
  settings["steps_per_epoch"] = options.steps_per_epoch;
  settings["class_weight"] = class_weight_json(options.class_weight);
  settings["optimizer"] = optimizer_->config();
  settings["on_non_finite"] = static_cast<int>(options.on_non_finite);
  add_loss_settings(settings);
  if (resuming_) require_settings_of_checkpoint(settings);
  if (options.checkpoint) static_cast<void>(architecture());  // one that no file can have says so now
  FitLoop loop{source, options, CheckpointWriter(options.checkpoint, updates_done())};
  // Behind a checkpoint taken by its prefix there are only damaged ones; behind a file there may be good
  // ones.
  if (!resuming_ || resumed_from_file_) loop.checkpoints.require_none_beyond(updates_done());
  begin_run(options, settings);
  in_fit_ = true;
  try {
    while (run_->epoch < options.epochs && !loop.history.stopped) run_epoch(loop);
  } catch (...) {
    in_fit_ = false;
    forget_run();
    throw;
  }
  in_fit_ = false;
  if (!loop.history.stopped) forget_run();
  return std::move(loop.history);
}

/// `stop` may have changed the learning rate since the run began. Who compiles anew need not know that; the
/// optimizer that goes on is the checkpoint's all the same.
void TrainableModel::require_settings_of_checkpoint(Json settings) const {
  const Json loaded = Json::parse(resumed_config_);
  const bool compiled_anew = resumed_optimizer_ != nullptr;
  Json expected = Json::parse(run_->settings);
  if (!compiled_anew || settings.at("optimizer") == loaded) expected["optimizer"] = loaded;
  if (compiled_anew) {
    expected["checkpoint"] = {{"optimizer", loaded}};
    settings["checkpoint"] = {{"optimizer", resumed_optimizer_->config()}};
  }
  require_same_settings(expected.dump(), settings.dump());
}

void TrainableModel::begin_run(const FitOptions& options, const Json& settings) {
  seed_ = options.seed.value_or(seed_);
  if (resuming_) {
    set_metric_states(run_->metrics);
    if (resumed_optimizer_ != nullptr) optimizer_ = std::move(resumed_optimizer_);
    resuming_ = false;
    return;
  }
  run_.emplace();
  run_->epoch = options.initial_epoch;
  run_->settings = settings.dump();
}

void TrainableModel::run_epoch(FitLoop& loop) {
  const FitOptions& options = loop.options;
  std::optional<ProgressBar> bar;
  if (options.progress != nullptr) {
    *options.progress << "Epoch " << run_->epoch + 1 << "/" << options.epochs << "\n";
    bar.emplace(*options.progress, options.style, steps_of(loop));
  }
  ProgressBar* shown_bar = bar ? &*bar : nullptr;
  const double start = steady_seconds();
  loop.source.begin_epoch(epochs_done_);
  if (run_->batch > 0) {
    loop.source.skip(run_->batch);
    if (bar) bar->skip(run_->batch);
  } else {
    reset_metrics();
    run_->loss = {};
  }
  run_batches(loop, shown_bar);
  if (!loop.history.stopped) return finish_epoch(loop, steady_seconds() - start, shown_bar);
  if (bar) bar->stop(shown(logs_of(run_->loss)));
}

void TrainableModel::run_batches(FitLoop& loop, ProgressBar* bar) {
  const FitOptions& options = loop.options;
  const i64 most = options.steps_per_epoch > 0 ? options.steps_per_epoch : std::numeric_limits<i64>::max();
  Step step{options.on_non_finite, options.class_weight.empty() ? nullptr : &options.class_weight};
  step.epoch = run_->epoch;
  while (run_->batch < most && loop.source.next(loop.batch)) {
    const BatchView batch(loop.batch);
    step.number = run_->batch;
    const StepResult result = update(batch, step);
    ++run_->batch;
    if (!result.updated) ++loop.history.skipped_updates;
    if (result.counted) {
      run_->loss.sum += result.loss * static_cast<double>(batch.rows());
      run_->loss.count += static_cast<double>(batch.rows());
    }
    if (bar != nullptr) bar->update(run_->batch, shown(logs_of(run_->loss)));
    loop.history.stopped = options.stop && options.stop();
    if (loop.checkpoints.is_due_after_update(updates_done()) ||
        (loop.history.stopped && loop.checkpoints.wanted())) {
      write_checkpoint(loop);
    }
    if (loop.history.stopped) {
      run_->metrics = metric_states();  // for who saves the model now; an evaluation would reset them
      return;
    }
  }
  require(run_->batch > 0, ErrorCode::invalid_argument, "source", "at least one batch", "none");
}

void TrainableModel::finish_epoch(FitLoop& loop, double seconds, ProgressBar* bar) {
  Logs logs = logs_of(run_->loss);
  ++epochs_done_;
  ++run_->epoch;
  run_->batch = 0;
  if (run_->epoch % loop.options.validation_freq == 0) validate(loop.options, logs);
  if (bar != nullptr) bar->finish(shown(logs));
  loop.history.seconds.push_back(seconds);
  loop.history.epochs.push_back(std::move(logs));
  if (loop.checkpoints.is_due_after_epoch(run_->epoch)) write_checkpoint(loop);
}

void TrainableModel::validate(const FitOptions& options, Logs& logs) {
  Logs values;
  const i64 batch_size =
      options.validation_batch_size > 0 ? options.validation_batch_size : options.batch_size;
  if (options.validation_data != nullptr) {
    values = evaluate(*options.validation_data, batch_size);
  } else if (options.validation_source != nullptr) {
    values = evaluate(*options.validation_source);
  }
  for (const auto& [name, value] : values) logs["val_" + name] = value;
}

void TrainableModel::write_checkpoint(FitLoop& loop) {
  run_->metrics = metric_states();
  save(loop.checkpoints.path_for(updates_done()));
  loop.checkpoints.written(updates_done());
}

}  // namespace recurra

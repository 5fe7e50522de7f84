/// Sequential's training and evaluation.
#include <algorithm>
#include <cmath>

#include "recurra/base/error.h"
#include "recurra/data/order.h"
#include "recurra/training/sequential.h"

namespace recurra {

namespace {

void require_at_least(const char* name, i64 value, i64 least) {
  if (value >= least) return;
  throw Error(
      ErrorCode::invalid_argument, name, "from " + std::to_string(least) + " up", std::to_string(value));
}

/// A batch's own shape, examples in front.
Shape shape_behind_batch(const Tensor& x) {
  return Shape(std::vector<i64>(x.shape().extents().begin() + 1, x.shape().extents().end()));
}

/// Logs as the progress bar takes them: sorted by name.
std::vector<LoggedValue> shown(const Logs& logs) {
  std::vector<LoggedValue> values;
  for (const auto& [name, value] : logs) values.push_back({name, value});
  return values;
}

}  // namespace

SampleWeights Sequential::weights_of(const Tensor& output, const Batch& batch) {
  const StepMask* mask = masks_.back();
  const bool steps = mask != nullptr && output.shape().rank() > 2;
  const std::span<const std::uint8_t> bytes(
      steps ? mask->data() : nullptr, steps ? static_cast<std::size_t>(mask->batch() * mask->steps()) : 0);
  return sample_weights_.build(output, batch.y, {.mask = bytes});
}

double Sequential::update(const Batch& batch, const std::string& where) {
  const Tensor& output = forward(batch.x, batch.lengths, true);
  const SampleWeights weights = weights_of(output, batch);
  const double loss = loss_->compute(output, batch.y, weights, &d_output_) + penalty();
  if (!std::isfinite(loss)) {
    throw Error(ErrorCode::non_finite, "loss", "a finite number", std::to_string(loss) + " " + where);
  }
  for (const auto& metric : metrics_) metric->update(output, batch.y, weights);
  backward(batch.x, d_output_);
  const std::vector<Parameter*> trainable = regularized();
  if (!optimizer_->step(trainable)) {
    throw Error(ErrorCode::non_finite,
                "gradient",
                "finite numbers",
                "a norm of " + std::to_string(optimizer_->gradient_norm()) + " " + where);
  }
  for (Parameter* parameter : trainable) {
    if (parameter->constraint != nullptr) parameter->constraint->apply(parameter->value);
  }
  parameters_changed();
  ++updates_done_;
  return loss;
}

double Sequential::train_on_batch(const Tensor& x, const Tensor& y, std::span<const int> lengths) {
  require_compiled();
  const Batch batch{x, y, {lengths.begin(), lengths.end()}};
  check_examples({x, y, batch.lengths}, "batch");
  if (!built()) build(shape_behind_batch(x));
  return update(batch, "in train_on_batch");
}

Logs Sequential::run_epoch(const Examples& examples, const FitOptions& options, i64 epoch, ProgressBar* bar) {
  const i64 count = examples.x.shape()[0];
  const std::vector<int> order =
      options.shuffle ? shuffled_order(count, seed_, epochs_done_) : plain_order(count);
  for (const auto& metric : metrics_) metric->reset();
  Batch batch;
  Logs logs;
  double loss = 0;
  i64 step = 0;
  for (i64 first = 0; first < count; first += options.batch_size) {
    const i64 rows = std::min(options.batch_size, count - first);
    batch.gather(examples,
                 std::span(order).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)),
                 execution_);
    ++step;
    const std::string where = "at step " + std::to_string(step) + " of epoch " + std::to_string(epoch + 1);
    loss += update(batch, where) * static_cast<double>(rows);
    logs["loss"] = loss / static_cast<double>(first + rows);
    for (const auto& metric : metrics_) logs[metric->name()] = metric->value();
    if (bar != nullptr) bar->update(step, shown(logs));
  }
  ++epochs_done_;
  return logs;
}

History Sequential::fit(const Examples& examples, const FitOptions& options) {
  require_compiled();
  require_at_least("batch_size", options.batch_size, 1);
  require_at_least("epochs", options.epochs, 0);
  check_examples(examples, "examples");
  require_at_least("examples", examples.x.shape()[0], 1);
  if (options.validation_data != nullptr) check_examples(*options.validation_data, "validation_data");
  if (!built()) build(shape_behind_batch(examples.x));
  const i64 steps = (examples.x.shape()[0] + options.batch_size - 1) / options.batch_size;
  History history;
  for (i64 epoch = 0; epoch < options.epochs; ++epoch) {
    if (options.progress != nullptr)
      *options.progress << "Epoch " << epoch + 1 << "/" << options.epochs << "\n";
    std::optional<ProgressBar> bar;
    if (options.progress != nullptr) bar.emplace(*options.progress, options.style, steps);
    const double start = steady_seconds();
    Logs logs = run_epoch(examples, options, epoch, bar ? &*bar : nullptr);
    history.seconds.push_back(steady_seconds() - start);
    if (options.validation_data != nullptr) {
      for (const auto& [name, value] : evaluate(*options.validation_data, options.batch_size)) {
        logs["val_" + name] = value;
      }
    }
    if (bar) bar->finish(shown(logs));
    history.epochs.push_back(std::move(logs));
  }
  return history;
}

Logs Sequential::evaluate(const Examples& examples, i64 batch_size) {
  require_compiled();
  require_at_least("batch_size", batch_size, 1);
  check_examples(examples, "examples");
  if (!built()) build(shape_behind_batch(examples.x));
  const i64 count = examples.x.shape()[0];
  const std::vector<int> order = plain_order(count);
  for (const auto& metric : metrics_) metric->reset();
  Batch batch;
  double loss = 0;
  for (i64 first = 0; first < count; first += batch_size) {
    const i64 rows = std::min(batch_size, count - first);
    batch.gather(examples,
                 std::span(order).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)),
                 execution_);
    const Tensor& output = forward(batch.x, batch.lengths, false);
    const SampleWeights weights = weights_of(output, batch);
    loss += (loss_->compute(output, batch.y, weights, nullptr) + penalty()) * static_cast<double>(rows);
    for (const auto& metric : metrics_) metric->update(output, batch.y, weights);
  }
  Logs logs{{"loss", count > 0 ? loss / static_cast<double>(count) : 0.0}};
  for (const auto& metric : metrics_) logs[metric->name()] = metric->value();
  return logs;
}

}  // namespace recurra

/// Evaluation and prediction of models.
#include <algorithm>
#include <cstring>

#include "recurra/base/error.h"
#include "recurra/data/examples_source.h"
#include "recurra/training/trainable_model.h"

namespace recurra {

namespace {

/// Rows `first` to `first + count` of `from`, copied together.
void copy_rows(const Tensor& from, i64 first, i64 count, Tensor& to) {
  Shape shape = from.shape();
  const std::size_t row_bytes = from.bytes() / static_cast<std::size_t>(shape[0]);
  shape[0] = count;
  if (to.dtype() != from.dtype()) to = Tensor(shape, from.dtype());
  to.resize(shape);
  if (to.bytes() == 0) return;
  const auto* source = static_cast<const char*>(from.raw());
  std::memcpy(to.raw(), source + static_cast<std::size_t>(first) * row_bytes, to.bytes());
}

/// One or more tensors, one behind the other along the first axis.
Tensor joined(const std::vector<Tensor>& parts) {
  Shape shape = parts[0].shape();
  shape[0] = 0;
  for (const Tensor& part : parts) {
    Shape one = part.shape();
    shape[0] += one[0];
    one[0] = parts[0].shape()[0];
    if (one != parts[0].shape()) {
      throw Error(ErrorCode::shape,
                  "outputs",
                  "batches of shape " + parts[0].shape().to_string() + " behind the first axis",
                  part.shape().to_string());
    }
  }
  Tensor all(shape);
  float* to = all.data();
  for (const Tensor& part : parts) to = std::copy_n(part.data(), part.size(), to);
  return all;
}

/// Some rows of a batch's inputs, copied.
struct InputRows {
  Tensor x{};
  std::vector<Tensor> more_x{};
  Tensor mask{};

  BatchView take(const BatchView& from, i64 first, i64 count) {
    copy_rows(*from.x, first, count, x);
    BatchView batch(x, nullptr, {});
    if (!from.lengths.empty())
      batch.lengths = from.lengths.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    more_x.resize(from.more_x.size());
    for (std::size_t i = 0; i < more_x.size(); ++i) copy_rows(from.more_x[i], first, count, more_x[i]);
    batch.more_x = more_x;
    if (from.mask != nullptr) {
      copy_rows(*from.mask, first, count, mask);
      batch.mask = &mask;
    }
    return batch;
  }
};

}  // namespace

void TrainableModel::require_built(const char* what) const {
  if (built()) return;
  throw Error(ErrorCode::invalid_argument, name_ + "." + what, "a built model", "one without weights");
}

void TrainableModel::require_one_output(const char* what) const {
  if (plan().outputs.size() == 1) return;
  throw Error(ErrorCode::invalid_argument,
              name_ + "." + what,
              "a model of one output: predict_outputs gives several",
              std::to_string(plan().outputs.size()));
}

void TrainableModel::require_rows(const BatchView& batch) {
  if (batch.rows() == 0) throw Error(ErrorCode::invalid_argument, "batch.x", "at least one example", "none");
}

MetricState TrainableModel::take_up(const BatchView& batch) {
  check_batch(batch);
  require_rows(batch);
  static_cast<void>(forward(batch, Pass::inference));
  const double loss = compute_loss(batch, nullptr, false);
  count_metrics(batch);
  const auto rows = static_cast<double>(batch.rows());
  return {loss * rows, rows};
}

Logs TrainableModel::evaluate_epoch(BatchSource& source) {
  reset_metrics();
  source.begin_epoch(0);
  Batch batch;
  MetricState loss;
  while (source.next(batch)) {
    const MetricState one = take_up(BatchView(batch));
    loss.sum += one.sum;
    loss.count += one.count;
  }
  if (loss.count == 0.0)
    throw Error(ErrorCode::invalid_argument, name_ + ".evaluate", "at least one example", "none");
  return logs_of(loss);
}

Logs TrainableModel::evaluate(const Examples& examples, i64 batch_size) {
  require_compiled();
  ExamplesSource source(examples, {batch_size, false, 0}, execution_);
  build_for_shape(shape_of_example(examples.x), seed_);
  return evaluate_epoch(source);
}

Logs TrainableModel::evaluate(BatchSource& source) {
  require_compiled();
  build_for(source, seed_);
  return evaluate_epoch(source);
}

Logs TrainableModel::test_on_batch(const Examples& batch) {
  require_compiled();
  check_examples(batch, "batch");
  build_for_shape(shape_of_example(batch.x), seed_);
  reset_metrics();
  return logs_of(take_up(BatchView(batch)));
}

Tensor TrainableModel::predict(const Tensor& x, std::span<const int> lengths, i64 batch_size) {
  require_at_least("batch_size", batch_size, 1);
  require_built("predict");
  require_one_output("predict");
  return std::move(predict_all({x, nullptr, lengths}, batch_size)[0]);
}

Tensor TrainableModel::predict(const Examples& inputs, i64 batch_size) {
  require_at_least("batch_size", batch_size, 1);
  require_built("predict");
  require_one_output("predict");
  return std::move(predict_outputs(inputs, batch_size)[0]);
}

std::vector<Tensor> TrainableModel::predict_outputs(const Examples& inputs, i64 batch_size) {
  require_at_least("batch_size", batch_size, 1);
  require_built("predict");
  BatchView view(inputs);
  view.y = nullptr;
  view.more_y = {};
  return predict_all(view, batch_size);
}

std::vector<Tensor> TrainableModel::predict_all(const BatchView& inputs, i64 batch_size) {
  check_batch(inputs);
  const i64 count = inputs.rows();
  std::vector<Tensor> results;
  if (count == 0) {
    for (const Tensor* output : forward(inputs, Pass::inference)) results.push_back(*output);
    return results;
  }
  InputRows rows;
  for (i64 first = 0; first < count; first += batch_size) {
    const BatchView batch = rows.take(inputs, first, std::min(batch_size, count - first));
    const TensorList outputs = forward(batch, Pass::inference);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Tensor& y = *outputs[i];
      if (first == 0) {
        Shape all = y.shape();
        all[0] = count;
        results.emplace_back(all);
      }
      std::copy_n(y.data(), y.size(), results[i].data() + first * (results[i].size() / count));
    }
  }
  return results;
}

/// Without an example an axis that varies has nothing.
Shape TrainableModel::output_shape_of_none() const {
  std::vector<i64> extents = plan().shapes[plan().outputs[0]].extents();
  std::ranges::replace(extents, any_extent, 0);
  extents.insert(extents.begin(), 0);
  return Shape(extents);
}

Tensor TrainableModel::predict(BatchSource& source) {
  require_built("predict");
  require_one_output("predict");
  source.begin_epoch(0);
  std::vector<Tensor> outputs;
  Batch batch;
  while (source.next(batch)) {
    const BatchView view(batch);
    check_batch(view);
    outputs.push_back(*forward(view, Pass::inference)[0]);
  }
  if (outputs.empty()) return Tensor(output_shape_of_none());
  return joined(outputs);
}

Tensor TrainableModel::predict_on_batch(const Tensor& x, std::span<const int> lengths) {
  require_built("predict_on_batch");
  require_one_output("predict_on_batch");
  const BatchView batch(x, nullptr, lengths);
  check_batch(batch);
  return *forward(batch, Pass::inference)[0];
}

}  // namespace recurra

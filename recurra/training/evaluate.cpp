/// Sequential's evaluation and prediction.
#include <algorithm>
#include <cstring>

#include "recurra/base/error.h"
#include "recurra/data/examples_source.h"
#include "recurra/training/sequential.h"

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

}  // namespace

void Sequential::require_built(const char* what) const {
  if (built()) return;
  throw Error(ErrorCode::invalid_argument, name_ + "." + what, "a built model", "one without weights");
}

Logs Sequential::logs_of(const MetricState& loss) const {
  Logs logs{{"loss", loss.count > 0.0 ? loss.sum / loss.count : 0.0}};
  metrics_.add_to(logs);
  return logs;
}

void Sequential::require_rows(const BatchView& batch) {
  if (batch.rows() == 0) throw Error(ErrorCode::invalid_argument, "batch.x", "at least one example", "none");
}

MetricState Sequential::take_up(const BatchView& batch) {
  check_batch(batch);
  require_rows(batch);
  const Tensor& output = forward(batch, Pass::inference);
  const BatchWeights weights = weights_of(output, batch, nullptr);
  const double loss = loss_->compute(output, *batch.y, weights.all, nullptr) + penalty();
  metrics_.update(output, *batch.y, weights.masked, weights.all);
  const auto rows = static_cast<double>(batch.rows());
  return {loss * rows, rows};
}

Logs Sequential::evaluate_epoch(BatchSource& source) {
  metrics_.reset();
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

Logs Sequential::evaluate(const Examples& examples, i64 batch_size) {
  require_compiled();
  ExamplesSource source(examples, {batch_size, false, 0}, execution_);
  if (!built()) build(shape_of_example(examples.x));
  return evaluate_epoch(source);
}

Logs Sequential::evaluate(BatchSource& source) {
  require_compiled();
  build_for(source, seed_);
  return evaluate_epoch(source);
}

Logs Sequential::test_on_batch(const Examples& batch) {
  require_compiled();
  check_examples(batch, "batch");
  if (!built()) build(shape_of_example(batch.x));
  metrics_.reset();
  return logs_of(take_up(BatchView(batch)));
}

Tensor Sequential::predict(const Tensor& x, std::span<const int> lengths, i64 batch_size) {
  return predict_all({x, nullptr, lengths}, batch_size);
}

Tensor Sequential::predict(const Examples& inputs, i64 batch_size) {
  BatchView view(inputs);
  view.y = nullptr;
  return predict_all(view, batch_size);
}

Tensor Sequential::predict_all(const BatchView& inputs, i64 batch_size) {
  require_at_least("batch_size", batch_size, 1);
  require_built("predict");
  check_batch(inputs);
  const i64 count = inputs.rows();
  if (count == 0) return forward(inputs, Pass::inference);
  Tensor result;
  Tensor x;
  Tensor mask;
  for (i64 first = 0; first < count; first += batch_size) {
    const i64 rows = std::min(batch_size, count - first);
    copy_rows(*inputs.x, first, rows, x);
    BatchView batch(x, nullptr, {});
    if (!inputs.lengths.empty())
      batch.lengths = inputs.lengths.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows));
    if (inputs.mask != nullptr) {
      copy_rows(*inputs.mask, first, rows, mask);
      batch.mask = &mask;
    }
    const Tensor& y = forward(batch, Pass::inference);
    if (first == 0) {
      Shape all = y.shape();
      all[0] = count;
      result = Tensor(all);
    }
    std::copy_n(y.data(), y.size(), result.data() + first * (result.size() / count));
  }
  return result;
}

/// Without an example an axis that varies has nothing.
Shape Sequential::output_shape_of_none() const {
  std::vector<i64> extents = outputs_.back().extents();
  std::ranges::replace(extents, any_extent, 0);
  extents.insert(extents.begin(), 0);
  return Shape(extents);
}

Tensor Sequential::predict(BatchSource& source) {
  require_built("predict");
  source.begin_epoch(0);
  std::vector<Tensor> outputs;
  Batch batch;
  while (source.next(batch)) {
    const BatchView view(batch);
    check_batch(view);
    outputs.push_back(forward(view, Pass::inference));
  }
  if (outputs.empty()) return Tensor(output_shape_of_none());
  return joined(outputs);
}

Tensor Sequential::predict_on_batch(const Tensor& x, std::span<const int> lengths) {
  require_built("predict_on_batch");
  const BatchView batch(x, nullptr, lengths);
  check_batch(batch);
  return forward(batch, Pass::inference);
}

}  // namespace recurra

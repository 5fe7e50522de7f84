#include "recurra/training/metrics.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/training/losses.h"

namespace recurra {

void SparseCategoricalAccuracy::update(const Tensor& output,
                                       const Tensor& target,
                                       std::span<const int> lengths) {
  check_labels(output, target);
  const CountedSamples samples(output, lengths);
  const i64 classes = output.shape().back();
  const float* logits = output.data();
  const std::int32_t* labels = target.as<std::int32_t>().data();
  i64 right = 0;
  for (i64 sample = 0; sample < samples.samples(); ++sample, logits += classes) {
    if (!samples.counts(sample)) continue;
    right += std::max_element(logits, logits + classes) - logits == labels[sample] ? 1 : 0;
  }
  add(static_cast<double>(right), static_cast<double>(samples.counted()));
}

std::unique_ptr<Metric> make_metric(std::string_view name) {
  if (name == "accuracy" || name == "sparse_categorical_accuracy")
    return std::make_unique<SparseCategoricalAccuracy>();
  throw Error(ErrorCode::unsupported, "metric", "accuracy", std::string(name));
}

}  // namespace recurra

#include "recurra/training/losses.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "recurra/base/error.h"

namespace recurra {

CountedSamples::CountedSamples(const Tensor& output, std::span<const int> lengths)
    : samples_(output.size() / std::max<i64>(output.shape().back(), 1)), counted_(samples_) {
  if (lengths.empty() || output.shape().rank() != 3) return;
  lengths_ = lengths;
  steps_ = std::max<i64>(output.shape()[1], 1);
  counted_ = 0;
  for (const int length : lengths) counted_ += length;
}

void check_labels(const Tensor& output, const Tensor& labels) {
  std::vector<i64> expected = output.shape().extents();
  const i64 classes = expected.back();
  expected.pop_back();
  if (labels.dtype() != Dtype::i32) {
    throw Error(ErrorCode::dtype, "labels", "i32", std::string(name_of(labels.dtype())));
  }
  if (labels.shape() != Shape(expected)) {
    throw Error(
        ErrorCode::shape, "labels", "shape " + Shape(expected).to_string(), labels.shape().to_string());
  }
  const std::span<const std::int32_t> values = labels.as<std::int32_t>();
  const auto bad =
      std::ranges::find_if(values, [&](std::int32_t label) { return label < 0 || label >= classes; });
  if (bad == values.end()) return;
  throw Error(ErrorCode::invalid_argument,
              "labels[" + std::to_string(bad - values.begin()) + "]",
              "a class from 0 to " + std::to_string(classes - 1),
              std::to_string(*bad));
}

double SparseCategoricalCrossentropy::compute(const Tensor& output,
                                              const Tensor& target,
                                              std::span<const int> lengths,
                                              Tensor* gradient) const {
  check_labels(output, target);
  const CountedSamples samples(output, lengths);
  const i64 classes = output.shape().back();
  const float* logits = output.data();
  const std::int32_t* labels = target.as<std::int32_t>().data();
  if (gradient != nullptr) gradient->resize(output.shape());
  const double scale = 1.0 / static_cast<double>(std::max<i64>(samples.counted(), 1));
  double loss = 0;
  for (i64 sample = 0; sample < samples.samples(); ++sample, logits += classes) {
    float* d = gradient != nullptr ? gradient->data() + sample * classes : nullptr;
    if (!samples.counts(sample)) {
      if (d != nullptr) std::fill_n(d, classes, 0.0F);
      continue;
    }
    const double largest = *std::max_element(logits, logits + classes);
    double sum = 0;
    for (i64 j = 0; j < classes; ++j) {
      const double power = std::exp(logits[j] - largest);
      sum += power;
      if (d != nullptr) d[j] = static_cast<float>(power);
    }
    loss += std::log(sum) + largest - logits[labels[sample]];
    if (d == nullptr) continue;
    const auto factor = static_cast<float>(scale / sum);
    for (i64 j = 0; j < classes; ++j) d[j] *= factor;
    d[labels[sample]] -= static_cast<float>(scale);
  }
  return loss * scale;
}

double MeanSquaredError::compute(const Tensor& output,
                                 const Tensor& target,
                                 std::span<const int> lengths,
                                 Tensor* gradient) const {
  if (target.shape() != output.shape()) {
    throw Error(
        ErrorCode::shape, "target", "shape " + output.shape().to_string(), target.shape().to_string());
  }
  const CountedSamples samples(output, lengths);
  const i64 width = output.shape().back();
  const float* y = output.data();
  const float* t = target.data();
  if (gradient != nullptr) gradient->resize(output.shape());
  const double scale = 1.0 / static_cast<double>(std::max<i64>(samples.counted() * width, 1));
  double loss = 0;
  for (i64 i = 0; i < output.size(); ++i) {
    const double away = samples.counts(i / width) ? double{y[i]} - t[i] : 0.0;
    loss += away * away;
    if (gradient != nullptr) gradient->data()[i] = static_cast<float>(2.0 * away * scale);
  }
  return loss * scale;
}

std::unique_ptr<Loss> make_loss(std::string_view name) {
  if (name == "sparse_categorical_crossentropy") return std::make_unique<SparseCategoricalCrossentropy>();
  if (name == "mean_squared_error" || name == "mse") return std::make_unique<MeanSquaredError>();
  throw Error(ErrorCode::unsupported,
              "loss",
              "sparse_categorical_crossentropy, mean_squared_error (mse)",
              std::string(name));
}

}  // namespace recurra

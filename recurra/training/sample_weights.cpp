#include "recurra/training/sample_weights.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/training/targets.h"

namespace recurra {

namespace {

void require_finite(const std::string& name, double value) {
  if (!std::isfinite(value))
    throw Error(ErrorCode::invalid_argument, name, "a finite number", shortest(value));
}

/// Targets as classes: one number a sample, or the place of the largest of several.
class Classes {
 public:
  Classes(const Tensor& target, i64 samples)
      : target_(target), width_(target.size() / std::max<i64>(samples, 1)) {
    if (width_ * samples != target.size() || (width_ < 1 && samples > 0)) {
      throw Error(ErrorCode::shape,
                  "target",
                  "a class or one-hot row for each of " + std::to_string(samples) + " samples",
                  "shape " + target.shape().to_string());
    }
    if (target.dtype() != Dtype::f32 && target.dtype() != Dtype::i32)
      throw Error(ErrorCode::dtype, "target", "f32 or i32", std::string(name_of(target.dtype())));
  }

  [[nodiscard]] int of(i64 sample) const {
    return target_.dtype() == Dtype::i32 ? pick(target_.as<std::int32_t>(), sample)
                                         : pick(target_.as<float>(), sample);
  }

 private:
  [[nodiscard]] int pick(const auto& values, i64 sample) const {
    const auto row =
        values.subspan(static_cast<std::size_t>(sample * width_), static_cast<std::size_t>(width_));
    if (width_ == 1) return static_cast<int>(std::lround(row[0]));
    return static_cast<int>(std::ranges::max_element(row) - row.begin());
  }

  const Tensor& target_;
  i64 width_;
};

}  // namespace

SampleWeights SampleWeightBuilder::build(const Tensor& output,
                                         const Tensor& target,
                                         const SampleWeightSources& sources) {
  const bool masked = !sources.mask.empty() && output.shape().rank() > 2;
  if (!masked && sources.sample_weight == nullptr && sources.class_weight == nullptr) return {};
  const i64 samples = rows_of(output).rows;
  weight_.assign(static_cast<std::size_t>(samples), 1.0F);
  if (sources.sample_weight != nullptr) multiply_sample_weight(output, *sources.sample_weight);
  if (sources.class_weight != nullptr) multiply_class_weight(target, *sources.class_weight);
  if (!masked) return {weight_, static_cast<double>(samples)};
  apply_mask(output, sources.mask);
  return {weight_, static_cast<double>(std::ranges::count(kept_, 1)), kept_};
}

void SampleWeightBuilder::multiply_sample_weight(const Tensor& output, const Tensor& sample_weight) {
  const Shape& shape = output.shape();
  const Shape rows{shape[0]};
  const Shape steps = shape.rank() > 2 ? Shape{shape[0], shape[1]} : Shape{shape[0], 1};
  if (sample_weight.shape() != rows && sample_weight.shape() != steps) {
    throw Error(ErrorCode::shape,
                "sample_weight",
                "shape " + rows.to_string() + " or " + steps.to_string(),
                sample_weight.shape().to_string());
  }
  if (sample_weight.dtype() != Dtype::f32)
    throw Error(ErrorCode::dtype, "sample_weight", "f32", std::string(name_of(sample_weight.dtype())));
  const std::span<const float> given = sample_weight.as<float>();
  const std::size_t repeats = given.empty() ? 0 : weight_.size() / given.size();
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!std::isfinite(given[i])) require_finite("sample_weight[" + std::to_string(i) + "]", given[i]);
    for (std::size_t j = 0; j < repeats; ++j) weight_[i * repeats + j] *= given[i];
  }
}

void SampleWeightBuilder::multiply_class_weight(const Tensor& target,
                                                const std::map<int, double>& class_weight) {
  for (const auto& [label, weight] : class_weight)
    require_finite("class_weight[" + std::to_string(label) + "]", weight);
  const Classes classes(target, static_cast<i64>(weight_.size()));
  for (std::size_t i = 0; i < weight_.size(); ++i) {
    const auto found = class_weight.find(classes.of(static_cast<i64>(i)));
    if (found != class_weight.end()) weight_[i] *= static_cast<float>(found->second);
  }
}

void SampleWeightBuilder::apply_mask(const Tensor& output, std::span<const std::uint8_t> mask) {
  const i64 steps = output.shape()[0] * output.shape()[1];
  if (static_cast<i64>(mask.size()) != steps) {
    throw Error(ErrorCode::shape,
                "mask",
                std::to_string(steps) + " = batch * steps values for an output of shape " +
                    output.shape().to_string(),
                std::to_string(mask.size()));
  }
  kept_.resize(weight_.size());
  const std::size_t repeats = weight_.size() / mask.size();
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    kept_[i] = mask[i / repeats] != 0 ? 1 : 0;
    if (kept_[i] == 0) weight_[i] = 0.0F;
  }
}

void check_sample_weights(const SampleWeights& weights, i64 samples) {
  const auto fits = [&](std::size_t size) {
    return size == 0 || static_cast<i64>(size) == samples;
  };
  if (fits(weights.weight.size()) && fits(weights.kept.size()) &&
      (weights.kept.empty() || !weights.weight.empty())) {
    return;
  }
  throw Error(
      ErrorCode::shape,
      "sample weights",
      std::to_string(samples) + ", one for each sample",
      std::to_string(weights.weight.size()) + " with a mask of " + std::to_string(weights.kept.size()));
}

}  // namespace recurra

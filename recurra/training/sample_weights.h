/// How much each sample of a batch counts in its loss and its metrics, put together from mask, sample weights
/// and class weights.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "recurra/base/tensor.h"

namespace recurra {

/// How much each sample counts. Samples are rows of the last axis of an output: (batch) of a (batch,
/// features) output, (batch, steps) of a (batch, steps, features) one. The default: all the same.
struct SampleWeights {
  std::span<const float> weight;         ///< one per sample; empty: all one
  double count = 0.0;                    ///< what a weighted sum is divided by; 0: the number of samples
  std::span<const std::uint8_t> kept{};  ///< 0 where a mask leaves a sample out; empty: none. Weight 0 there

  /// The weight of a sample.
  [[nodiscard]] float of(i64 sample) const noexcept {
    return weight.empty() ? 1.0F : weight[static_cast<std::size_t>(sample)];
  }

  /// Whether the mask keeps a sample.
  [[nodiscard]] bool keeps(i64 sample) const noexcept {
    return kept.empty() || kept[static_cast<std::size_t>(sample)] != 0;
  }

  /// `count`, or the number of `samples` where that is 0.
  [[nodiscard]] double count_of(i64 samples) const noexcept {
    return count > 0.0 ? count : static_cast<double>(samples);
  }
};

/// What sample weights are made from; each may be absent.
struct SampleWeightSources {
  std::span<const std::uint8_t> mask{};   ///< (batch, steps), 0: left out. Not used by outputs without steps
  const Tensor* sample_weight = nullptr;  ///< f32 (batch) or (batch, steps)
  const std::map<int, double>* class_weight = nullptr;  ///< by class; classes not in it weigh 1
};

/// Puts sample weights together; its memory serves again for the next batch.
class RECURRA_API SampleWeightBuilder {
 public:
  /// Weights of `output`'s samples, valid until the next call. Weights are multiplied; what the mask leaves
  /// out weighs 0 and is not in `count`, a sample of weight 0 is (Keras's sum_over_batch_size).
  ///
  /// The class of a sample is its i32 or rounded f32 target, or the place of the largest of a one-hot target.
  /// Throws Error: shape for a mask, weights or targets that do not fit the output, dtype, invalid_argument
  /// for a weight that is not finite.
  [[nodiscard]] SampleWeights build(const Tensor& output,
                                    const Tensor& target,
                                    const SampleWeightSources& sources);

 private:
  void multiply_sample_weight(const Tensor& output, const Tensor& sample_weight);
  void multiply_class_weight(const Tensor& target, const std::map<int, double>& class_weight);
  void apply_mask(const Tensor& output, std::span<const std::uint8_t> mask);

  std::vector<float> weight_;
  std::vector<std::uint8_t> kept_;
};

/// Throws Error (shape) unless `weights` has a weight for each of `samples`, or none at all, and weights
/// where it has a mask.
void check_sample_weights(const SampleWeights& weights, i64 samples);

}  // namespace recurra

/// Metrics: what is told about an epoch beside the loss.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "recurra/base/tensor.h"

namespace recurra {

/// A mean over samples, taken up batch by batch.
class RECURRA_API Metric {
 public:
  Metric() = default;
  virtual ~Metric() = default;
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;
  Metric(Metric&&) = delete;
  Metric& operator=(Metric&&) = delete;

  /// As it stands in logs: accuracy, ….
  [[nodiscard]] virtual const char* name() const noexcept = 0;

  /// Takes up a batch; arguments as Loss::compute.
  virtual void update(const Tensor& output, const Tensor& target, std::span<const int> lengths) = 0;

  /// The mean so far; 0 before the first sample.
  [[nodiscard]] double value() const noexcept { return count_ > 0 ? sum_ / count_ : 0.0; }

  /// Forgets all samples.
  void reset() noexcept { sum_ = count_ = 0.0; }

 protected:
  /// Takes up `count` samples whose values add up to `sum`.
  void add(double sum, double count) noexcept {
    sum_ += sum;
    count_ += count;
  }

 private:
  double sum_ = 0.0;
  double count_ = 0.0;
};

/// Share of samples whose largest output is the label's: output (batch, …, classes), target i32 (batch, …).
class RECURRA_API SparseCategoricalAccuracy final : public Metric {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "accuracy"; }

  void update(const Tensor& output, const Tensor& target, std::span<const int> lengths) override;
};

/// The metric called `name`. Throws Error (unsupported).
[[nodiscard]] RECURRA_API std::unique_ptr<Metric> make_metric(std::string_view name);

}  // namespace recurra

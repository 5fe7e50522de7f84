/// One row of a benchmark made ready to be timed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/random.h"
#include "recurra/base/tensor.h"
#include "recurra/engine/stream.h"

namespace recurra::cli {

struct Row {
  std::string name;
  std::string mode;  ///< infer, train or step
  Stack stack;
  i64 batch = 0;
  i64 steps = 0;
  std::vector<int> lengths = {};  ///< of each row of the batch; empty: all have `steps`

  /// Steps of the longest row of the batch.
  [[nodiscard]] i64 longest() const noexcept;

  /// Steps of all rows of the batch together.
  [[nodiscard]] i64 all_steps() const noexcept;

  /// Floating-point operations of the products of one run; in training three times those of the forward.
  [[nodiscard]] double flops(const StackPlan& plan) const noexcept;
};

/// A row from {"name", "mode", "cell", "layers", "bidirectional", "input", "hidden", "batch", "steps",
/// "dtype"}, and perhaps "lengths". Throws Error: format on a field that is missing, of another type or
/// unknown; unsupported, naming the field, where it asks for what there is not.
[[nodiscard]] Row parse_row(const nlohmann::json& json);

/// What is done in one run: infer, a forward over the whole sequence, its outputs of all steps wanted; train,
/// packing, forward and backward with gradients of the input and of every weight; step, one step of a stream,
/// whose states go on from run to run.
class RowRun {
 public:
  /// Throws as StackPlan and Stream, and Error (invalid_argument) on threads that are not 1 to 64.
  RowRun(const Row& row, int threads);

  /// Weights into the order that the kernels read.
  void pack();

  /// What the row's time is of.
  void run();

  [[nodiscard]] const StackPlan& plan() const noexcept { return plan_; }

  /// Of the lowest layer's forward, or backward in training.
  [[nodiscard]] const Report& report() const noexcept {
    return stream_ ? stream_->report(0) : workspace_.report(0, 0);
  }

 private:
  float* take(i64 size, float range);
  void take_weights();
  void take_gradients();

  Row row_;
  bool training_;
  StackPlan plan_;
  StackPacks packs_;
  StackWorkspace workspace_;
  Execution execution_;
  Random random_{0};
  std::vector<Tensor> tensors_;
  std::vector<Weights> weights_;
  std::vector<StackRunGradients> gradients_;
  StackCall call_;
  StackBackwardCall back_;
  std::optional<Stream> stream_;  // in mode step
};

}  // namespace recurra::cli

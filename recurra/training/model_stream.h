/// A model whose sequences come step by step.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "recurra/engine/stream.h"
#include "recurra/layers/layer.h"

namespace recurra {

class Sequential;

/// Sequences that go on through a model from call to call, one a row. Made by Sequential::stream, it has
/// copies of the weights: the model may change or end meanwhile. It begins with states of zeros,
/// whatever stateful layers have come to.
///
/// Outputs are those of predict over the steps so far, bit for bit, however they are cut into calls and
/// whatever the other rows do; a step's output is the one predict gives for this step, or, where the last
/// recurrent layer returns no sequences, for a sequence that ends here. Only the first step differs where
/// weights are not finite, and in signs of zeros: here states of zeros are multiplied. On one thread, as is
/// the default, neither `step` nor `run` allocates, locks or calls the system.
///
/// A row's states are `state_size` floats: recurrent layer by recurrent layer as of Stream.
class RECURRA_API ModelStream {
 public:
  /// As Sequential::stream.
  ModelStream(const Sequential& model, const StreamOptions& options);

  ~ModelStream();
  ModelStream(ModelStream&&) noexcept;
  ModelStream& operator=(ModelStream&&) noexcept;
  ModelStream(const ModelStream&) = delete;
  ModelStream& operator=(const ModelStream&) = delete;

  /// One step of all rows: x (batch, input_size) -> y (batch, output_size), or to be read from `output` where
  /// y is empty. Ids of an Embedding are whole numbers. Throws Error: shape for other sizes, invalid_argument
  /// for what is no id.
  void step(std::span<const float> x, std::span<float> y = {});

  /// The next steps of all rows: x (batch, steps, input_size) -> y (batch, steps, output_size). Throws as
  /// `step`; where an id is none, some of the steps before it may have been taken.
  void run(i64 steps, std::span<const float> x, std::span<float> y);

  /// All states 0: new sequences.
  void reset() noexcept;

  /// A new sequence in this row. Throws Error (invalid_argument) for a row there is not.
  void reset(i64 row);

  /// Copies a row's states to `to`, (state_size). Throws Error: invalid_argument for a row there is not,
  /// shape for another size.
  void save(i64 row, std::span<float> to) const;

  /// Puts saved states into a row. Throws as `save`.
  void restore(i64 row, std::span<const float> from);

  /// (batch, output_size): the last step's. Valid until the next call.
  [[nodiscard]] std::span<const float> output() const noexcept { return output_; }

  [[nodiscard]] i64 batch() const noexcept { return options_.batch; }

  /// Floats of one step of a row.
  [[nodiscard]] i64 input_size() const noexcept { return input_size_; }

  [[nodiscard]] i64 output_size() const noexcept { return output_size_; }

  /// Floats of a row's states.
  [[nodiscard]] i64 state_size() const noexcept { return state_size_; }

 private:
  class Part;
  class Recurrences;
  class StepLayer;

  void check_row(i64 row) const;
  const Tensor& forward();
  void warm_up();

  StreamOptions options_;
  std::vector<std::unique_ptr<Part>> parts_;
  Shape x_shape_;
  Tensor x_;  // (batch, steps of a chunk, …)
  std::vector<float> output_;
  i64 input_size_ = 0;
  i64 output_size_ = 0;
  i64 state_size_ = 0;
};

}  // namespace recurra

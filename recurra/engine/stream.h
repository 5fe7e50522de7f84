/// A stack whose sequence comes step by step: it keeps the states between calls, and everything a call would
/// find out each time.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "recurra/engine/stack.h"

namespace recurra {

/// What a stream is made for.
struct StreamOptions {
  i64 batch = 1;   ///< sequences that go on together, one a row: 1 to 2^31 - 1
  i64 chunk = 64;  ///< steps that it has memory for at once; more are cut: 1 to 2^31 - 1
  /// As of any call, but one thread where nothing is said: to wake another may take a system call.
  Execution execution = {.threads = 1};
};

/// Sequences that go on from call to call. It begins with states of zeros.
///
/// Threads may each have a stream of their own of one plan and one set of packs. On one thread `step` and
/// `run` neither allocate, nor lock, nor call the system.
///
/// The outputs have the same bits however a sequence is cut into calls and whatever the other rows do: those
/// of forward over all steps at once, given the same initial states.
///
/// A row's states are `state_size` floats: layer by layer the output (width), then the cell's further states
/// (units each). They are the same numbers on every target and for every batch, so they may be saved from one
/// stream and restored in another.
class RECURRA_API Stream {
 public:
  /// Takes all memory. Plan and packs must outlive it and stay as they are. Throws Error: unsupported for a
  /// stack with a backward direction, whose outputs need steps that are still to come; invalid_argument for
  /// packs not made for the plan and options out of range; and std::bad_alloc.
  Stream(const StackPlan& plan, const StackPacks& weights, const StreamOptions& options = {});

  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// One step of all rows: x (batch, input) -> y (batch, width), or to be read from `output` where y is
  /// empty. attention (batch): for stacks whose cells take one. y may lie over x. Throws
  /// Error (shape) for other sizes.
  void step(std::span<const float> x, std::span<float> y = {}, std::span<const float> attention = {});

  /// The next `steps` of all rows: x (steps, batch, input) -> y (steps, batch, width), null: not wanted;
  /// attention (steps, batch). y must lie over none of the others. Throws Error (invalid_argument) for a
  /// number of steps below 0, and for missing or unwanted sequences.
  void run(i64 steps, const ConstSequence& x, const Sequence& y, const ConstSequence& attention = {});

  /// All states 0: new sequences.
  void reset() noexcept;

  /// A new sequence in this row. Throws Error (invalid_argument) for a row there is not.
  void reset(i64 row);

  /// Floats of a row's states.
  [[nodiscard]] i64 state_size() const noexcept { return state_size_; }

  /// Copies a row's states to `to`. Throws Error: invalid_argument for a row there is not, shape for another
  /// size than state_size.
  void save(i64 row, std::span<float> to) const;

  /// Puts saved states into a row. Throws as `save`.
  void restore(i64 row, std::span<const float> from);

  /// State k of a layer's row, 0 being the output: to be read, or written before the next step. Valid until
  /// the next call. Throws Error (invalid_argument) for a layer, state or row there is not.
  [[nodiscard]] std::span<float> state(int layer, int k, i64 row = 0);

  /// (batch, width): the last step's. Valid until the next call.
  [[nodiscard]] std::span<const float> output() const noexcept;

  [[nodiscard]] i64 batch() const noexcept { return options_.batch; }

  [[nodiscard]] const StackPlan& plan() const noexcept { return *plan_; }

  /// How steps that come alone run in a layer; steps are not counted. Throws Error (invalid_argument) for a
  /// layer there is not.
  [[nodiscard]] const Report& report(int layer) const;

 private:
  class Layer;

  void run_step(const float* x, const float* attention, float* y);
  void run_chunk(i64 steps, const ConstSequence& x, const Sequence& y, const ConstSequence& attention);
  void check_row(i64 row) const;
  void check_layer(int layer) const;

  const StackPlan* plan_;
  const StackPacks* weights_;
  StreamOptions options_;
  std::vector<Layer> layers_;
  i64 state_size_ = 0;   // of a row
  i64 output_size_ = 0;  // of all rows
  StackWorkspace chunks_;
  std::vector<StackRun> runs_;                  // of a chunk: its states before and behind it
  std::vector<float> gathered_x_, gathered_a_;  // a step of a strided sequence
};

}  // namespace recurra

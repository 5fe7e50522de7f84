/// What holds for all functions of variables that a thread calls in a block.
#pragma once

#include "recurra/engine/call.h"
#include "recurra/engine/dispatch/dispatch.h"

namespace recurra::autograd {

/// While it lives, this thread records nothing: results are leaves without gradients, and what they were made
/// of goes as soon as nobody else has it. For inference.
class RECURRA_API NoGradient {
 public:
  NoGradient() noexcept;
  ~NoGradient();
  NoGradient(const NoGradient&) = delete;
  NoGradient& operator=(const NoGradient&) = delete;
  NoGradient(NoGradient&&) = delete;
  NoGradient& operator=(NoGradient&&) = delete;

 private:
  bool before_;
};

/// While it lives, functions and `backward` that this thread calls run so. No number of threads changes bits.
class RECURRA_API RunOn {
 public:
  /// Takes execution's team and threads. Throws Error (invalid_argument) for a number of threads out of
  /// range.
  explicit RunOn(const Execution& execution);

  /// On the kernels of another target than the process's.
  explicit RunOn(const Target& target) noexcept;

  ~RunOn();
  RunOn(const RunOn&) = delete;
  RunOn& operator=(const RunOn&) = delete;
  RunOn(RunOn&&) = delete;
  RunOn& operator=(RunOn&&) = delete;

 private:
  Execution execution_before_;
  const Target* target_before_;
};

/// Whether this thread records.
[[nodiscard]] RECURRA_API bool is_recording() noexcept;

/// How this thread runs: the innermost RunOn's, or as the process.
[[nodiscard]] RECURRA_API const Execution& execution() noexcept;

/// The kernels of this thread: the innermost RunOn's, or active_target(). Throws as active_target.
[[nodiscard]] RECURRA_API const Target& target();

}  // namespace recurra::autograd

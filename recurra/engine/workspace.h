/// The memory a call works in, taken once and used again.
#pragma once

#include <memory>

#include "recurra/engine/call.h"
#include "recurra/engine/plan.h"

namespace recurra {

struct Memory;

/// Memory for calls of one plan up to some number of steps and rows. After `prepare` a call allocates
/// nothing. A workspace serves one call at a time; threads that share a plan each have their own.
class RECURRA_API Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// Makes room for calls of up to `steps` and `batch`. `training`: gates and states of all steps are kept
  /// for the way back. Does nothing where the room suffices. Throws Error (invalid_argument) on sizes outside
  /// 0 to 2^31 - 1 or overflow, std::bad_alloc.
  void prepare(const Plan& plan, i64 steps, i64 batch, bool training);

  /// What the last call did.
  [[nodiscard]] const Report& report() const noexcept;

  /// The engine's own view.
  [[nodiscard]] Memory& memory() noexcept { return *memory_; }

 private:
  std::unique_ptr<Memory> memory_;
};

}  // namespace recurra

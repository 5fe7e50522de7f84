/// The memory a call works in, taken once and used again.
#pragma once

#include <memory>

#include "recurra/engine/call.h"
#include "recurra/engine/plan.h"

namespace recurra {

struct Memory;

/// The calls a workspace is to have room for.
struct Room {
  i64 steps = 0;
  i64 batch = 0;
  bool training = false;  ///< gates and states of all steps are kept for the way back
  bool masks = false;     ///< calls with a mask, or with lengths and Fill::repeat
  bool dropout = false;   ///< calls with dropout
};

/// Whether calls that need `asked` have it in `room`.
[[nodiscard]] bool contains(const Room& room, const Room& asked) noexcept;

/// Room for the calls of both.
[[nodiscard]] Room united(const Room& a, const Room& b) noexcept;

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

  /// Makes room. Does nothing where it suffices. Throws Error (invalid_argument) on sizes outside 0 to 2^31 -
  /// 1 or overflow, std::bad_alloc.
  void prepare(const Plan& plan, Room room);

  /// What the last call did.
  [[nodiscard]] const Report& report() const noexcept;

  /// The engine's own view.
  [[nodiscard]] Memory& memory() noexcept { return *memory_; }

 private:
  std::unique_ptr<Memory> memory_;
};

}  // namespace recurra

/// Weights in the order the tiles read them, both for the way forward and the way back.
#pragma once

#include <span>

#include "recurra/base/buffer.h"
#include "recurra/engine/call.h"
#include "recurra/engine/plan.h"

namespace recurra {

/// Forward panels are unit blocks, `[block][k][gate][run]`; backward panels are groups of operand columns,
/// `[group][block, gate, unit][group width]`, k running in the memory order of a row of gate gradients. All
/// zero padded. The parts lie one behind the other in one piece of memory.
class RECURRA_API PackedWeights {
 public:
  /// What the packs are for: forward alone, or training, which needs the way back too.
  enum class Use { inference, training };

  /// Takes the memory. Throws std::bad_alloc.
  PackedWeights(const Plan& plan, Use use);

  /// In memory of the caller's, `floats(plan, use)` at a cache line, which must outlive it: zeros, or what
  /// packs of the same plan and use have left.
  PackedWeights(const Plan& plan, Use use, float* memory);

  /// Size of the packs.
  [[nodiscard]] static i64 floats(const Plan& plan, Use use);

  /// Fills the packs from weights, in parallel. Allocates nothing. W and, where the cell has them, U and P
  /// must not be null; b or params null: zeros. Throws Error (invalid_argument) for a number of threads out
  /// of range.
  void pack(const Plan& plan, const Weights& weights, const Execution& execution = {});

  /// The weights again, bit for bit; null members are not wanted.
  void unpack(const WeightGradients& weights) const noexcept;

  /// Throws Error (invalid_argument) unless packs of this plan are laid out alike and serve this use.
  void check(const Plan& plan, Use use) const;

  [[nodiscard]] bool for_training() const noexcept { return use_ == Use::training; }

  std::span<float> in;                      ///< [block][input][input window][run]
  std::span<float> state[max_phases];       ///< [block][operand][phase window][run]
  std::span<float> bias;                    ///< [block][input window][run]; 0 where it is in params
  std::span<float> params;                  ///< [block][packed param][run]
  std::span<float> projection;              ///< [panel of width][unit][panel width]
  std::span<float> back_in;                 ///< [panel of input][block, gate, unit][panel width]
  std::span<float> back_state[max_phases];  ///< [panel of operand][block, gate, unit][panel width]
  std::span<float> back_projection;         ///< [panel of units][width][panel width]

 private:
  i64 lay_out(float* memory);

  Plan plan_;
  Use use_;
  AlignedBuffer<float> own_;
};

}  // namespace recurra

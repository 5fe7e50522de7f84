/// Weights in the order the tiles read them, both for the way forward and the way back.
#pragma once

#include "recurra/base/buffer.h"
#include "recurra/engine/call.h"
#include "recurra/engine/plan.h"

namespace recurra {

/// Forward panels are unit blocks, `[block][k][gate][run]`; backward panels are groups of operand columns,
/// `[group][block, gate, unit][group width]`, k running in the memory order of a row of gate gradients. All
/// zero padded.
class RECURRA_API PackedWeights {
 public:
  /// What the packs are for: forward alone, or training, which needs the way back too.
  enum class Use { inference, training };

  /// Takes the memory. Throws std::bad_alloc.
  PackedWeights(const Plan& plan, Use use);

  /// Fills the packs from canonical weights, in parallel. Allocates nothing. W and, where the cell has them,
  /// U, params and P must not be null. Throws Error (invalid_argument) for a number of threads out of range.
  void pack(const Plan& plan, const Weights& weights, const Execution& execution = {});

  /// Throws Error (invalid_argument) unless made for this plan and use.
  void check(const Plan& plan, Use use) const;

  [[nodiscard]] bool for_training() const noexcept { return use_ == Use::training; }

  AlignedBuffer<float> in;                      ///< [block][input][input window][run]
  AlignedBuffer<float> state[max_phases];       ///< [block][operand][phase window][run]
  AlignedBuffer<float> bias;                    ///< [block][input window][run]; 0 where it is in params
  AlignedBuffer<float> params;                  ///< [block][packed param][run]
  AlignedBuffer<float> projection;              ///< [panel of width][unit][panel width]
  AlignedBuffer<float> back_in;                 ///< [panel of input][block, gate, unit][panel width]
  AlignedBuffer<float> back_state[max_phases];  ///< [panel of operand][block, gate, unit][panel width]
  AlignedBuffer<float> back_projection;         ///< [panel of units][width][panel width]

 private:
  Plan plan_;
  Use use_;
};

}  // namespace recurra

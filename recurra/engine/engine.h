/// The engine: runs a plan over sequences, forward and backward through time.
#pragma once

#include "recurra/engine/call.h"
#include "recurra/engine/packed_weights.h"
#include "recurra/engine/plan.h"
#include "recurra/engine/workspace.h"

namespace recurra {

/// Forward over `call`. With `training` the workspace keeps what backward needs; where the call takes y, its
/// contents must stay until then. Throws Error (invalid_argument) on a workspace not prepared for the call,
/// packs not made for it, sizes or lengths out of range; afterwards nothing allocates or throws. The bits of
/// the outputs depend neither on threads, schedule, chunk, batch neighbours nor on the division into calls.
RECURRA_API void forward(const Plan& plan,
                         const PackedWeights& weights,
                         const Call& call,
                         Workspace& workspace,
                         bool training = false,
                         const Execution& execution = {});

/// Gradients of the last training forward with the same plan, weights, call and workspace; each such forward
/// serves once. Throws Error (invalid_argument) where there was none, or one whose call had other lengths,
/// another mask or other optional parts, and as forward; nothing has changed then. Gradients of weights are
/// sums over steps and rows in one order, whatever the threads.
RECURRA_API void backward(const Plan& plan,
                          const PackedWeights& weights,
                          const Call& call,
                          const BackwardCall& back,
                          Workspace& workspace,
                          const Execution& execution = {});

/// A recurrence's call with all it needs, for who makes two at once.
struct Job {
  const Plan* plan = nullptr;
  const PackedWeights* weights = nullptr;
  const Call* call = nullptr;
  Workspace* workspace = nullptr;
  const BackwardCall* back = nullptr;  ///< of backward_both
};

/// As forward of each: at once, each on half of the threads, where that is sooner than one after the other.
/// Their outputs must not overlap.
RECURRA_API void forward_both(const Job& first,
                              const Job& second,
                              bool training = false,
                              const Execution& execution = {});

/// As backward of each, in the same way. Their gradients must not overlap.
RECURRA_API void backward_both(const Job& first, const Job& second, const Execution& execution = {});

/// One step of `batch` rows: x (batch, input) -> states, which are read and overwritten: states[0] (batch,
/// width) is the output; attention (batch), for cells that take one. For streams; the same as forward over
/// one step.
RECURRA_API void step(const Plan& plan,
                      const PackedWeights& weights,
                      i64 batch,
                      const float* x,
                      float* const* states,
                      Workspace& workspace,
                      const Execution& execution = {},
                      const float* attention = nullptr);

}  // namespace recurra

/// The optimized stack as a differentiable function.
#pragma once

#include "recurra/autograd/variable.h"
#include "recurra/stack/rnn_stack.h"

namespace recurra {

/// As RnnStackInputs, of variables.
using RnnStackVariableInputs = RnnStackInputsOf<autograd::Variable>;
/// As RnnStackOutputs, of variables.
using RnnStackVariables = RnnStackOutputsOf<autograd::Variable>;

/// As optimized_rnn_stack on tensors, recorded where a gradient is wanted: of the weights, x, and the initial
/// states, through y, the final states and the layers' outputs. `inputs.training` decides on dropout alone.
/// The weights are packed anew by every call. Throws as that function.
[[nodiscard]] RECURRA_API RnnStackVariables optimized_rnn_stack(const autograd::Variable& weights,
                                                                const autograd::Variable& x,
                                                                const RnnStackOptions& options,
                                                                const RnnStackVariableInputs& inputs = {},
                                                                const Execution& execution = {});

}  // namespace recurra

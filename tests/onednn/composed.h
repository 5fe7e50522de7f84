/// oneDNN's stacks of layers and directions by the reference in double, put together from single recurrences.
///
/// Each direction's layers see their own direction of the layer below only; the two meet at the top.
#pragma once

#include "tests/onednn/problem.h"

namespace recurra::onednn {

/// The whole problem; without `gradients` forward only.
[[nodiscard]] Results<double> run_reference(const Problem& problem,
                                            const Tensors<float>& inputs,
                                            const Tensors<float>& gradients);

}  // namespace recurra::onednn

/// oneDNN's stacks of layers and directions, put together from single recurrences.
///
/// Each direction's layers see their own direction of the layer below only; the two meet at the top.
#pragma once

#include <functional>

#include "tests/onednn/problem.h"
#include "tests/support/engine_case.h"

namespace recurra::onednn {

/// What a recurrence gives, in the layouts of reference::Values: y and final, and the gradients of all else.
struct Ran {
  reference::Values values, gradients;
};

/// Runs one recurrence forward and, in training, back.
using RunRecurrence = std::function<Ran(const test::EngineCase&, bool training)>;

/// The whole problem by calls of `run`; without `gradients` forward only.
[[nodiscard]] Results<double> compose(const Problem& problem,
                                      const Tensors<float>& inputs,
                                      const Tensors<float>& gradients,
                                      const RunRecurrence& run);

/// By the reference in double.
[[nodiscard]] Ran run_reference(const test::EngineCase& c, bool training);

/// By the engine on the best target.
[[nodiscard]] Ran run_engine(const test::EngineCase& c, bool training);

}  // namespace recurra::onednn

/// Models whose optimized stacks become layers of their own, and the other way round, with the same outputs.
#pragma once

#include <string>
#include <vector>

#include "recurra/training/sequential.h"

namespace recurra {

/// A converted model, and what became of what: `stack -> stack_0, stack_1`.
struct ConvertedModel {
  Sequential model;
  std::vector<std::string> changes;
};

/// Every OptimizedRNNStack of `model` as layers of its own (split_rnn_stack); its other layers, what compile
/// was given, metadata, seed and epochs are as they were. The optimizer begins anew. Throws Error:
/// invalid_argument unless built and for a model without a stack, and as split_rnn_stack.
[[nodiscard]] RECURRA_API ConvertedModel split_rnn_stacks(const Sequential& model);

/// All recurrent layers of `model` that stand one after the other and are alike as optimized stacks
/// (join_rnn_stack), called rnn_stack, rnn_stack_1, …; a layer between others is a stack by itself. The rest
/// as above. Throws Error (invalid_argument) unless built, and where no layer can be of a stack, with the
/// reasons.
[[nodiscard]] RECURRA_API ConvertedModel join_rnn_stacks(const Sequential& model);

}  // namespace recurra

/// An optimized stack as layers of its own, and layers as a stack: the same outputs, bit for bit.
///
/// Of a blob's two biases the layers of LSTM and SimpleRNN have the sum, a GRU's keep both. Layers made a
/// stack have their bias as b_W, with a b_R of zeros; a GRU's gives both.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "recurra/layers/model_spec.h"
#include "recurra/layers/optimized_rnn_stack.h"

namespace recurra {

/// Layers as data, and the weights of all of them in the order of their parameters.
struct LayersWithWeights {
  std::vector<ModelSpec::LayerSpec> layers;
  std::vector<Tensor> weights;
};

/// The layers that compute what `stack` does: LSTM, GRU or SimpleRNN, one for each of its layers, wrapped in
/// Bidirectional where it has both directions. They are called as the stack with a number behind, from 0.
/// Dropout between layers becomes that of their inputs, which each direction draws by itself. Throws Error:
/// invalid_argument unless built; unsupported for a stack with a regularizer or constraint, which is about
/// all weights together.
[[nodiscard]] RECURRA_API LayersWithWeights split_rnn_stack(OptimizedRnnStack& stack);

/// How far layers, lowest first and built, can be one stack.
struct StackReach {
  std::size_t layers = 0;  ///< so many from the first
  std::string obstacle{};  ///< why not the next one, to be read behind its name; empty where there is none
};

/// Of some layers. Those of a stack are LSTM, GRU with reset_after or SimpleRNN with the op's activations, in
/// one direction forwards, or Bidirectional of two put side by side, with the same units, all returning
/// sequences but the top one; not stateful, without recurrent_dropout, regularizers and constraints, and with
/// dropout of one share in all but the lowest.
[[nodiscard]] RECURRA_API StackReach stack_reach(std::span<Layer* const> layers);

/// The stack that computes what these layers do one after the other, lowest first, all built. It is called
/// `name`. Steps that a mask does not count give 0 where layers of one direction repeat the output before.
/// Throws Error: invalid_argument without layers, unsupported where there is an obstacle, naming the layer.
[[nodiscard]] RECURRA_API LayersWithWeights join_rnn_stack(std::span<Layer* const> layers,
                                                           const std::string& name);

}  // namespace recurra

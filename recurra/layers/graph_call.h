/// What symbolic tensors come from. Not for users of the library.
#pragma once

#include "recurra/layers/graph.h"

namespace recurra {

/// A layer, and what all calls of it share.
struct SharedLayer {
  std::shared_ptr<Layer> layer;
  std::vector<Shape> inputs{};   ///< what it is built for, without the batch axis
  std::vector<Shape> outputs{};  ///< what it gives for them; empty before the first call
  bool owned = false;            ///< a model has drawn its weights and numbered its name
};

/// One call of a layer, or an input.
struct GraphCall {
  std::shared_ptr<SharedLayer> layer;  ///< null: an input
  std::vector<SymbolicTensor> inputs{};
  std::vector<Shape> outputs{};  ///< shapes without the batch axis
  InputOptions input{};          ///< of an input
};

}  // namespace recurra

/// A graph in an order in which it can run. Not for users of the library.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recurra/layers/graph_call.h"

namespace recurra {

/// Calls of layers, one behind those it needs. Values are numbered: the inputs, then the outputs of each
/// call.
struct GraphPlan {
  /// Where values come from outside.
  struct Input {
    std::string name;
    Shape shape;                   ///< without the batch axis
    std::optional<Dtype> dtype{};  ///< not given: what the layers take
  };

  /// One call.
  struct Call {
    std::size_t layer = 0;            ///< place in `layers`
    std::vector<std::size_t> inputs;  ///< values
    std::size_t first = 0;            ///< value that is its first output
    std::size_t count = 1;            ///< of its outputs
    std::size_t number = 0;           ///< which call of its layer, from 0
    bool last = true;                 ///< of its layer
  };

  /// A line of a summary: an input or a layer.
  struct Row {
    bool is_input = false;
    std::size_t index = 0;  ///< in `inputs` or `layers`
  };

  std::vector<Input> inputs;
  std::vector<std::shared_ptr<Layer>> layers;  ///< in Keras's order: what is farthest from the outputs first
  std::vector<Call> calls;
  std::vector<std::size_t> outputs;  ///< values
  std::vector<Shape> shapes;         ///< of the values, without the batch axis
  std::vector<Row> rows;             ///< in Keras's order

  /// Layers one behind the other, whose outputs have `shapes`.
  [[nodiscard]] static GraphPlan chain(const Shape& input,
                                       const std::vector<std::shared_ptr<Layer>>& layers,
                                       const std::vector<Shape>& shapes);

  /// The calls between `inputs` and `outputs`, and the layers with what their calls share, in the order of
  /// `layers`. Throws Error (invalid_argument), subject `name`: without outputs or a layer, for an input
  /// twice or that reaches no output, and for one that outputs need and that is not there.
  [[nodiscard]] static GraphPlan between(const std::string& name,
                                         const std::vector<SymbolicTensor>& inputs,
                                         const std::vector<SymbolicTensor>& outputs,
                                         std::vector<std::shared_ptr<SharedLayer>>& shared);

  /// How often a layer is called.
  [[nodiscard]] std::size_t calls_of(std::size_t layer) const noexcept;
};

}  // namespace recurra

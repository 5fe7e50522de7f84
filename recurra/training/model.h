/// A model of any graph of layers: Keras's functional Model.
#pragma once

#include "recurra/layers/graph.h"
#include "recurra/training/trainable_model.h"

namespace recurra {

/// The layers between inputs and outputs. It may share layers with other models, and trains them then, too.
///
/// Unlike in Keras, a mask reaches a recurrent layer with initial states, too. An explicit mask or lengths
/// are those of the first input.
///
/// Keras's summary has rows for what makes a mask, NotEqual and Any; here masks are no layers and have none.
class RECURRA_API Model final : public TrainableModel {
 public:
  /// Layers that are in no other model get their weights, drawn from `seed` and the layer's place as in a
  /// Sequential, and a number where another here has their name; so do inputs. Throws Error: invalid_argument
  /// without outputs or a layer, for an input twice or that reaches no output, for one that outputs need and
  /// that is not there, and for layers of other models with the same name; unsupported for a stateful layer
  /// that is called more than once.
  Model(const std::vector<SymbolicTensor>& inputs,
        const std::vector<SymbolicTensor>& outputs,
        std::string name = "functional",
        std::uint64_t seed = 0);

  using TrainableModel::compile;

  /// Sets what fit and evaluate use, for each output in order. The model's loss is the sum of theirs times
  /// their weights. Logs have `<output>_loss`, without the weight, and `<output>_<metric>`, an output having
  /// the name of its layer. Throws as compile for one output, and Error (invalid_argument) for another number
  /// of entries than the model has outputs.
  void compile(std::unique_ptr<Optimizer> optimizer, std::vector<OutputLoss> outputs);

  /// Names of the inputs, in order.
  [[nodiscard]] std::vector<std::string> input_names() const;

  /// Names of the outputs as logs have them: of their layers, numbered where several are of one.
  [[nodiscard]] const std::vector<std::string>& output_names() const noexcept { return names_of_outputs(); }

 private:
  void build_for_shape(const Shape& input, std::uint64_t seed) override;
  void check_model_inputs(const BatchView& batch) const override;
  [[nodiscard]] nlohmann::json architecture() const override;
};

}  // namespace recurra

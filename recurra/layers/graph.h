/// Graphs of layers: inputs, layers called on what will go through them, and the tensors that these calls
/// will give. A Model is made of them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recurra/layers/layer.h"

namespace recurra {

struct GraphCall;
struct SharedLayer;

/// A tensor that a graph will have when it runs: its shape, and where it comes from. Copies are the same one.
class RECURRA_API SymbolicTensor {
 public:
  /// Output number `output` of `call`.
  SymbolicTensor(std::shared_ptr<const GraphCall> call, std::size_t output)
      : call_(std::move(call)), output_(output) {}

  /// Without the batch axis; any_extent where an extent differs from batch to batch.
  [[nodiscard]] const Shape& shape() const noexcept;

  /// That of the input or the layer it comes from.
  [[nodiscard]] const std::string& name() const noexcept;

  /// Where it comes from.
  [[nodiscard]] const GraphCall& call() const noexcept { return *call_; }

  /// Which output of that it is.
  [[nodiscard]] std::size_t output() const noexcept { return output_; }

  friend bool operator==(const SymbolicTensor&, const SymbolicTensor&) = default;

 private:
  std::shared_ptr<const GraphCall> call_;
  std::size_t output_;
};

/// Of an Input.
struct InputOptions {
  std::string name = "input_layer";  ///< a Model numbers names that are taken
  std::optional<Dtype> dtype = {};   ///< f32 or i32; not given: what the layers behind it take
};

/// Where a graph begins: Keras's Input.
class RECURRA_API Input : public SymbolicTensor {
 public:
  /// `shape` without the batch axis, any_extent where it varies. Throws Error: shape for other extents below
  /// 1, dtype for one that no layer takes.
  explicit Input(const Shape& shape, const InputOptions& options = {});
};

/// A layer that is called on symbolic tensors, any number of times: it has one set of weights. Copies are the
/// same layer.
///
/// The first call makes it fit the shapes of its inputs, the first Model it is in draws its weights. Called
/// again, with the same weights, it must be able to take what it is given.
class RECURRA_API GraphLayer {
 public:
  /// Takes the layer, which is not to be built by others.
  explicit GraphLayer(std::unique_ptr<Layer> layer);

  /// What the layer will give for `input`, or for several inputs in order. Throws Error: as Layer::build;
  /// invalid_argument where it has several outputs; shape where the weights it has are not those that such
  /// inputs need; unsupported for another shape than in the first call of a layer that is not the library's.
  SymbolicTensor operator()(const SymbolicTensor& input) const;
  /// As above.
  SymbolicTensor operator()(std::span<const SymbolicTensor> inputs) const;
  /// As above.
  SymbolicTensor operator()(std::initializer_list<SymbolicTensor> inputs) const;

  /// The same, all outputs.
  [[nodiscard]] std::vector<SymbolicTensor> outputs(std::span<const SymbolicTensor> inputs) const;
  /// As above.
  [[nodiscard]] std::vector<SymbolicTensor> outputs(std::initializer_list<SymbolicTensor> inputs) const;
  /// As above.
  [[nodiscard]] std::vector<SymbolicTensor> outputs(const SymbolicTensor& input) const;

  /// The layer itself.
  [[nodiscard]] Layer& layer() const noexcept;

 private:
  std::shared_ptr<SharedLayer> shared_;
};

/// A layer of class `Kind`, made from its constructor's arguments: `graph_layer<Dense>(options, "head")(x)`.
template <class Kind, class... Arguments>
[[nodiscard]] GraphLayer graph_layer(Arguments&&... arguments) {
  return GraphLayer(std::make_unique<Kind>(std::forward<Arguments>(arguments)...));
}

}  // namespace recurra

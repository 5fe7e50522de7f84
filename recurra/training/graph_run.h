/// Runs a graph of layers forward and back. Not for users of the library.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "recurra/layers/graph_plan.h"

namespace recurra {

/// A graph with the values of its last forward pass.
///
/// A layer that is called more than once has room for one call. So what its other calls gave is copied, and
/// before the way back of each of them that call is run again, with the same numbers, since dropout is a
/// function of numbers; statistics that a training forward changes are then put back.
class GraphRun {
 public:
  /// How all layers are to run; the same for a forward pass and its way back.
  struct Pass {
    bool training = false;
    std::uint64_t seed = 0;    ///< of dropout
    std::uint64_t update = 0;  ///< training passes before
    Execution execution{};
  };

  /// A graph without layers, not to be run.
  GraphRun() = default;

  /// `plan` with layers that are built.
  explicit GraphRun(GraphPlan plan);

  [[nodiscard]] const GraphPlan& plan() const noexcept { return plan_; }

  /// The graph's outputs for `inputs`, of which `mask`, null for none, says which steps of the first count.
  /// Valid until the next call; inputs and mask must stay until the way back. Throws as Layer::forward.
  TensorList forward(TensorList inputs, const StepMask* mask, const Pass& pass);

  /// After forward: which steps of an output count; null: all.
  [[nodiscard]] const StepMask* output_mask(std::size_t output) const {
    return masks_[plan_.outputs[output]];
  }

  /// After forward: what weights and outputs of the layers cost beside the loss, each weight once.
  [[nodiscard]] double penalty() const;

  /// After a training forward with the same `pass`: gradients of all trainable parameters, those of a layer's
  /// calls summed, 0 where none arrives. `d_outputs` has null for outputs without a gradient. Throws as
  /// Layer::backward.
  void backward(TensorList d_outputs, const Pass& pass);

 private:
  using Call = GraphPlan::Call;

  [[nodiscard]] Context context_for(std::size_t call, const Pass& pass) const;
  void run(std::size_t call, const Pass& pass);
  void keep_outputs(const Call& call);
  void clear_shared_gradients();
  void run_back(std::size_t call, const Pass& pass);
  void run_again(std::size_t call, const Pass& pass);
  void restore_statistics(const Call& call);
  void add_gradient(std::size_t value, const Tensor& gradient, bool passes);
  void add_parameter_gradients(const Call& call);
  void finish_parameter_gradients();

  GraphPlan plan_;
  std::vector<int> uses_;                 // of each value, by calls and as an output
  std::vector<std::size_t> layer_calls_;  // of each layer
  std::vector<const Tensor*> values_;
  std::vector<const StepMask*> masks_;
  std::vector<const Tensor*> outputs_;
  std::vector<std::uint8_t> wanted_;
  std::vector<std::vector<const Tensor*>> call_inputs_;
  std::vector<std::vector<const StepMask*>> call_masks_;  // where a call has several inputs
  std::vector<Tensor> copies_;                            // of values that a layer gives place for others
  std::vector<StepMask> mask_copies_;
  std::vector<const Tensor*> gradients_;             // of each value, null: none so far
  std::vector<Tensor> sums_;                         // of gradients from several places
  std::vector<std::uint8_t> reached_;                // layers that a gradient has come to
  std::vector<std::vector<Tensor>> parameter_sums_;  // of a layer of several calls
  std::vector<std::vector<Tensor>> statistics_;      // of a layer of several calls
  double shared_penalty_ = 0;                        // of outputs that a layer has forgotten
};

}  // namespace recurra

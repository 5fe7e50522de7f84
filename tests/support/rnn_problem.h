/// One random problem for the RNN primitive, run and compared with the reference of the whole primitive.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "recurra/base/random.h"
#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/reference/stack_reference.h"
#include "tests/support/test_tensor.h"
#include "tests/support/weight_tensors.h"

namespace recurra::test {

/// How sequences lie in memory.
enum class SequenceLayout { tnc, ntc, padded };

/// How states lie in memory, those of every step too: layers outermost, or directions with gaps between all
/// but rows.
enum class StatesLayout { dense, apart };

struct RnnLayout {
  SequenceLayout sequences = SequenceLayout::tnc;
  WeightsLayout weights = WeightsLayout::igo;
  StatesLayout states = StatesLayout::dense;
};

class RnnProblem {
 public:
  /// Draws all numbers and runs the reference; desc.propagation and diff_weights_overwrite do not count.
  /// `outputs` false: no dst_layer, and all that leaves are final states.
  RnnProblem(const primitive::RnnDesc& desc,
             i64 steps,
             i64 batch,
             const RnnLayout& layout,
             Random& random,
             bool outputs = true);

  /// Compares inference, training and backward, overwritten and added, with the reference.
  void check(const Target& target, const Execution& execution = {});

  /// What the last check found, results and gradients, each in the order of its dimensions: of problems that
  /// differ in layout alone the same.
  [[nodiscard]] const std::vector<std::vector<float>>& found() const { return found_; }

  [[nodiscard]] std::string text() const;

 private:
  using Doubles = std::vector<double>;

  /// What an execution writes.
  struct Results {
    TestTensor layer, iter, iter_c, attention, states, states_c;
  };

  /// What an execution reads.
  struct Inputs {
    TestTensor layer, iter, iter_c, attention, zoneout, zoneout_c;
    std::vector<WeightTensors> weights;
  };

  void draw_runs(Random& random);
  [[nodiscard]] primitive::RnnDesc desc_for(primitive::Propagation propagation) const;
  [[nodiscard]] bool is_whole() const;

  /// A sequence (steps, batch, width) in the problem's layout, of numbers (batch, steps, width); none: not
  /// written yet.
  [[nodiscard]] TestTensor sequence(i64 width, const Doubles& numbers = {}) const;
  /// State k of all runs.
  [[nodiscard]] TestTensor states(int k, const std::vector<Doubles>& numbers = {}) const;
  [[nodiscard]] std::vector<WeightTensors> weights(bool gradients) const;
  [[nodiscard]] TestTensor weight(std::size_t run,
                                  const primitive::TensorDesc& one,
                                  const std::vector<Doubles>& numbers) const;
  [[nodiscard]] Inputs inputs() const;
  /// Of the outputs, not written yet.
  [[nodiscard]] Results results() const;
  /// The outputs' gradients, which come from outside.
  [[nodiscard]] Results outside() const;
  /// Of the inputs' gradients, not written yet.
  [[nodiscard]] Results gradients() const;
  [[nodiscard]] primitive::ForwardArguments arguments(const Inputs& in,
                                                      std::span<const primitive::WeightViews> views,
                                                      const primitive::PackedRnnWeights& packed,
                                                      Results& to,
                                                      bool training) const;
  /// (layers, directions, steps, batch, width) of what `pick` gives of every run, which is (batch, steps,
  /// width); without numbers not written yet.
  [[nodiscard]] TestTensor step_states(i64 width, const std::vector<Doubles>& numbers = {}) const;
  void check_training(const Target& target,
                      const Execution& execution,
                      const primitive::ForwardArguments& forward,
                      const Results& trained);
  void keep(const Results& results);
  void check_doubled(const std::vector<WeightTensors>& once, std::vector<WeightTensors>& twice) const;
  void check_outputs(const Results& results, const reference::StackReference& expected) const;
  void check_gradients(const Results& results, const std::vector<WeightTensors>& weights) const;
  void check_gradient(const char* what, const TestTensor& actual, const Doubles& expected) const;

  primitive::RnnDesc desc_;
  primitive::RnnPrimitive primitive_;
  i64 steps_, batch_;
  RnnLayout layout_;
  bool outputs_;
  std::vector<int> lengths_;
  Doubles x_, dy_, attention_;
  reference::StackReference expected_, inferred_;  // they differ under zoneout
  std::vector<std::vector<float>> found_;
};

}  // namespace recurra::test

/// After packed weights and a workspace were made, executions allocate nothing.
#include <gtest/gtest.h>

#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/support/allocations.h"
#include "tests/support/test_tensor.h"

namespace recurra::test {

namespace {

using namespace primitive;

/// What an execution may depend on besides the cell.
struct Form {
  WeightsFormat format;
  MemoryLevel level;
  bool states;  // h of every step, with gradients
};

RnnDesc desc_of(CellKind kind, const Form& form) {
  RnnDesc desc;
  desc.cell = kind;
  desc.layers = 2;
  desc.direction = primitive::Direction::bidirectional_sum;
  desc.input = 6;
  desc.units = 20;
  desc.weights = form.format;
  desc.memory_level = form.level;
  desc.tensors.src_iter = desc.tensors.dst_iter = desc.tensors.lengths = true;
  desc.tensors.dst_states = form.states;
  desc.propagation = Propagation::forward_training;
  return desc;
}

/// Allocations of the first forward and backward after a workspace was made, and of the second.
long allocations_of(RnnDesc desc) {
  const RnnPrimitive forward(desc);
  desc.propagation = Propagation::backward;
  const RnnPrimitive backward(desc);
  std::vector<TestTensor> memory;
  memory.reserve(100);
  const auto take = [&](const TensorDesc& of) {
    return memory.emplace_back(of).write();
  };
  std::vector<WeightViews> weights;
  std::vector<MutableWeightViews> gradients;
  for (int run = 0; run < 4; ++run) {
    const auto views = [&] {
      const bool diagonal = desc.cell == CellKind::indrnn;
      const bool norm = desc.cell == CellKind::lstm_layer_norm;
      return MutableWeightViews{
          .layer = take(forward.weights_layer_desc(run / 2)),
          .iter = take(diagonal ? forward.weights_rows_desc() : forward.weights_iter_desc()),
          .norm = norm ? take(forward.weights_rows_desc()) : TensorView(),
          .bias = take(forward.bias_desc())};
    };
    gradients.push_back(views());
    const MutableWeightViews w = views();
    weights.push_back({w.layer, w.iter, {}, {}, w.norm, w.bias});
  }
  PackedRnnWeights packed(forward);
  packed.pack(weights);
  const int lengths[] = {5, 2, 0};
  ForwardArguments arguments{.src_layer = take(forward.src_layer_desc(5, 3)),
                             .src_iter = take(forward.iter_desc(3)),
                             .lengths = lengths,
                             .dst_layer = take(forward.dst_layer_desc(5, 3)),
                             .dst_iter = take(forward.iter_desc(3))};
  if (forward.takes_attention()) arguments.attention = take({{5, 3, 1}, FormatTag::tnc});
  if (desc.weights == WeightsFormat::any) arguments.packed_weights = &packed;
  if (desc.weights == WeightsFormat::plain) arguments.weights = weights;
  if (desc.tensors.dst_states) arguments.dst_states = take(forward.states_desc(5, 3));
  BackwardArguments back{.forward = arguments,
                         .diff_dst_layer = take(forward.dst_layer_desc(5, 3)),
                         .diff_src_layer = take(forward.src_layer_desc(5, 3)),
                         .diff_src_iter = take(forward.iter_desc(3)),
                         .diff_weights = gradients};
  if (desc.tensors.dst_states) back.diff_dst_states = take(forward.states_desc(5, 3));
  RnnWorkspace workspace(forward, 5, 3);
  const long before = allocations();
  for (int time = 0; time < 2; ++time) {
    forward.execute(arguments, workspace);
    backward.execute(back, workspace);
  }
  return allocations() - before;
}

TEST(RnnPrimitive, executes_without_allocations) {
  // The team of the process is made by the first execution of all.
  allocations_of(desc_of(CellKind::lstm, {WeightsFormat::any, MemoryLevel::keep_gates, false}));
  for (int kind = 0; kind <= int(last_cell_kind); ++kind) {
    for (const WeightsFormat format : {WeightsFormat::any, WeightsFormat::plain}) {
      for (const MemoryLevel level : {MemoryLevel::keep_gates, MemoryLevel::recompute}) {
        for (const bool states : {false, true}) {
          EXPECT_EQ(allocations_of(desc_of(CellKind(kind), {format, level, states})), 0)
              << name_of(CellKind(kind)) << (format == WeightsFormat::any ? " any " : " plain ")
              << name_of(level) << (states ? " states" : "");
        }
      }
    }
  }
}

}  // namespace

}  // namespace recurra::test

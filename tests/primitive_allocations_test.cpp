/// After packed weights and a workspace were made, executions allocate nothing.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/support/test_tensor.h"

namespace {

std::atomic<int> allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}

void* operator new[](std::size_t size) {
  return counted(size);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete[](void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace recurra::test {

namespace {

using namespace primitive;

TEST(RnnPrimitive, executes_without_allocations) {
  for (int kind = 0; kind <= int(last_cell_kind); ++kind) {
    for (const WeightsFormat format : {WeightsFormat::any, WeightsFormat::plain}) {
      RnnDesc desc;
      desc.cell = CellKind(kind);
      desc.layers = 2;
      desc.direction = primitive::Direction::bidirectional_sum;
      desc.input = 6;
      desc.units = 20;
      desc.weights = format;
      desc.tensors.src_iter = desc.tensors.dst_iter = desc.tensors.lengths = true;
      desc.propagation = Propagation::forward_training;
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
      if (format == WeightsFormat::any) arguments.packed_weights = &packed;
      if (format == WeightsFormat::plain) arguments.weights = weights;
      const BackwardArguments back{.forward = arguments,
                                   .diff_dst_layer = take(forward.dst_layer_desc(5, 3)),
                                   .diff_src_layer = take(forward.src_layer_desc(5, 3)),
                                   .diff_src_iter = take(forward.iter_desc(3)),
                                   .diff_weights = gradients};
      RnnWorkspace workspace(forward, 5, 3);
      forward.execute(arguments, workspace);  // the team of the process is made
      const int before = allocations;
      forward.execute(arguments, workspace);
      backward.execute(back, workspace);
      EXPECT_EQ(allocations - before, 0)
          << name_of(desc.cell) << (format == WeightsFormat::any ? " any" : " plain");
    }
  }
}

}  // namespace

}  // namespace recurra::test

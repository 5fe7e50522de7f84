/// Packed weights with a bias and without: neither kind serves where the other is declared.
#include <algorithm>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_tensor.h"

namespace recurra::test {

namespace {

using namespace primitive;

constexpr i64 steps = 4;
constexpr i64 batch = 2;

RnnDesc desc_of(CellKind cell, bool bias, Propagation propagation) {
  RnnDesc desc;
  desc.cell = cell;
  desc.propagation = propagation;
  desc.input = 3;
  desc.units = 5;
  desc.tensors.bias = bias;
  return desc;
}

/// Packs weights, all of whose numbers are 0.5.
void pack(const RnnPrimitive& primitive, PackedRnnWeights& packed) {
  TestTensor layer(primitive.weights_layer_desc(0));
  TestTensor iter(primitive.weights_iter_desc());
  TestTensor bias(primitive.bias_desc());
  for (TestTensor* tensor : {&layer, &iter, &bias})
    std::fill(tensor->memory.begin(), tensor->memory.end(), 0.5F);
  WeightViews views{.layer = layer.read(), .iter = iter.read()};
  if (primitive.desc().tensors.bias) views.bias = bias.read();
  packed.pack(std::vector{views});
}

/// What `primitive` says to inference with `packed`.
std::string refusal(const RnnPrimitive& primitive, const PackedRnnWeights& packed) {
  TestTensor x(primitive.src_layer_desc(steps, batch));
  TestTensor y(primitive.dst_layer_desc(steps, batch));
  RnnWorkspace workspace(primitive, steps, batch);
  return error_text([&] {
    primitive.execute({.src_layer = x.read(), .packed_weights = &packed, .dst_layer = y.write()}, workspace);
  });
}

TEST(PackedBias, is_part_of_the_format) {
  for (const CellKind cell : {CellKind::lstm, CellKind::gru, CellKind::lbr_gru}) {
    for (const bool bias : {true, false}) {
      const RnnPrimitive own(desc_of(cell, bias, Propagation::forward_inference));
      const RnnPrimitive other(desc_of(cell, !bias, Propagation::forward_inference));
      EXPECT_FALSE(other.accepts(own.weights_desc())) << name_of(cell);
      for (const auto propagation : {Propagation::forward_inference, Propagation::forward_training}) {
        const RnnPrimitive packing(desc_of(cell, bias, propagation));
        PackedRnnWeights packed(packing);
        pack(packing, packed);
        EXPECT_EQ(refusal(own, packed), "no error") << name_of(cell);
        EXPECT_EQ(refusal(other, packed),
                  "packed weights: expected those of " + other.weights_desc().text() + ", got those of " +
                      packing.weights_desc().text());
      }
    }
  }
}

TEST(PackedBias, is_told_of_by_the_memory) {
  const RnnPrimitive with(desc_of(CellKind::lstm, true, Propagation::forward_training));
  const RnnPrimitive without(desc_of(CellKind::lstm, false, Propagation::forward_training));
  EXPECT_NE(with.weights_desc().text().find("lstm with bias for training"), std::string::npos);
  EXPECT_NE(without.weights_desc().text().find("lstm without bias for training"), std::string::npos);
  AlignedBuffer<float> memory(with.weights_desc().size() / i64(sizeof(float)));
  const std::span bytes(reinterpret_cast<std::byte*>(memory.data()), std::size_t(memory.size()) * 4);
  PackedRnnWeights packed(with, bytes);
  pack(with, packed);
  EXPECT_TRUE(packed.is_packed());
  EXPECT_FALSE(PackedRnnWeights(without, bytes).is_packed());
}

}  // namespace

}  // namespace recurra::test

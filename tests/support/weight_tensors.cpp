#include "tests/support/weight_tensors.h"

namespace recurra::test {

namespace {

using namespace primitive;

/// Gaps between all neighbours, and the rows lie innermost.
TensorDesc padded(const TensorDesc& one) {
  const i64 rows = one.dim(0);
  if (one.rank() == 3)
    return {{rows, one.dim(1), one.dim(2)}, {2, (2 * rows + 1) * one.dim(2) + 3, 2 * rows + 1}};
  return {{rows, one.dim(1)}, {2, 2 * rows + 1}};
}

}  // namespace

std::vector<WeightViews> views_of(const std::vector<WeightTensors>& tensors) {
  std::vector<WeightViews> views;
  for (const WeightTensors& t : tensors)
    views.push_back({t.layer.read(),
                     t.iter.read(),
                     t.peephole.read(),
                     t.projection.read(),
                     t.norm.read(),
                     t.bias.read()});
  return views;
}

std::vector<MutableWeightViews> mutable_views_of(std::vector<WeightTensors>& tensors) {
  std::vector<MutableWeightViews> views;
  for (WeightTensors& t : tensors)
    views.push_back({t.layer.write(),
                     t.iter.write(),
                     t.peephole.write(),
                     t.projection.write(),
                     t.norm.write(),
                     t.bias.write()});
  return views;
}

TensorDesc laid_out(const TensorDesc& one, WeightsLayout layout, i64 layers, i64 directions) {
  const bool matrix = one.rank() == 2;
  const i64 a = one.dim(0);
  const i64 b = one.dim(1);
  const i64 c = matrix ? 0 : one.dim(2);
  switch (layout) {
    case WeightsLayout::igo:
      break;
    case WeightsLayout::goi:
      return matrix ? TensorDesc({a, b}, FormatTag::oi) : TensorDesc({a, b, c}, FormatTag::goi);
    case WeightsLayout::padded:
      return padded(one);
    case WeightsLayout::ldigo:
      return matrix ? TensorDesc({layers, directions, a, b}, FormatTag::ldio)
                    : TensorDesc({layers, directions, a, b, c}, FormatTag::ldigo);
    case WeightsLayout::ldgoi:
      return matrix ? TensorDesc({layers, directions, a, b}, FormatTag::ldoi)
                    : TensorDesc({layers, directions, a, b, c}, FormatTag::ldgoi);
  }
  return one;
}

TestTensor random_tensor(const TensorDesc& desc, Random& random) {
  TestTensor tensor(desc);
  for (float& value : tensor.memory) value = random.uniform(-0.5F, 0.5F);
  return tensor;
}

std::vector<WeightTensors> random_weights(const RnnPrimitive& primitive,
                                          WeightsLayout layout,
                                          Random& random) {
  const RnnDesc& desc = primitive.desc();
  const i64 layers = desc.layers;
  const i64 directions = primitive.plan().directions();
  const bool whole = layout == WeightsLayout::ldigo || layout == WeightsLayout::ldgoi;
  const auto draw = [&](const TensorDesc& one) {
    return random_tensor(laid_out(one, layout, layers, directions), random);
  };
  std::vector<WeightTensors> all;
  for (i64 run = 0; run < (whole ? 1 : layers * directions); ++run) {
    WeightTensors& one = all.emplace_back();
    one.layer = draw(primitive.weights_layer_desc(run / directions));
    one.iter =
        draw(desc.cell == CellKind::indrnn ? primitive.weights_rows_desc() : primitive.weights_iter_desc());
    if (desc.peephole) one.peephole = draw(primitive.weights_rows_desc());
    if (desc.projection > 0) one.projection = draw(primitive.weights_projection_desc());
    if (desc.cell == CellKind::lstm_layer_norm) one.norm = draw(primitive.weights_rows_desc());
    if (desc.tensors.bias) one.bias = draw(primitive.bias_desc());
  }
  return all;
}

std::vector<std::vector<float>> numbers_of(const std::vector<WeightTensors>& tensors) {
  std::vector<std::vector<float>> numbers(6);
  for (WeightTensors one : tensors) {
    const std::vector<TestTensor*> six = all_of(one);
    for (std::size_t i = 0; i < six.size(); ++i) {
      if (six[i]->desc.rank() == 0) continue;
      const std::vector<float> of_one = six[i]->logical();
      numbers[i].insert(numbers[i].end(), of_one.begin(), of_one.end());
    }
  }
  return numbers;
}

}  // namespace recurra::test

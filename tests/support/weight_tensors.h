/// Plain weights of the RNN primitive, or their gradients, with memory of their own in any layout.
#pragma once

#include <vector>

#include "recurra/base/random.h"
#include "recurra/primitive/rnn_primitive.h"
#include "recurra/primitive/weight_views.h"
#include "tests/support/test_tensor.h"

namespace recurra::test {

/// How plain weights lie in memory: of one layer and direction, or (ld…) of all in one tensor.
enum class WeightsLayout { igo, goi, padded, ldigo, ldgoi };

/// Tensors of one layer and direction or of all; those there are none of have rank 0.
struct WeightTensors {
  TestTensor layer, iter, peephole, projection, norm, bias;
};

/// The six, in the order above.
template <class Tensors>
std::vector<TestTensor*> all_of(Tensors& t) {
  return {&t.layer, &t.iter, &t.peephole, &t.projection, &t.norm, &t.bias};
}

/// Views of tensors of every layer and direction, or of one for all.
std::vector<primitive::WeightViews> views_of(const std::vector<WeightTensors>& tensors);
std::vector<primitive::MutableWeightViews> mutable_views_of(std::vector<WeightTensors>& tensors);

/// A weight that is `one` of one layer and direction, in a layout. The last two count for whole tensors.
primitive::TensorDesc laid_out(const primitive::TensorDesc& one,
                               WeightsLayout layout,
                               i64 layers,
                               i64 directions);

/// All weights of a primitive, between -0.5 and 0.5. In a layout of whole tensors all layers have one input.
std::vector<WeightTensors> random_weights(const primitive::RnnPrimitive& primitive,
                                          WeightsLayout layout,
                                          Random& random);

/// The elements in the order of the dimensions, those of each of the six behind one another. They do not
/// depend on the layout.
std::vector<std::vector<float>> numbers_of(const std::vector<WeightTensors>& tensors);

/// Numbers between -0.5 and 0.5.
TestTensor random_tensor(const primitive::TensorDesc& desc, Random& random);

}  // namespace recurra::test

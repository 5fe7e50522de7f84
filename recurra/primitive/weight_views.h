/// Plain weights of the RNN primitive as views.
#pragma once

#include "recurra/primitive/tensor_desc.h"

namespace recurra::primitive {

/// Weights, or their gradients, of one layer and direction, of any strides; or, where all layers have the
/// same input, whole tensors of all layers and directions, which have two dimensions (layers, directions)
/// more in front, all of them then. Gates in the order of the cell's page.
template <class View>
struct WeightViewsOf {
  View layer = {};       ///< (input, gates, units)
  View iter = {};        ///< (channels of h, gates, units); indrnn (1, units)
  View peephole = {};    ///< (3, units): i f o
  View projection = {};  ///< (units, projection)
  View norm = {};  ///< lstm_layer_norm (10, units): gains of x and of h for every gate, gain and shift of c
  View bias = {};  ///< (gates, units); lbr cells (4, units): u r o u'
};

/// Weights to be read.
using WeightViews = WeightViewsOf<ConstTensorView>;
/// Memory for weights or their gradients.
using MutableWeightViews = WeightViewsOf<TensorView>;

}  // namespace recurra::primitive

/// Initial values of weights, as Keras draws them.
#pragma once

#include "recurra/base/random.h"
#include "recurra/base/tensor.h"

namespace recurra {

/// Uniform in +-sqrt(6 / (rows + columns)) of a (rows, columns) tensor (Glorot and Bengio 2010); for a
/// recurrent kernel columns are all gates together, as in Keras.
RECURRA_API void glorot_uniform(Tensor& tensor, Random& random);

/// The orthogonal factor of a normal matrix, columns signed by the diagonal of R (Saxe et al. 2014); with
/// fewer rows than columns the rows are orthonormal.
RECURRA_API void orthogonal(Tensor& tensor, Random& random);

/// All elements `value`.
RECURRA_API void constant(Tensor& tensor, float value);

}  // namespace recurra

/// The weights of one layer and direction of a blob as a native layer has them, and back.
///
/// Private to the library.
#pragma once

#include <span>
#include <vector>

#include "recurra/layers/layer.h"
#include "recurra/stack/blob_layout.h"

namespace recurra {

/// kernel (features, gates * units), recurrent_kernel (units, gates * units) and bias of the native layer,
/// its gates in its order. The bias is (gates * units), the sum of both, or of a GRU (2, gates * units).
[[nodiscard]] std::vector<Tensor> native_weights(const BlobLayout& layout,
                                                 const float* blob,
                                                 int layer,
                                                 int direction);

/// Puts them into the blob; without a bias zeros.
void put_native_weights(const BlobLayout& layout,
                        std::span<const Parameter* const> weights,
                        int layer,
                        int direction,
                        float* blob);

}  // namespace recurra

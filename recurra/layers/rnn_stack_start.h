/// What the weights of an optimized stack start with.
#pragma once

#include <optional>
#include <string_view>

#include "recurra/layers/initializers.h"
#include "recurra/stack/blob_layout.h"

namespace recurra {

/// How a blob is drawn.
enum class BlobStart {
  parts,  ///< the matrices of every gate by themselves; biases 0, but for the forget gate's
  whole,  ///< CNTK's: one matrix, biases among it, whose fans have nothing to do with a gate's
};

/// What a blob starts with.
struct RnnStackStart {
  BlobStart mode = BlobStart::parts;
  /// Of W, whose fans are a gate's (input, units), or with BlobStart::whole of the blob.
  Initializer initializer = glorot_uniform_initializer;
  std::optional<Initializer> recurrent_initializer = {};  ///< of R, not with whole; none: Orthogonal
  double init_value_scale = 1;  ///< CNTK's initValueScale: what is drawn is multiplied by it; finite
  double forget_bias = 1;       ///< of an lstm, b_W; not with whole
  /// CNTK's initOutputRank, for whole alone: -1 makes the columns of the matrix outputs, so that fan_in is
  /// units; 1, its default, the rows, so that fan_in is all columns, and the range far too small.
  i64 init_output_rank = -1;
};

/// Throws Error (invalid_argument) with the field's name: for numbers out of range, for what the mode does
/// not have, and with BlobStart::parts for an initializer with a seed of its own, which would draw all gates
/// alike.
RECURRA_API void check_start(const RnnStackStart& start);

/// Fills a blob of this layout. Throws as check_start, initialize and BlobLayout::check.
RECURRA_API void initialize_blob(const BlobLayout& layout,
                                 const RnnStackStart& start,
                                 Tensor& weights,
                                 Random& random);

/// CNTK's `init`: glorotUniform, glorotNormal, heUniform, heNormal, xavier, gaussian, uniform (within 1),
/// uniformBS (within 0.05), normal and truncNormal (standard deviation 1), with range and deviation
/// multiplied by `init_value_scale`. For any layer's weights. Throws Error: unsupported for another name,
/// invalid_argument unless the scale is above 0.
[[nodiscard]] RECURRA_API Initializer cntk_initializer(std::string_view name, double init_value_scale = 1);

}  // namespace recurra

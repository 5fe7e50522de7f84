/// The kernel table of a target; plain, since target code includes it.
#pragma once

#include "recurra/cells/abi.h"

namespace recurra {

/// The kernels of one instruction set.
struct Target {
  const char* name;
  int width;        // floats of a vector
  int most_rows;    // of a tile of a 4-vector panel
  int beside_rows;  // of a tile beside a product of one row; at most most_beside_rows
  void (*product)(const ProductArgs&);
  void (*gradient)(const GradientArgs&);
  void (*pointwise)(const Activation&, const float* x, float* y, i64 count);
  void (*pointwise_gradient)(const PointwiseGradientArgs&);
  const CellKernels* cells;
  int cell_count;
};

}  // namespace recurra

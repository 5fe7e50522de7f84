/// All kernels and cells of one target. Compiled once per instruction set, with RECURRA_TARGET_NAME and its
/// compiler flags; exports one table. RECURRA_CELL_LIST names the list of cells, so that a test can build
/// the same kernels with cells of its own.
#include "recurra/engine/dispatch/target.h"

#include "recurra/cells/finish_rows.h"
#include "recurra/kernels/gradient.h"
#include "recurra/kernels/pointwise.h"
#include "recurra/kernels/product.h"
#include RECURRA_CELL_HEADERS

namespace recurra {

namespace RECURRA_TARGET_NAME {

namespace {

constexpr CellKernels cells[] = {
#define RECURRA_CELL(folder, Struct) line_of<Vec, Struct>(),
#include RECURRA_CELL_LIST
#undef RECURRA_CELL
};

}  // namespace

extern const Target table;
const Target table{RECURRA_TARGET_TEXT,
                   Vec::width,
                   max_rows<Vec, 4>,
                   beside_rows<Vec>,
                   product,
                   gradient,
                   pointwise,
                   pointwise_gradient,
                   cells,
                   sizeof(cells) / sizeof(cells[0])};

}  // namespace RECURRA_TARGET_NAME

}  // namespace recurra

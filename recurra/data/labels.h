/// Classes from a table's column.
#pragma once

#include <string>
#include <vector>

#include "recurra/base/platform.h"
#include "recurra/base/tensor.h"
#include "recurra/data/csv.h"

namespace recurra {

/// The class of each row.
struct Labels {
  Tensor ids;                            ///< i32 (rows), 0 to classes - 1
  std::vector<std::string> class_names;  ///< by id
};

/// Numbers what stands in the column `name`, text or numbers. With `class_names`, those of a training, they
/// say the numbers; without, the column's own values do: in sorted order, texts by their bytes.
///
/// Throws Error: invalid_argument (no such column), format, naming line and column (an empty cell; a class
/// that `class_names` does not have).
[[nodiscard]] RECURRA_API Labels number_classes(const CsvTable& table,
                                                const std::string& name,
                                                const std::vector<std::string>& class_names = {});

}  // namespace recurra

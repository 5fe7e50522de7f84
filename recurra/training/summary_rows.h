/// What both tables of layers are made of. Not for users of the library.
///
/// Private to the library.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "recurra/training/sequential.h"

namespace recurra {

/// A layer in a table.
struct SummaryRow {
  std::string layer;   ///< name (type)
  std::string shape;   ///< (None, 10); ? before build
  i64 parameters = 0;  ///< numbers in its weights
  i64 trainable = 0;   ///< those that learn
};

/// `outputs` has the layers' output shapes, or nothing before build.
[[nodiscard]] std::vector<SummaryRow> summary_rows(const Sequential& model, std::span<const Shape> outputs);

/// (96.54 KB), with base 1024; below that in `byte_unit`.
[[nodiscard]] std::string size_text(i64 bytes, const char* byte_unit);

/// Keras 3's table.
void write_keras3(std::ostream& out, const Sequential& model, std::span<const SummaryRow> rows);

/// Keras 2's table.
void write_keras2(std::ostream& out, const Sequential& model, std::span<const SummaryRow> rows);

}  // namespace recurra

/// What the makers of examples ask of a table's columns.
///
/// Private to the library.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "recurra/data/csv.h"

namespace recurra {

/// Index of the column of that name, one of numbers. Throws Error (invalid_argument) for none or one of text.
[[nodiscard]] std::size_t number_column(const CsvTable& table, const std::string& name);

/// The columns of these names, or with no names all columns of numbers but `except`. Throws Error
/// (invalid_argument) as number_column, (format) where there is no column of numbers.
[[nodiscard]] std::vector<std::size_t> number_columns(const CsvTable& table,
                                                      const std::vector<std::string>& names,
                                                      const std::vector<std::size_t>& except = {});

[[nodiscard]] std::vector<std::string> names_of(const CsvTable& table,
                                                const std::vector<std::size_t>& columns);

/// Copies a row's numbers to `out`, which has room for them.
void copy_row(const CsvTable& table, const std::vector<std::size_t>& columns, i64 row, float* out) noexcept;

/// Throws Error (format), subject `source`, where padding `rows` steps in all to `sequences` times `longest`
/// would take more than a hundred times the memory, and much: a few bytes of a file must not cost gigabytes.
void require_fair_padding(const std::string& source, i64 sequences, i64 longest, i64 rows);

}  // namespace recurra

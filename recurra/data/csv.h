/// Reader of CSV files: columns of numbers and columns of text, and where each row stands for later messages.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "recurra/base/platform.h"

namespace recurra {

/// Whether the first row names the columns.
enum class CsvHeader {
  automatic,  ///< it does unless one of its cells is a number
  present,
  absent,  ///< columns are called by their numbers, from 1
};

/// How a CSV file is read.
struct CsvOptions {
  char separator = ',';  ///< 0: a tab or else a semicolon where the first line has one, else a comma
  CsvHeader header = CsvHeader::automatic;
  std::vector<std::string> text_columns{};  ///< read as text even where they hold numbers
};

/// One column; either `numbers` or `texts` has an element a row.
struct CsvColumn {
  std::string name;
  bool is_text = false;
  std::vector<double> numbers{};  ///< finite, and finite as float
  std::vector<std::string> texts{};
};

/// A table and where it came from.
struct RECURRA_API CsvTable {
  std::string source;  ///< the file's path
  std::vector<CsvColumn> columns;
  std::vector<i64> lines;  ///< the line in the file of each row, from 1

  [[nodiscard]] i64 rows() const noexcept { return static_cast<i64>(lines.size()); }

  /// Index of the column of that name. Throws Error (invalid_argument) listing the names there are.
  [[nodiscard]] std::size_t index_of(std::string_view name) const;

  /// The subject of an error at a cell: `data.csv:7: column 3 ("temp")`.
  [[nodiscard]] std::string place(i64 row, std::size_t column) const;
};

/// Reads a CSV file (RFC 4180; also LF or CR alone, a UTF-8 byte order mark, spaces around cells, empty lines
/// at the end). Bytes that are not UTF-8 are kept.
///
/// A column is one of text where the first of its cells that is neither empty nor `nan` nor `inf` is no
/// number; else each of its cells must be a number: digits with `.` and an exponent, finite, within a float's
/// range. Throws Error: io (cannot be read), invalid_argument (`text_columns` names no column), and format,
/// naming line and column, for rows of different lengths, cells that are no numbers, names that come twice,
/// quotes without an end, NUL bytes, and files without a row.
[[nodiscard]] RECURRA_API CsvTable read_csv(const std::filesystem::path& path,
                                            const CsvOptions& options = {});

/// The same from a text in memory; `source` names it in errors.
[[nodiscard]] RECURRA_API CsvTable parse_csv(std::string_view text,
                                             const std::string& source,
                                             const CsvOptions& options = {});

}  // namespace recurra

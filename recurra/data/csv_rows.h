/// The rows of a CSV file as texts (RFC 4180), one at a time.
///
/// Private to the library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "recurra/base/platform.h"

namespace recurra {

/// Walks over the rows of `text`, which it does not own. A line ends in LF, CRLF or CR.
class CsvRows {
 public:
  /// `subject` names the file in errors.
  CsvRows(std::string_view text, char separator, const std::string& subject)
      : text_(text), separator_(separator), subject_(subject) {}

  /// Reads the next row into `cells`; false at the end. Empty lines give a row of one empty cell, but are
  /// passed over where only such follow.
  ///
  /// Unquoted cells lose the spaces around them. Throws Error (format), naming line and column, for a quoted
  /// cell without an end or with letters behind it.
  bool next(std::vector<std::string>& cells);

  /// Line on which the row that was read last begins, from 1.
  [[nodiscard]] i64 line() const noexcept { return line_; }

 private:
  void read_cell(std::string& cell, std::size_t column);
  void read_quoted(std::string& cell, std::size_t column);

  [[nodiscard]] bool is_at(char letter) const noexcept { return at_ < text_.size() && text_[at_] == letter; }

  [[nodiscard]] bool is_at_line_end() const noexcept {
    return at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r';
  }

  void skip_spaces() noexcept;
  void skip_line_end() noexcept;

  std::string_view text_;
  char separator_;
  const std::string& subject_;
  std::size_t at_ = 0;
  i64 next_line_ = 1;
  i64 line_ = 0;
};

/// The error's subject for a place in a file: `data.csv:7: column 3`.
[[nodiscard]] std::string csv_place(const std::string& subject, i64 line, std::size_t column);

}  // namespace recurra

#include "recurra/data/csv_rows.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/base/shown.h"

namespace recurra {

std::string csv_place(const std::string& subject, i64 line, std::size_t column) {
  std::string place = subject;
  return place.append(":").append(std::to_string(line)).append(": column ").append(std::to_string(column));
}

bool CsvRows::next(std::vector<std::string>& cells) {
  if (text_.find_first_not_of(" \r\n", at_) == std::string_view::npos) return false;
  line_ = next_line_;
  std::size_t count = 0;
  do {
    if (count > 0) ++at_;  // the separator
    if (++count > cells.size()) cells.emplace_back();
    read_cell(cells[count - 1], count);
  } while (is_at(separator_));
  cells.resize(count);
  skip_line_end();
  return true;
}

void CsvRows::read_cell(std::string& cell, std::size_t column) {
  cell.clear();
  skip_spaces();
  if (is_at('"')) return read_quoted(cell, column);
  const std::size_t first = at_;
  while (!is_at(separator_) && !is_at_line_end()) ++at_;
  cell = text_.substr(first, at_ - first);
  cell.resize(cell.find_last_not_of(' ') + 1);
}

void CsvRows::read_quoted(std::string& cell, std::size_t column) {
  ++at_;
  while (true) {
    const std::size_t quote = text_.find('"', at_);
    if (quote == std::string_view::npos) {
      throw Error(
          ErrorCode::format, csv_place(subject_, line_, column), "a closing quote", "the end of the file");
    }
    cell.append(text_.substr(at_, quote - at_));
    at_ = quote + 1;
    if (!is_at('"')) break;
    cell.push_back('"');  // two stand for one
    ++at_;
  }
  next_line_ += std::ranges::count(cell, '\n');
  skip_spaces();
  if (is_at(separator_) || is_at_line_end()) return;
  throw Error(ErrorCode::format,
              csv_place(subject_, line_, column),
              "the end of the cell behind its closing quote",
              shown(text_.substr(at_, 1)));
}

void CsvRows::skip_spaces() noexcept {
  while (is_at(' ')) ++at_;
}

void CsvRows::skip_line_end() noexcept {
  if (at_ < text_.size()) ++next_line_;
  if (is_at('\r')) ++at_;
  if (is_at('\n')) ++at_;
}

}  // namespace recurra

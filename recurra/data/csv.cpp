#include "recurra/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/base/shown.h"
#include "recurra/data/csv_rows.h"

namespace recurra {

namespace {

constexpr std::size_t most_columns = 65'536;

using Cells = std::vector<std::string>;

/// What a cell is when it is to be a number.
enum class CellKind { number, empty, not_finite, out_of_range, text };

struct Cell {
  CellKind kind;
  double value = 0;
};

Cell read_cell(std::string_view text) {
  if (text.empty()) return {CellKind::empty};
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+';
  const char* end = text.data() + text.size();
  double value = 0;
  const auto [rest, fault] = std::from_chars(text.data() + (plus ? 1 : 0), end, value);
  if (fault == std::errc::invalid_argument || rest != end) return {CellKind::text};
  if (fault == std::errc::result_out_of_range) return {CellKind::out_of_range};
  if (!std::isfinite(value)) return {CellKind::not_finite};
  if (std::abs(value) > std::numeric_limits<float>::max()) return {CellKind::out_of_range};
  return {CellKind::number, value};
}

bool has_decimal_comma(std::string text) {
  if (std::ranges::count(text, ',') != 1) return false;
  std::ranges::replace(text, ',', '.');
  return read_cell(text).kind == CellKind::number;
}

/// A number, be it one that is refused later.
bool is_numeric(const std::string& text) {
  const CellKind kind = read_cell(text).kind;
  return kind == CellKind::number || kind == CellKind::out_of_range || has_decimal_comma(text);
}

[[noreturn]] void refuse_cell(const CsvTable& table, std::size_t column, const std::string& text) {
  std::string actual = shown(text);
  switch (read_cell(text).kind) {
    case CellKind::empty:
      actual = "an empty cell";
      break;
    case CellKind::not_finite:
      actual.append(" (not finite)");
      break;
    case CellKind::out_of_range:
      actual.append(" (out of range)");
      break;
    case CellKind::number:
    case CellKind::text:
      if (has_decimal_comma(text)) actual.append(" (decimal comma)");
  }
  throw Error(ErrorCode::format, table.place(table.rows() - 1, column), "a number", actual);
}

/// Reads the file twice: once for what each column is, once for its values. So no cell is kept as a text that
/// is to be a number.
class TableReader {
 public:
  TableReader(std::string_view text, const std::string& source, const CsvOptions& options)
      : text_(text), options_(options) {
    table_.source = source;
    if (options_.separator == '\0') options_.separator = guess_separator();
  }

  CsvTable read() {
    read_names();
    choose_kinds();
    CsvRows rows = rows_behind_header();
    Cells cells;
    while (rows.next(cells)) add_row(cells, rows.line());
    return std::move(table_);
  }

 private:
  [[nodiscard]] char guess_separator() const {
    const std::string_view line = text_.substr(0, text_.find_first_of("\r\n"));
    for (const char candidate : {'\t', ';'}) {
      if (line.find(candidate) != std::string_view::npos) return candidate;
    }
    return ',';
  }

  void read_names() {
    CsvRows rows(text_, options_.separator, table_.source);
    Cells cells;
    if (!rows.next(cells)) {
      throw Error(ErrorCode::format, table_.source, "a row of cells", "an empty file");
    }
    if (cells.size() > most_columns) {
      throw Error(ErrorCode::format, table_.source, "at most 65536 columns", std::to_string(cells.size()));
    }
    has_header_ = options_.header == CsvHeader::present ||
                  (options_.header == CsvHeader::automatic && std::ranges::none_of(cells, is_numeric));
    std::unordered_set<std::string> names;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      std::string name = has_header_ && !cells[i].empty() ? cells[i] : std::to_string(i + 1);
      if (!names.insert(name).second) {
        throw Error(ErrorCode::format,
                    csv_place(table_.source, rows.line(), i + 1),
                    "a name that no other column has",
                    shown(name));
      }
      table_.columns.push_back({std::move(name)});
    }
  }

  [[nodiscard]] CsvRows rows_behind_header() const {
    CsvRows rows(text_, options_.separator, table_.source);
    Cells header;
    if (has_header_) rows.next(header);
    return rows;
  }

  void choose_kinds() {
    std::vector<bool> decided(table_.columns.size(), false);
    for (const std::string& name : options_.text_columns) {
      const std::size_t column = table_.index_of(name);
      table_.columns[column].is_text = true;
      decided[column] = true;
    }
    CsvRows rows = rows_behind_header();
    Cells cells;
    bool any = false;
    for (bool all = false; !all && rows.next(cells); any = true) {
      require_as_many(cells, rows.line());
      all = true;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (!decided[i]) decided[i] = decide(table_.columns[i], cells[i]);
        all = all && decided[i];
      }
    }
    if (!any) {
      throw Error(ErrorCode::format, table_.source, "a row of cells behind the names", "none");
    }
  }

  /// Whether the cell says what the column is.
  static bool decide(CsvColumn& column, const std::string& cell) {
    const CellKind kind = read_cell(cell).kind;
    if (kind == CellKind::empty || kind == CellKind::not_finite) return false;
    column.is_text = !is_numeric(cell);
    return true;
  }

  void require_as_many(const Cells& cells, i64 line) const {
    const std::size_t columns = table_.columns.size();
    if (cells.size() == columns) return;
    const bool blank = cells.size() == 1 && cells[0].empty();
    throw Error(ErrorCode::format,
                table_.source + ":" + std::to_string(line),
                std::to_string(columns) + (columns == 1 ? " cell" : " cells"),
                blank ? "an empty line" : std::to_string(cells.size()));
  }

  void add_row(Cells& cells, i64 line) {
    require_as_many(cells, line);
    table_.lines.push_back(line);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      CsvColumn& column = table_.columns[i];
      if (column.is_text) {
        column.texts.push_back(std::move(cells[i]));
        continue;
      }
      const Cell cell = read_cell(cells[i]);
      if (cell.kind != CellKind::number) refuse_cell(table_, i, cells[i]);
      column.numbers.push_back(cell.value);
    }
  }

  std::string_view text_;
  CsvOptions options_;
  CsvTable table_;
  bool has_header_ = false;
};

void require_text(std::string_view text, const std::string& source) {
  const std::size_t zero = text.find('\0');
  if (zero == std::string_view::npos) return;
  const i64 line = 1 + std::ranges::count(text.substr(0, zero), '\n');
  throw Error(ErrorCode::format,
              source + ":" + std::to_string(line),
              "text in UTF-8 or another code of single bytes",
              "a NUL byte");
}

}  // namespace

std::size_t CsvTable::index_of(std::string_view name) const {
  const auto found = std::ranges::find(columns, name, &CsvColumn::name);
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  std::vector<std::string> names;
  for (const CsvColumn& column : columns) names.push_back(column.name);
  throw Error(ErrorCode::invalid_argument, source + ": column", "one of " + shown_list(names), shown(name));
}

std::string CsvTable::place(i64 row, std::size_t column) const {
  return csv_place(source, lines[static_cast<std::size_t>(row)], column + 1)
      .append(" (")
      .append(shown(columns[column].name))
      .append(")");
}

CsvTable parse_csv(std::string_view text, const std::string& source, const CsvOptions& options) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  require_text(text, source);
  return TableReader(text, source, options).read();
}

CsvTable read_csv(const std::filesystem::path& path, const CsvOptions& options) {
  return parse_csv(read_file(path), path.string(), options);
}

}  // namespace recurra

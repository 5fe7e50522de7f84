#include "recurra/data/csv.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/data/labels.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

using test::error_text;
using test::TemporaryFolder;
using test::write_bytes;
using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;

CsvTable parsed(const std::string& text, const CsvOptions& options = {}) {
  return parse_csv(text, "data.csv", options);
}

std::string refusal_of(const std::string& text, const CsvOptions& options = {}) {
  return error_text(ErrorCode::format, [&] { (void)parsed(text, options); });
}

Texts names_of(const CsvTable& table) {
  Texts names;
  for (const CsvColumn& column : table.columns) names.push_back(column.name);
  return names;
}

TEST(Csv, reads_numbers_and_texts) {
  const TemporaryFolder folder;
  write_bytes(folder / "data.csv", "id,temp,label\n1,2.5,warm\n2,-3e-1,cold\n");
  const CsvTable table = read_csv(folder / "data.csv");
  EXPECT_EQ(table.source, (folder / "data.csv").string());
  EXPECT_EQ(names_of(table), (Texts{"id", "temp", "label"}));
  EXPECT_EQ(table.rows(), 2);
  EXPECT_EQ(table.lines, (std::vector<i64>{2, 3}));
  EXPECT_EQ(table.columns[1].numbers, (Numbers{2.5, -0.3}));
  EXPECT_TRUE(table.columns[2].is_text);
  EXPECT_EQ(table.columns[2].texts, (Texts{"warm", "cold"}));
}

TEST(Csv, line_ends_byte_order_mark_and_blank_lines_at_the_end_change_nothing) {
  for (const char* text : {"a,b\n1,2\n3,4",
                           "a,b\r\n1,2\r\n3,4\r\n",
                           "a,b\r1,2\r3,4\r",
                           "\xEF\xBB\xBF"
                           "a,b\n1,2\n3,4\n\n \r\n\n",
                           " a , b\n 1 ,2  \n3, 4\n",
                           "\"a\",\"b\"\n\"1\",\"2\"\n\"3\" , \"4\"\n"}) {
    const CsvTable table = parsed(text);
    EXPECT_EQ(names_of(table), (Texts{"a", "b"})) << text;
    EXPECT_EQ(table.columns[0].numbers, (Numbers{1, 3})) << text;
    EXPECT_EQ(table.columns[1].numbers, (Numbers{2, 4})) << text;
  }
}

TEST(Csv, quoted_cells_hold_separators_quotes_and_line_ends) {
  const CsvTable table =
      parsed("text,n\n\"a,b\",1\n\"say \"\"hi\"\"\",2\n\"two\nlines \",3\n5\" disk,4\n\"\",5\n");
  EXPECT_EQ(table.columns[0].texts, (Texts{"a,b", "say \"hi\"", "two\nlines ", "5\" disk", ""}));
  EXPECT_EQ(table.lines, (std::vector<i64>{2, 3, 4, 6, 7}));
}

TEST(Csv, separators_are_given_or_found) {
  const Numbers expected{1.5};
  EXPECT_EQ(parsed("a;b\n1;1.5\n", {.separator = ';'}).columns[1].numbers, expected);
  for (const char* text : {"a;b\n1;1.5\n", "a\tb\n1\t1.5\n", "a,b\n1,1.5\n", "\"x,y\";b\n1;1.5\n"}) {
    EXPECT_EQ(parsed(text, {.separator = '\0'}).columns[1].numbers, expected) << text;
  }
}

TEST(Csv, a_first_row_with_a_number_is_no_header) {
  const CsvTable table = parsed("x,1\ny,2\n");
  EXPECT_EQ(names_of(table), (Texts{"1", "2"}));
  EXPECT_EQ(table.columns[0].texts, (Texts{"x", "y"}));
  EXPECT_EQ(parsed("1,2\n3,4\n", {.header = CsvHeader::present}).columns[1].name, "2");
  EXPECT_EQ(parsed("a\nb\n", {.header = CsvHeader::absent}).rows(), 2);
}

TEST(Csv, columns_without_a_name_are_called_by_their_number) {
  EXPECT_EQ(names_of(parsed(",temp\n0,1\n")), (Texts{"1", "temp"}));
}

TEST(Csv, columns_of_numbers_are_read_as_text_where_asked) {
  const CsvTable table = parsed("id,n\n007,1\n12b,2\n", {.text_columns = {"id"}});
  EXPECT_EQ(table.columns[0].texts, (Texts{"007", "12b"}));
  EXPECT_EQ(
      error_text(ErrorCode::invalid_argument, [] { (void)parsed("a,b\n1,2\n", {.text_columns = {"c"}}); }),
      R"(data.csv: column: expected one of "a", "b", got "c")");
}

TEST(Csv, names_line_and_column_of_a_cell_that_is_no_number) {
  const std::string head = "time,load,temp\n1,1,1\n2,2,2\n3,3,3\n4,4,4\n5,5,5\n";
  const std::string place = "data.csv:7: column 3 (\"temp\"): expected a number, got ";
  EXPECT_EQ(refusal_of(head + "6,6,abc\n"), place + "\"abc\"");
  EXPECT_EQ(refusal_of(head + "6,6,12abc\n"), place + "\"12abc\"");
  EXPECT_EQ(refusal_of(head + "6,6,0x1f\n"), place + "\"0x1f\"");
  EXPECT_EQ(refusal_of(head + "6,6,1 2\n"), place + "\"1 2\"");
  EXPECT_EQ(refusal_of(head + "6,6,--1\n"), place + "\"--1\"");
  EXPECT_EQ(refusal_of(head + "6,6,+-1\n"), place + "\"+-1\"");
  EXPECT_EQ(refusal_of(head + "6,6,\n"), place + "an empty cell");
  EXPECT_EQ(refusal_of(head + "6,6,nan\n"), place + "\"nan\" (not finite)");
  EXPECT_EQ(refusal_of(head + "6,6,-inf\n"), place + "\"-inf\" (not finite)");
  EXPECT_EQ(refusal_of(head + "6,6,1e999\n"), place + "\"1e999\" (out of range)");
  EXPECT_EQ(refusal_of(head + "6,6,1e39\n"), place + "\"1e39\" (out of range)");
  EXPECT_EQ(refusal_of(head + "6,6,\"3,14\"\n"), place + "\"3,14\" (decimal comma)");
}

TEST(Csv, a_bad_first_number_does_not_make_a_column_of_text) {
  EXPECT_EQ(refusal_of("a;b\n1;3,14\n", {.separator = ';'}),
            "data.csv:2: column 2 (\"b\"): expected a number, got \"3,14\" (decimal comma)");
  EXPECT_EQ(refusal_of("3,14;1\n", {.separator = ';'}),
            "data.csv:1: column 1 (\"1\"): expected a number, got \"3,14\" (decimal comma)");
  EXPECT_EQ(refusal_of("a,b\n1,\n2,3\n"),
            "data.csv:2: column 2 (\"b\"): expected a number, got an empty cell");
  EXPECT_EQ(refusal_of("a,b\n1,1e999\n"),
            "data.csv:2: column 2 (\"b\"): expected a number, got \"1e999\" (out of range)");
  EXPECT_EQ(parsed("a,b\n1,\n2,x\n").columns[1].texts, (Texts{"", "x"}));
}

TEST(Csv, numbers_may_have_a_plus_and_any_form) {
  EXPECT_EQ(parsed("a\n+1.5\n.5\n5.\n1E2\n-0\n1e-300\n").columns[0].numbers,
            (Numbers{1.5, 0.5, 5, 100, 0, 1e-300}));
}

TEST(Csv, names_rows_of_another_length) {
  EXPECT_EQ(refusal_of("a,b\n1,2\n3\n"), "data.csv:3: expected 2 cells, got 1");
  EXPECT_EQ(refusal_of("a,b\n1,2\n3,4,5\n"), "data.csv:3: expected 2 cells, got 3");
  EXPECT_EQ(refusal_of("a,b\n1,2\n\n3,4\n"), "data.csv:3: expected 2 cells, got an empty line");
  EXPECT_EQ(refusal_of("a\n1\n2,3\n"), "data.csv:3: expected 1 cell, got 2");
}

TEST(Csv, names_files_without_rows) {
  EXPECT_EQ(refusal_of(""), "data.csv: expected a row of cells, got an empty file");
  EXPECT_EQ(refusal_of("\n\n"), "data.csv: expected a row of cells, got an empty file");
  EXPECT_EQ(refusal_of("a,b\n"), "data.csv: expected a row of cells behind the names, got none");
}

TEST(Csv, names_broken_quotes) {
  EXPECT_EQ(refusal_of("a,b\n1,\"2\n3,4\n"),
            "data.csv:2: column 2: expected a closing quote, got the end of the file");
  EXPECT_EQ(refusal_of("a,b\n1,\"2\"3\n"),
            "data.csv:2: column 2: expected the end of the cell behind its closing quote, got \"3\"");
}

TEST(Csv, names_names_that_come_twice) {
  EXPECT_EQ(refusal_of("a,b,a\n1,2,3\n"),
            "data.csv:1: column 3: expected a name that no other column has, got \"a\"");
}

TEST(Csv, refuses_files_of_another_kind) {
  EXPECT_EQ(refusal_of(std::string("a,b\n1,\0\n", 8)),
            "data.csv:2: expected text in UTF-8 or another code of single bytes, got a NUL byte");
  EXPECT_EQ(refusal_of(std::string(70'000, ',')), "data.csv: expected at most 65536 columns, got 70001");
  const TemporaryFolder folder;
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_csv(folder.path()); }),
            folder.path().string() + ": expected a regular file, got a folder");
}

TEST(Csv, keeps_bytes_that_are_no_utf8) {
  const CsvTable table = parsed("n\xe4me,x\nK\xf6ln,1\n");
  EXPECT_EQ(table.columns[0].name, "n\xe4me");
  EXPECT_EQ(table.columns[0].texts, (Texts{"K\xf6ln"}));
}

TEST(Csv, any_cut_gives_a_table_or_an_error) {
  const std::string whole = "\xEF\xBB\xBFid,\"te\"\"xt\",v\r\n1,\"a\nb\",2.5e-3\r\n2,\"c\",+1\r\n\r\n";
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    EXPECT_NE(error_text([&] { (void)parsed(whole.substr(0, length)); }), "") << length;
  }
}

TEST(Labels, are_numbered_in_sorted_order) {
  const CsvTable table = parsed("label,n\nwarm,10\ncold,9\nwarm,10\n");
  const Labels words = number_classes(table, "label");
  EXPECT_EQ(words.class_names, (Texts{"cold", "warm"}));
  EXPECT_EQ(words.ids.as<std::int32_t>()[0], 1);
  EXPECT_EQ(words.ids.as<std::int32_t>()[1], 0);
  EXPECT_EQ(number_classes(table, "n").class_names, (Texts{"9", "10"}));
}

TEST(Labels, are_numbered_as_in_training_where_that_is_given) {
  const CsvTable table = parsed("label,n\nwarm,10\ncold,9\n");
  const Labels labels = number_classes(table, "label", {"warm", "hot", "cold"});
  EXPECT_EQ(labels.class_names, (Texts{"warm", "hot", "cold"}));
  EXPECT_EQ(labels.ids.as<std::int32_t>()[1], 2);
  EXPECT_EQ(error_text(ErrorCode::format,
                       [&] {
                         (void)number_classes(table, "label", {"hot", "warm"});
                       }),
            R"(data.csv:3: column 1 ("label"): expected one of "hot", "warm", got "cold")");
}

TEST(Labels, are_not_empty) {
  EXPECT_EQ(
      error_text(ErrorCode::format, [] { (void)number_classes(parsed("label,n\na,1\n,2\n"), "label"); }),
      R"(data.csv:3: column 1 ("label"): expected the name of a class, got an empty cell)");
}

}  // namespace

}  // namespace recurra

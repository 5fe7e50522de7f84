#include "recurra/data/sequences.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

using test::error_text;
using Texts = std::vector<std::string>;

template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  return {tensor.as<T>().begin(), tensor.as<T>().end()};
}

/// Two sequences of 3 and 1 steps.
CsvTable walks(const CsvOptions& options = {}) {
  return parse_csv("who,x,y,kind\nann,1,2,up\nann,3,4,up\nann,5,6,down\nbob,7,8,up\n", "walks.csv", options);
}

std::string refusal_of(const CsvTable& table,
                       const SequenceOptions& options,
                       ErrorCode code = ErrorCode::format) {
  return error_text(code, [&] { (void)make_sequences(table, options); });
}

TEST(Sequences, are_padded_with_zeros) {
  const SequenceData data = make_sequences(walks(), {.sequence = "who"});
  EXPECT_EQ(data.x.shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(values_of<float>(data.x), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0}));
  EXPECT_EQ(data.lengths, (std::vector<int>{3, 1}));
  EXPECT_EQ(data.feature_names, (Texts{"x", "y"}));
  EXPECT_EQ(data.y.size(), 0);
}

TEST(Sequences, have_a_class_each) {
  const SequenceData data =
      make_sequences(walks(), {.sequence = "who", .target = "kind", .target_row = TargetRow::last});
  EXPECT_EQ(data.y.shape(), (Shape{2}));
  EXPECT_EQ(values_of<std::int32_t>(data.y), (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(data.class_names, (Texts{"down", "up"}));
}

TEST(Sequences, have_a_class_a_step) {
  const SequenceData data =
      make_sequences(walks(), {.sequence = "who", .target = "kind", .kind = TargetKind::label_per_step});
  EXPECT_EQ(data.y.shape(), (Shape{2, 3}));
  EXPECT_EQ(values_of<std::int32_t>(data.y), (std::vector<std::int32_t>{1, 1, 0, 1, 0, 0}));
}

TEST(Sequences, have_a_number_each) {
  const SequenceData data = make_sequences(
      walks(), {.sequence = "who", .target = "y", .kind = TargetKind::number, .target_row = TargetRow::last});
  EXPECT_EQ(data.x.shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(data.y.shape(), (Shape{2, 1}));
  EXPECT_EQ(values_of<float>(data.y), (std::vector<float>{6, 8}));
}

TEST(Sequences, have_a_number_a_step) {
  const SequenceData data =
      make_sequences(walks(), {.sequence = "who", .target = "x", .kind = TargetKind::number_per_step});
  EXPECT_EQ(data.y.shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(values_of<float>(data.y), (std::vector<float>{1, 3, 5, 7, 0, 0}));
}

TEST(Sequences, take_the_features_they_are_given_in_that_order) {
  const SequenceData data = make_sequences(walks(), {.sequence = "who", .features = {"y", "x"}});
  EXPECT_EQ(data.feature_names, (Texts{"y", "x"}));
  EXPECT_EQ(data.x.data()[0], 2.0F);
}

TEST(Sequences, ids_may_be_large_numbers) {
  const CsvTable table = parse_csv("id,v\n16777216,1\n16777217,2\n", "data.csv");
  EXPECT_EQ(make_sequences(table, {.sequence = "id"}).lengths, (std::vector<int>{1, 1}));
}

TEST(Sequences, classes_can_be_those_of_a_training) {
  SequenceOptions options{.sequence = "who", .target = "kind", .target_row = TargetRow::last};
  options.class_names = {"up", "down"};
  EXPECT_EQ(values_of<std::int32_t>(make_sequences(walks(), options).y), (std::vector<std::int32_t>{1, 0}));
  options.class_names = {"up"};
  EXPECT_EQ(refusal_of(walks(), options),
            R"(walks.csv:4: column 4 ("kind"): expected one of "up", got "down")");
}

TEST(Sequences, name_the_line_where_a_sequence_comes_back) {
  EXPECT_EQ(refusal_of(parse_csv("who,x\nann,1\nbob,2\nann,3\n", "walks.csv"), {.sequence = "who"}),
            R"(walks.csv:4: column 1 ("who"): expected the rows of a sequence together, got "ann" again)");
}

TEST(Sequences, name_the_line_where_the_target_changes) {
  EXPECT_EQ(refusal_of(walks(), {.sequence = "who", .target = "kind"}),
            R"(walks.csv:4: column 4 ("kind"): expected the target of the rows before, )"
            "which are of the same sequence, got another");
}

TEST(Sequences, name_columns_that_do_not_serve) {
  EXPECT_EQ(refusal_of(walks(), {.sequence = "id"}, ErrorCode::invalid_argument),
            R"(walks.csv: column: expected one of "who", "x", "y", "kind", got "id")");
  EXPECT_EQ(refusal_of(walks(), {.sequence = "who", .features = {"kind"}}, ErrorCode::invalid_argument),
            R"(walks.csv: column "kind": expected numbers, got text, as "up")");
  EXPECT_EQ(refusal_of(walks(),
                       {.sequence = "who", .target = "kind", .kind = TargetKind::number},
                       ErrorCode::invalid_argument),
            R"(walks.csv: column "kind": expected numbers, got text, as "up")");
  EXPECT_EQ(refusal_of(parse_csv("who,kind\na,b\n", "walks.csv"), {.sequence = "who", .target = "kind"}),
            R"(walks.csv: expected a column of numbers besides "who", "kind", got columns "who", "kind")");
}

TEST(Sequences, a_small_file_cannot_ask_for_much_memory) {
  std::string text = "id,v\n";
  for (int i = 0; i < 3000; ++i) text += std::to_string(i) + ",1\n";
  for (int i = 0; i < 3000; ++i) text += "last,1\n";
  const CsvTable table = parse_csv(text, "data.csv", {.text_columns = {"id"}});
  EXPECT_EQ(
      refusal_of(table, {.sequence = "id"}),
      "data.csv: expected sequences that take at most 100 times their memory when padded to the longest, got "
      "3001 sequences of 6000 steps together, the longest of 3000");
}

}  // namespace

}  // namespace recurra

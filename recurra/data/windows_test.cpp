#include "recurra/data/windows.h"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

using test::error_text;
using Texts = std::vector<std::string>;

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.as<float>().begin(), tensor.as<float>().end()};
}

/// Rows (0, 0), (1, 10), (2, 20), …
CsvTable series(int rows) {
  std::string text = "load,temp\n";
  for (int i = 0; i < rows; ++i) text += std::to_string(i) + "," + std::to_string(10 * i) + "\n";
  return parse_csv(text, "data.csv");
}

std::string refusal_of(const CsvTable& table, const WindowOptions& options, ErrorCode code) {
  return error_text(code, [&] { (void)make_windows(table, options); });
}

TEST(Windows, are_followed_by_what_comes_next) {
  const WindowData data = make_windows(series(5), {.window = 2, .horizon = 2, .targets = {"temp"}});
  EXPECT_EQ(data.x.shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(data.y.shape(), (Shape{2, 2}));
  EXPECT_EQ(values_of(data.x), (std::vector<float>{0, 0, 1, 10, 1, 10, 2, 20}));
  EXPECT_EQ(values_of(data.y), (std::vector<float>{20, 30, 30, 40}));
  EXPECT_EQ(data.feature_names, (Texts{"load", "temp"}));
  EXPECT_EQ(data.target_names, (Texts{"temp"}));
}

TEST(Windows, foretell_all_features_a_step_after_the_other) {
  const WindowData data = make_windows(series(3), {.window = 1, .horizon = 2});
  EXPECT_EQ(data.x.shape(), (Shape{1, 1, 2}));
  EXPECT_EQ(values_of(data.y), (std::vector<float>{1, 10, 2, 20}));
}

TEST(Windows, need_rows_enough_for_one) {
  EXPECT_EQ(make_windows(series(25), {.window = 24}).x.shape(), (Shape{1, 24, 2}));
  EXPECT_EQ(refusal_of(series(10), {.window = 24, .horizon = 1}, ErrorCode::format),
            "data.csv: expected at least 25 rows for window 24 and horizon 1, got 10");
  EXPECT_EQ(refusal_of(series(24), {.window = 24, .horizon = 1}, ErrorCode::format),
            "data.csv: expected at least 25 rows for window 24 and horizon 1, got 24");
  constexpr i64 most = std::numeric_limits<i64>::max();
  EXPECT_EQ(
      refusal_of(series(3), {.window = 2, .horizon = most}, ErrorCode::format),
      "data.csv: expected at least 9223372036854775809 rows for window 2 and horizon 9223372036854775807, "
      "got 3");
}

TEST(Windows, name_what_does_not_serve) {
  EXPECT_EQ(refusal_of(series(3), {.window = 0}, ErrorCode::invalid_argument),
            "window: expected from 1 up, got 0");
  EXPECT_EQ(refusal_of(series(3), {.window = 1, .horizon = -1}, ErrorCode::invalid_argument),
            "horizon: expected from 1 up, got -1");
  EXPECT_EQ(refusal_of(series(3), {.window = 1, .targets = {"wind"}}, ErrorCode::invalid_argument),
            R"(data.csv: column: expected one of "load", "temp", got "wind")");
  EXPECT_EQ(refusal_of(parse_csv("a;b\nx;y\n", "data.csv"), {.window = 1}, ErrorCode::format),
            R"(data.csv: expected a column of numbers, got columns "a;b")");
}

}  // namespace

}  // namespace recurra

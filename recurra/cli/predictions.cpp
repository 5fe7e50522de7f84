#include "recurra/cli/predictions.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "recurra/base/error.h"

namespace recurra::cli {

namespace {

void softmax(std::span<float> values) {
  const float largest = *std::ranges::max_element(values);
  float sum = 0;
  for (float& value : values) sum += value = std::exp(value - largest);
  for (float& value : values) value /= sum;
}

/// `class`, `probability`, or a title for each number.
std::vector<std::string> titles(i64 width, const DataDescription& training) {
  if (training.classes > 0) return {"class", "probability"};
  const auto names = static_cast<i64>(training.targets.size());
  std::vector<std::string> titles;
  for (i64 i = 0; i < width; ++i) {
    if (names == 0 || width % names != 0) {
      titles.push_back(fmt::format("output{}", i));
      continue;
    }
    titles.push_back(training.targets[static_cast<std::size_t>(i % names)]);
    if (width > names) titles.back() += fmt::format("+{}", i / names + 1);
  }
  return titles;
}

std::string class_cells(std::span<const float> row, const DataDescription& training) {
  if (row.size() == 1) {
    const bool second = row[0] > 0.5F;
    return fmt::format(
        "{},{}", csv_cell(training.class_name(second ? 1 : 0)), second ? row[0] : 1.0F - row[0]);
  }
  const auto best = std::ranges::max_element(row);
  return fmt::format("{},{}", csv_cell(training.class_name(best - row.begin())), *best);
}

std::string cells(std::span<const float> row, const DataDescription& training) {
  if (training.classes > 0) return class_cells(row, training);
  std::string text;
  for (const float value : row) text += fmt::format("{}{}", text.empty() ? "" : ",", value);
  return text;
}

}  // namespace

void to_probabilities(Tensor& outputs) {
  const auto width = static_cast<std::size_t>(outputs.shape().back());
  const std::span<float> values = outputs.as<float>();
  if (width == 1) {
    for (float& value : values) value = 1.0F / (1.0F + std::exp(-value));
    return;
  }
  for (std::size_t at = 0; at < values.size(); at += width) softmax(values.subspan(at, width));
}

std::string csv_cell(const std::string& text) {
  const bool plain = text.find_first_of(",;\t\"\r\n") == std::string::npos && !text.empty() &&
                     text.front() != ' ' && text.back() != ' ';
  if (plain) return text;
  std::string quoted = "\"";
  for (const char letter : text) quoted.append(letter == '"' ? 2 : 1, letter);
  return quoted + "\"";
}

std::string to_csv(const Tensor& outputs, const LoadedData& data, const DataDescription& training) {
  const Shape& shape = outputs.shape();
  if (shape.rank() != 2 && shape.rank() != 3) {
    throw Error(ErrorCode::shape,
                "predictions as CSV",
                "outputs (examples, values) or (examples, steps, values)",
                shape.to_string());
  }
  const bool per_step = shape.rank() == 3;
  const i64 steps = per_step ? shape[1] : 1;
  const auto width = static_cast<std::size_t>(shape.back());
  std::string text = csv_cell(data.row_title) + (per_step ? ",step" : "");
  for (const std::string& title : titles(shape.back(), training)) text += "," + csv_cell(title);
  text += "\n";
  const std::span<const float> values = outputs.as<float>();
  for (i64 i = 0; i < shape[0]; ++i) {
    const auto index = static_cast<std::size_t>(i);
    const std::string name =
        index < data.row_names.size() ? csv_cell(data.row_names[index]) : std::to_string(i);
    const i64 length = per_step && !data.examples.lengths.empty() ? data.examples.lengths[index] : steps;
    for (i64 step = 0; step < length; ++step) {
      text += name + (per_step ? fmt::format(",{},", step + 1) : ",");
      text +=
          cells(values.subspan(static_cast<std::size_t>(i * steps + step) * width, width), training) + "\n";
    }
  }
  return text;
}

}  // namespace recurra::cli

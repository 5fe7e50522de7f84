/// What a model foretells, as tables for people and arrays for programs.
#pragma once

#include <string>

#include "recurra/cli/data_description.h"
#include "recurra/cli/load_data.h"

namespace recurra::cli {

/// Outputs (…, classes) of a model of classes as probabilities: softmax, or sigmoid of a single one, unless
/// they are such already.
void to_probabilities(Tensor& outputs);

/// The predictions as CSV, a row an example, or one for each of its steps where each has an output: of
/// classes the likeliest one and its probability, else the numbers. `outputs` as to_probabilities leaves
/// them; `training` names columns and classes. Throws Error (shape) for outputs that are not one row each.
[[nodiscard]] std::string to_csv(const Tensor& outputs,
                                 const LoadedData& data,
                                 const DataDescription& training);

/// A cell in quotes where it needs them.
[[nodiscard]] std::string csv_cell(const std::string& text);

}  // namespace recurra::cli

/// Training examples from a table with one row a step and a column that says which sequence the step is of.
#pragma once

#include <string>
#include <vector>

#include "recurra/base/platform.h"
#include "recurra/base/tensor.h"
#include "recurra/data/csv.h"

namespace recurra {

/// What the target column holds.
enum class TargetKind {
  label,            ///< a class for each sequence
  number,           ///< a number for each sequence
  label_per_step,   ///< a class for each step
  number_per_step,  ///< a number for each step
};

/// Which row says the target of a whole sequence.
enum class TargetRow {
  all,   ///< they agree
  last,  ///< the last one
};

/// Which columns a sequence is made of.
struct SequenceOptions {
  std::string sequence;                 ///< column of ids, text or numbers
  std::string target{};                 ///< column of targets; empty: y stays empty
  std::vector<std::string> features{};  ///< columns of numbers; empty: all but sequence and target
  TargetKind kind = TargetKind::label;
  TargetRow target_row = TargetRow::all;
  std::vector<std::string> class_names{};  ///< of a training, to number classes as it did; empty: sorted
};

/// Sequences padded with zeros behind their last step.
struct SequenceData {
  Tensor x;                  ///< f32 (sequences, longest, features)
  Tensor y;                  ///< label: i32 (sequences); number: f32 (sequences, 1); label_per_step: i32
                             ///< (sequences, longest); number_per_step: f32 (sequences, longest, 1)
  std::vector<int> lengths;  ///< (sequences)
  std::vector<std::string> feature_names;
  std::vector<std::string> class_names;  ///< of labels, by number
};

/// Cuts the table into sequences, in the order of the file. The rows of one stand together.
///
/// Throws Error: invalid_argument (a column that is not there or of the wrong kind), format, naming the line
/// (an id that comes back after another; targets of one sequence that differ; a class `class_names` does not
/// have; no column of numbers; lengths that differ so much that padding takes 100 times the memory).
[[nodiscard]] RECURRA_API SequenceData make_sequences(const CsvTable& table, const SequenceOptions& options);

}  // namespace recurra

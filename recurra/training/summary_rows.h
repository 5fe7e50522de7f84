/// What both tables of layers are made of. Not for users of the library.
///
/// Private to the library.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "recurra/training/trainable_model.h"

namespace recurra {

/// An input or a layer in a table.
struct SummaryRow {
  std::string layer;                  ///< name (type)
  std::vector<std::string> shapes{};  ///< (None, 10), one an output; none before build
  bool is_input = false;
  i64 parameters = 0;                      ///< numbers in its weights
  i64 trainable = 0;                       ///< those that learn
  std::vector<std::string> connections{};  ///< what goes in: name[call][output]
};

/// A model as a table has it.
struct SummaryTable {
  std::string name;
  bool built = false;
  bool chain = true;  ///< one layer behind the other: no need to say what goes in
  std::vector<SummaryRow> rows{};
  i64 slots_per_parameter = -1;  ///< of the optimizer; -1: none

  /// Numbers in all weights, and in those that learn.
  [[nodiscard]] i64 parameters() const noexcept;
  [[nodiscard]] i64 trainable() const noexcept;
};

/// `plan` is empty before build. A Model's inputs are rows, a Sequential's is not.
[[nodiscard]] SummaryTable summary_table(const TrainableModel& model, const GraphPlan& plan);

/// `text`, or for several `[a, b]`.
[[nodiscard]] std::string list_text(const std::vector<std::string>& texts, bool always_a_list);

/// (96.54 KB), with base 1024; below that in `byte_unit`.
[[nodiscard]] std::string size_text(i64 bytes, const char* byte_unit);

/// Keras 3's table.
void write_keras3(std::ostream& out, const SummaryTable& table);

/// Keras 2's table.
void write_keras2(std::ostream& out, const SummaryTable& table);

}  // namespace recurra

/// What a model was trained on, kept in its file: whoever evaluates it or predicts with it numbers classes
/// and picks columns as the training did.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/data/vocabulary.h"
#include "recurra/training/sequential.h"

namespace recurra::cli {

/// Where examples come from.
enum class DataKind {
  mnist,
  sequences,  ///< a table with a column of sequences' ids
  windows,    ///< a table that is one long series
  arrays,     ///< npy and npz files
  text,
};

/// As it stands in files and messages: mnist, sequences, ….
[[nodiscard]] const char* name_of(DataKind kind) noexcept;

/// Everything about the data that is not the data.
struct DataDescription {
  DataKind kind = DataKind::mnist;
  std::string sequence{};                  ///< column
  std::string target_kind{};               ///< class, number, class-per-step, number-per-step
  bool target_is_text = false;             ///< classes are texts even where they look like numbers
  std::vector<std::string> features{};     ///< columns
  std::vector<std::string> targets{};      ///< columns
  std::vector<std::string> class_names{};  ///< by number; empty where they have no names
  i64 classes = 0;                         ///< 0: targets are numbers
  i64 outputs = 0;                         ///< what a model's last layer must have; 0: not known
  i64 ids = 0;                             ///< inputs are ids below this; 0: they are numbers
  i64 window = 0;
  i64 horizon = 0;
  std::optional<Vocabulary> vocabulary{};

  [[nodiscard]] bool per_step() const { return target_kind.ends_with("-per-step"); }

  /// The class as people call it: its name, or its number.
  [[nodiscard]] std::string class_name(i64 id) const;
};

/// Throws Error (format) for names that are not UTF-8: a model file could not hold them.
[[nodiscard]] nlohmann::json to_json(const DataDescription& description);

/// What to_json gave. Throws Error (format), subject `subject`.
[[nodiscard]] DataDescription parse_description(const nlohmann::json& json, const std::string& subject);

/// Puts the description into the model, whose file will hold it.
void describe(Sequential& model, const DataDescription& description);

/// The description in a model read from `file`; nothing where a library made it without one.
[[nodiscard]] std::optional<DataDescription> description_of(const Sequential& model, const std::string& file);

}  // namespace recurra::cli

/// Numbered checkpoints beside one another, so that a damaged one costs a few steps and not the training.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "recurra/base/platform.h"
#include "recurra/formats/weight_table.h"

namespace recurra {

/// The files `<prefix>-<number>.safetensors`, the numbers with at least eight digits: `runs/digits` names
/// `runs/digits-00000120.safetensors`. They are written by `write_safetensors(path_for(number), table)`.
class RECURRA_API Checkpoints {
 public:
  /// `keep` is from 1 up. Throws Error (invalid_argument), also where `prefix` does not end in a name.
  explicit Checkpoints(std::filesystem::path prefix, int keep = 3);

  /// `number` is from 0 up, a step or an epoch. Throws Error (invalid_argument).
  [[nodiscard]] std::filesystem::path path_for(i64 number) const;

  /// The checkpoints there are, valid or not, the highest number first. Throws Error (io) naming the folder.
  [[nodiscard]] std::vector<std::filesystem::path> newest_first() const;

  /// The highest number there is, valid or not; -1: none. Throws Error (io) naming the folder.
  [[nodiscard]] i64 newest_number() const;

  /// The newest checkpoint that can be read and is whole. Where `skipped` is given, the error text of each
  /// newer one is appended to it, newest first.
  /// Throws Error: io where there is none (or the folder cannot be read), format where there are only damaged
  /// ones, saying what is wrong with the newest.
  [[nodiscard]] WeightTable load_newest(std::vector<std::string>* skipped = nullptr) const;

  /// Removes all checkpoints but the newest `keep`, damaged ones counted, and what processes killed while
  /// they wrote left of one. Not for a folder that another machine writes checkpoints of this prefix to.
  /// Throws Error (io).
  void prune() const;

 private:
  [[nodiscard]] std::optional<i64> number_of(const std::filesystem::path& path) const;
  [[nodiscard]] std::filesystem::path folder() const;
  [[nodiscard]] std::vector<std::filesystem::path> files() const;

  std::filesystem::path prefix_;
  std::size_t keep_;
};

}  // namespace recurra

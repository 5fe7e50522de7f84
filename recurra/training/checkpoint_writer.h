/// When fit writes a checkpoint, and which files stay. Not for users of the library.
///
/// Private to the library.
#pragma once

#include <filesystem>
#include <optional>

#include "recurra/formats/checkpoints.h"
#include "recurra/training/fit_options.h"

namespace recurra {

/// The schedule of one fit.
class CheckpointWriter {
 public:
  /// Without options nothing is ever due. `updates` are those done before the fit.
  /// Throws Error: invalid_argument for options out of range, io where the folder cannot be written to.
  CheckpointWriter(const std::optional<CheckpointOptions>& options, i64 updates);

  /// Throws Error (invalid_argument) where there are checkpoints with more updates than these: those of
  /// another run, which would pass for newer ones of this.
  void require_none_beyond(i64 updates) const;

  [[nodiscard]] bool wanted() const noexcept { return options_.has_value(); }

  /// By number or by time.
  [[nodiscard]] bool is_due_after_update(i64 updates) const;

  /// `epochs` of this fit are done.
  [[nodiscard]] bool is_due_after_epoch(i64 epochs) const;

  /// The file for a checkpoint after so many updates. Only when wanted.
  [[nodiscard]] std::filesystem::path path_for(i64 updates) const;

  /// To be called when the file is written: removes those that are of no use any more. Throws Error (io).
  void written(i64 updates);

 private:
  std::optional<CheckpointOptions> options_;
  std::optional<Checkpoints> files_;
  double written_at_;
};

}  // namespace recurra

#include "recurra/training/checkpoint_writer.h"

#include <cmath>
#include <string>
#include <vector>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/base/shortest.h"

namespace recurra {

namespace fs = std::filesystem;

CheckpointWriter::CheckpointWriter(const std::optional<CheckpointOptions>& options, i64 updates)
    : options_(options), written_at_(steady_seconds()) {
  if (!options_) return;
  files_.emplace(options_->prefix, options_->keep);
  require_at_least("checkpoint.every_epochs", options_->every_epochs, 0);
  require_at_least("checkpoint.every_updates", options_->every_updates, 0);
  require(std::isfinite(options_->every_minutes) && options_->every_minutes >= 0.0,
          ErrorCode::invalid_argument,
          "checkpoint.every_minutes",
          "a finite number from 0 up",
          shortest(options_->every_minutes));
  require_writable_folder(files_->path_for(updates));
}

void CheckpointWriter::require_none_beyond(i64 updates) const {
  if (!options_) return;
  if (files_->newest_number() <= updates) return;
  throw Error(ErrorCode::invalid_argument,
              "checkpoint.prefix",
              "no checkpoints of another run: resume it, remove them or choose another prefix",
              files_->newest_first().front().string());
}

bool CheckpointWriter::is_due_after_update(i64 updates) const {
  if (!options_) return false;
  if (options_->every_updates > 0 && updates % options_->every_updates == 0) return true;
  return options_->every_minutes > 0.0 && steady_seconds() - written_at_ >= options_->every_minutes * 60.0;
}

bool CheckpointWriter::is_due_after_epoch(i64 epochs) const {
  return options_ && options_->every_epochs > 0 && epochs % options_->every_epochs == 0;
}

fs::path CheckpointWriter::path_for(i64 updates) const {
  return files_->path_for(updates);
}

void CheckpointWriter::written(i64 updates) {
  written_at_ = steady_seconds();
  const fs::path own = files_->path_for(updates);
  // Newer ones were damaged when this run was resumed; they must not push good ones out of the number kept.
  for (const fs::path& path : files_->newest_first()) {
    if (path == own) break;
    remove_file(path);
  }
  files_->prune();
}

}  // namespace recurra

/// Where training takes its batches from: memory, files, or what a user writes.
#pragma once

#include "recurra/base/platform.h"
#include "recurra/data/examples.h"

namespace recurra {

/// Batches one after the other, an epoch at a time; for data that need not fit into memory.
class RECURRA_API BatchSource {
 public:
  BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;
  BatchSource(BatchSource&&) = delete;
  BatchSource& operator=(BatchSource&&) = delete;
  virtual ~BatchSource() = default;

  /// From the first batch again. What follows may depend on `epoch`, but on nothing that was asked before:
  /// so a training that goes on after a crash sees the batches it would have seen. Call it before next.
  virtual void begin_epoch(i64 epoch) = 0;

  /// Fills `batch` with the next one; false, and `batch` unspecified, at the epoch's end.
  virtual bool next(Batch& batch) = 0;

  /// Batches of an epoch; 0: not known.
  [[nodiscard]] virtual i64 batches() const = 0;

  /// Passes over the next `count` batches, or as many as there are. Sources that can seek need not read them.
  virtual void skip(i64 count) {
    Batch scratch;
    for (i64 i = 0; i < count; ++i) {
      if (!next(scratch)) return;
    }
  }
};

}  // namespace recurra

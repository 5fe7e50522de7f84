/// Batches of examples that lie in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "recurra/data/batch_source.h"

namespace recurra {

/// How a source cuts its examples into batches.
struct BatchOptions {
  i64 batch_size = 32;     ///< > 0; the last batch has what is left
  bool shuffle = true;     ///< a new order each epoch: shuffled_order(examples, seed, epoch)
  std::uint64_t seed = 0;  ///< of the orders
};

/// Batches of `examples`, which must live as long as the source.
class RECURRA_API ExamplesSource final : public BatchSource {
 public:
  /// Throws as check_examples (subject `examples`), and Error (invalid_argument) for a batch size below 1.
  explicit ExamplesSource(const Examples& examples,
                          const BatchOptions& options = {},
                          const Execution& execution = {});
  explicit ExamplesSource(const Examples&&, const BatchOptions& = {}, const Execution& = {}) = delete;

  void begin_epoch(i64 epoch) override;
  bool next(Batch& batch) override;
  [[nodiscard]] i64 batches() const override;
  void skip(i64 count) override;

 private:
  const Examples* examples_;
  BatchOptions options_;
  Execution execution_;
  std::vector<int> order_;
  std::size_t position_ = 0;
};

}  // namespace recurra

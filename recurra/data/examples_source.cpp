#include "recurra/data/examples_source.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/data/order.h"

namespace recurra {

ExamplesSource::ExamplesSource(const Examples& examples,
                               const BatchOptions& options,
                               const Execution& execution)
    : examples_(&examples), options_(options), execution_(execution) {
  check_examples(examples, "examples");
  if (options.batch_size < 1) {
    throw Error(ErrorCode::invalid_argument, "batch_size", "from 1 up", std::to_string(options.batch_size));
  }
}

void ExamplesSource::begin_epoch(i64 epoch) {
  const i64 count = examples_->x.shape()[0];
  order_ = options_.shuffle ? shuffled_order(count, options_.seed, epoch) : plain_order(count);
  position_ = 0;
}

bool ExamplesSource::next(Batch& batch) {
  const std::size_t rows = std::min(static_cast<std::size_t>(options_.batch_size), order_.size() - position_);
  if (rows == 0) return false;
  batch.gather(*examples_, std::span(order_).subspan(position_, rows), execution_);
  position_ += rows;
  return true;
}

i64 ExamplesSource::batches() const {
  const i64 count = examples_->x.shape()[0];
  return count / options_.batch_size + (count % options_.batch_size > 0 ? 1 : 0);
}

void ExamplesSource::skip(i64 count) {
  const auto left = static_cast<i64>(order_.size() - position_);
  const bool all = count > left / options_.batch_size;
  position_ += static_cast<std::size_t>(all ? left : std::max<i64>(count, 0) * options_.batch_size);
}

}  // namespace recurra

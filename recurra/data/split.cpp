#include "recurra/data/split.h"

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/data/order.h"

namespace recurra {

namespace {

Examples part_of(const Examples& examples, std::span<const int> rows) {
  Batch batch;
  batch.gather(examples, rows);
  return {std::move(batch.x),
          std::move(batch.y),
          std::move(batch.lengths),
          std::move(batch.sample_weights),
          std::move(batch.mask),
          std::move(batch.more_x),
          std::move(batch.more_y)};
}

}  // namespace

ExamplesSplit split_examples(const Examples& examples, double validation_split) {
  check_examples(examples, "examples");
  if (!(validation_split > 0 && validation_split < 1)) {
    throw Error(
        ErrorCode::invalid_argument, "validation_split", "above 0 and below 1", shortest(validation_split));
  }
  const i64 count = examples.x.shape()[0];
  const auto training = static_cast<i64>(std::floor(static_cast<double>(count) * (1.0 - validation_split)));
  if (training == 0 || training == count) {
    throw Error(ErrorCode::invalid_argument,
                "validation_split",
                "at least an example in either part",
                std::to_string(training) + " of " + std::to_string(count) + " for training");
  }
  const std::vector<int> order = plain_order(count);
  const std::span<const int> rows(order);
  return {part_of(examples, rows.first(static_cast<std::size_t>(training))),
          part_of(examples, rows.subspan(static_cast<std::size_t>(training)))};
}

}  // namespace recurra

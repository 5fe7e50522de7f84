#include "recurra/data/order.h"

#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "recurra/base/error.h"
#include "recurra/base/random.h"

namespace recurra {

namespace {

/// Streams of a seed above those a model's layers draw from.
constexpr std::uint64_t shuffle_stream = std::uint64_t{1} << 32;

constexpr i64 most = std::numeric_limits<int>::max();

}  // namespace

std::vector<int> plain_order(i64 count) {
  if (count < 0 || count > most) {
    throw Error(
        ErrorCode::invalid_argument, "examples", "0 to " + std::to_string(most), std::to_string(count));
  }
  std::vector<int> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::vector<int> shuffled_order(i64 count, std::uint64_t seed, i64 epoch) {
  std::vector<int> order = plain_order(count);
  Random random(seed, shuffle_stream + static_cast<std::uint64_t>(epoch));
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace recurra

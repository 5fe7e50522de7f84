/// Numbers of the primitive's problems: of sequences in either order, and of all layers and directions.
#pragma once

#include <vector>

#include "recurra/base/platform.h"
#include "tests/reference/stack_reference.h"

namespace recurra::test {

inline std::size_t product(i64 a, i64 b, i64 c = 1) {
  return std::size_t(a) * std::size_t(b) * std::size_t(c);
}

/// (batch, steps, width) as (steps, batch, width), or back with the extents exchanged.
template <class Numbers>
Numbers exchanged(const Numbers& from, i64 outer, i64 inner, i64 width) {
  Numbers to(from.size());
  if (from.empty()) return to;
  for (i64 a = 0; a < outer; ++a) {
    for (i64 b = 0; b < inner; ++b) {
      for (i64 c = 0; c < width; ++c)
        to[product(b * outer + a, width) + std::size_t(c)] =
            from[product(a * inner + b, width) + std::size_t(c)];
    }
  }
  return to;
}

/// All numbers one behind the other.
inline std::vector<double> joined(const std::vector<std::vector<double>>& parts) {
  std::vector<double> all;
  for (const std::vector<double>& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// Of every layer and direction what `pick` gives.
template <class Pick>
std::vector<std::vector<double>> of_runs(const reference::StackReference& stack, Pick pick) {
  std::vector<std::vector<double>> numbers;
  for (const reference::StackRun& run : stack.runs) numbers.push_back(pick(run));
  return numbers;
}

}  // namespace recurra::test

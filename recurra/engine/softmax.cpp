#include "recurra/engine/softmax.h"

#include <algorithm>
#include <array>
#include <limits>

#include "recurra/engine/activations.h"

namespace recurra {

namespace {

// Sums side by side, so that no addition waits for the one before it.
constexpr std::size_t lanes = 8;

double sum_of(std::span<const float> values) noexcept {
  std::array<double, lanes> sums{};
  const std::size_t even = values.size() / lanes * lanes;
  for (std::size_t i = 0; i < even; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += values[i + lane];
  }
  double sum = 0;
  for (const double part : sums) sum += part;
  for (std::size_t i = even; i < values.size(); ++i) sum += values[i];
  return sum;
}

float largest_of(std::span<const float> values) noexcept {
  std::array<float, lanes> most;
  most.fill(-std::numeric_limits<float>::infinity());
  const std::size_t even = values.size() / lanes * lanes;
  for (std::size_t i = 0; i < even; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane)
      most[lane] = values[i + lane] > most[lane] ? values[i + lane] : most[lane];
  }
  float largest = *std::ranges::max_element(most);
  for (std::size_t i = even; i < values.size(); ++i) largest = std::max(largest, values[i]);
  return largest;
}

}  // namespace

RowPowers row_powers(std::span<const float> z, std::span<float> powers, const Target& target) noexcept {
  const float largest = largest_of(z);
  for (std::size_t j = 0; j < z.size(); ++j) powers[j] = z[j] - largest;
  activate({ActivationKind::exponential}, powers, powers, target);
  return {largest, sum_of(powers)};
}

}  // namespace recurra

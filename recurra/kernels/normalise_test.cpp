/// Moments of rows whose variance lies below what floats of their size can tell.
#define RECURRA_TARGET_NAME normalise_test  // the vector class of every platform, in a namespace of its own

#include "recurra/kernels/normalise.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace recurra::normalise_test {

namespace {

constexpr int units = 20'000;  // the mean of so many equal floats is off by many of their last places
constexpr int gates = 4;

TEST(Normalise, of_equal_numbers_is_finite_however_large_they_are) {
  for (int i = 0; i < 64; ++i) {
    const float number = 1e9F * (1.0F + 0.3137F * float(i));
    const std::vector<float> row(gates * units, number);
    const Moments m = row_moments<Vec, gates>(row.data(), gates * Vec::width, units);
    EXPECT_TRUE(std::isfinite(m.inverse) && m.inverse > 0) << number;
  }
}

TEST(Normalise, lets_what_is_no_number_through) {
  const int whole = (21 + Vec::width - 1) / Vec::width * Vec::width;
  std::vector<float> row(gates * whole, 1.0F);
  row[7] = std::numeric_limits<float>::quiet_NaN();
  const Moments m = row_moments<Vec, gates>(row.data(), gates * Vec::width, 21);
  EXPECT_TRUE(std::isnan(m.mean) && std::isnan(m.inverse));
}

}  // namespace

}  // namespace recurra::normalise_test

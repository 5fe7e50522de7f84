/// Rows of numbers, put side by side and taken apart.
#pragma once

#include <vector>

#include "recurra/base/platform.h"

namespace recurra::onednn {

/// Columns first .. first + count of rows of `width`.
template <class T>
std::vector<T> columns(const std::vector<T>& all, i64 width, i64 first, i64 count) {
  std::vector<T> some;
  for (auto at = all.begin(); at != all.end(); at += width)
    some.insert(some.end(), at + first, at + first + count);
  return some;
}

template <class T>
std::vector<T> side_by_side(const std::vector<T>& a, i64 a_width, const std::vector<T>& b, i64 b_width) {
  std::vector<T> both;
  auto in_b = b.begin();
  for (auto in_a = a.begin(); in_a != a.end(); in_a += a_width, in_b += b_width) {
    both.insert(both.end(), in_a, in_a + a_width);
    both.insert(both.end(), in_b, in_b + b_width);
  }
  return both;
}

/// One behind the other.
template <class T>
std::vector<T> joined(const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<T> both = a;
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

}  // namespace recurra::onednn

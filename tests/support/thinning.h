/// Which of many cases a slow build runs.
#pragma once

namespace recurra::test {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr int cases_per_run = 3;
#elif defined(__has_feature)
inline constexpr int cases_per_run = __has_feature(address_sanitizer) ? 3 : 1;
#else
inline constexpr int cases_per_run = 1;
#endif

/// Under a sanitizer, which makes kernels up to ten times slower, one case in three runs. In a loop over
/// three things that would be the same one in every round: `first` is another in each.
class Thinning {
 public:
  /// Starts with case `first` of each three.
  explicit Thinning(int first = 0) : next_(first) {}

  /// Whether this case is left out.
  bool skips() { return next_++ % cases_per_run != 0; }

 private:
  int next_;
};

}  // namespace recurra::test

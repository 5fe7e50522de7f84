/// Which of many cases a build with the thread sanitizer runs.
#pragma once

namespace recurra::test {

#ifdef __SANITIZE_THREAD__
inline constexpr int cases_per_run = 3;
#else
inline constexpr int cases_per_run = 1;
#endif

/// Under g++'s thread sanitizer, which makes kernels ten times slower, one case in three runs: since the
/// loops over what makes a case have lengths of 2 and 4, those are different ones of each.
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

/// Which of many cases a slow build runs.
#pragma once

namespace recurra::test {

#ifdef __SANITIZE_THREAD__  // of g++ alone
inline constexpr int cases_per_run = 3;
#else
inline constexpr int cases_per_run = 1;
#endif

/// Under g++'s thread sanitizer, which makes kernels ten times slower, one case in three runs. In a loop over
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

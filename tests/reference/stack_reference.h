/// A stack of layers and directions in double, of the reference of one recurrence: the independent and the
/// cross-fed stack written out one after the other.
#pragma once

#include <string>
#include <vector>

#include "tests/reference/reference.h"

namespace recurra::reference {

/// One layer and direction. `outside` has the gradients that come from outside: of the final states and,
/// where not empty, of its output and its states of every step.
struct StackRun {
  std::string cell;
  Sizes sizes;
  Options options;  // without activations: the cell's own
  Values values, outside;
  Values expected, gradients;  // made by StackReference
};

/// How the runs stand to each other, as in the engine's Stack.
struct StackForm {
  int directions = 1;
  bool adds = false;     // the directions' outputs are added, else side by side
  bool crosses = false;  // a layer sees both directions of the one below
};

class StackReference {
 public:
  /// `runs` are in the order [layer][direction].
  StackReference(const StackForm& form, std::vector<StackRun> runs, std::vector<int> lengths)
      : runs(std::move(runs)), form_(form), lengths_(std::move(lengths)) {}

  /// y (batch, steps, width) from x (batch, steps, input).
  void forward(const std::vector<double>& x);

  /// dx from dy. After forward.
  void backward(const std::vector<double>& dy);

  std::vector<StackRun> runs;
  std::vector<double> y, dx, d_attention;

 private:
  using Doubles = std::vector<double>;

  [[nodiscard]] int layers() const { return int(runs.size()) / form_.directions; }

  [[nodiscard]] StackRun& at(int layer, int d) { return runs[std::size_t(layer * form_.directions + d)]; }

  [[nodiscard]] Doubles joined(int layer);
  [[nodiscard]] Doubles part(int layer, int d, const Doubles& dy);
  Doubles back(int layer, int d, const Doubles& dy);

  StackForm form_;
  std::vector<int> lengths_;
};

}  // namespace recurra::reference

/// The reference of stacks: its gradients against central differences of its own way forward, in double.
#include "tests/reference/stack_reference.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "recurra/base/random.h"

namespace recurra::test {

namespace {

using namespace reference;
using Doubles = std::vector<double>;

constexpr int batch = 2, steps = 4, input = 3, units = 4;

struct Cell {
  const char* name;
  std::size_t gates, params;
  int states;
  bool attention = false;
  int projection = 0;
};

constexpr Cell cells[] = {{"lstm", 4, 0, 2},
                          {"lstm_peephole", 4, 3, 2, false, 3},
                          {"vanilla", 1, 0, 1},
                          {"gru_reset_after", 3, 1, 1},
                          {"augru", 3, 0, 1, true},
                          {"augru_reset_after", 3, 1, 1, true}};

struct Form {
  const char* name;
  StackForm form;
};

constexpr Form forms[] = {{"one direction", {1, false, false}},
                          {"concatenated", {2, false, false}},
                          {"summed", {2, true, false}},
                          {"cross-fed, concatenated", {2, false, true}},
                          {"cross-fed, summed", {2, true, true}}};

/// A stack of `layers` layers, with gradients from outside of every final state and of the states of every
/// step.
class Problem {
 public:
  Problem(const Cell& cell, const StackForm& form, int layers, Random& random)
      : random_(random), form_(form), stack_(form, runs(cell, layers), {steps, steps - 1}) {
    x_ = normal(batch * steps * input);
    attention_ = normal(cell.attention ? batch * steps : 0);
    loss();  // for the size of y
    dy_ = normal(int(stack_.y.size()));
  }

  void check() {
    loss();
    stack_.backward(dy_);
    const std::vector<StackRun> found = stack_.runs;
    compare("x", x_, stack_.dx);
    compare("attention", attention_, stack_.d_attention);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::string run = " of run " + std::to_string(i);
      Values& values = stack_.runs[i].values;
      const Values& gradients = found[i].gradients;
      compare("W" + run, values.W, gradients.W);
      compare("U" + run, values.U, gradients.U);
      compare("b" + run, values.b, gradients.b);
      compare("params" + run, values.params, gradients.params);
      compare("P" + run, values.P, gradients.P);
      compare("h" + run, values.initial[0], gradients.initial[0]);
      compare("c" + run, values.initial[1], gradients.initial[1]);
    }
  }

 private:
  Doubles normal(int size) {
    Doubles values{};
    for (int i = 0; i < size; ++i) values.push_back(random_.normal());
    return values;
  }

  std::vector<StackRun> runs(const Cell& cell, int layers) {
    std::vector<StackRun> all;
    for (int i = 0; i < layers * form_.directions; ++i) {
      StackRun& run = all.emplace_back();
      run.cell = cell.name;
      run.sizes = {batch, steps, input, units, cell.projection, i % form_.directions == 1};
      const int width = run.sizes.width();
      const bool both = form_.crosses && !form_.adds && form_.directions == 2;
      if (i >= form_.directions) run.sizes.input = both ? 2 * width : width;
      const int columns = int(cell.gates) * units;
      Values& v = run.values;
      v.W = scaled(run.sizes.input * columns);
      v.U = scaled(width * columns);
      v.b = scaled(columns);
      v.params = scaled(int(cell.params) * units);
      v.P = scaled(units * cell.projection);
      for (int k = 0; k < cell.states; ++k) {
        const int size = batch * (k == 0 ? width : units);
        v.initial[k] = normal(size);
        run.outside.final[k] = normal(size);
      }
      run.outside.y = normal(batch * steps * width);
      if (cell.states > 1) run.outside.states[1] = normal(batch * steps * units);
    }
    return all;
  }

  Doubles scaled(int size) {
    Doubles values = normal(size);
    for (double& value : values) value *= 0.5;
    return values;
  }

  static double dot(const Doubles& a, const Doubles& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }

  /// What the gradients are of.
  double loss() {
    for (StackRun& run : stack_.runs) run.values.attention = attention_;
    stack_.forward(x_);
    double sum = dot(dy_, stack_.y);
    for (const StackRun& run : stack_.runs) {
      sum += dot(run.outside.y, run.expected.y);
      for (int k = 0; k < 2; ++k) sum += dot(run.outside.final[k], run.expected.final[k]);
      sum += dot(run.outside.states[1], run.expected.states[1]);
    }
    return sum;
  }

  /// About ten of the numbers, the first and those a stride apart.
  void compare(const std::string& name, Doubles& numbers, const Doubles& gradients) {
    constexpr double h = 1e-5;
    ASSERT_EQ(numbers.size(), gradients.size()) << name;
    const std::size_t stride = std::max<std::size_t>(numbers.size() / 10, 1);
    for (std::size_t i = 0; i < numbers.size(); i += stride) {
      const double at = numbers[i];
      numbers[i] = at + h;
      const double above = loss();
      numbers[i] = at - h;
      const double below = loss();
      numbers[i] = at;
      const double slope = (above - below) / (2 * h);
      EXPECT_NEAR(gradients[i], slope, 1e-6 * std::max(1.0, std::abs(slope))) << name << " " << i;
    }
  }

  Random& random_;
  StackForm form_;
  StackReference stack_;
  Doubles x_, dy_, attention_;
};

TEST(StackReference, gradients_agree_with_central_differences) {
  Random random(20287);
  for (const Cell& cell : cells) {
    for (const Form& form : forms) {
      for (const int layers : {1, 3}) {
        SCOPED_TRACE(std::string(cell.name) + ", " + form.name + ", layers " + std::to_string(layers));
        Problem(cell, form.form, layers, random).check();
      }
    }
  }
}

}  // namespace

}  // namespace recurra::test

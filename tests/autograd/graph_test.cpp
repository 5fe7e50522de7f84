/// The tape itself: operations made by hand, walked back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recurra/autograd/operation.h"
#include "recurra/autograd/scope.h"
#include "recurra/base/error.h"
#include "recurra/base/recycled.h"

namespace recurra::autograd {
namespace {

using testing::ElementsAre;

Tensor make(std::initializer_list<float> values) {
  Tensor tensor({i64(values.size())});
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

std::vector<float> list(const Tensor& tensor) {
  return {tensor.data(), tensor.data() + tensor.size()};
}

Tensor scaled(const Tensor& x, float factor) {
  Tensor y = Tensor::recycled(x.shape());
  for (i64 i = 0; i < x.size(); ++i) y.data()[i] = x.data()[i] * factor;
  return y;
}

Variable scale(const Variable& x, float factor) {
  return make_operation("scale", {x}, scaled(x.value(), factor), [factor](BackwardPass& pass) {
    pass.add(0, scaled(*pass.gradient(0), factor));
  });
}

Variable multiply(const Variable& a, const Variable& b) {
  Tensor y(a.shape());
  for (i64 i = 0; i < y.size(); ++i) y.data()[i] = a.value().data()[i] * b.value().data()[i];
  return make_operation("multiply", {a, b}, std::move(y), [](BackwardPass& pass) {
    const float* d = pass.gradient(0)->data();
    for (const int i : {0, 1}) {
      if (!pass.wants(i)) continue;
      Tensor& sum = pass.sum(i);
      for (i64 k = 0; k < sum.size(); ++k) sum.data()[k] += d[k] * pass.input(1 - i).data()[k];
    }
  });
}

// The halves of a vector of an even size.
std::vector<Variable> halve(const Variable& x) {
  const i64 half = x.shape()[0] / 2;
  Tensor low({half}), high({half});
  std::copy_n(x.value().data(), half, low.data());
  std::copy_n(x.value().data() + half, half, high.data());
  std::vector<Tensor> outputs;
  outputs.push_back(std::move(low));
  outputs.push_back(std::move(high));
  return make_operation("halve", {x}, std::move(outputs), [half](BackwardPass& pass) {
    for (const int i : {0, 1}) {
      const Tensor* d = pass.gradient(i);
      for (i64 k = 0; d != nullptr && k < half; ++k) pass.sum(0).data()[i * half + k] += d->data()[k];
    }
  });
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Graph, a_gradient_is_the_sum_over_all_paths_and_walks) {
  const Variable x(make({2, 3}), true);
  const Variable y = multiply(scale(x, 2), x);  // 2 x^2
  backward(std::vector{y, x}, std::vector{make({1, 10}), make({100, 0})});
  EXPECT_THAT(list(x.gradient()), ElementsAre(108, 120));
  const Variable z = scale(x, 5);
  backward(std::vector{z}, std::vector{make({1, 1})});
  EXPECT_THAT(list(x.gradient()), ElementsAre(113, 125));
  x.clear_gradient();
  EXPECT_FALSE(x.has_gradient());
  EXPECT_THAT(list(y.value()), ElementsAre(8, 18));
}

TEST(Graph, an_output_without_a_gradient_is_null) {
  const Variable x(make({1, 2, 3, 4}), true);
  const std::vector<Variable> halves = halve(x);
  backward(std::vector{halves[1]}, std::vector{make({5, 6})});
  EXPECT_THAT(list(x.gradient()), ElementsAre(0, 0, 5, 6));
}

TEST(Graph, operations_no_gradient_reaches_are_not_asked) {
  const Variable x(make({1, 2, 3, 4}), true);
  const auto never = [](BackwardPass&) {
    FAIL();
  };
  const Variable aside = make_operation("aside", {x}, make({1}), never);
  const Variable y = make_operation("y", {scale(x, 1), aside}, make({7}), [](BackwardPass& pass) {
    EXPECT_TRUE(pass.wants(1));
    pass.add(0, make({1, 1, 1, 1}));
  });
  backward(y);
  EXPECT_THAT(list(x.gradient()), ElementsAre(1, 1, 1, 1));
}

TEST(Graph, inputs_may_be_left_out_and_need_no_gradient) {
  const Variable x(make({2}), true);
  const Variable c(make({3}));
  const Variable y = make_operation("y", {x, Variable(), c}, make({6}), [](BackwardPass& pass) {
    EXPECT_FALSE(pass.wants(1));
    EXPECT_FALSE(pass.wants(2));
    EXPECT_TRUE(pass.input_variable(1).empty());
    pass.add(1, make({1, 2, 3}));
    pass.add(2, make({2}));
    pass.add(0, pass.take_gradient(0));
  });
  backward(y);
  EXPECT_THAT(list(x.gradient()), ElementsAre(1));
  EXPECT_FALSE(c.has_gradient());
}

TEST(Graph, is_walked_once) {
  const Variable x(make({2}), true);
  const Variable middle = scale(x, 3);
  const Variable y = scale(middle, 2);
  backward(y);
  const std::string text =
      "backward: expected a graph that no backward has gone through, got operation scale, whose values are "
      "gone";
  EXPECT_EQ(error_of([&] { backward(y); }), text);
  const Variable other = scale(middle, 2);
  EXPECT_EQ(error_of([&] { backward(other); }), text);
  EXPECT_EQ(error_of([&] { backward(other); }), text) << "however often";
}

TEST(Graph, refuses_a_graph_of_values_that_are_gone) {
  const Variable w(make({2}), true, "w");
  const Variable y = multiply(w, w);
  w.edit().data()[0] = 3;
  EXPECT_EQ(
      error_of([&] { backward(y); }),
      "backward: expected the values that the graph was made of, got input w of operation multiply, edited "
      "since");
}

TEST(Graph, says_what_is_wrong) {
  const Variable x(make({2, 3}), true, "x");
  const Variable c(make({2}));
  const Variable y = scale(x, 2);
  EXPECT_EQ(error_of([&] { backward(y); }),
            "backward: expected an output of one element, or seeds, got (2,)");
  EXPECT_EQ(error_of([&] { backward(std::vector{y}, std::vector{make({1})}); }),
            "backward.seeds: expected (2,), got (1,)");
  EXPECT_EQ(error_of([&] { backward(std::vector{y}, {}); }),
            "backward: expected as many seeds as outputs, got 0 for 1");
  EXPECT_EQ(
      error_of([&] { backward(scale(c, 2)); }),
      "backward: expected an output through which gradients go, got none: nothing it was made of requires "
      "one, or not recorded");
  EXPECT_EQ(error_of([&] { x.gradient(); }), "x: expected a gradient, got none: no backward has reached it");
  EXPECT_EQ(error_of([&] { c.gradient(); }),
            "variable: expected a gradient, got a leaf made without requires_grad");
  EXPECT_EQ(error_of([&] { y.named("y").gradient(); }),
            "y: expected a leaf, which keeps its gradient, got the result of an operation");
  EXPECT_EQ(error_of([&] { y.edit(); }),
            "y: expected a leaf, which may be edited, got the result of an operation");
  EXPECT_EQ(error_of([&] { Variable().value(); }), "variable: expected one with a value, got an empty one");
  EXPECT_EQ(error_of([&] { Variable(Tensor({2}, Dtype::i32), true, "ids"); }),
            "ids: expected f32 where a gradient is wanted, got i32");
  const Variable z = make_operation("z", {x}, make({1}), [](BackwardPass& pass) { pass.add(0, make({1})); });
  EXPECT_EQ(error_of([&] { backward(z); }), "z: gradient of input 0: expected (2,), got (1,)");
}

TEST(Graph, nothing_is_kept_where_no_gradient_is_wanted) {
  const Variable x(make({2}), true);
  auto held = std::make_shared<int>(0);
  const auto with_held = [&] {
    return make_operation("held", {x}, make({1}), [held](BackwardPass& pass) { pass.add(0, make({1})); });
  };
  {
    const NoGradient inference;
    EXPECT_FALSE(is_recording());
    const Variable y = with_held();
    EXPECT_FALSE(y.requires_grad());
    EXPECT_TRUE(y.is_leaf());
    EXPECT_EQ(held.use_count(), 1);
  }
  EXPECT_TRUE(is_recording());
  const Variable y = with_held();
  EXPECT_EQ(held.use_count(), 2);
  backward(y);
  EXPECT_EQ(held.use_count(), 1) << "nor behind the walk";
}

TEST(Graph, a_leaf_may_turn_its_gradient_off_before_the_walk) {
  const Variable x(make({2}), true), w(make({3}), true);
  const Variable aside = make_operation("aside", {x}, make({1}), [](BackwardPass&) { FAIL(); });
  const Variable y = multiply(multiply(aside, w), scale(x, 2));
  x.set_requires_grad(false);
  backward(y);
  EXPECT_FALSE(x.has_gradient());
  EXPECT_THAT(list(w.take_gradient()), ElementsAre(4));
  EXPECT_FALSE(w.has_gradient());
  EXPECT_EQ(error_of([&] { y.set_requires_grad(true); }),
            "variable: expected a leaf, which may want a gradient, got the result of an operation");
}

TEST(Graph, what_is_detached_is_no_part_of_it) {
  const Variable x(make({2}), true);
  const Variable y = scale(x, 3).detached();
  EXPECT_FALSE(y.requires_grad());
  EXPECT_THAT(list(y.value()), ElementsAre(6));
}

TEST(Graph, is_as_deep_as_memory) {
  constexpr int depth = 50'000;
  const Variable x(make({1}), true);
  Variable y = x;
  for (int i = 0; i < depth; ++i) y = scale(y, 1);
  backward(y);
  EXPECT_THAT(list(x.gradient()), ElementsAre(1));
  for (int i = 0; i < depth; ++i) y = scale(y, 1);
  y = {};  // freed without having been walked
}

TEST(Graph, steps_work_in_memory_of_the_steps_before) {
  const Variable x(Tensor({16, 256}), true);
  const auto step = [&] {
    Variable y = x;
    for (int i = 0; i < 10; ++i) y = scale(y, 1);
    backward(std::vector{y}, std::vector{Tensor({16, 256})});
    x.clear_gradient();
  };
  release_recycled_memory();
  step();
  const std::size_t kept = recycled_memory();
  EXPECT_GE(kept, std::size_t{10 * 16 * 256 * 4});
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(recycled_memory(), kept);
  release_recycled_memory();
  EXPECT_EQ(recycled_memory(), 0U);
}

}  // namespace
}  // namespace recurra::autograd

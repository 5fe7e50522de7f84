/// Shapes, parts and sums over axes.
#include <limits>

#include <gmock/gmock.h>

#include "tests/autograd/function_gradients.h"
#include "tests/support/tensors.h"

namespace recurra::autograd {
namespace {

using recurra::test::floats;
using recurra::test::integers;
using test::error_of;
using test::expect_gradients;
using test::leaf;
using test::normal;
using testing::ElementsAre;

using Values = std::vector<Variable>;

Variable counted(const Shape& shape) {
  Tensor tensor(shape);
  for (i64 i = 0; i < tensor.size(); ++i) tensor.data()[i] = float(i);
  return Variable(std::move(tensor));
}

std::vector<float> list(const Variable& x) {
  return {x.value().data(), x.value().data() + x.value().size()};
}

TEST(Shapes, reshape_keeps_the_order) {
  const Variable y = reshape(counted({2, 3}), {3, -1}, "y");
  EXPECT_EQ(y.shape(), Shape({3, 2}));
  EXPECT_EQ(y.name(), "y");
  EXPECT_THAT(list(y), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(reshape(leaf({0, 3}), {0, 7}).shape(), Shape({0, 7}));
  EXPECT_EQ(reshape(Variable(integers({2}, {4, 5})), {2, 1}).value().as<std::int32_t>()[1], 5);
  expect_gradients([](const Values& v) { return reshape(v[0], {5, 3}); }, {normal({3, 5})});
}

TEST(Shapes, permute_exchanges_axes) {
  EXPECT_THAT(list(permute(counted({2, 3}), {1, 0})), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(list(transpose(counted({2, 2, 2}))), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_EQ(permute(counted({2, 3, 4, 5}), {2, -1, 0, 1}).shape(), Shape({4, 5, 2, 3}));
  expect_gradients([](const Values& v) { return permute(v[0], {2, 0, 1}); }, {normal({3, 1, 5})});
  expect_gradients([](const Values& v) { return transpose(v[0]); }, {normal({2, 3, 5})});
}

TEST(Shapes, axes_of_one_place_come_and_go) {
  EXPECT_EQ(expand(leaf({2, 3}), -1).shape(), Shape({2, 3, 1}));
  EXPECT_EQ(expand(leaf({2, 3}), 1).shape(), Shape({2, 1, 3}));
  EXPECT_EQ(squeeze(leaf({2, 1, 3}), 1).shape(), Shape({2, 3}));
  expect_gradients([](const Values& v) { return squeeze(expand(v[0], 0), 0); }, {normal({7})});
}

TEST(Shapes, broadcast_to_repeats) {
  EXPECT_THAT(list(broadcast_to(counted({2, 1}), {2, 3})), ElementsAre(0, 0, 0, 1, 1, 1));
  expect_gradients([](const Values& v) { return broadcast_to(v[0], {2, 3, 5}); }, {normal({3, 1})});
  EXPECT_EQ(broadcast_to(leaf({1, 3}), {0, 3}).shape(), Shape({0, 3}));
}

TEST(Shapes, slices_are_pythons) {
  const Variable x = counted({5});
  EXPECT_THAT(list(slice(x, 0, {1, 4})), ElementsAre(1, 2, 3));
  EXPECT_THAT(list(slice(x, 0, {-2, 99})), ElementsAre(3, 4));
  EXPECT_THAT(list(slice(x, 0, {0, 5, 2})), ElementsAre(0, 2, 4));
  EXPECT_THAT(list(slice(x, 0, {4, 0, -2})), ElementsAre(4, 2));
  EXPECT_THAT(list(slice(x, 0, {99, -99, -1})), ElementsAre(4, 3, 2, 1, 0));
  EXPECT_THAT(list(slice(x, 0, {3, 1})), ElementsAre());
  EXPECT_THAT(list(flip(x, 0)), ElementsAre(4, 3, 2, 1, 0));
  EXPECT_THAT(list(slice(counted({2, 3}), 1, {1, 3})), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(list(select(counted({2, 3}), 1, -1)), ElementsAre(2, 5));
  EXPECT_THAT(list(select(counted({2, 3}), 0, 1)), ElementsAre(3, 4, 5));
  EXPECT_EQ(flip(leaf({0, 2}), 0).shape(), Shape({0, 2}));
  for (const SliceRange range : {SliceRange{1, 4}, {0, 5, 2}, {4, 0, -1}, {3, 1}}) {
    const auto call = [&](const Values& v) {
      return sum(v[0]) + sum(slice(v[0], 1, range), {{1}});
    };
    expect_gradients(call, {normal({3, 5, 2})});
  }
  expect_gradients([](const Values& v) { return select(v[0], -2, 1); }, {normal({3, 5, 2})});
  expect_gradients([](const Values& v) { return flip(v[0], 1); }, {normal({3, 5, 2})});
}

TEST(Shapes, what_is_joined_can_be_taken_apart) {
  const Variable a = counted({2, 1, 3}), b = counted({2, 2, 3});
  const Variable joined = concatenate({a, b}, 1);
  EXPECT_EQ(joined.shape(), Shape({2, 3, 3}));
  const std::vector<i64> extents = {1, 2};
  const std::vector<Variable> parts = split(joined, -2, extents, "parts");
  EXPECT_EQ(list(parts[0]), list(a));
  EXPECT_EQ(list(parts[1]), list(b));
  EXPECT_EQ(parts[1].name(), "parts_1");
  const Variable stacked = stack(std::vector{a, a}, 1);
  EXPECT_EQ(stacked.shape(), Shape({2, 2, 1, 3}));
  EXPECT_EQ(list(unstack(stacked, 1)[1]), list(a));
  EXPECT_EQ(split(joined, 2, 3).size(), 3U);
  EXPECT_EQ(unstack(leaf({2, 0}), 1).size(), 0U);
}

TEST(Shapes, joins_and_cuts_have_gradients) {
  const std::vector<i64> extents = {2, 0, 3};
  expect_gradients(
      [](const Values& v) {
        return concatenate({v[0], v[1], v[0]}, 1);
      },
      {normal({3, 2, 2}), normal({3, 1, 2})});
  expect_gradients(
      [](const Values& v) {
        return stack(std::vector{v[0], v[1], v[0]}, -1);
      },
      {normal({3, 2}, 1), normal({3, 2}, 2)});
  expect_gradients(
      [&](const Values& v) {
        const std::vector<Variable> parts = split(v[0], 1, extents);
        return sum(parts[0]) * parts[2];
      },
      {normal({2, 5, 2})});
  // The first part is used by nobody, and x by others before: all ways to put a gradient in place.
  expect_gradients([&](const Values& v) { return split(v[0], 0, 3)[1]; }, {normal({6, 2})});
  expect_gradients([&](const Values& v) { return unstack(v[0], 1)[2] + select(v[0], 1, 0); },
                   {normal({2, 3, 5})});
  expect_gradients([&](const Values& v) { return unstack(v[0] * 2.0F, 1)[1] * sum(v[0]); }, {normal({2, 3})});
}

TEST(Shapes, gather_takes_places_and_adds_gradients_up) {
  const Variable ids(integers({2, 2}, {2, 0, 2, 1}));
  EXPECT_THAT(list(gather(counted({3, 2}), ids)), ElementsAre(4, 5, 0, 1, 4, 5, 2, 3));
  EXPECT_EQ(gather(leaf({5, 3, 7}), ids, 1).shape(), Shape({5, 2, 2, 7}));
  Tensor wide({2}, Dtype::i64);
  wide.as<i64>()[0] = 1;
  EXPECT_THAT(list(gather(counted({2, 2}), Variable(wide), 1)), ElementsAre(1, 0, 3, 2));
  expect_gradients([](const Values& v) { return gather(v[0], v[1]); }, {normal({3, 4}), ids.value()});
  expect_gradients([](const Values& v) { return gather(v[0], v[1], -1); }, {normal({2, 3}), ids.value()});
}

TEST(Reductions, go_over_the_axes_named) {
  const Variable x = counted({2, 3});
  EXPECT_THAT(list(sum(x)), ElementsAre(15));
  EXPECT_EQ(sum(x).shape(), Shape());
  EXPECT_THAT(list(sum(x, {{0}})), ElementsAre(3, 5, 7));
  EXPECT_THAT(list(mean(x, {{-1}, true})), ElementsAre(1, 4));
  EXPECT_EQ(mean(x, {{-1}, true}).shape(), Shape({2, 1}));
  EXPECT_THAT(list(max(x, {{1}})), ElementsAre(2, 5));
  EXPECT_THAT(list(min(x, {{0, 1}})), ElementsAre(0));
  EXPECT_EQ(min(x, {}, "least").name(), "least");
  EXPECT_EQ(sum(leaf({0, 3}), {{0}}).shape(), Shape({3}));
  EXPECT_EQ(list(sum(leaf({0, 3}), {{0}}))[0], 0.0F);
  EXPECT_TRUE(std::isnan(list(mean(leaf({0, 3}), {{0}}))[0]));
  EXPECT_EQ(max(leaf({0, 3}), {{1}}).shape(), Shape({0}));
}

TEST(Reductions, have_gradients) {
  using Reduction = Variable (*)(const Variable&, const Over&, std::string_view);
  for (const Reduction f : {Reduction(sum), Reduction(mean), Reduction(max), Reduction(min)}) {
    for (const Over& over :
         {Over{}, Over{{0}}, Over{{1}, true}, Over{{2}}, Over{{0, 2}}, Over{{-1, 1}, true}}) {
      Tensor x = normal({3, 5, 2}, 7);
      for (i64 i = 0; i < x.size(); ++i)
        x.data()[i] = float(i * 7 % 30) / 8;  // far apart: no edge is crossed
      expect_gradients([&](const Values& v) { return f(v[0], over, {}); }, {x});
      expect_gradients([&](const Values& v) { return f(v[0], over, {}) + sum(v[0]); }, {x});
    }
  }
}

TEST(Reductions, equal_extremes_share_the_gradient) {
  const Variable x(floats({2, 3}, {1, 3, 3, 2, 2, 2}), true);
  backward(sum(max(x, {{1}}) * 6.0F));
  EXPECT_THAT(std::vector<float>(x.gradient().data(), x.gradient().data() + 6),
              ElementsAre(0, 3, 3, 2, 2, 2));
}

TEST(Reductions, not_a_number_is_the_largest) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(list(max(Variable(floats({3}, {1, nan, 2}))))[0]));
  EXPECT_TRUE(std::isnan(list(min(Variable(floats({3}, {nan, 1, 2}))))[0]));
}

TEST(Shapes, errors_name_function_argument_and_shapes) {
  const Variable x = leaf({2, 3});
  const auto expect = [](const std::string& text, const std::function<void()>& call) {
    EXPECT_EQ(error_of(call), text);
  };
  expect("reshape.shape: expected one of the 6 elements of (2, 3), got (4, -1)", [&] {
    reshape(x, {4, -1});
  });
  expect("reshape.shape: expected one of the 6 elements of (2, 3), got (7,)", [&] { reshape(x, {7}); });
  expect("reshape.shape: expected extents from 0 up and at most one -1, got (-1, -1)", [&] {
    reshape(x, {-1, -1});
  });
  expect("permute.axes: expected 2 for (2, 3), got 1", [&] { permute(x, {0}); });
  expect("permute.axes: expected each axis once, got 1 twice", [&] { permute(x, {1, -1}); });
  expect("transpose.x: expected two axes or more, got (3,)", [&] { transpose(leaf({3})); });
  expect("squeeze.x: expected extent 1 of axis 0, got (2, 3)", [&] { squeeze(x, 0); });
  expect("squeeze.axis: expected -2 to 1, got 2", [&] { squeeze(x, 2); });
  expect("tiled (broadcast_to).shape: expected one that (2, 3) goes with, got (1, 3)", [&] {
    broadcast_to(x, {1, 3}, "tiled");
  });
  expect("slice.range.step: expected any number but 0, got 0", [&] { slice(x, 0, {0, 1, 0}); });
  expect("select.index: expected a place of axis 1 of (2, 3), got 3", [&] { select(x, 1, 3); });
  expect("concatenate.parts: expected one or more, got none", [&] { concatenate({}, 0); });
  expect("concatenate.parts: expected shapes that differ in axis 0 alone, got (2, 3) and (2, 4)", [&] {
    concatenate({x, leaf({2, 4})}, 0);
  });
  expect("concatenate.parts: expected shapes that differ in axis 0 alone, got (2, 3) and (2,)", [&] {
    concatenate({x, leaf({2})}, 0);
  });
  expect("stack.parts: expected one shape, got (2, 3) and (3,)", [&] {
    stack(std::vector{x, leaf({3})}, 0);
  });
  const std::vector<i64> extents = {1, 1};
  expect("split.extents: expected a sum of 3, axis 1 of (2, 3), got 2", [&] { split(x, 1, extents); });
  expect("split.parts: expected a divisor of 3, axis 1 of (2, 3), got 2", [&] { split(x, 1, 2); });
  expect("gather.ids: expected i32 or i64, got f32", [&] { gather(x, x); });
  expect("gather.ids: expected 0 to 1, got 2", [&] { gather(x, Variable(integers({1}, {2}))); });
  expect("gather.ids: expected 0 to 1, got -1", [&] { gather(x, Variable(integers({1}, {-1}))); });
  expect("sum.over.axes: expected each axis once, got -1 twice", [&] { sum(x, {{1, -1}}); });
  expect("max.x: expected a place to be the result, got (0,)", [&] { max(leaf({0})); });
}

}  // namespace
}  // namespace recurra::autograd

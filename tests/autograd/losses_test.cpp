/// Softmax and losses.
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

using Values = std::vector<Variable>;

TEST(Losses, softmax_is_the_share_of_exponentials) {
  const Tensor x = normal({3, 7});
  const Variable y = softmax(Variable(x));
  const Variable logs = log_softmax(Variable(x), 1, "logs");
  EXPECT_EQ(logs.name(), "logs");
  for (i64 row = 0; row < 3; ++row) {
    double sum = 0;
    for (i64 i = 0; i < 7; ++i) sum += std::exp(double(x.data()[row * 7 + i]));
    for (i64 i = 0; i < 7; ++i) {
      const double share = std::exp(double(x.data()[row * 7 + i])) / sum;
      EXPECT_NEAR(y.value().data()[row * 7 + i], share, 4e-7);
      EXPECT_NEAR(logs.value().data()[row * 7 + i], std::log(share), 1e-6 * std::abs(std::log(share)));
    }
  }
}

TEST(Losses, softmax_stands_large_numbers) {
  const Variable y = softmax(Variable(floats({2, 2}, {1000, 0, -1000, -1000})));
  EXPECT_EQ(y.value().data()[0], 1.0F);
  EXPECT_EQ(y.value().data()[2], 0.5F);
  EXPECT_EQ(log_softmax(Variable(floats({2}, {200, 0}))).value().data()[1], -200.0F);
}

TEST(Losses, softmax_has_gradients_along_every_axis) {
  for (const int axis : {0, 1, -1}) {
    expect_gradients([&](const Values& v) { return softmax(v[0], axis); }, {normal({3, 5, 2})});
    expect_gradients([&](const Values& v) { return log_softmax(v[0], axis, "y"); }, {normal({3, 5, 2})});
  }
  EXPECT_EQ(softmax(leaf({3, 0})).shape(), Shape({3, 0}));
}

TEST(Losses, cross_entropies_agree_and_have_gradients) {
  const Tensor logits = normal({2, 3, 5});
  const Tensor labels = integers({2, 3}, {4, 0, 1, 1, 3, 2});
  Tensor targets({2, 3, 5});
  for (i64 row = 0; row < 6; ++row) targets.data()[row * 5 + labels.as<std::int32_t>()[std::size_t(row)]] = 1;
  const Variable dense = softmax_cross_entropy(Variable(logits), Variable(targets));
  const Variable sparse = sparse_softmax_cross_entropy(Variable(logits), Variable(labels), "loss");
  EXPECT_EQ(sparse.name(), "loss");
  ASSERT_EQ(sparse.shape(), Shape({2, 3}));
  for (i64 row = 0; row < 6; ++row) EXPECT_NEAR(sparse.value().data()[row], dense.value().data()[row], 1e-6);
  expect_gradients([](const Values& v) { return softmax_cross_entropy(v[0], v[1]); },
                   {logits, normal({2, 3, 5}, 5)});
  expect_gradients([](const Values& v) { return sparse_softmax_cross_entropy(v[0], v[1]); },
                   {logits, labels});
}

TEST(Losses, mean_squared_error_is_a_mean_over_features) {
  const Variable y =
      mean_squared_error(Variable(floats({2, 2}, {1, 2, 3, 4})), Variable(floats({2, 2}, {1, 4, 0, 0})));
  EXPECT_EQ(y.value().data()[0], 2.0F);
  EXPECT_EQ(y.value().data()[1], 12.5F);
  expect_gradients([](const Values& v) { return mean_squared_error(v[0], v[1]); },
                   {normal({3, 5}, 1), normal({3, 5}, 2)});
}

TEST(Losses, errors_name_function_argument_and_shapes) {
  const Variable logits = leaf({2, 3});
  EXPECT_EQ(error_of([&] { softmax(logits, 2); }), "softmax.axis: expected -2 to 1, got 2");
  EXPECT_EQ(error_of([&] { sparse_softmax_cross_entropy(logits, logits); }),
            "sparse_softmax_cross_entropy.labels: expected i32 or i64, got f32");
  EXPECT_EQ(error_of([&] {
              sparse_softmax_cross_entropy(logits, Variable(integers({2}, {0, 3})));
            }),
            "sparse_softmax_cross_entropy.labels: expected 0 to 2, got 3");
  EXPECT_EQ(error_of([&] { sparse_softmax_cross_entropy(logits, Variable(integers({1}, {0})), "loss"); }),
            "loss (sparse_softmax_cross_entropy).labels: expected (2,), got (1,)");
  EXPECT_EQ(error_of([&] { softmax_cross_entropy(logits, leaf({3})); }),
            "softmax_cross_entropy.targets: expected (2, 3), got (3,)");
  EXPECT_EQ(error_of([&] { softmax_cross_entropy(leaf({}), logits); }),
            "softmax_cross_entropy.logits: expected (..., classes), got ()");
  EXPECT_EQ(error_of([&] { mean_squared_error(logits, leaf({3})); }),
            "mean_squared_error.target: expected (2, 3), got (3,)");
}

}  // namespace
}  // namespace recurra::autograd

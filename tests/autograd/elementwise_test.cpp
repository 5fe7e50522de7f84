/// Functions element by element: values against the formula, gradients against differences, broadcasting.
#include <cmath>

#include <gmock/gmock.h>

#include "recurra/engine/activations.h"
#include "tests/autograd/function_gradients.h"

namespace recurra::autograd {
namespace {

using test::error_of;
using test::expect_gradients;
using test::leaf;
using test::normal;
using test::uniform;

using Values = std::vector<Variable>;
using Binary = Variable (*)(const Variable&, const Variable&, std::string_view);

struct BinaryCase {
  const char* name;
  Binary function;
  float (*formula)(float, float);
};

const BinaryCase binary_cases[] = {
    {"add",
     add,
     [](float a, float b) {
       return a + b;
     }},
    {"subtract",
     subtract,
     [](float a, float b) {
       return a - b;
     }},
    {"multiply",
     multiply,
     [](float a, float b) {
       return a * b;
     }},
    {"divide",
     divide,
     [](float a, float b) {
       return a / b;
     }},
    {"pow",
     pow,
     [](float a, float b) {
       return std::pow(a, b);
     }},
    {"maximum",
     maximum,
     [](float a, float b) {
       return std::max(a, b);
     }},
    {"minimum",
     minimum,
     [](float a, float b) {
       return std::min(a, b);
     }},
};

struct ShapePair {
  Shape a, b;
};

const ShapePair pairs[] = {{{3, 5}, {3, 5}},
                           {{3, 5}, {5}},
                           {{1, 7}, {3, 1}},
                           {{2, 1, 5}, {3, 1}},
                           {{}, {4, 3}},
                           {{2, 3, 4, 5}, {1, 3, 1, 5}},
                           {{17}, {1}},
                           {{0, 3}, {3}},
                           {{1}, {0}}};

// Element `index` of the broadcast shape, looked up by hand.
float element(const Tensor& x, const Shape& whole, i64 index) {
  i64 place = 0;
  i64 stride = 1;
  for (int behind = 0; behind < whole.rank(); ++behind) {
    const i64 extent = whole[whole.rank() - 1 - behind];
    const i64 at = index % extent;
    index /= extent;
    if (behind >= x.shape().rank()) continue;
    const i64 own = x.shape()[x.shape().rank() - 1 - behind];
    if (own > 1) place += at * stride;
    stride *= own;
  }
  return x.data()[place];
}

TEST(Elementwise, binary_functions_broadcast_as_numpys) {
  for (const BinaryCase& c : binary_cases) {
    for (const ShapePair& shapes : pairs) {
      SCOPED_TRACE(std::string(c.name) + shapes.a.to_string() + shapes.b.to_string());
      // Far apart, so that no difference crosses where maximum and minimum have an edge.
      const Tensor a = uniform(shapes.a, 0.5F, 1.0F, 1);
      const Tensor b = uniform(shapes.b, 1.2F, 2.0F, 2);
      const Variable y = c.function(Variable(a), Variable(b), "y");
      EXPECT_EQ(y.name(), "y");
      for (i64 i = 0; i < y.value().size(); ++i) {
        EXPECT_EQ(y.value().data()[i], c.formula(element(a, y.shape(), i), element(b, y.shape(), i)));
      }
      const auto call = [&](const Values& v) {
        return c.function(v[0], v[1], {});
      };
      if (y.value().size() > 0) expect_gradients(call, {a, b});
      if (y.value().size() > 0) expect_gradients(call, {b, a});
    }
  }
}

TEST(Elementwise, over_no_element_gradients_are_zeros) {
  const Variable a(Tensor({0, 3}), true);
  const Variable b(normal({3}), true);
  const Variable y = a * b;
  EXPECT_EQ(y.shape(), Shape({0, 3}));
  backward(std::vector{y}, std::vector{Tensor({0, 3})});
  EXPECT_EQ(a.gradient().shape(), Shape({0, 3}));
  for (i64 i = 0; i < 3; ++i) EXPECT_EQ(b.gradient().data()[i], 0.0F);
}

TEST(Elementwise, one_variable_on_both_sides_has_both_gradients) {
  expect_gradients([](const Values& v) { return v[0] * v[0] / (v[0] + 3.0F); }, {uniform({3, 5}, 0.5F, 2)});
}

TEST(Elementwise, operators_take_numbers) {
  const Tensor x = uniform({7}, 0.5F, 2);
  const Values calls[] = {{Variable(x) + 2.0F, 2.0F + Variable(x)},
                          {Variable(x) * 3.0F, 3.0F * Variable(x)},
                          {Variable(x) - 1.0F, -(1.0F - Variable(x))},
                          {Variable(x) / 4.0F, reciprocal(4.0F / Variable(x))}};
  for (const Values& pair : calls) {
    for (i64 i = 0; i < 7; ++i) EXPECT_NEAR(pair[0].value().data()[i], pair[1].value().data()[i], 1e-6);
  }
  EXPECT_FLOAT_EQ(pow(Variable(x), 3.0F).value().data()[0], x.data()[0] * x.data()[0] * x.data()[0]);
}

TEST(Elementwise, of_equal_numbers_the_first_has_the_gradient) {
  for (const Binary function : {Binary(maximum), Binary(minimum)}) {
    const Variable a(uniform({3}, 1, 1), true);
    const Variable b(uniform({3}, 1, 1), true);
    backward(sum(function(a, b, {})));
    EXPECT_EQ(a.gradient().data()[0], 1.0F);
    EXPECT_EQ(b.gradient().data()[0], 0.0F);
  }
}

TEST(Elementwise, unary_functions_have_their_slopes) {
  const auto check = [](Variable (*f)(const Variable&, std::string_view), float (*formula)(float)) {
    const Tensor x = uniform({5, 7}, 0.5F, 2.0F);
    const Variable y = f(Variable(x), "y");
    EXPECT_EQ(y.name(), "y");
    for (i64 i = 0; i < x.size(); ++i)
      EXPECT_NEAR(y.value().data()[i], formula(x.data()[i]), 4e-7 * std::max(1.0F, formula(x.data()[i])));
    expect_gradients([f](const Values& v) { return f(v[0], {}); }, {x});
    expect_gradients([f](const Values& v) { return f(v[0] * 0.75F, {}); }, {uniform({1}, 0.5F, 2.0F)});
  };
  check(negate, [](float v) { return -v; });
  check(exp, [](float v) { return std::exp(v); });
  check(log, [](float v) { return std::log(v); });
  check(sqrt, [](float v) { return std::sqrt(v); });
  check(square, [](float v) { return v * v; });
  check(abs, [](float v) { return std::fabs(v); });
  check(sin, [](float v) { return std::sin(v); });
  check(cos, [](float v) { return std::cos(v); });
  check(reciprocal, [](float v) { return 1 / v; });
  check(tanh, [](float v) { return std::tanh(v); });
  check(sigmoid, [](float v) { return 1 / (1 + std::exp(-v)); });
  check(relu, [](float v) { return std::max(v, 0.0F); });
  expect_gradients([](const Values& v) { return abs(v[0]); }, {uniform({5}, -2.0F, -0.5F)});
}

TEST(Elementwise, every_activation_has_its_slope_on_every_target) {
  for (const Target* kernels : supported_targets()) {
    const RunOn on(*kernels);
    for (int kind = 0; kind <= static_cast<int>(ActivationKind::gelu); ++kind) {
      const Activation activation = parse_activation(name_of(ActivationKind{kind}), "kind");
      SCOPED_TRACE(name_of(activation.kind));
      // Between the edges at -3, 0, 1 and 3.
      for (const auto& [low, high] :
           {std::pair(0.1F, 0.9F), std::pair(-0.9F, -0.1F), std::pair(1.1F, 2.5F)}) {
        expect_gradients([&](const Values& v) { return activate(v[0], activation); },
                         {uniform({3, 7}, low, high)});
      }
      EXPECT_EQ(activate(Variable(normal({3})), name_of(activation.kind)).shape(), Shape({3}));
    }
  }
}

TEST(Elementwise, where_chooses_and_sends_the_gradient_to_what_was_chosen) {
  const Tensor a = normal({3, 5}, 1);
  const Tensor b = normal({5}, 2);
  const Variable condition = less(Variable(normal({3, 1}, 3)), scalar(0.0F));
  ASSERT_EQ(condition.value().dtype(), Dtype::u8);
  const Variable y = where(condition, Variable(a), Variable(b));
  for (i64 i = 0; i < 15; ++i) {
    const bool first = condition.value().as<std::uint8_t>()[std::size_t(i / 5)] != 0;
    EXPECT_EQ(y.value().data()[i], first ? a.data()[i] : b.data()[i % 5]);
  }
  expect_gradients([&](const Values& v) { return where(condition, v[0], v[1]); }, {a, b});
  expect_gradients([](const Values& v) { return where(v[0], v[1], v[2]) + 0.0F * v[0]; },
                   {uniform({5}, 1, 2), a, b});
}

TEST(Elementwise, comparisons_are_ones_and_zeros) {
  const Variable a(uniform({3}, 1, 1)), b(uniform({1}, 1, 1)), c(uniform({3}, 2, 2));
  EXPECT_EQ(less(a, b).value().as<std::uint8_t>()[0], 0);
  EXPECT_EQ(less(a, c).value().as<std::uint8_t>()[0], 1);
  EXPECT_EQ(less_equal(a, b).value().as<std::uint8_t>()[2], 1);
  EXPECT_EQ(equal(a, b).value().as<std::uint8_t>()[1], 1);
  EXPECT_EQ(equal(a, c).value().as<std::uint8_t>()[1], 0);
}

TEST(Elementwise, clip_has_no_gradient_outside) {
  const auto call = [](const Values& v) {
    return clip(v[0], -0.5F, 0.25F);
  };
  expect_gradients(call, {uniform({7}, -0.4F, 0.2F)});
  expect_gradients(call, {uniform({7}, -1.4F, -0.6F)});
  expect_gradients(call, {uniform({7}, 0.4F, 0.6F)});
  EXPECT_EQ(clip(Variable(uniform({1}, 3, 3)), -1, 2).value().data()[0], 2.0F);
}

TEST(Elementwise, dropout_multiplies_by_given_factors) {
  Tensor factors({3, 5});
  for (i64 i = 0; i < 15; i += 2) factors.data()[i] = 2;
  const Variable given(factors);
  expect_gradients([&](const Values& v) { return dropout(v[0], given); }, {normal({3, 5})});
}

TEST(Elementwise, errors_name_function_argument_and_shapes) {
  const Variable a = leaf({2, 3});
  const Variable ids(Tensor({2, 3}, Dtype::i32));
  EXPECT_EQ(
      error_of([&] {
        add(a, leaf({2, 4}));
      }),
      "add: expected shapes of equal extents, or 1 or none, from the last axis on, got (2, 3) and (2, 4)");
  EXPECT_EQ(
      error_of([&] { multiply(a, leaf({4}), "gated"); }),
      "gated (multiply): expected shapes of equal extents, or 1 or none, from the last axis on, got (2, 3) "
      "and (4,)");
  EXPECT_EQ(error_of([&] { tanh(ids); }), "tanh.x: expected f32, got i32");
  EXPECT_EQ(error_of([&] { tanh(Variable()); }),
            "tanh.x: expected a variable with a value, got an empty one");
  EXPECT_EQ(error_of([&] { a + ids; }), "add.b: expected f32, got i32");
  EXPECT_EQ(error_of([&] { where(ids, a, a); }), "where.condition: expected u8 or f32, got i32");
  EXPECT_EQ(error_of([&] { clip(a, 2, 1); }), "clip.high: expected at least low, 2, got 1");
  EXPECT_EQ(error_of([&] { dropout(a, leaf({3})); }), "dropout.factors: expected (2, 3), got (3,)");
  EXPECT_EQ(error_of([&] {
              activate(a, {ActivationKind::elu, -1});
            }),
            "activate.activation elu: expected alpha from 0 up, got -1");
  EXPECT_THAT(error_of([&] { activate(a, "tanhh"); }),
              testing::StartsWith("activate.activation \"tanhh\": supported are linear, "));
}

}  // namespace
}  // namespace recurra::autograd

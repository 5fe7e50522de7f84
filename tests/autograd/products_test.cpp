/// matmul and einsum: values against plain loops in double on every target, gradients against differences.
#include <map>

#include <gmock/gmock.h>

#include "tests/autograd/function_gradients.h"

namespace recurra::autograd {
namespace {

using test::error_of;
using test::expect_gradients;
using test::leaf;
using test::normal;

using Values = std::vector<Variable>;

// Einstein's sum as it is defined: over all letters, one after the other. And the sum of absolute values, of
// which rounding is a part.
struct PlainSum {
  std::map<char, i64> extents;
  std::map<char, i64> at;

  [[nodiscard]] i64 place(const std::string& letters) const {
    i64 index = 0;
    for (const char letter : letters) index = index * extents.at(letter) + at.at(letter);
    return index;
  }

  void run(const std::vector<std::string>& operands,
           const std::vector<const float*>& values,
           const std::string& result,
           std::vector<double>& sum,
           std::vector<double>& size) {
    i64 all = 1;
    for (const auto& [letter, extent] : extents) all *= extent;
    i64 elements = 1;
    for (const char letter : result) elements *= extents.at(letter);
    sum.assign(std::size_t(elements), 0);
    size.assign(std::size_t(elements), 0);
    for (i64 i = 0; i < all; ++i) {
      i64 rest = i;
      for (const auto& [letter, extent] : extents) {
        at[letter] = rest % extent;
        rest /= extent;
      }
      double product = 1;
      for (std::size_t k = 0; k < operands.size(); ++k) product *= values[k][place(operands[k])];
      sum[std::size_t(place(result))] += product;
      size[std::size_t(place(result))] += std::abs(product);
    }
  }
};

struct Sum {
  const char* a;
  const char* b;  // null: one operand
  const char* result;
};

// Every element: a chain of n multiply-adds in f32 is off by at most n roundings of 6e-8 of the sum of
// absolute values; here n <= 120, mostly far fewer.
void expect_sum(const Sum& s, const std::map<char, i64>& extents) {
  SCOPED_TRACE(std::string(s.a) + "," + (s.b == nullptr ? "" : s.b) + "->" + s.result);
  const auto shape = [&](const std::string& letters) {
    std::vector<i64> list;
    for (const char letter : letters) list.push_back(extents.at(letter));
    return Shape(list);
  };
  std::vector<Tensor> values = {normal(shape(s.a), 1)};
  std::vector<std::string> operands = {s.a};
  if (s.b != nullptr) {
    values.push_back(normal(shape(s.b), 2));
    operands.emplace_back(s.b);
  }
  const std::string equation =
      std::string(s.a) + (s.b == nullptr ? "" : ",") + (s.b == nullptr ? "" : s.b) + "->" + s.result;
  const auto call = [&](const Values& v) {
    return v.size() == 1 ? einsum(equation, v[0]) : einsum(equation, v[0], v[1]);
  };
  PlainSum plain;
  for (const std::string& letters : operands) {
    for (const char letter : letters) plain.extents[letter] = extents.at(letter);
  }
  std::vector<double> sum, size;
  std::vector<const float*> data;
  for (const Tensor& value : values) data.push_back(value.data());
  plain.run(operands, data, s.result, sum, size);
  for (const Target* kernels : supported_targets()) {
    const RunOn on(*kernels);
    const Variable y = call(test::leaves(values, false));
    ASSERT_EQ(y.shape(), shape(s.result));
    for (std::size_t i = 0; i < sum.size(); ++i)
      ASSERT_NEAR(y.value().data()[i], sum[i], 120 * 6e-8 * size[i]) << kernels->name << " element " << i;
  }
  expect_gradients(call, values);
}

TEST(Products, einsum_is_the_plain_sum) {
  const Sum sums[] = {
      {"bij", "ijkl", "bkl"}, {"ij", "jk", "ik"},    {"ij", "jk", "ki"},    {"ji", "jk", "ik"},
      {"ij", "kj", "ik"},     {"ji", "kj", "ik"},    {"bij", "bjk", "bik"}, {"bij", "bkj", "bki"},
      {"bij", "jk", "bik"},   {"ij", "bj", "bi"},    {"bi", "bi", "b"},     {"i", "j", "ij"},
      {"i", "i", ""},         {"ij", "kl", "jl"},    {"ii", "ij", "j"},     {"kbi", "jik", "bj"},
      {"b", "bij", "ij"},     {"ij", nullptr, "ji"}, {"ijk", nullptr, "j"}, {"ii", nullptr, "i"},
      {"ii", nullptr, ""},    {"ij", nullptr, "ij"}, {"jkb", "bik", "bji"}, {"iji", nullptr, "j"},
  };
  const std::map<char, i64> odd = {{'b', 3}, {'i', 5}, {'j', 2}, {'k', 3}, {'l', 4}};
  const std::map<char, i64> ones = {{'b', 1}, {'i', 1}, {'j', 7}, {'k', 1}, {'l', 1}};
  for (const Sum& sum : sums) {
    expect_sum(sum, odd);
    expect_sum(sum, ones);
  }
}

TEST(Products, einsum_without_an_arrow_has_the_letters_that_stand_once) {
  EXPECT_EQ(einsum("kj,ji", leaf({2, 3}), leaf({3, 5})).shape(), Shape({5, 2})) << "sorted: ik";
  EXPECT_EQ(einsum("ba", leaf({2, 3})).shape(), Shape({3, 2}));
}

// Sizes around those of tiles and vectors, so large that several panels and pieces of rows are there.
TEST(Products, matmul_is_the_product_in_double_on_every_target) {
  struct Size {
    i64 rows, inner, columns;
  };

  for (const Size s :
       {Size{1, 1, 1}, {1, 9, 65}, {2, 3, 17}, {7, 16, 33}, {65, 130, 15}, {300, 5, 96}, {5, 257, 64}}) {
    for (const bool turned_a : {false, true}) {
      for (const bool turned_b : {false, true}) {
        const Tensor a = normal(turned_a ? Shape({s.inner, s.rows}) : Shape({s.rows, s.inner}), 1);
        const Tensor b = normal(turned_b ? Shape({s.columns, s.inner}) : Shape({s.inner, s.columns}), 2);
        for (const Target* kernels : supported_targets()) {
          const RunOn on(*kernels);
          const Variable y = matmul(Variable(a), Variable(b), {turned_a, turned_b});
          ASSERT_EQ(y.shape(), Shape({s.rows, s.columns}));
          for (i64 row = 0; row < s.rows; ++row) {
            for (i64 column = 0; column < s.columns; ++column) {
              double sum = 0, size = 0;
              for (i64 k = 0; k < s.inner; ++k) {
                const double x = a.data()[turned_a ? k * s.rows + row : row * s.inner + k];
                const double z = b.data()[turned_b ? column * s.inner + k : k * s.columns + column];
                sum += x * z;
                size += std::abs(x * z);
              }
              ASSERT_NEAR(y.value().data()[row * s.columns + column], sum, double(s.inner) * 6e-8 * size);
            }
          }
        }
      }
    }
  }
}

TEST(Products, matmul_has_gradients_for_all_ranks_and_both_ways) {
  struct Case {
    Shape a, b;
    MatmulOptions options = {};
  };

  const Case cases[] = {{{3, 5}, {5, 7}},
                        {{5, 3}, {5, 7}, {true, false}},
                        {{3, 5}, {7, 5}, {false, true}},
                        {{5, 3}, {7, 5}, {true, true}},
                        {{2, 3, 5}, {5, 7}},
                        {{2, 5, 3}, {5, 7}, {true, false}},
                        {{2, 3, 5}, {2, 5, 7}},
                        {{2, 3, 5}, {2, 7, 5}, {false, true}},
                        {{3, 5}, {2, 5, 7}},
                        {{4, 1, 3, 2}, {3, 2, 5}},
                        {{4, 2, 3}, {1, 5, 3}, {false, true}},
                        {{5}, {5, 3}},
                        {{3, 5}, {5}},
                        {{5}, {5}},
                        {{2, 3, 5}, {5}},
                        {{1, 1}, {1, 1}}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.a.to_string() + c.b.to_string());
    const auto call = [&](const Values& v) {
      return matmul(v[0], v[1], c.options);
    };
    expect_gradients(call, {normal(c.a, 1), normal(c.b, 2)});
    // Twice in one graph: sums of gradients, and the packs of the first.
    expect_gradients([&](const Values& v) { return call(v) + 2.0F * call(v); },
                     {normal(c.a, 1), normal(c.b, 2)});
  }
}

TEST(Products, extents_of_no_place_give_zeros_or_nothing) {
  EXPECT_EQ(matmul(leaf({0, 3}), leaf({3, 2})).shape(), Shape({0, 2}));
  EXPECT_EQ(matmul(leaf({2, 3}), leaf({3, 0})).shape(), Shape({2, 0}));
  const Variable a(Tensor({2, 0}), true), b(Tensor({0, 3}), true);
  const Variable y = matmul(a, b);
  ASSERT_EQ(y.shape(), Shape({2, 3}));
  for (i64 i = 0; i < 6; ++i) EXPECT_EQ(y.value().data()[i], 0.0F);
  backward(sum(y));
  EXPECT_EQ(a.gradient().shape(), Shape({2, 0}));
  const Variable c(Tensor({0, 3}), true), d(normal({3, 2}), true);
  backward(sum(matmul(c, d)));
  for (i64 i = 0; i < 6; ++i) EXPECT_EQ(d.gradient().data()[i], 0.0F);
}

TEST(Products, weights_that_were_edited_are_packed_again) {
  const Variable x(normal({3, 5}, 1));
  const Variable w(normal({5, 7}, 2), true);
  const Variable before = matmul(x, w);
  w.edit() = normal({5, 7}, 3);
  const Variable after = matmul(x, w);
  const Variable fresh = matmul(x, Variable(normal({5, 7}, 3)));
  for (i64 i = 0; i < 21; ++i) {
    EXPECT_EQ(after.value().data()[i], fresh.value().data()[i]);
    EXPECT_NE(after.value().data()[i], before.value().data()[i]);
  }
}

// Numbers of a pattern: as many as here take long to draw.
Tensor patterned(const Shape& shape) {
  Tensor tensor(shape);
  float* const to = tensor.data();
  for (i64 i = 0; i < tensor.size(); ++i) to[i] = float(i * 7919 % 1009 - 504) / 512;
  return tensor;
}

// Of as many multiply-adds as are shared between threads, by rows and by columns.
TEST(Products, threads_do_not_change_bits) {
  const Tensor x = normal({130, 165}, 1), w = normal({165, 190}, 2), row = normal({1, 2100}, 3);
  const Tensor v = patterned({2100, 2000});
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    Execution execution;
    execution.threads = threads;
    const RunOn on(execution);
    const std::vector<Variable> inputs = test::leaves({x, w, row, v}, true);
    const Variable y = matmul(inputs[0], inputs[1]);
    const Variable z = matmul(inputs[2], inputs[3]);
    backward(std::vector{y, z}, std::vector{normal({130, 190}, 5), normal({1, 2000}, 6)});
    std::vector<float>& bits = results.emplace_back();
    for (const Variable& result : {y, z}) {
      bits.insert(bits.end(), result.value().data(), result.value().data() + result.value().size());
    }
    for (const Variable& input : inputs) {
      bits.insert(bits.end(), input.gradient().data(), input.gradient().data() + input.gradient().size());
    }
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Products, errors_name_function_argument_and_shapes) {
  const Variable a = leaf({2, 3});
  EXPECT_EQ(error_of([&] {
              matmul(a, leaf({4, 5}), "gates");
            }),
            "gates (matmul).b: expected inner extent 3, that of a (2, 3), got (4, 5)");
  EXPECT_EQ(error_of([&] {
              matmul(a, leaf({2, 5}), MatmulOptions{true, true});
            }),
            "matmul.b: expected inner extent 2, that of a (2, 3) transposed, got (2, 5) transposed");
  EXPECT_EQ(error_of([&] { matmul(a, leaf({})); }), "matmul.b: expected one axis or more, got ()");
  EXPECT_EQ(error_of([&] {
              matmul(leaf({3}), a, MatmulOptions{true, false});
            }),
            "matmul.a: expected two axes or more to be transposed, got (3,)");
  EXPECT_EQ(
      error_of([&] {
        matmul(leaf({2, 2, 3}), leaf({3, 3, 2}));
      }),
      "matmul before the last two axes: expected shapes of equal extents, or 1 or none, from the last axis "
      "on, got (2,) and (3,)");
  EXPECT_EQ(error_of([&] {
              einsum("ij,jk->ik", a, leaf({4, 5}));
            }),
            "einsum.b: expected extent 3 of \"j\" in \"jk\", got (4, 5)");
  EXPECT_EQ(error_of([&] { einsum("ijk,jk->ik", a, a); }), "einsum.a: expected 3 axes, \"ijk\", got (2, 3)");
  EXPECT_EQ(error_of([&] { einsum("ij->ik", a); }),
            "einsum.equation: expected each letter of the result once, and of an operand, got \"ij->ik\"");
  EXPECT_EQ(error_of([&] { einsum("ij,jk->ii", a, a); }),
            "einsum.equation: expected each letter of the result once, and of an operand, got \"ij,jk->ii\"");
  EXPECT_EQ(error_of([&] { einsum("ij->ij", a, a); }),
            "einsum.equation: expected an equation of 2 operands, got \"ij->ij\"");
  EXPECT_EQ(error_of([&] { einsum("...j->j", a); }),
            "einsum.equation: expected letters, commas between operands and one -> before the result, got "
            "\"...j->j\"");
}

}  // namespace
}  // namespace recurra::autograd

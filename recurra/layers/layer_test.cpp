/// Layers of several inputs and outputs: what reaches them, and what is refused before it does.
#include "recurra/layers/layer.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/dense.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

/// (a, b) -> (b, 2 a), of one input (2 a).
class Swap final : public GeneralLayer {
 public:
  Swap() : GeneralLayer("swap") {}

  [[nodiscard]] const char* type() const noexcept override { return "Swap"; }

  [[nodiscard]] nlohmann::json config() const override { return base_config(); }

 private:
  std::vector<Shape> run_build_all(std::span<const Shape> inputs, Random& /*random*/) override {
    require_inputs(inputs.size(), 1, 2);
    return {inputs.rbegin(), inputs.rend()};
  }

  TensorList run_forward_all(TensorList inputs, const Context& /*context*/) override {
    require_inputs(inputs.size(), 1, 2);
    doubled_ = *inputs[0];
    for (float& value : doubled_.as<float>()) value *= 2;
    list_ = {inputs.back(), &doubled_};
    return TensorList(list_).last(inputs.size());
  }

  TensorList run_backward_all(TensorList inputs,
                              TensorList d_outputs,
                              std::span<const std::uint8_t> wanted,
                              const Context& /*context*/) override {
    gradient_ = Tensor(inputs[0]->shape());
    if (d_outputs.back() != nullptr) {
      std::ranges::copy(d_outputs.back()->as<float>(), gradient_.data());
      for (float& value : gradient_.as<float>()) value *= 2;
    }
    list_ = {wanted[0] != 0 ? &gradient_ : nullptr, wanted.back() != 0 ? d_outputs[0] : nullptr};
    return TensorList(list_).first(inputs.size());
  }

  Tensor doubled_, gradient_;
  std::array<const Tensor*, 2> list_{};
};

Tensor filled(const Shape& shape, float value) {
  Tensor tensor(shape);
  std::ranges::fill(tensor.as<float>(), value);
  return tensor;
}

TEST(GeneralLayer, has_lists_of_inputs_and_outputs) {
  Random random(1);
  Swap swap;
  const std::array shapes = {Shape{3}, Shape{5}};
  EXPECT_EQ(swap.build(shapes, random), (std::vector{Shape{5}, Shape{3}}));
  const Tensor a = filled({2, 3}, 1);
  const Tensor b = filled({2, 5}, 7);
  const std::array<const Tensor*, 2> inputs = {&a, &b};
  const Context training{.training = true};
  const TensorList outputs = swap.forward(inputs, training);
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[0], &b);
  EXPECT_EQ(outputs[1]->data()[5], 2.0F);
  const Tensor d = filled({2, 3}, 10);
  const std::array<const Tensor*, 2> gradients = {nullptr, &d};
  const TensorList dx = swap.backward(inputs, gradients, std::array<std::uint8_t, 2>{1, 0}, training);
  ASSERT_EQ(dx.size(), 2U);
  EXPECT_EQ(dx[0]->data()[0], 20.0F);
  EXPECT_EQ(dx[1], nullptr);
}

TEST(GeneralLayer, of_one_input_and_output_is_called_as_any_other) {
  Random random(1);
  Swap swap;
  EXPECT_EQ(swap.build(Shape{3}, random), Shape{3});
  const Tensor x = filled({2, 3}, 4);
  const Context training{.training = true};
  EXPECT_EQ(swap.forward(x, training).data()[0], 8.0F);
  EXPECT_EQ(swap.backward(x, x, true, training).data()[0], 8.0F);
  EXPECT_EQ(swap.backward(x, x, false, training).size(), 0);
}

TEST(Layer, refuses_lists_that_do_not_fit) {
  Random random(1);
  Dense dense({.units = 4});
  Swap swap;
  const std::array shapes = {Shape{3}, Shape{5}};
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { dense.build(shapes, random); }),
            "dense.inputs: expected 1, got 2");
  EXPECT_EQ(error_text([&] { swap.build(std::vector<Shape>(3), random); }),
            "swap.inputs: expected 1 to 2, got 3");
  swap.build(shapes, random);
  dense.build(Shape{3}, random);
  const Tensor a({2, 3});
  const Tensor b({2, 5});
  const Tensor ids({2, 5}, Dtype::i32);
  const std::array<const Tensor*, 2> inputs = {&a, &b};
  const std::array<const Tensor*, 2> wrong = {&a, &ids};
  EXPECT_EQ(error_text([&] { dense.forward(inputs, {}); }), "dense.inputs: expected 1, got 2");
  EXPECT_EQ(error_text(ErrorCode::dtype, [&] { swap.forward(wrong, {}); }),
            "swap.inputs[1]: expected f32, got i32");
  const StepMask mask = StepMask::of_lengths(std::array{1, 2}, 4);
  const std::array<const StepMask*, 2> masks = {nullptr, &mask};
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { swap.forward(inputs, {.masks = masks}); }),
            "swap.masks[1]: expected shape (2, 5), got (2, 4)");
  EXPECT_EQ(error_text([&] { swap.forward(inputs, {.masks = std::span(masks).first(1)}); }),
            "swap.masks: expected 2, one an input, got 1");
  const Context training{.training = true};
  const std::array<std::uint8_t, 2> both = {1, 1};
  EXPECT_EQ(error_text([&] { swap.backward(inputs, inputs, both, training); }),
            "swap.backward: expected a training forward before, got none");
  swap.forward(inputs, training);
  const std::array<const Tensor*, 2> none = {};
  EXPECT_EQ(error_text([&] { swap.backward(inputs, none, both, training); }),
            "swap.d_outputs: expected a gradient of some output, got none");
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { swap.backward(inputs, inputs, both, training); }),
            "swap.d_outputs[0]: expected shape (2, 5), got (2, 3)");
  EXPECT_EQ(error_text([&] { swap.backward(std::span(inputs).first(1), none, both, training); }),
            "swap.inputs: expected 2 as forward had, got 1");
  EXPECT_EQ(error_text([&] { swap.backward(inputs, none, std::span(both).first(1), training); }),
            "swap.wanted: expected 2 as forward had, got 1");
}

}  // namespace

}  // namespace recurra::test

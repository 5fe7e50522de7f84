/// What layers refuse: shapes, elements and masks that do not fit, ways back without a way forth.
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/layers/batch_normalization.h"
#include "recurra/layers/dense.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/model_spec.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

TEST(Layers, wrong_shapes_are_named) {
  Random random(1);
  Lstm lstm({{.units = 4}});
  EXPECT_EQ(error_text([&] { lstm.build({5}, random); }),
            "lstm: expected input (batch, steps, features), got (batch, ...) with (5,)");
  lstm.build({7, 5}, random);
  EXPECT_EQ(error_text([&] {
              lstm.forward(Tensor({2, 7, 6}), {});
            }),
            "lstm.input: expected (batch, steps, 5), got (2, 7, 6)");
  EXPECT_EQ(error_text([&] {
              lstm.forward(Tensor({2, 7, 5}, Dtype::i32), {});
            }),
            "lstm.input: expected f32, got i32");
  Dense dense({.units = 4});
  dense.build({5}, random);
  EXPECT_EQ(error_text([&] {
              dense.forward(Tensor({2, 6}), {});
            }),
            "dense.input: expected (batch, ..., 5), got (2, 6)");
  BatchNormalization norm;
  norm.build({5}, random);
  EXPECT_EQ(error_text([&] {
              norm.forward(Tensor({2, 6}), {});
            }),
            "batch_normalization.input: expected (batch, ..., 5), got (2, 6)");
}

TEST(Layers, an_input_to_be_flattened_is_as_built_for) {
  const std::unique_ptr<Layer> flatten = make_layer({"Flatten", "{}"});
  const auto refusal = [&](const Shape& shape) {
    return error_text(ErrorCode::shape, [&] { flatten->forward(Tensor(shape), {}); });
  };
  EXPECT_EQ(refusal({2, 3, 4}), "flatten.input: expected a shape it was built for, got (2, 3, 4)");
  Random random(1);
  EXPECT_EQ(flatten->build({3, 4}, random), Shape{12});
  const std::string expected = "flatten.input: expected (batch, ...) with (3, 4), got ";
  for (const Shape& shape : {Shape{}, Shape{2}, Shape{2, 12}, Shape{2, 4, 3}, Shape{2, 3, 4, 1}})
    EXPECT_EQ(refusal(shape), expected + shape.to_string());
  EXPECT_EQ(flatten->forward(Tensor({0, 3, 4}), {}).shape(), (Shape{0, 12}));
}

/// A layer and what fits it.
struct Fitting {
  const char* type;
  const char* config;
  Shape input = {any_extent, 4};  // what it is built for
  Shape x = {2, 3, 4};
  Shape y = {2, 3, 4};
  const char* dtypes = "f32";
};

const Fitting every_layer[] = {
    {"LSTM", R"({"units": 4, "return_sequences": true})"},
    {"GRU", R"({"units": 4, "return_sequences": true})"},
    {"SimpleRNN", R"({"units": 4, "return_sequences": true})"},
    {"Bidirectional",
     R"({"merge_mode": "sum", "layer": {"class_name": "LSTM", "config": {"units": 4, "return_sequences": true}}})"},
    {"Dense", R"({"units": 4})"},
    {"BatchNormalization", "{}"},
    {"Embedding", R"({"input_dim": 5, "output_dim": 4})", {any_extent}, {2, 3}, {2, 3, 4}, "i32 or f32"},
    {"Masking", "{}"},
    {"Dropout", R"({"rate": 0.5})"},
    {"Activation", R"({"activation": "tanh"})"},
    {"Flatten", "{}", {3, 4}, {2, 3, 4}, {2, 12}},
    {"GlobalAveragePooling1D", "{}", {any_extent, 4}, {2, 3, 4}, {2, 4}},
    {"LayerNormalization", "{}"},
    {"Conv1D", R"({"filters": 4, "kernel_size": 3, "padding": "same"})"},
    {"MaxPooling1D", R"({"strides": 1, "padding": "same"})"},
    {"Reshape", R"({"target_shape": [2, -1]})", {3, 4}, {2, 3, 4}, {2, 2, 6}},
    {"Permute", R"({"dims": [2, 1]})", {any_extent, 4}, {2, 3, 4}, {2, 4, 3}},
    {"TimeDistributed", R"({"layer": {"class_name": "Dense", "config": {"units": 4}}})"}};

/// What a way forth and a way back are given.
TEST(Layers, what_does_not_fit_is_refused_on_both_ways) {
  const Context training{.training = true};
  const StepMask fitting = StepMask::of_lengths(std::vector{1, 2}, 3);
  const StepMask longer = StepMask::of_lengths(std::vector{1, 2}, 4);
  for (const Fitting& fits : every_layer) {
    SCOPED_TRACE(fits.type);
    const std::unique_ptr<Layer> layer = make_layer({fits.type, fits.config});
    const std::string name = layer->name();
    Random random(1);
    layer->build(fits.input, random);
    const Tensor x(fits.x);
    const Tensor dy(fits.y);
    const auto forward = [&](const Tensor& given, const Context& context) {
      return error_text([&] { layer->forward(given, context); });
    };
    const auto back = [&](const Tensor& given_x, const Tensor& given_dy) {
      return error_text([&] { layer->backward(given_x, given_dy, true, training); });
    };
    const auto back_with = [&](const StepMask* given) {
      return error_text([&] { layer->backward(x, dy, true, {.training = true, .mask = given}); });
    };
    const std::string untrained = name + ".backward: expected a training forward before, got none";
    const std::string mask_refusal = name + ".mask: expected shape (2, 3), got (2, 4)";
    EXPECT_EQ(back(x, dy), untrained);
    EXPECT_EQ(forward(x, {}), "no error");
    EXPECT_EQ(back(x, dy), untrained) << "after inference";
    EXPECT_EQ(forward(x, {.mask = &longer}), mask_refusal);
    EXPECT_EQ(forward(Tensor({4}), {.mask = &longer}),
              name + ".mask: expected none for an input without steps, got one");
    EXPECT_EQ(forward(Tensor(fits.x, Dtype::u8), training),
              name + ".input: expected " + fits.dtypes + ", got u8");
    layer->forward(x, training);
    Shape shape = fits.x;
    shape[1] = 4;
    EXPECT_EQ(back(Tensor(shape), dy),
              name + ".input: expected shape " + fits.x.to_string() + ", got " + shape.to_string());
    for (const Shape& other : {Shape{2, 4, 4}, Shape{2, 5}}) {
      EXPECT_EQ(back(x, Tensor(other)),
                name + ".dy: expected shape " + fits.y.to_string() + ", got " + other.to_string());
    }
    EXPECT_EQ(back(x, Tensor(fits.y, Dtype::u8)), name + ".dy: expected f32, got u8");
    EXPECT_EQ(back_with(&longer), mask_refusal);
    EXPECT_EQ(back_with(&fitting), name + ".mask: expected none as forward had, got one");
    EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { layer->backward(x, dy, true, {}); }),
              name + ".backward: expected a training context, got one of inference");
    EXPECT_EQ(forward(x, {.mask = &longer}), mask_refusal);
    EXPECT_EQ(back(x, dy), "no error") << "what was refused took nothing away";
    layer->forward(x, {.training = true, .mask = &fitting});
    EXPECT_EQ(back_with(nullptr), name + ".mask: expected one as forward had, got none");
    EXPECT_EQ(back_with(&fitting), "no error");
    layer->forward(x, training);
    layer->forward(x, {});
    EXPECT_EQ(back(x, dy), untrained) << "after training, then inference";
    layer->forward(x, training);
    layer->build(fits.input, random);
    EXPECT_EQ(back(x, dy), untrained) << "built anew";
  }
}

/// Inputs of the layers that take steps alone.
TEST(Layers, ranks_other_than_that_of_sequences_are_refused) {
  for (const char* type : {"LSTM", "GRU", "SimpleRNN"}) {
    const std::unique_ptr<Layer> layer = make_layer({type, R"({"units": 4})"});
    Random random(1);
    layer->build({any_extent, 5}, random);
    for (const Shape& shape : {Shape{2, 5}, Shape{2, 3, 1, 5}, Shape{2, 3, 6}, Shape{5}}) {
      EXPECT_EQ(error_text(ErrorCode::shape, [&] { layer->forward(Tensor(shape), {}); }),
                layer->name() + ".input: expected (batch, steps, 5), got " + shape.to_string());
    }
  }
}

}  // namespace

}  // namespace recurra::test

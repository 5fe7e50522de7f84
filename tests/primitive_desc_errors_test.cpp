/// What the RNN primitive refuses of descriptors, each by its text.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_tensor.h"

namespace recurra::test {

namespace {

using namespace primitive;

RnnDesc small() {
  RnnDesc desc;
  desc.input = 3;
  desc.units = 5;
  return desc;
}

/// The text a changed descriptor is refused with.
template <class Change>
std::string refusal(ErrorCode code, Change change) {
  RnnDesc desc = small();
  change(desc);
  return error_text(code, [&] { RnnPrimitive primitive(desc); });
}

TEST(DescriptorErrors, descriptors_of_kinds_there_are_not) {
  const auto refuse = [](auto change) {
    return refusal(ErrorCode::unsupported, change);
  };
  EXPECT_EQ(
      refuse([](RnnDesc& d) { d.cell = CellKind(99); }),
      "cell \"99\": supported are vanilla_rnn, lstm, gru, lbr_gru, augru, lbr_augru, lstm_coupled, indrnn, "
      "lstm_layer_norm");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.propagation = Propagation(-1); }),
            "propagation \"-1\": supported are forward_inference, forward_training, backward");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.direction = primitive::Direction(4); }),
            "direction \"4\": supported are left2right, right2left, bidirectional_concat, bidirectional_sum");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.stacking = Stacking(2); }),
            "stacking \"2\": supported are cross_fed, independent");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.memory_level = MemoryLevel(2); }),
            "memory_level \"2\": supported are keep_gates, recompute");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.weights = WeightsFormat(2); }),
            "weights \"2\": supported are any, plain");
}

TEST(DescriptorErrors, element_types_there_are_not_yet) {
  const auto refuse = [](DataType DataTypes::*which, DataType type) {
    return refusal(ErrorCode::unsupported, [&](RnnDesc& d) { d.types.*which = type; });
  };
  EXPECT_EQ(refuse(&DataTypes::src, DataType::bf16), "src data type \"bf16\": supported are f32");
  EXPECT_EQ(refuse(&DataTypes::src, DataType::u8), "src data type \"u8\": supported are f32");
  EXPECT_EQ(refuse(&DataTypes::weights, DataType::s8), "weights data type \"s8\": supported are f32");
  EXPECT_EQ(refuse(&DataTypes::bias, DataType::f16), "bias data type \"f16\": supported are f32");
  EXPECT_EQ(refuse(&DataTypes::cell, DataType::bf16), "cell state data type \"bf16\": supported are f32");
  EXPECT_EQ(refuse(&DataTypes::dst, DataType::s32), "dst data type \"s32\": supported are f32");
}

TEST(DescriptorErrors, descriptors_out_of_range) {
  const auto refuse = [](auto change) {
    return refusal(ErrorCode::invalid_argument, change);
  };
  EXPECT_EQ(refuse([](RnnDesc& d) { d.layers = 0; }), "layers: expected 1 to 1024, got 0");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.input = 0; }), "input: expected 1 to 1048576, got 0");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.units = -1; }), "units: expected 1 to 1048576, got -1");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.units = i64{1} << 40; }),
            "units: expected 1 to 1048576, got 1099511627776");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.projection = -2; }), "projection: expected 0 to 1048576, got -2");
  EXPECT_EQ(refuse([](RnnDesc& d) {
              d.cell = CellKind::gru;
              d.projection = 4;
            }),
            "projection: expected none for cell \"gru\", got 4");
  EXPECT_EQ(refuse([](RnnDesc& d) {
              d.cell = CellKind::lbr_augru;
              d.peephole = true;
            }),
            "peephole: expected false unless the cell is lstm, got true for lbr_augru");
  EXPECT_EQ(refuse([](RnnDesc& d) {
              d.cell = CellKind::gru;
              d.tensors.src_iter_c = true;
            }),
            "src_iter_c: expected none for cell gru, which has no c, got one");
  EXPECT_EQ(refuse([](RnnDesc& d) {
              d.cell = CellKind::vanilla_rnn;
              d.tensors.dst_iter_c = true;
            }),
            "dst_iter_c: expected none for cell vanilla_rnn, which has no c, got one");
  EXPECT_EQ(refuse([](RnnDesc& d) {
              d.cell = CellKind::lbr_gru;
              d.tensors.dst_states_c = true;
            }),
            "dst_states_c: expected none for cell lbr_gru, which has no c, got one");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.memory_level = MemoryLevel::recompute; }),
            "memory_level: expected keep_gates for forward_inference, which keeps nothing, got recompute");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.clip = -1; }), "clip: expected 0 or a number above, got -1");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.clip = NAN; }), "clip: expected 0 or a number above, got nan");
  EXPECT_EQ(refuse([](RnnDesc& d) {
              d.cell = CellKind::gru;
              d.clip = 1;
            }),
            "clip: expected 0 for cell \"gru\", got 1");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.zoneout = 1.5F; }), "zoneout: expected 0 to 1, got 1.5");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.zoneout_c = NAN; }), "zoneout_c: expected 0 to 1, got nan");
  EXPECT_EQ(refuse([](RnnDesc& d) {
              d.zoneout = 0.5F;
              d.projection = 3;
            }),
            "zoneout: expected 0 beside a projection, got 0.5");
  EXPECT_EQ(refuse([](RnnDesc& d) {
              d.zoneout_c = 0.5F;
              d.cell = CellKind::gru;
            }),
            "zoneout_c: expected none for cell gru, which has no c, got one");
  EXPECT_EQ(refuse([](RnnDesc& d) { d.diff_weights_overwrite = true; }),
            "diff_weights_overwrite: expected false unless the propagation is backward, got true for "
            "forward_inference");
}

TEST(DescriptorErrors, activations) {
  const auto refuse = [](std::vector<Activation> activations) {
    return refusal(ErrorCode::invalid_argument, [&](RnnDesc& d) { d.activations = activations; });
  };
  EXPECT_EQ(refuse({{ActivationKind::tanh}}), "activations: expected none or 5 for cell \"lstm\", got 1");
  std::vector<Activation> five(5, {ActivationKind::tanh});
  five[2] = {ActivationKind::leaky_relu, NAN};
  EXPECT_THAT(refuse(five), testing::StartsWith("activations"));
}

TEST(DescriptorErrors, descriptions_of_memory) {
  const auto refuse = [](ErrorCode code, auto make) {
    return error_text(code, [&] { make(); });
  };
  EXPECT_EQ(refuse(ErrorCode::invalid_argument,
                   [] {
                     TensorDesc({3, -1, 2}, FormatTag::tnc);
                   }),
            "tensor: expected extents from 0 up, got (3, -1, 2)");
  EXPECT_EQ(refuse(ErrorCode::shape,
                   [] {
                     TensorDesc({3, 2}, FormatTag::tnc);
                   }),
            "tensor: expected 3 dimensions for tnc, got 2");
  EXPECT_EQ(refuse(ErrorCode::shape, [] { TensorDesc({3, 2}, {2}); }), "tensor: expected 2 strides, got 1");
  EXPECT_EQ(refuse(ErrorCode::invalid_argument,
                   [] {
                     TensorDesc({3, 2}, {2, 0});
                   }),
            "tensor: expected strides from 1 up, got 0");
  EXPECT_EQ(refuse(ErrorCode::shape,
                   [] {
                     TensorDesc({1, 2, 3, 4, 5, 6}, {1, 1, 1, 1, 1, 1});
                   }),
            "tensor: expected 1 to 5 dimensions, got 6");
  constexpr i64 huge = i64{1} << 40;
  EXPECT_THAT(refuse(ErrorCode::invalid_argument,
                     [] {
                       TensorDesc({huge, huge, 1}, FormatTag::tnc);
                     }),
              testing::StartsWith("tensor: expected"));
  EXPECT_THAT(refuse(ErrorCode::invalid_argument,
                     [] {
                       TensorDesc({huge, huge, 1}, {huge, 1, 1});
                     }),
              testing::StartsWith("tensor: expected"));
}

TEST(DescriptorErrors, formats_and_types_of_tensors_there_are_not) {
  const auto refuse = [](auto make) {
    return error_text(ErrorCode::unsupported, [&] { make(); });
  };
  const std::string tags =
      "supported are tnc, ntc, ldnc, ldtnc, ldntc, ldigo, ldgoi, ldgo, ldio, ldoi, igo, goi, go, io, oi";
  for (const int tag : {15, 99, -1}) {
    EXPECT_EQ(refuse([&] {
                TensorDesc({3, 2, 1}, FormatTag(tag));
              }),
              "tensor format \"" + std::to_string(tag) + "\": " + tags);
    EXPECT_STREQ(name_of(FormatTag(tag)), "unknown");
  }
  EXPECT_STREQ(name_of(FormatTag::oi), "oi");
  const std::string types = "tensor data type \"6\": supported are f32, bf16, f16, s8, u8, s32";
  EXPECT_EQ(refuse([] { TensorDesc({3, 2, 1}, FormatTag::tnc, DataType(6)); }), types);
  EXPECT_EQ(refuse([] { TensorDesc({3, 2}, {2, 1}, DataType(6)); }), types);
}

TEST(DescriptorErrors, bytes_of_memory_below_zero) {
  float memory[6] = {};
  const TensorDesc desc({3, 2}, FormatTag::go);
  const auto refuse = [&](i64 bytes) {
    return error_text(ErrorCode::invalid_argument, [&] { TensorView(memory, desc, bytes); });
  };
  EXPECT_EQ(refuse(-2),
            "bytes of a tensor's memory: expected 0 or more, or -1 for as many as it needs, got -2");
  EXPECT_EQ(refuse(-1), "no error") << "not known";
  EXPECT_EQ(refuse(0), "no error") << "execute refuses them where the tensor needs more";
}

TEST(DescriptorErrors, bias_rows_and_peepholes) {
  RnnDesc desc = small();
  desc.cell = CellKind::lbr_gru;
  EXPECT_EQ(RnnPrimitive(desc).bias_desc().to_string(), "(4, 5)");
  desc.cell = CellKind::gru;
  EXPECT_EQ(RnnPrimitive(desc).bias_desc().to_string(), "(3, 5)");
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { RnnPrimitive(desc).weights_rows_desc(); }),
            "weights: expected a cell with rows of weights, got gru");
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { RnnPrimitive(desc).weights_projection_desc(); }),
            "weights_projection: expected a projection, got none");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { RnnPrimitive(desc).weights_layer_desc(1); }),
            "layer: expected 0 to 0, got 1");
  desc.cell = CellKind::indrnn;
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { RnnPrimitive(desc).weights_iter_desc(); }),
            "weights_iter: expected a recurrent product, got none");
  desc = small();
  desc.peephole = true;
  const RnnPrimitive primitive(desc);
  PackedRnnWeights packed(primitive);
  TestTensor layer(primitive.weights_layer_desc(0));
  TestTensor iter(primitive.weights_iter_desc());
  TestTensor bias(primitive.bias_desc());
  TestTensor four({{4, 5}, FormatTag::go});
  const std::vector<WeightViews> views{{layer.read(), iter.read(), four.read(), {}, {}, bias.read()}};
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { packed.pack(views); }),
            "weights_peephole of layer 0, direction 0: expected shape (3, 5) = (i f o, units), got (4, 5)");
}

}  // namespace

}  // namespace recurra::test

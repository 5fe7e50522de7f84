/// What the RNN primitive refuses of executions, each by its text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/rnn_caller.h"

namespace recurra::test {

namespace {

using namespace primitive;

TEST(PrimitiveErrors, tensors_of_other_shapes) {
  Caller caller;
  const auto refuse = [&](auto change) {
    return caller.refusal(ErrorCode::shape, change);
  };
  using A = ForwardArguments;
  EXPECT_EQ(refuse([](A&) {}), "no error");
  EXPECT_EQ(refuse([&](A& a) {
              a.src_layer = caller.take({{4, 2}, FormatTag::go});
            }),
            "src_layer: expected 3 dimensions (steps, batch, input), got (4, 2)");
  EXPECT_EQ(refuse([&](A& a) {
              a.src_layer = caller.take({{4, 2, 1, 3}, FormatTag::ldgo});
            }),
            "src_layer: expected 3 dimensions (steps, batch, input), got (4, 2, 1, 3)");
  EXPECT_EQ(refuse([](A& a) { a.src_layer = {}; }),
            "src_layer: expected 3 dimensions (steps, batch, input), got none");
  EXPECT_EQ(refuse([&](A& a) {
              a.src_layer = caller.take({{4, 2, 7}, FormatTag::tnc});
            }),
            "src_layer: expected shape (4, 2, 3) = (steps, batch, input), got (4, 2, 7)");
  EXPECT_EQ(refuse([&](A& a) {
              a.src_layer = caller.take({{4, 2, 3}, {12, 6, 2}});
            }),
            "src_layer: expected a last dimension of stride 1, got stride 2");
  EXPECT_EQ(refuse([&](A& a) {
              a.dst_layer = caller.take({{2, 4, 5}, FormatTag::tnc});
            }),
            "dst_layer: expected shape (4, 2, 5) = (steps, batch, channels), got (2, 4, 5)");
  EXPECT_EQ(refuse([&](A& a) {
              a.dst_layer = caller.take({{4, 2, 5}, {8, 4, 1}});
            }),
            "dst_layer: expected strides that keep its elements apart, got elements in one place");
  EXPECT_EQ(refuse([&](A& a) {
              a.dst_layer = caller.take({{4, 2, 5}, {10, 10, 1}});
            }),
            "dst_layer: expected strides that keep its elements apart, got elements in one place");
  EXPECT_EQ(
      refuse([&](A& a) {
        a.src_iter = caller.take({{2, 1, 2, 5}, FormatTag::ldnc});
      }),
      "src_iter: expected shape (1, 1, 2, 5) = (layers, directions, batch, channels of h), got (2, 1, 2, 5)");
  EXPECT_EQ(
      refuse([&](A& a) {
        a.src_iter = caller.take({{1, 1, 3, 5}, FormatTag::ldnc});
      }),
      "src_iter: expected shape (1, 1, 2, 5) = (layers, directions, batch, channels of h), got (1, 1, 3, 5)");
  EXPECT_EQ(refuse([&](A& a) {
              a.src_iter_c = caller.take({{1, 1, 2, 6}, FormatTag::ldnc});
            }),
            "src_iter_c: expected shape (1, 1, 2, 5) = (layers, directions, batch, units), got (1, 1, 2, 6)");
  EXPECT_EQ(refuse([&](A& a) {
              a.dst_iter = caller.take({{1, 1, 2, 5}, {14, 14, 7, 1}});
            }),
            "dst_iter: expected rows of stride 5, got stride 7");
  std::vector<float> little(39);
  EXPECT_EQ(refuse([&](A& a) {
              a.dst_layer = TensorView(little, {{4, 2, 5}, FormatTag::tnc});
            }),
            "dst_layer: expected memory of 160 bytes, got 156");
}

TEST(PrimitiveErrors, tensors_that_are_missing_or_not_wanted) {
  Caller caller;
  const auto refuse = [&](auto change) {
    return caller.refusal(ErrorCode::invalid_argument, change);
  };
  using A = ForwardArguments;
  EXPECT_EQ(refuse([](A& a) { a.src_iter = {}; }),
            "src_iter: expected shape (1, 1, 2, 5) = (layers, directions, batch, channels of h), got none");
  EXPECT_EQ(refuse([](A& a) { a.dst_iter_c = {}; }),
            "dst_iter_c: expected shape (1, 1, 2, 5) = (layers, directions, batch, units), got none");
  EXPECT_EQ(refuse([&](A& a) {
              a.attention = caller.take({{4, 2, 1}, FormatTag::tnc});
            }),
            "attention: expected none, since the descriptor has none, got one of shape (4, 2, 1)");
  EXPECT_EQ(refuse([](A& a) { a.src_layer = ConstTensorView(nullptr, a.src_layer.desc()); }),
            "src_layer: expected memory, got null");
  EXPECT_EQ(refuse([&](A& a) {
              const char* between = static_cast<const char*>(a.src_layer.data()) + 1;
              a.src_layer = ConstTensorView(between, a.src_layer.desc());
            }),
            "src_layer: expected memory aligned for floats, got an address between two");
  EXPECT_EQ(caller.refusal(ErrorCode::dtype,
                           [&](A& a) {
                             const TensorDesc integers({4, 2, 3}, FormatTag::tnc, DataType::s32);
                             a.src_layer = ConstTensorView(a.src_layer.data(), integers);
                           }),
            "src_layer: expected f32, got s32");
  Caller few(small_desc());
  EXPECT_EQ(few.refusal(ErrorCode::invalid_argument, [](A&) {}),
            "src_iter: expected none, since the descriptor has none, got one of shape (1, 1, 2, 5)");
}

TEST(PrimitiveErrors, lengths) {
  RnnDesc desc = Caller::all_tensors();
  desc.tensors.lengths = true;
  Caller caller(desc);
  using A = ForwardArguments;
  const auto refuse = [&](ErrorCode code, const std::vector<int>& lengths) {
    return caller.refusal(code, [&](A& a) { a.lengths = lengths; });
  };
  EXPECT_EQ(refuse(ErrorCode::shape, {4, 0}), "no error");
  EXPECT_EQ(refuse(ErrorCode::shape, {}), "lengths: expected 2, one for each row, got 0");
  EXPECT_EQ(refuse(ErrorCode::shape, {4, 4, 4}), "lengths: expected 2, one for each row, got 3");
  EXPECT_EQ(refuse(ErrorCode::invalid_argument, {4, 5}), "lengths[1]: expected 0 to 4, got 5");
  EXPECT_EQ(refuse(ErrorCode::invalid_argument, {-1, 4}), "lengths[0]: expected 0 to 4, got -1");
  Caller without;
  EXPECT_EQ(without.refusal(ErrorCode::shape,
                            [](A& a) {
                              static const int lengths[] = {4, 4};
                              a.lengths = lengths;
                            }),
            "lengths: expected none, since the descriptor has none, got 2");
}

TEST(PrimitiveErrors, packed_weights_that_are_none_or_of_another) {
  Caller caller;
  const auto refuse = [&](const PackedRnnWeights* weights) {
    return caller.refusal(ErrorCode::invalid_argument,
                          [&](ForwardArguments& a) { a.packed_weights = weights; });
  };
  const std::string wanted =
      "packed weights: expected those of " + caller.forward.weights_desc().text() + ", got ";
  EXPECT_EQ(refuse(nullptr), "weights: expected packed ones alone, as the descriptor says, got none packed");
  const PackedRnnWeights unpacked(caller.forward);
  EXPECT_EQ(refuse(&unpacked), wanted + "memory without packed weights");
  RnnDesc other = Caller::all_tensors();
  other.units = 6;
  Caller foreign(other);
  EXPECT_EQ(refuse(&foreign.packed), wanted + "those of " + foreign.forward.weights_desc().text());

  // Memory packed for inference does not serve training; that for training serves inference.
  const RnnPrimitive inference(Caller::all_tensors());
  PackedRnnWeights for_inference(inference);
  const std::vector<WeightViews> plain{
      {caller.views.layer, caller.views.iter, {}, {}, {}, caller.views.bias}};
  for_inference.pack(plain);
  EXPECT_EQ(refuse(&for_inference), wanted + "those of " + inference.weights_desc().text());
  RnnWorkspace workspace(inference, 4, 2);
  inference.execute(caller.arguments, workspace);

  // Bytes of another primitive, used as this one's.
  const i64 size = caller.forward.weights_desc().size();
  AlignedBuffer<float> memory(foreign.forward.weights_desc().size());
  const std::span bytes(reinterpret_cast<std::byte*>(memory.data()), std::size_t(memory.size()) * 4);
  PackedRnnWeights(foreign.forward, bytes)
      .pack(
          std::vector{WeightViews{foreign.views.layer, foreign.views.iter, {}, {}, {}, foreign.views.bias}});
  PackedRnnWeights again(caller.forward, bytes);
  EXPECT_FALSE(again.is_packed());
  EXPECT_EQ(refuse(&again), wanted + "those of " + foreign.forward.weights_desc().text());
  again.pack(plain);
  EXPECT_EQ(refuse(&again), "no error");
  EXPECT_EQ(refuse(&foreign.packed), wanted + "those of " + foreign.forward.weights_desc().text());
  const auto attach = [&](std::span<std::byte> to) {
    return error_text(ErrorCode::invalid_argument, [&] { PackedRnnWeights weights(caller.forward, to); });
  };
  EXPECT_EQ(attach(bytes.first(std::size_t(size) - 1)),
            "memory of packed weights: expected " + std::to_string(size) + " bytes, got " +
                std::to_string(size - 1));
  EXPECT_EQ(attach(bytes.subspan(4)),
            "memory of packed weights: expected an address that is a multiple of 64, got another");
}

TEST(PrimitiveErrors, backward) {
  Caller caller;
  using B = BackwardArguments;
  const auto refuse = [&](ErrorCode code, auto change) {
    return caller.refusal_back(code, change);
  };
  EXPECT_EQ(refuse(ErrorCode::invalid_argument, [](B&) {}),
            "workspace: expected one filled by a training forward of this call, unused, got none");
  caller.forward.execute(caller.arguments, caller.workspace);
  EXPECT_EQ(refuse(ErrorCode::shape,
                   [&](B& b) {
                     b.diff_dst_layer = caller.take({{4, 2, 6}, FormatTag::tnc});
                   }),
            "diff_dst_layer: expected shape (4, 2, 5) = (steps, batch, channels), got (4, 2, 6)");
  EXPECT_EQ(refuse(ErrorCode::shape,
                   [&](B& b) {
                     b.diff_src_layer = caller.take({{4, 2, 5}, FormatTag::tnc});
                   }),
            "diff_src_layer: expected shape (4, 2, 3) = (steps, batch, input), got (4, 2, 5)");
  EXPECT_EQ(
      refuse(ErrorCode::shape,
             [&](B& b) {
               b.diff_src_iter = caller.take({{1, 1, 2, 6}, FormatTag::ldnc});
             }),
      "diff_src_iter: expected shape (1, 1, 2, 5) = (layers, directions, batch, channels of h), got (1, 1, "
      "2, 6)");
  EXPECT_EQ(refuse(ErrorCode::invalid_argument,
                   [&](B& b) {
                     b.diff_attention = caller.take({{4, 2, 1}, FormatTag::tnc});
                   }),
            "diff_attention: expected none, since the descriptor has none, got one of shape (4, 2, 1)");
  EXPECT_EQ(refuse(ErrorCode::shape,
                   [&](B& b) {
                     static std::vector<MutableWeightViews> views;
                     views = {caller.views, caller.views};
                     b.diff_weights = views;
                   }),
            "diff_weights: expected 1, one for each layer and direction, or one of whole tensors, got 2");
  EXPECT_EQ(
      refuse(ErrorCode::shape,
             [&](B& b) {
               static std::vector<MutableWeightViews> views;
               views = {{.layer = caller.take({{2, 4, 5}, FormatTag::igo})}};
               b.diff_weights = views;
             }),
      "diff_weights_layer of layer 0, direction 0: expected shape (3, 4, 5) = (input, gates, units), got "
      "(2, 4, 5)");
  EXPECT_EQ(refuse(ErrorCode::invalid_argument, [](B&) {}), "no error");
  EXPECT_EQ(refuse(ErrorCode::invalid_argument, [](B&) {}),
            "workspace: expected one filled by a training forward of this call, unused, got none");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [&] { caller.backward.execute(caller.arguments, caller.workspace); }),
            "arguments: expected those of backward, got those of a forward propagation");
  EXPECT_EQ(
      error_text(
          ErrorCode::invalid_argument,
          [&] { caller.forward.execute(BackwardArguments{.forward = caller.arguments}, caller.workspace); }),
      "arguments: expected those of forward_training, got those of backward");
}

TEST(PrimitiveErrors, workspaces) {
  Caller caller;
  RnnDesc other = Caller::all_tensors();
  other.units = 6;
  Caller foreign(other);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [&] { caller.forward.execute(caller.arguments, foreign.workspace); }),
            "workspace: expected one made for this descriptor, got one of another");
  RnnWorkspace little(caller.forward, 3, 2);
  EXPECT_EQ(
      error_text(ErrorCode::invalid_argument, [&] { caller.forward.execute(caller.arguments, little); }),
      "workspace: expected one prepared for this plan, 4 steps and 2 rows, got 3 steps and 2 rows");
  const MemoryBytes bytes = RnnWorkspace::bytes(caller.forward, 4, 2);
  AlignedBuffer<float> memory((bytes.kept + bytes.scratch) / 4 + 16);
  const auto given = [&](i64 kept, i64 scratch, std::size_t shift) {
    auto* start = reinterpret_cast<std::byte*>(memory.data());
    return error_text(ErrorCode::invalid_argument, [&] {
      RnnWorkspace(caller.forward,
                   4,
                   2,
                   {start + shift, std::size_t(kept)},
                   {start + bytes.kept, std::size_t(scratch)});
    });
  };
  EXPECT_EQ(given(bytes.kept, bytes.scratch, 0), "no error");
  const auto wanted = [](i64 size) {
    return "expected " + std::to_string(size) + " bytes at a multiple of 64, got ";
  };
  EXPECT_EQ(given(bytes.kept - 1, bytes.scratch, 0),
            "workspace: " + wanted(bytes.kept) + std::to_string(bytes.kept - 1) + " bytes");
  EXPECT_EQ(given(bytes.kept, bytes.scratch, 4),
            "workspace: " + wanted(bytes.kept) + std::to_string(bytes.kept) + " bytes at another address");
  EXPECT_EQ(given(bytes.kept, bytes.scratch - 64, 0),
            "scratchpad: " + wanted(bytes.scratch) + std::to_string(bytes.scratch - 64) + " bytes");
  const auto make = [&](i64 steps, i64 batch) {
    return error_text(ErrorCode::invalid_argument, [&] { RnnWorkspace(caller.forward, steps, batch); });
  };
  EXPECT_THAT(make(-1, 2), testing::StartsWith("workspace: expected"));
  EXPECT_THAT(make(i64{1} << 40, i64{1} << 40), testing::StartsWith("workspace: expected"));
}

}  // namespace

}  // namespace recurra::test

/// What the RNN primitive refuses of views of weights, each by its text: of one layer and direction each, or
/// whole tensors of all.
#include <list>

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

TEST(WeightErrors, views_of_other_shapes) {
  RnnDesc desc = small();
  desc.layers = 2;
  desc.weights = WeightsFormat::plain;
  const RnnPrimitive primitive(desc);
  PackedRnnWeights packed(primitive);
  std::list<TestTensor> memory;
  const auto take = [&](const TensorDesc& of) {
    return memory.emplace_back(of).read();
  };
  std::vector<WeightViews> good;
  for (i64 layer = 0; layer < 2; ++layer) {
    WeightViews& views = good.emplace_back();
    views.layer = take(primitive.weights_layer_desc(layer));
    views.iter = take(primitive.weights_iter_desc());
    views.bias = take(primitive.bias_desc());
  }
  const auto refuse = [&](ErrorCode code, auto change) {
    std::vector<WeightViews> views = good;
    change(views);
    return error_text(code, [&] { packed.pack(views); });
  };
  using V = std::vector<WeightViews>;
  EXPECT_EQ(refuse(ErrorCode::shape, [](V&) {}), "no error");
  EXPECT_EQ(refuse(ErrorCode::shape, [](V& v) { v.resize(1); }),
            "weights: expected 2, one for each layer and direction, or one of whole tensors, got 1");
  EXPECT_EQ(
      refuse(ErrorCode::shape,
             [&](V& v) {
               v[0].layer = take({{3, 4, 6}, FormatTag::igo});
             }),
      "weights_layer of layer 0, direction 0: expected shape (3, 4, 5) = (input, gates, units), got (3, 4, "
      "6)");
  EXPECT_EQ(
      refuse(ErrorCode::shape,
             [&](V& v) {
               v[1].iter = take({{5, 3, 5}, FormatTag::igo});
             }),
      "weights_iter of layer 1, direction 0: expected shape (5, 4, 5) = (channels of h, gates, units), got "
      "(5, 3, 5)");
  EXPECT_EQ(refuse(ErrorCode::shape,
                   [&](V& v) {
                     v[0].bias = take({{8, 5}, FormatTag::go});
                   }),
            "bias of layer 0, direction 0: expected shape (4, 5) = (bias rows, units), got (8, 5)");
  EXPECT_EQ(refuse(ErrorCode::invalid_argument, [](V& v) { v[0].bias = {}; }),
            "bias of layer 0, direction 0: expected shape (4, 5) = (bias rows, units), got none");
  EXPECT_EQ(refuse(ErrorCode::invalid_argument,
                   [&](V& v) {
                     v[0].peephole = take({{3, 5}, FormatTag::go});
                   }),
            "weights_peephole: expected none, since the descriptor has none, got one of shape (3, 5)");
  EXPECT_EQ(refuse(ErrorCode::invalid_argument,
                   [&](V& v) {
                     v[0].projection = take({{5, 2}, FormatTag::io});
                   }),
            "weights_projection: expected none, since the descriptor has none, got one of shape (5, 2)");
  const auto whole = [&](i64 layers, i64 directions, i64 input) {
    WeightViews views;
    views.layer = take({{layers, directions, input, 4, 5}, FormatTag::ldigo});
    views.iter = take({{2, 1, 5, 4, 5}, FormatTag::ldigo});
    views.bias = take({{2, 1, 4, 5}, FormatTag::ldgo});
    return views;
  };
  EXPECT_EQ(
      refuse(ErrorCode::shape, [&](V& v) { v = {whole(2, 1, 3)}; }),
      "weights_layer: expected one tensor for each layer and direction, since layer 1 has an input of 5 and "
      "layer 0 of 3, got one tensor of all layers");
  desc.input = 5;
  const RnnPrimitive same(desc);
  PackedRnnWeights of_same(same);
  EXPECT_EQ(
      error_text(ErrorCode::shape, [&] { of_same.pack(std::vector{whole(2, 2, 5)}); }),
      "weights_layer: expected shape (2, 1, 5, 4, 5) = (layers, directions, input, gates, units), got (2, 2, "
      "5, 4, 5)");
  EXPECT_EQ(error_text([&] { of_same.pack(std::vector{whole(2, 1, 5)}); }), "no error");
}

/// Two layers of one input, forward and backward, with tensors of weights made on demand.
struct TwoLayers {
  explicit TwoLayers(CellKind cell) {
    desc.cell = cell;
    desc.layers = 2;
    desc.input = 5;
    desc.units = 5;
    desc.weights = WeightsFormat::plain;
    desc.propagation = Propagation::forward_training;
  }

  MutableWeightViews whole() {
    const i64 gates = RnnPrimitive(desc).weights_layer_desc(0).dim(1);
    MutableWeightViews views;
    views.layer = take({{2, 1, 5, gates, 5}, FormatTag::ldigo});
    views.iter = desc.cell == CellKind::indrnn ? take({{2, 1, 1, 5}, FormatTag::ldgo})
                                               : take({{2, 1, 5, gates, 5}, FormatTag::ldigo});
    views.bias = take({{2, 1, gates, 5}, FormatTag::ldgo});
    return views;
  }

  TensorView take(const TensorDesc& of) {
    TestTensor& tensor = memory.emplace_back(of);
    for (float& value : tensor.memory) value = float(++count % 11) * 0.1F - 0.5F;
    return tensor.write();
  }

  /// Trains one step on `weights`; the text of the error that gradients like `gradients` meet.
  std::string train(const MutableWeightViews& weights, std::span<const MutableWeightViews> gradients) {
    const RnnPrimitive forward(desc);
    RnnDesc back = desc;
    back.propagation = Propagation::backward;
    back.diff_weights_overwrite = true;
    const RnnPrimitive backward(back);
    const std::vector<WeightViews> views{{weights.layer, weights.iter, {}, {}, {}, weights.bias}};
    const ForwardArguments arguments{.src_layer = take(forward.src_layer_desc(3, 2)),
                                     .weights = views,
                                     .dst_layer = take(forward.dst_layer_desc(3, 2))};
    RnnWorkspace workspace(forward, 3, 2);
    forward.execute(arguments, workspace);
    const BackwardArguments way_back{.forward = arguments,
                                     .diff_dst_layer = take(forward.dst_layer_desc(3, 2)),
                                     .diff_weights = gradients};
    return error_text([&] { backward.execute(way_back, workspace); });
  }

  RnnDesc desc;
  std::list<TestTensor> memory;
  int count = 0;
};

/// A whole tensor's part of layer `layer`, as a view.
TensorView part_of(const TensorView& whole, i64 layer) {
  const TensorDesc& d = whole.desc();
  float* data = whole.floats() + layer * d.stride(0);
  if (d.rank() == 4) return {data, {{d.dim(2), d.dim(3)}, {d.stride(2), d.stride(3)}}};
  return {data, {{d.dim(2), d.dim(3), d.dim(4)}, {d.stride(2), d.stride(3), d.stride(4)}}};
}

TEST(WeightErrors, whole_tensors_beside_those_of_one_layer) {
  TwoLayers two(CellKind::lstm);
  PackedRnnWeights packed{RnnPrimitive(two.desc)};
  const auto refuse = [&](auto change) {
    MutableWeightViews views = two.whole();
    change(views);
    return error_text(ErrorCode::shape, [&] {
      packed.pack(std::vector{WeightViews{views.layer, views.iter, {}, {}, {}, views.bias}});
    });
  };
  using V = MutableWeightViews;
  EXPECT_EQ(refuse([](V&) {}), "no error");
  const std::string bias =
      "bias: expected shape (2, 1, 4, 5) = (layers, directions, bias rows, units), got (4, 5)";
  EXPECT_EQ(refuse([](V& v) { v.bias = part_of(v.bias, 0); }), bias);
  EXPECT_EQ(
      refuse([](V& v) { v.layer = part_of(v.layer, 0); }),
      "weights_layer: expected shape (2, 1, 5, 4, 5) = (layers, directions, input, gates, units), got (5, "
      "4, 5)");
  // The gradients of both layers would be added up in one place.
  MutableWeightViews gradients = two.whole();
  gradients.bias = part_of(gradients.bias, 0);
  EXPECT_EQ(two.train(two.whole(), std::vector{gradients}), "diff_" + bias);
}

TEST(WeightErrors, whole_tensors_in_a_list_of_those_of_one_layer) {
  TwoLayers two(CellKind::lstm);
  const MutableWeightViews whole = two.whole();
  std::vector<MutableWeightViews> list;
  for (const i64 layer : {0, 1})
    list.push_back({.layer = part_of(whole.layer, layer), .bias = part_of(whole.bias, layer)});
  EXPECT_EQ(two.train(two.whole(), list), "no error");
  list[1].bias = two.take({{2, 1, 4, 5}, FormatTag::ldgo});
  EXPECT_EQ(
      two.train(two.whole(), list),
      "diff_bias of layer 1, direction 0: expected shape (4, 5) = (bias rows, units), got (2, 1, 4, 5)");
}

TEST(WeightErrors, one_whole_tensor_alone_is_taken_for_what_it_is) {
  for (const CellKind cell : {CellKind::lstm, CellKind::indrnn}) {
    for (const auto member :
         {&MutableWeightViews::layer, &MutableWeightViews::iter, &MutableWeightViews::bias}) {
      TwoLayers two(cell);
      const MutableWeightViews weights = two.whole();
      MutableWeightViews all = two.whole();
      std::vector<MutableWeightViews> one(1);
      one[0].*member = all.*member;
      two.count = 7;  // the sequences of both are the same
      EXPECT_EQ(two.train(weights, one), "no error") << name_of(cell);
      const MutableWeightViews other = two.whole();
      std::vector<MutableWeightViews> list(2);
      for (const i64 layer : {0, 1}) list[std::size_t(layer)].*member = part_of(other.*member, layer);
      two.count = 7;
      EXPECT_EQ(two.train(weights, list), "no error") << name_of(cell);
      const float* expected = (other.*member).floats();
      const float* found = (all.*member).floats();
      EXPECT_TRUE(std::equal(found, found + (all.*member).desc().extent(), expected)) << name_of(cell);
    }
  }
}

}  // namespace

}  // namespace recurra::test

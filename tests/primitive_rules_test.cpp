/// oneDNN's rules of shapes and types, each refused by its text: what tensors share, what a cell has.
#include <limits>
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
using primitive::Direction;

RnnDesc desc_of(CellKind cell, i64 projection = 0) {
  RnnDesc desc;
  desc.cell = cell;
  desc.input = 3;
  desc.units = 5;
  desc.projection = projection;
  desc.weights = WeightsFormat::plain;
  const bool has_c = cell == CellKind::lstm;
  desc.tensors = {.src_iter = true, .src_iter_c = has_c, .dst_iter = true, .dst_iter_c = has_c};
  return desc;
}

RnnDesc with(RnnDesc desc, Propagation propagation) {
  desc.propagation = propagation;
  return desc;
}

/// Two steps of two rows of any descriptor of plain weights, all good until something is changed.
class Call {
 public:
  explicit Call(const RnnDesc& desc)
      : forward(with(desc, Propagation::forward_training)),
        backward(with(desc, Propagation::backward)),
        workspace(forward, 2, 2) {
    for (int run = 0; run < forward.plan().layers() * forward.plan().directions(); ++run) {
      weights.push_back(views_of(run));
      gradients.push_back(views_of(run));
    }
    arguments.src_layer = take(forward.src_layer_desc(2, 2));
    arguments.src_iter = take(forward.iter_desc(2));
    if (desc.tensors.src_iter_c) arguments.src_iter_c = take(forward.iter_c_desc(2));
    if (forward.takes_attention()) arguments.attention = take({{2, 2, 1}, FormatTag::tnc});
    arguments.dst_layer = take(forward.dst_layer_desc(2, 2));
    arguments.dst_iter = take(forward.iter_desc(2));
    if (desc.tensors.dst_iter_c) arguments.dst_iter_c = take(forward.iter_c_desc(2));
  }

  TensorView take(const TensorDesc& desc) { return memory.emplace_back(desc).write(); }

  /// The text that changed arguments are refused with.
  std::string with_arguments(ErrorCode code, auto change) {
    ForwardArguments changed = arguments;
    change(changed);
    return run(code, changed, weights);
  }

  /// Changed weights of the last layer and direction.
  std::string with_weights(ErrorCode code, auto change) {
    std::vector<MutableWeightViews> changed = weights;
    change(changed.back());
    return run(code, arguments, changed);
  }

  /// Changed arguments of the way back.
  std::string with_back(ErrorCode code, auto change) {
    EXPECT_EQ(run(code, arguments, weights), "no error");
    std::vector<MutableWeightViews> changed = gradients;
    const std::vector<WeightViews> read = read_only(weights);
    BackwardArguments back{.forward = arguments};
    back.forward.weights = read;
    change(back, changed.back());
    back.diff_weights = changed;
    return error_text(code, [&] { backward.execute(back, workspace); });
  }

  RnnPrimitive forward, backward;
  RnnWorkspace workspace;
  std::vector<MutableWeightViews> weights, gradients;
  ForwardArguments arguments;

 private:
  MutableWeightViews views_of(int run) {
    const RnnDesc& desc = forward.desc();
    MutableWeightViews views;
    views.layer = take(forward.weights_layer_desc(run / forward.plan().directions()));
    views.iter = take(forward.weights_iter_desc());
    if (desc.peephole) views.peephole = take(forward.weights_rows_desc());
    if (desc.projection > 0) views.projection = take(forward.weights_projection_desc());
    views.bias = take(forward.bias_desc());
    return views;
  }

  static std::vector<WeightViews> read_only(const std::vector<MutableWeightViews>& views) {
    std::vector<WeightViews> read;
    for (const MutableWeightViews& v : views)
      read.push_back({v.layer, v.iter, v.peephole, v.projection, v.norm, v.bias});
    return read;
  }

  std::string run(ErrorCode code,
                  ForwardArguments changed,
                  const std::vector<MutableWeightViews>& changed_weights) {
    const std::vector<WeightViews> read = read_only(changed_weights);
    changed.weights = read;
    return error_text(code, [&] { forward.execute(changed, workspace); });
  }

  std::list<TestTensor> memory;
};

using A = ForwardArguments;
using W = MutableWeightViews;

TEST(Rules, h_has_the_units_of_the_cell) {
  for (const CellKind cell : {CellKind::vanilla_rnn,
                              CellKind::lstm,
                              CellKind::gru,
                              CellKind::lbr_gru,
                              CellKind::augru,
                              CellKind::lbr_augru}) {
    SCOPED_TRACE(name_of(cell));
    Call call(desc_of(cell));
    const i64 gates = call.forward.weights_iter_desc().dim(1);
    const std::string of_state =
        "expected shape (1, 1, 2, 5) = (layers, directions, batch, channels of h), got ";
    EXPECT_EQ(call.with_arguments(ErrorCode::shape,
                                  [&](A& a) {
                                    a.src_iter = call.take({{1, 1, 2, 6}, FormatTag::ldnc});
                                  }),
              "src_iter: " + of_state + "(1, 1, 2, 6)");
    EXPECT_EQ(call.with_arguments(ErrorCode::shape,
                                  [&](A& a) {
                                    a.dst_iter = call.take({{1, 1, 2, 4}, FormatTag::ldnc});
                                  }),
              "dst_iter: " + of_state + "(1, 1, 2, 4)");
    const std::string g = std::to_string(gates);
    EXPECT_EQ(call.with_weights(ErrorCode::shape,
                                [&](W& w) {
                                  w.iter = call.take({{6, gates, 5}, FormatTag::igo});
                                }),
              "weights_iter of layer 0, direction 0: expected shape (5, " + g +
                  ", 5) = (channels of h, gates, units), got (6, " + g + ", 5)");
    EXPECT_EQ(call.with_arguments(ErrorCode::shape,
                                  [&](A& a) {
                                    a.dst_layer = call.take({{2, 2, 6}, FormatTag::tnc});
                                  }),
              "dst_layer: expected shape (2, 2, 5) = (steps, batch, channels), got (2, 2, 6)");
  }
}

TEST(Rules, h_has_the_channels_of_a_projection_and_c_the_units) {
  Call call(desc_of(CellKind::lstm, 7));
  EXPECT_EQ(
      call.with_arguments(ErrorCode::shape,
                          [&](A& a) {
                            a.src_iter = call.take({{1, 1, 2, 5}, FormatTag::ldnc});
                          }),
      "src_iter: expected shape (1, 1, 2, 7) = (layers, directions, batch, channels of h), got (1, 1, 2, 5)");
  EXPECT_EQ(call.with_arguments(ErrorCode::shape,
                                [&](A& a) {
                                  a.src_iter_c = call.take({{1, 1, 2, 7}, FormatTag::ldnc});
                                }),
            "src_iter_c: expected shape (1, 1, 2, 5) = (layers, directions, batch, units), got (1, 1, 2, 7)");
  EXPECT_EQ(call.with_arguments(ErrorCode::shape,
                                [&](A& a) {
                                  a.dst_iter_c = call.take({{1, 1, 2, 7}, FormatTag::ldnc});
                                }),
            "dst_iter_c: expected shape (1, 1, 2, 5) = (layers, directions, batch, units), got (1, 1, 2, 7)");
  EXPECT_EQ(call.with_arguments(ErrorCode::shape,
                                [&](A& a) {
                                  a.dst_layer = call.take({{2, 2, 5}, FormatTag::tnc});
                                }),
            "dst_layer: expected shape (2, 2, 7) = (steps, batch, channels), got (2, 2, 5)");
  EXPECT_EQ(
      call.with_weights(ErrorCode::shape,
                        [&](W& w) {
                          w.iter = call.take({{5, 4, 5}, FormatTag::igo});
                        }),
      "weights_iter of layer 0, direction 0: expected shape (7, 4, 5) = (channels of h, gates, units), got "
      "(5, 4, 5)");
  EXPECT_EQ(
      call.with_weights(ErrorCode::shape,
                        [&](W& w) {
                          w.projection = call.take({{7, 5}, FormatTag::io});
                        }),
      "weights_projection of layer 0, direction 0: expected shape (5, 7) = (units, projection), got (7, 5)");
  EXPECT_EQ(
      call.with_weights(ErrorCode::invalid_argument, [](W& w) { w.projection = {}; }),
      "weights_projection of layer 0, direction 0: expected shape (5, 7) = (units, projection), got none");
}

TEST(Rules, the_output_has_the_channels_of_its_directions) {
  for (const Direction direction :
       {Direction::right2left, Direction::bidirectional_concat, Direction::bidirectional_sum}) {
    RnnDesc desc = desc_of(CellKind::gru);
    desc.direction = direction;
    Call call(desc);
    const bool both = direction == Direction::bidirectional_concat;
    EXPECT_EQ(call.with_arguments(ErrorCode::shape,
                                  [&](A& a) {
                                    a.dst_layer = call.take({{2, 2, both ? 5 : 10}, FormatTag::tnc});
                                  }),
              both ? "dst_layer: expected shape (2, 2, 10) = (steps, batch, channels), got (2, 2, 5)"
                   : "dst_layer: expected shape (2, 2, 5) = (steps, batch, channels), got (2, 2, 10)");
  }
}

TEST(Rules, layers_above_the_first_see_the_one_below) {
  RnnDesc desc = desc_of(CellKind::gru);
  desc.layers = 2;
  desc.direction = Direction::bidirectional_concat;
  for (const auto& [stacking, input] :
       {std::pair{Stacking::independent, i64{5}}, std::pair{Stacking::cross_fed, i64{10}}}) {
    desc.stacking = stacking;
    Call call(desc);
    const std::string wanted = "weights_layer of layer 1, direction 1: expected shape (" +
                               std::to_string(input) + ", 3, 5) = (input, gates, units), got ";
    for (const i64 other : {i64{3}, 15 - input}) {
      EXPECT_EQ(call.with_weights(ErrorCode::shape,
                                  [&](W& w) {
                                    w.layer = call.take({{other, 3, 5}, FormatTag::igo});
                                  }),
                wanted + "(" + std::to_string(other) + ", 3, 5)");
    }
  }
}

TEST(Rules, sizes_that_are_not_known_yet_are_refused) {
  constexpr i64 unknown = std::numeric_limits<i64>::min();
  const std::string text = std::to_string(unknown);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [] {
                         TensorDesc({unknown, 2, 3}, FormatTag::tnc);
                       }),
            "tensor: expected extents from 0 up, got (" + text + ", 2, 3)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [] {
                         TensorDesc({2, 2, 3}, {unknown, 3, 1});
                       }),
            "tensor: expected strides from 1 up, got " + text);
  RnnDesc desc = desc_of(CellKind::lstm);
  desc.input = unknown;
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { RnnPrimitive primitive(desc); }),
            "input: expected 1 to 1048576, got " + text);
}

TEST(Rules, the_bias_has_a_row_for_each_gate_and_one_more_where_the_reset_comes_after) {
  for (const auto& [cell, rows] : {std::pair{CellKind::vanilla_rnn, i64{1}},
                                   std::pair{CellKind::lstm, i64{4}},
                                   std::pair{CellKind::gru, i64{3}},
                                   std::pair{CellKind::lbr_gru, i64{4}},
                                   std::pair{CellKind::augru, i64{3}},
                                   std::pair{CellKind::lbr_augru, i64{4}}}) {
    SCOPED_TRACE(name_of(cell));
    Call call(desc_of(cell));
    for (const i64 other : {rows - 1, rows + 1}) {
      EXPECT_EQ(call.with_weights(ErrorCode::shape,
                                  [&](W& w) {
                                    w.bias = call.take({{other, 5}, FormatTag::go});
                                  }),
                "bias of layer 0, direction 0: expected shape (" + std::to_string(rows) +
                    ", 5) = (bias rows, units), got (" + std::to_string(other) + ", 5)");
    }
  }
}

TEST(Rules, cells_under_attention_take_one_of_a_number_a_step_and_row) {
  for (const CellKind cell : {CellKind::augru, CellKind::lbr_augru}) {
    Call call(desc_of(cell));
    const std::string wanted = "attention: expected shape (2, 2, 1) = (steps, batch, 1), got ";
    EXPECT_EQ(call.with_arguments(ErrorCode::invalid_argument, [](A& a) { a.attention = {}; }),
              wanted + "none");
    EXPECT_EQ(call.with_arguments(ErrorCode::shape,
                                  [&](A& a) {
                                    a.attention = call.take({{2, 2, 5}, FormatTag::tnc});
                                  }),
              wanted + "(2, 2, 5)");
    EXPECT_EQ(call.with_back(ErrorCode::shape,
                             [&](BackwardArguments& b, W&) {
                               b.diff_attention = call.take({{2, 2, 2}, FormatTag::tnc});
                             }),
              "diff_" + wanted + "(2, 2, 2)");
  }
}

TEST(Rules, peepholes_have_three_rows_and_are_there_where_the_descriptor_says) {
  RnnDesc desc = desc_of(CellKind::lstm);
  desc.peephole = true;
  Call call(desc);
  const std::string wanted =
      "weights_peephole of layer 0, direction 0: expected shape (3, 5) = (i f o, units), got ";
  EXPECT_EQ(call.with_weights(ErrorCode::invalid_argument, [](W& w) { w.peephole = {}; }), wanted + "none");
  EXPECT_EQ(call.with_weights(ErrorCode::shape,
                              [&](W& w) {
                                w.peephole = call.take({{3, 6}, FormatTag::go});
                              }),
            wanted + "(3, 6)");
}

TEST(Rules, gradients_have_the_shapes_of_what_they_are_of) {
  RnnDesc desc = desc_of(CellKind::lstm, 7);
  desc.peephole = true;
  Call call(desc);
  using B = BackwardArguments;
  const auto of_h = [](const std::string& name) {
    return name +
           ": expected shape (1, 1, 2, 7) = (layers, directions, batch, channels of h), got (1, 1, 2, 5)";
  };
  const auto of_c = [](const std::string& name) {
    return name + ": expected shape (1, 1, 2, 5) = (layers, directions, batch, units), got (1, 1, 2, 7)";
  };
  const TensorDesc five({1, 1, 2, 5}, FormatTag::ldnc);
  const TensorDesc seven({1, 1, 2, 7}, FormatTag::ldnc);
  const auto refuse = [&](auto change) {
    return call.with_back(ErrorCode::shape, change);
  };
  EXPECT_EQ(refuse([&](B& b, W&) { b.diff_dst_iter = call.take(five); }), of_h("diff_dst_iter"));
  EXPECT_EQ(refuse([&](B& b, W&) { b.diff_src_iter = call.take(five); }), of_h("diff_src_iter"));
  EXPECT_EQ(refuse([&](B& b, W&) { b.diff_dst_iter_c = call.take(seven); }), of_c("diff_dst_iter_c"));
  EXPECT_EQ(refuse([&](B& b, W&) { b.diff_src_iter_c = call.take(seven); }), of_c("diff_src_iter_c"));
  const std::string run = " of layer 0, direction 0: expected shape ";
  const TensorDesc rows({4, 6}, FormatTag::go);
  EXPECT_EQ(refuse([&](B&, W& w) { w.bias = call.take(rows); }),
            "diff_bias" + run + "(4, 5) = (bias rows, units), got (4, 6)");
  EXPECT_EQ(refuse([&](B&, W& w) { w.peephole = call.take(rows); }),
            "diff_weights_peephole" + run + "(3, 5) = (i f o, units), got (4, 6)");
  EXPECT_EQ(refuse([&](B&, W& w) { w.projection = call.take(rows); }),
            "diff_weights_projection" + run + "(5, 7) = (units, projection), got (4, 6)");
  EXPECT_EQ(refuse([&](B&, W& w) { w.iter = w.layer; }),
            "diff_weights_iter" + run + "(7, 4, 5) = (channels of h, gates, units), got (3, 4, 5)");
  EXPECT_EQ(refuse([&](B&, W& w) { w.layer = w.iter; }),
            "diff_weights_layer" + run + "(3, 4, 5) = (input, gates, units), got (7, 4, 5)");
}

TEST(Rules, every_tensor_is_f32) {
  RnnDesc desc = desc_of(CellKind::lstm, 7);
  desc.peephole = true;
  Call call(desc);
  const auto narrow = [](auto& view) {
    const TensorDesc& d = view.desc();
    const TensorDesc desc =
        d.rank() == 2 ? TensorDesc({d.dim(0), d.dim(1)}, FormatTag::go, DataType::bf16)
        : d.rank() == 3
            ? TensorDesc({d.dim(0), d.dim(1), d.dim(2)}, FormatTag::tnc, DataType::bf16)
            : TensorDesc({d.dim(0), d.dim(1), d.dim(2), d.dim(3)}, FormatTag::ldnc, DataType::bf16);
    view = {view.data(), desc};
  };
  const auto argument = [&](auto member) {
    return call.with_arguments(ErrorCode::dtype, [&](A& a) { narrow(a.*member); });
  };
  EXPECT_EQ(argument(&A::src_layer), "src_layer: expected f32, got bf16");
  EXPECT_EQ(argument(&A::src_iter), "src_iter: expected f32, got bf16");
  EXPECT_EQ(argument(&A::src_iter_c), "src_iter_c: expected f32, got bf16");
  EXPECT_EQ(argument(&A::dst_layer), "dst_layer: expected f32, got bf16");
  EXPECT_EQ(argument(&A::dst_iter), "dst_iter: expected f32, got bf16");
  EXPECT_EQ(argument(&A::dst_iter_c), "dst_iter_c: expected f32, got bf16");
  const auto weight = [&](auto member) {
    return call.with_weights(ErrorCode::dtype, [&](W& w) { narrow(w.*member); });
  };
  const std::string wanted = " of layer 0, direction 0: expected f32, got bf16";
  EXPECT_EQ(weight(&W::layer), "weights_layer" + wanted);
  EXPECT_EQ(weight(&W::iter), "weights_iter" + wanted);
  EXPECT_EQ(weight(&W::peephole), "weights_peephole" + wanted);
  EXPECT_EQ(weight(&W::projection), "weights_projection" + wanted);
  EXPECT_EQ(weight(&W::bias), "bias" + wanted);
  Call under_attention(desc_of(CellKind::augru));
  EXPECT_EQ(under_attention.with_arguments(ErrorCode::dtype, [&](A& a) { narrow(a.attention); }),
            "attention: expected f32, got bf16");
}

}  // namespace

}  // namespace recurra::test

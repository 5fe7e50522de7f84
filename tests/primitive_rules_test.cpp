/// oneDNN's rules of shapes, each refused by its text: what tensors share, what a cell has.
#include <limits>

#include <gtest/gtest.h>

#include "tests/support/plain_call.h"

namespace recurra::test {

namespace {

using namespace primitive;
using primitive::Direction;
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
    PlainCall call(plain_desc(cell));
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
  PlainCall call(plain_desc(CellKind::lstm, 7));
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
    RnnDesc desc = plain_desc(CellKind::gru);
    desc.direction = direction;
    PlainCall call(desc);
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
  RnnDesc desc = plain_desc(CellKind::gru);
  desc.layers = 2;
  desc.direction = Direction::bidirectional_concat;
  for (const auto& [stacking, input] :
       {std::pair{Stacking::independent, i64{5}}, std::pair{Stacking::cross_fed, i64{10}}}) {
    desc.stacking = stacking;
    PlainCall call(desc);
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
  RnnDesc desc = plain_desc(CellKind::lstm);
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
    PlainCall call(plain_desc(cell));
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
    PlainCall call(plain_desc(cell));
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
  RnnDesc desc = plain_desc(CellKind::lstm);
  desc.peephole = true;
  PlainCall call(desc);
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
  RnnDesc desc = plain_desc(CellKind::lstm, 7);
  desc.peephole = true;
  PlainCall call(desc);
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

}  // namespace

}  // namespace recurra::test

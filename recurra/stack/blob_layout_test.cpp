#include "recurra/stack/blob_layout.h"

#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/random.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

constexpr RecurrentOp ops[] = {
    RecurrentOp::lstm, RecurrentOp::gru, RecurrentOp::rnn_tanh, RecurrentOp::rnn_relu};

/// The documentation's example.
const RnnStackShape speech{RecurrentOp::lstm, 40, 512, 3, true};

TEST(BlobLayout, has_the_golden_numbers_of_parameters) {
  std::ifstream file(RECURRA_SOURCE_DIR "/tests/data/cntk/param_count.json");
  const Json golden = Json::parse(file);
  int rows = 0;
  for (const Json& row : golden["rows"]) {
    const BlobLayout layout({parse_recurrent_op(row["recurrentOp"].get<std::string>()),
                             row["inputDim"],
                             row["hiddenSize"],
                             row["numLayers"],
                             row["bidirectional"]});
    EXPECT_EQ(layout.parameters(), row["params"].get<i64>());
    EXPECT_EQ(layout.matrix_shape(), Shape(row["shape"].get<std::vector<i64>>()));
    ++rows;
  }
  EXPECT_EQ(rows, 5);
}

TEST(BlobLayout, has_as_many_parameters_for_the_other_ops_and_directions) {
  EXPECT_EQ(BlobLayout({RecurrentOp::gru, 40, 512, 3, true}).parameters(), 11'151'360);
  EXPECT_EQ(BlobLayout({RecurrentOp::gru, 40, 512, 3, true}).matrix_shape(), (Shape{512, 21780}));
  EXPECT_EQ(BlobLayout({RecurrentOp::rnn_relu, 5, 3, 4, true}).parameters(), 258);
  EXPECT_EQ(BlobLayout({RecurrentOp::rnn_relu, 5, 3, 4, true}).matrix_shape(), (Shape{3, 86}));
}

TEST(BlobLayout, says_how_the_number_comes_about) {
  EXPECT_EQ(BlobLayout(speech).parameters_text(),
            "14868480 parameters = 2*4*512*(40 + 512 + 2) + 2*2*4*512*(2*512 + 512 + 2)");
  EXPECT_EQ(BlobLayout({RecurrentOp::rnn_tanh, 5, 3}).parameters_text(), "30 parameters = 3*(5 + 3 + 2)");
}

TEST(BlobLayout, has_pieces_that_are_the_blob) {
  for (const RecurrentOp op : ops) {
    for (const bool both : {false, true}) {
      const BlobLayout layout({op, 5, 3, 3, both});
      i64 end = 0;
      std::set<std::string> names;
      for (const BlobPiece& piece : layout.pieces()) {
        EXPECT_EQ(piece.offset, end) << piece.name;
        end += piece.shape.elements();
        names.insert(piece.name);
      }
      EXPECT_EQ(end, layout.parameters());
      EXPECT_EQ(names.size(), layout.pieces().size());
    }
  }
}

TEST(BlobLayout, puts_matrices_before_biases_layer_by_layer) {
  std::vector<std::string> names;
  for (const BlobPiece& piece : BlobLayout({RecurrentOp::rnn_tanh, 5, 3, 2, true}).pieces())
    names.push_back(piece.name);
  const std::vector<std::string> expected = {"layer0.forward.W.h",
                                             "layer0.forward.R.h",
                                             "layer0.backward.W.h",
                                             "layer0.backward.R.h",
                                             "layer1.forward.W.h",
                                             "layer1.forward.R.h",
                                             "layer1.backward.W.h",
                                             "layer1.backward.R.h",
                                             "layer0.forward.b_W.h",
                                             "layer0.forward.b_R.h",
                                             "layer0.backward.b_W.h",
                                             "layer0.backward.b_R.h",
                                             "layer1.forward.b_W.h",
                                             "layer1.forward.b_R.h",
                                             "layer1.backward.b_W.h",
                                             "layer1.backward.b_R.h"};
  EXPECT_EQ(names, expected);
}

TEST(BlobLayout, has_the_gates_in_cudnns_order) {
  const auto gates = [](RecurrentOp op) {
    std::string text;
    for (const BlobPiece& piece : BlobLayout({op, 5, 3}).pieces()) {
      if (piece.part == BlobPart::R) text += piece.name.back();
    }
    return text;
  };
  EXPECT_EQ(gates(RecurrentOp::lstm), "ifgo");
  EXPECT_EQ(gates(RecurrentOp::gru), "run");
  EXPECT_EQ(gates(RecurrentOp::rnn_tanh), "h");
}

TEST(BlobLayout, is_taken_apart_and_put_together) {
  Random random(3);
  for (const RecurrentOp op : ops) {
    const BlobLayout layout({op, 5, 3, 2, true});
    Tensor weights(layout.matrix_shape());
    for (float& value : weights.as<float>()) value = random.normal();
    const std::vector<Tensor> pieces = unpack_blob(layout, weights);
    EXPECT_EQ(pieces[1].shape(), layout.pieces()[1].shape);
    const Tensor again = pack_blob(layout, pieces);
    EXPECT_EQ(again.shape(), weights.shape());
    EXPECT_TRUE(std::ranges::equal(again.as<float>(), weights.as<float>()));
  }
}

TEST(BlobLayout, infers_what_a_matrix_leaves_open) {
  const BlobLayout layout(speech);
  EXPECT_EQ(layout.infer({inferred_extent, inferred_extent}), (Shape{512, 29040}));
  EXPECT_EQ(layout.infer({512, inferred_extent}), (Shape{512, 29040}));
  EXPECT_EQ(layout.infer({inferred_extent, 29040}), (Shape{512, 29040}));
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         static_cast<void>(layout.infer({500, inferred_extent}));
                       }),
            "weights: expected a matrix (512, 29040), 14868480 parameters = 2*4*512*(40 + 512 + 2) + "
            "2*2*4*512*(2*512 + 512 + 2), or 0 for what is inferred, got (500, 0)");
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { static_cast<void>(layout.infer({inferred_extent})); }),
            "weights: expected a matrix (512, 29040), 14868480 parameters = 2*4*512*(40 + 512 + 2) + "
            "2*2*4*512*(2*512 + 512 + 2), or 0 for what is inferred, got (0,)");
}

TEST(BlobLayout, takes_the_matrix_its_numbers_and_numpys_view_of_it) {
  const BlobLayout layout({RecurrentOp::lstm, 4, 8, 2});
  layout.check(Tensor({8, 128}));
  layout.check(Tensor({1024}));
  layout.check(Tensor({128, 8}));
}

TEST(BlobLayout, refuses_other_weights_and_names_the_right_size) {
  const BlobLayout layout({RecurrentOp::lstm, 4, 8, 2});
  const auto text = [&](ErrorCode code, const Tensor& weights) {
    return error_text(code, [&] { layout.check(weights); });
  };
  const std::string needed = "1024 parameters = 4*8*(4 + 8 + 2) + 1*4*8*(8 + 8 + 2), a matrix (8, 128)";
  EXPECT_EQ(text(ErrorCode::shape, Tensor({1023})), "weights: expected " + needed + ", got 1023, (1023,)");
  EXPECT_EQ(text(ErrorCode::shape, Tensor({8, 129})), "weights: expected " + needed + ", got 1032, (8, 129)");
  EXPECT_EQ(text(ErrorCode::shape, Tensor({4, 256})),
            "weights: expected 8 rows, as many as units: (8, 128), got (4, 256)");
  EXPECT_EQ(text(ErrorCode::shape, Tensor({1, 8, 128})),
            "weights: expected a matrix (8, 128), or its numbers as (1024), got (1, 8, 128)");
  EXPECT_EQ(text(ErrorCode::dtype, Tensor({8, 128}, Dtype::i32)), "weights: expected f32, got i32");
}

TEST(BlobLayout, refuses_sizes_out_of_range) {
  const auto text = [](const RnnStackShape& shape) {
    return error_text(ErrorCode::invalid_argument, [&] { BlobLayout layout(shape); });
  };
  EXPECT_EQ(text({RecurrentOp::lstm, 0, 8}), "input: expected 1 to 1048576, got 0");
  EXPECT_EQ(text({RecurrentOp::lstm, 4, 0}), "units: expected 1 to 1048576, got 0");
  EXPECT_EQ(text({RecurrentOp::lstm, 4, 8, 0}), "layers: expected 1 to 1048576, got 0");
  EXPECT_EQ(text({RecurrentOp::lstm, 4, 8, -1}), "layers: expected 1 to 1048576, got -1");
  EXPECT_NE(text({RecurrentOp::lstm, 1 << 20, 1 << 20, 1 << 20, true}), "no error");
  EXPECT_EQ(text({RecurrentOp(4), 4, 8}), "recurrent_op: expected an enumerator, 0 to 3, got 4");
}

TEST(BlobLayout, refuses_pieces_that_do_not_fit) {
  const BlobLayout layout({RecurrentOp::rnn_tanh, 5, 3});
  std::vector<Tensor> pieces = unpack_blob(layout, Tensor(layout.matrix_shape()));
  pieces[1] = Tensor({3, 4});
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { static_cast<void>(pack_blob(layout, pieces)); }),
            "layer0.forward.R.h: expected shape (3, 3), got (3, 4)");
  pieces[1] = Tensor({3, 3}, Dtype::i32);
  EXPECT_EQ(error_text(ErrorCode::dtype, [&] { static_cast<void>(pack_blob(layout, pieces)); }),
            "layer0.forward.R.h: expected f32, got i32");
  pieces.pop_back();
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { static_cast<void>(pack_blob(layout, pieces)); }),
            "pieces: expected 4, as of BlobLayout::pieces, got 3");
}

TEST(RecurrentOp, has_cntks_names_and_the_older_ones) {
  for (const RecurrentOp op : ops) EXPECT_EQ(parse_recurrent_op(name_of(op)), op);
  EXPECT_EQ(parse_recurrent_op("LSTM"), RecurrentOp::lstm);
  EXPECT_EQ(parse_recurrent_op("GRU"), RecurrentOp::gru);
  EXPECT_EQ(parse_recurrent_op("RNN_RELU"), RecurrentOp::rnn_relu);
  EXPECT_EQ(parse_recurrent_op("RNN_TANH"), RecurrentOp::rnn_tanh);
  EXPECT_EQ(parse_recurrent_op("relu"), RecurrentOp::rnn_relu);
  EXPECT_EQ(parse_recurrent_op("tanh"), RecurrentOp::rnn_tanh);
}

TEST(RecurrentOp, is_refused_by_any_other_name) {
  for (const char* name : {"Lstm", "rnn", "RNNTanh", ""}) {
    EXPECT_EQ(error_text(ErrorCode::unsupported, [&] { static_cast<void>(parse_recurrent_op(name)); }),
              std::string("recurrent_op \"") + name + "\": supported are lstm, gru, rnnTanh, rnnReLU");
  }
}

}  // namespace

}  // namespace recurra::test

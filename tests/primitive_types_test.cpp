/// Every tensor of the RNN primitive is f32: others are refused by their names.
#include <gtest/gtest.h>

#include "tests/support/plain_call.h"

namespace recurra::test {

namespace {

using namespace primitive;
using A = ForwardArguments;
using B = BackwardArguments;
using W = MutableWeightViews;

/// The same memory as bf16.
template <class View>
void narrow(View& view) {
  const TensorDesc& d = view.desc();
  constexpr DataType type = DataType::bf16;
  const i64 n[] = {d.dim(0), d.dim(1), d.dim(2), d.dim(3), d.dim(4)};
  switch (d.rank()) {
    case 2:
      view = {view.data(), TensorDesc({n[0], n[1]}, FormatTag::go, type)};
      break;
    case 3:
      view = {view.data(), TensorDesc({n[0], n[1], n[2]}, FormatTag::tnc, type)};
      break;
    case 4:
      view = {view.data(), TensorDesc({n[0], n[1], n[2], n[3]}, FormatTag::ldnc, type)};
      break;
    default:
      view = {view.data(), TensorDesc({n[0], n[1], n[2], n[3], n[4]}, FormatTag::ldtnc, type)};
  }
}

template <class View>
View narrowed(View view) {
  narrow(view);
  return view;
}

/// An LSTM with peepholes, a projection and the states of every step.
RnnDesc peephole_projection() {
  RnnDesc desc = plain_desc(CellKind::lstm, 7);
  desc.peephole = true;
  desc.tensors.dst_states = desc.tensors.dst_states_c = true;
  return desc;
}

/// A layer-normalised LSTM under zoneout.
RnnDesc norm_zoneout() {
  RnnDesc desc = plain_desc(CellKind::lstm_layer_norm);
  desc.zoneout = desc.zoneout_c = 0.1F;
  return desc;
}

void expect_refused(PlainCall& call, const char* name, auto member) {
  EXPECT_EQ(call.with_arguments(ErrorCode::dtype, [&](A& a) { narrow(a.*member); }),
            std::string(name) + ": expected f32, got bf16");
}

TEST(Types, of_what_goes_forward_are_f32) {
  PlainCall lstm(peephole_projection());
  expect_refused(lstm, "src_layer", &A::src_layer);
  expect_refused(lstm, "src_iter", &A::src_iter);
  expect_refused(lstm, "src_iter_c", &A::src_iter_c);
  expect_refused(lstm, "dst_layer", &A::dst_layer);
  expect_refused(lstm, "dst_iter", &A::dst_iter);
  expect_refused(lstm, "dst_iter_c", &A::dst_iter_c);
  expect_refused(lstm, "dst_states", &A::dst_states);
  expect_refused(lstm, "dst_states_c", &A::dst_states_c);
  PlainCall norm(norm_zoneout());
  expect_refused(norm, "zoneout", &A::zoneout);
  expect_refused(norm, "zoneout_c", &A::zoneout_c);
  PlainCall under_attention(plain_desc(CellKind::augru));
  expect_refused(under_attention, "attention", &A::attention);
}

/// Of weights, and of their gradients.
void expect_weight_refused(PlainCall& call, const std::string& name, auto member) {
  const std::string wanted = name + " of layer 0, direction 0: expected f32, got bf16";
  EXPECT_EQ(call.with_weights(ErrorCode::dtype, [&](W& w) { narrow(w.*member); }), wanted);
  EXPECT_EQ(call.with_back(ErrorCode::dtype, [&](B&, W& w) { narrow(w.*member); }), "diff_" + wanted);
}

TEST(Types, of_weights_and_their_gradients_are_f32) {
  PlainCall lstm(peephole_projection());
  expect_weight_refused(lstm, "weights_layer", &W::layer);
  expect_weight_refused(lstm, "weights_iter", &W::iter);
  expect_weight_refused(lstm, "weights_peephole", &W::peephole);
  expect_weight_refused(lstm, "weights_projection", &W::projection);
  expect_weight_refused(lstm, "bias", &W::bias);
  PlainCall norm(norm_zoneout());
  expect_weight_refused(norm, "weights_norm", &W::norm);
}

void expect_gradient_refused(PlainCall& call, const char* name, auto member, auto of) {
  EXPECT_EQ(call.with_back(ErrorCode::dtype, [&](B& b, W&) { b.*member = narrowed(call.arguments.*of); }),
            std::string(name) + ": expected f32, got bf16");
}

TEST(Types, of_gradients_are_f32) {
  PlainCall lstm(peephole_projection());
  expect_gradient_refused(lstm, "diff_dst_layer", &B::diff_dst_layer, &A::dst_layer);
  expect_gradient_refused(lstm, "diff_dst_iter", &B::diff_dst_iter, &A::dst_iter);
  expect_gradient_refused(lstm, "diff_dst_iter_c", &B::diff_dst_iter_c, &A::dst_iter_c);
  expect_gradient_refused(lstm, "diff_dst_states", &B::diff_dst_states, &A::dst_states);
  expect_gradient_refused(lstm, "diff_dst_states_c", &B::diff_dst_states_c, &A::dst_states_c);
  const auto of_input = [](PlainCall& call, const char* name, auto member, const TensorDesc& desc) {
    EXPECT_EQ(call.with_back(ErrorCode::dtype, [&](B& b, W&) { b.*member = narrowed(call.take(desc)); }),
              std::string(name) + ": expected f32, got bf16");
  };
  of_input(lstm, "diff_src_layer", &B::diff_src_layer, lstm.forward.src_layer_desc(2, 2));
  of_input(lstm, "diff_src_iter", &B::diff_src_iter, lstm.forward.iter_desc(2));
  of_input(lstm, "diff_src_iter_c", &B::diff_src_iter_c, lstm.forward.iter_c_desc(2));
  PlainCall under_attention(plain_desc(CellKind::augru));
  of_input(under_attention, "diff_attention", &B::diff_attention, {{2, 2, 1}, FormatTag::tnc});
}

}  // namespace

}  // namespace recurra::test

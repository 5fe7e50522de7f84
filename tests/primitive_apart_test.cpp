/// What the RNN primitive writes lies apart from all else: refusals by their texts, and what is allowed.
#include <gtest/gtest.h>

#include "tests/support/given_memory.h"
#include "tests/support/rnn_caller.h"

namespace recurra::test {

namespace {

using namespace primitive;

TEST(TensorsApart, what_is_written_lies_apart_from_other_sequences_and_states) {
  Caller caller;
  const auto refuse = [&](auto change) {
    return caller.refusal(ErrorCode::invalid_argument, change);
  };
  using A = ForwardArguments;
  std::vector<float> memory(4 * 2 * 16);
  const auto columns = [&](int first, i64 count) {
    return TensorView(memory.data() + first, {{4, 2, count}, {32, 16, 1}});
  };
  EXPECT_EQ(refuse([&](A& a) {
              a.src_layer = columns(0, 3);
              a.dst_layer = columns(3, 5);
            }),
            "no error");
  EXPECT_EQ(refuse([&](A& a) {
              a.src_layer = columns(5, 3);
              a.dst_layer = columns(0, 5);
            }),
            "no error");
  const std::string over =
      "dst_layer: expected memory apart from that of src_layer, got memory that overlaps it";
  EXPECT_EQ(refuse([&](A& a) {
              a.src_layer = columns(0, 3);
              a.dst_layer = columns(2, 5);
            }),
            over);
  EXPECT_EQ(refuse([&](A& a) {
              a.src_layer = columns(4, 3);
              a.dst_layer = columns(0, 5);
            }),
            over);
  EXPECT_EQ(
      refuse([&](A& a) { a.dst_iter = TensorView(const_cast<void*>(a.src_iter.data()), a.dst_iter.desc()); }),
      "no error")
      << "a final state may take the place of the initial one";
  EXPECT_EQ(refuse([&](A& a) { a.dst_iter_c = a.dst_iter; }),
            "dst_iter_c: expected memory apart from that of dst_iter, got memory that overlaps it");
  caller.forward.execute(caller.arguments, caller.workspace);
  EXPECT_EQ(caller.refusal_back(ErrorCode::invalid_argument,
                                [&](BackwardArguments& b) {
                                  b.diff_dst_layer = caller.take(caller.arguments.dst_layer.desc());
                                  b.diff_src_layer = TensorView(const_cast<void*>(b.diff_dst_layer.data()),
                                                                b.forward.src_layer.desc());
                                }),
            "diff_src_layer: expected memory apart from that of diff_dst_layer, got memory that overlaps it");
}

/// A view of elements of `memory`.
TensorView at(std::vector<float>& memory, i64 first, const TensorDesc& desc) {
  EXPECT_LE(first + desc.extent(), i64(memory.size()));
  return {memory.data() + first, desc};
}

/// The text that x and y in these places are refused with; 3 inputs, 5 units.
std::string refusal_of(const TensorView& x, const TensorView& y) {
  const RnnPrimitive primitive(small_desc());
  RnnWorkspace workspace(primitive, x.desc().dim(0), x.desc().dim(1));
  Caller caller;
  PackedRnnWeights packed(primitive);
  packed.pack(std::vector{WeightViews{caller.views.layer, caller.views.iter, {}, {}, {}, caller.views.bias}});
  return error_text(ErrorCode::invalid_argument, [&] {
    primitive.execute({.src_layer = x, .packed_weights = &packed, .dst_layer = y}, workspace);
  });
}

TEST(TensorsApart, columns_of_one_lie_apart) {
  std::vector<float> memory(4 * 2 * 32);
  const std::string over =
      "dst_layer: expected memory apart from that of src_layer, got memory that overlaps it";
  const auto x = [&](i64 first, i64 step, i64 row) {
    return at(memory, first, {{4, 2, 3}, {step, row, 1}});
  };
  const auto y = [&](i64 first, i64 step, i64 row) {
    return at(memory, first, {{4, 2, 5}, {step, row, 1}});
  };
  EXPECT_EQ(refusal_of(x(0, 16, 8), y(3, 16, 8)), "no error");
  EXPECT_EQ(refusal_of(x(0, 16, 8), y(2, 16, 8)), over);
  EXPECT_EQ(refusal_of(x(0, 16, 8), y(4, 16, 8)), over);
  EXPECT_EQ(refusal_of(x(0, 10, 3), y(38, 10, 5)), "no error") << "one behind the other";
  EXPECT_EQ(refusal_of(x(0, 16, 3), y(6, 16, 5)), "no error") << "columns are all rows of a step";
  EXPECT_EQ(refusal_of(x(0, 16, 10), y(4, 16, 10)), over) << "row 1 of y lies over row 0 of x one step on";
  EXPECT_EQ(refusal_of(x(0, 32, 16), y(3, 16, 8)), "no error") << "every row of 16 has two of 8";
  EXPECT_EQ(refusal_of(x(0, 32, 16), y(12, 16, 8)), over);
  EXPECT_EQ(refusal_of(x(0, 16, 8), y(3, 8, 32)), "no error") << "the same rows in other order";
}

TEST(TensorsApart, a_dimension_of_one_has_no_stride) {
  std::vector<float> memory(4 * 16);
  EXPECT_EQ(refusal_of(at(memory, 0, {{4, 1, 3}, {16, 3, 1}}), at(memory, 3, {{4, 1, 5}, {16, 5, 1}})),
            "no error");
  EXPECT_EQ(refusal_of(at(memory, 0, {{1, 4, 3}, {1, 16, 1}}), at(memory, 11, {{1, 4, 5}, {7, 16, 1}})),
            "no error");
  EXPECT_EQ(refusal_of(at(memory, 0, {{1, 1, 3}, {9, 9, 1}}), at(memory, 2, {{1, 1, 5}, {9, 9, 1}})),
            "dst_layer: expected memory apart from that of src_layer, got memory that overlaps it");
}

TEST(TensorsApart, states_of_every_step_may_be_columns_too) {
  RnnDesc desc = Caller::all_tensors();
  desc.tensors.dst_states = true;
  Caller caller(desc);
  std::vector<float> memory(4 * 2 * 16);
  const auto refuse = [&](i64 first) {
    return caller.refusal(ErrorCode::invalid_argument, [&](ForwardArguments& a) {
      a.dst_layer = at(memory, 0, {{4, 2, 5}, {32, 16, 1}});
      a.dst_states = at(memory, first, {{1, 1, 4, 2, 5}, {1, 1, 32, 16, 1}});
    });
  };
  EXPECT_EQ(refuse(5), "no error");
  EXPECT_EQ(refuse(11), "no error");
  EXPECT_EQ(refuse(4),
            "dst_states: expected memory apart from that of dst_layer, got memory that overlaps it");
}

TEST(TensorsApart, what_is_written_lies_apart_from_weights_and_the_workspace) {
  RnnDesc desc = Caller::all_tensors();
  Caller packed(desc);
  const auto over = [](const std::string& other) {
    return "dst_layer: expected memory apart from that of " + other + ", got memory that overlaps it";
  };
  const auto place = [](const void* memory) {
    return TensorView(const_cast<void*>(memory), {{4, 2, 5}, FormatTag::tnc});
  };
  using A = ForwardArguments;
  EXPECT_EQ(packed.refusal(ErrorCode::invalid_argument,
                           [&](A& a) { a.dst_layer = place(packed.packed.memory().data() + 640); }),
            over("packed weights"));
  desc.weights = WeightsFormat::plain;
  Caller plain(desc);
  const std::vector<WeightViews> views{{plain.views.layer, plain.views.iter, {}, {}, {}, plain.views.bias}};
  plain.arguments.weights = views;
  plain.arguments.packed_weights = nullptr;
  const auto refuse = [&](const void* memory) {
    return plain.refusal(ErrorCode::invalid_argument, [&](A& a) { a.dst_layer = place(memory); });
  };
  EXPECT_EQ(plain.refusal(ErrorCode::invalid_argument, [](A&) {}), "no error");
  EXPECT_EQ(refuse(views[0].layer.data()), over("weights_layer"));
  EXPECT_EQ(refuse(views[0].iter.floats() + 60), over("weights_iter"));
  EXPECT_EQ(refuse(views[0].bias.floats() + 19), over("bias"));

  const MemoryBytes bytes = RnnWorkspace::bytes(packed.forward, 4, 2);
  GivenMemory kept, scratch;
  const std::span<std::byte> kept_bytes = kept.take(bytes.kept);
  const std::span<std::byte> scratch_bytes = scratch.take(bytes.scratch);
  RnnWorkspace workspace(packed.forward, 4, 2, kept_bytes, scratch_bytes);
  const auto in_workspace = [&](std::byte* memory) {
    A arguments = packed.arguments;
    arguments.dst_layer = place(memory);
    return error_text(ErrorCode::invalid_argument, [&] { packed.forward.execute(arguments, workspace); });
  };
  EXPECT_EQ(in_workspace(kept_bytes.data() + bytes.kept - 4), over("workspace"));
  EXPECT_EQ(in_workspace(scratch_bytes.data()), over("scratchpad"));
  packed.forward.execute(packed.arguments, workspace);
}

TEST(TensorsApart, what_is_written_lies_apart_from_the_lengths) {
  RnnDesc desc = Caller::all_tensors();
  desc.tensors.lengths = true;
  Caller caller(desc);
  std::vector<float> memory(40);
  caller.arguments.dst_layer = at(memory, 0, {{4, 2, 5}, FormatTag::tnc});
  const int* lengths = reinterpret_cast<const int*>(memory.data() + 38);
  EXPECT_EQ(caller.refusal(ErrorCode::invalid_argument,
                           [&](ForwardArguments& a) {
                             a.lengths = {lengths, 2};
                           }),
            "dst_layer: expected memory apart from that of lengths, got memory that overlaps it");
}

TEST(TensorsApart, gradients_of_weights_lie_apart_from_all) {
  RnnDesc desc = Caller::all_tensors();
  desc.input = 5;
  desc.layers = 2;
  desc.weights = WeightsFormat::plain;
  const RnnPrimitive forward(Caller::desc_of(desc, Propagation::forward_training));
  const RnnPrimitive backward(Caller::desc_of(desc, Propagation::backward));
  RnnWorkspace workspace(forward, 4, 2);
  std::list<TestTensor> memory;
  const auto take = [&](const TensorDesc& of) {
    return memory.emplace_back(of).write();
  };
  const auto weights = [&] {
    std::vector<MutableWeightViews> views(2);
    for (MutableWeightViews& one : views) {
      one.layer = take(forward.weights_layer_desc(0));
      one.iter = take(forward.weights_iter_desc());
      one.bias = take(forward.bias_desc());
    }
    return views;
  };
  std::vector<WeightViews> plain;
  for (const MutableWeightViews& one : weights())
    plain.push_back({one.layer, one.iter, {}, {}, {}, one.bias});
  const ForwardArguments arguments{.src_layer = take(forward.src_layer_desc(4, 2)),
                                   .src_iter = take(forward.iter_desc(2)),
                                   .src_iter_c = take(forward.iter_c_desc(2)),
                                   .weights = plain,
                                   .dst_layer = take(forward.dst_layer_desc(4, 2)),
                                   .dst_iter = take(forward.iter_desc(2)),
                                   .dst_iter_c = take(forward.iter_c_desc(2))};
  const auto refuse = [&](auto change) {
    std::vector<MutableWeightViews> views = weights();
    BackwardArguments back{.forward = arguments,
                           .diff_dst_layer = take(forward.dst_layer_desc(4, 2)),
                           .diff_src_layer = take(forward.src_layer_desc(4, 2))};
    change(views, back);
    back.diff_weights = views;
    forward.execute(arguments, workspace);
    return error_text(ErrorCode::invalid_argument, [&] { backward.execute(back, workspace); });
  };
  const auto over = [](const std::string& one, const std::string& other) {
    return one + ": expected memory apart from that of " + other + ", got memory that overlaps it";
  };
  using W = std::vector<MutableWeightViews>;
  using B = BackwardArguments;
  EXPECT_EQ(refuse([](W&, B&) {}), "no error");
  EXPECT_EQ(refuse([](W& w, B&) { w[1].layer = w[0].layer; }),
            over("diff_weights_layer of layer 1, direction 0", "diff_weights_layer of layer 0, direction 0"));
  EXPECT_EQ(refuse([](W& w, B&) { w[0].iter = w[0].layer; }),
            over("diff_weights_iter of layer 0, direction 0", "diff_weights_layer of layer 0, direction 0"));
  EXPECT_EQ(refuse([&](W& w, B&) {
              w[1].bias = {const_cast<void*>(plain[0].layer.data()), w[1].bias.desc()};
            }),
            over("diff_bias of layer 1, direction 0", "weights_layer of layer 0, direction 0"));
  EXPECT_EQ(refuse([&](W& w, B&) {
              w[0].bias = {arguments.dst_layer.data(), w[0].bias.desc()};
            }),
            over("diff_bias of layer 0, direction 0", "dst_layer"));
  EXPECT_EQ(refuse([](W& w, B& b) {
              w[0].bias = {b.diff_src_layer.data(), w[0].bias.desc()};
            }),
            over("diff_bias of layer 0, direction 0", "diff_src_layer"));
  // Kernel and recurrent kernel as columns of one.
  EXPECT_EQ(refuse([&](W& w, B&) {
              float* both = take({{20, 10}, FormatTag::go}).floats();
              w[0].layer = {both, {{5, 4, 5}, {1, 50, 10}}};
              w[0].iter = {both + 5, {{5, 4, 5}, {1, 50, 10}}};
            }),
            "no error");
}

TEST(TensorsApart, plain_weights_lie_apart_from_those_they_are_packed_into) {
  Caller caller;
  const MutableWeightViews plain = caller.views;
  const auto in_pack = [&](const TensorView& view) {
    auto* memory = const_cast<std::byte*>(caller.packed.memory().data());
    return TensorView(memory + 640, view.desc());
  };
  const auto pack = [&](const MutableWeightViews& w) {
    return error_text(ErrorCode::invalid_argument, [&] {
      caller.packed.pack(std::vector{WeightViews{w.layer, w.iter, {}, {}, {}, w.bias}});
    });
  };
  const auto unpack = [&](const MutableWeightViews& w) {
    return error_text(ErrorCode::invalid_argument, [&] { caller.packed.unpack(std::vector{w}); });
  };
  MutableWeightViews changed = plain;
  changed.iter = in_pack(plain.iter);
  EXPECT_EQ(unpack(changed),
            "weights_iter: expected memory apart from that of packed weights, got memory that overlaps it");
  EXPECT_EQ(pack(changed),
            "packed weights: expected memory apart from that of weights_iter, got memory that overlaps it");
  EXPECT_TRUE(caller.packed.is_packed()) << "nothing was written";
  changed = plain;
  changed.bias = {plain.layer.data(), plain.bias.desc()};
  EXPECT_EQ(unpack(changed),
            "bias: expected memory apart from that of weights_layer, got memory that overlaps it");
  EXPECT_EQ(pack(changed), "no error") << "what is only read may be one";
  EXPECT_EQ(unpack(plain), "no error");
}

}  // namespace

}  // namespace recurra::test

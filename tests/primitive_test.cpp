/// What the RNN primitive promises beside its numbers: packed weights for any call, threads, limits.
#include <atomic>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/engine_case.h"
#include "tests/support/rnn_problem.h"

namespace recurra::test {

namespace {

using namespace primitive;
using Floats = std::vector<float>;

RnnDesc two_layers(CellKind cell = CellKind::lstm) {
  RnnDesc desc;
  desc.cell = cell;
  desc.layers = 2;
  desc.direction = primitive::Direction::bidirectional_concat;
  desc.input = 6;
  desc.units = 9;
  return desc;
}

/// Outputs of one execution.
Floats outputs_of(const RnnPrimitive& primitive,
                  const PackedRnnWeights& packed,
                  i64 steps,
                  i64 batch,
                  const Execution& execution = {}) {
  Random random(20276);
  const TestTensor x = random_tensor(primitive.src_layer_desc(steps, batch), random);
  TestTensor y(primitive.dst_layer_desc(steps, batch));
  RnnWorkspace workspace(primitive, steps, batch);
  primitive.execute(
      {.src_layer = x.read(), .packed_weights = &packed, .dst_layer = y.write()}, workspace, execution);
  return y.memory;
}

TEST(PackedRnnWeights, serve_any_number_of_steps_and_rows_and_other_memory) {
  Random random(20277);
  RnnDesc desc = two_layers();
  const RnnPrimitive inference(desc);
  desc.propagation = Propagation::forward_training;
  const RnnPrimitive training(desc);
  desc.propagation = Propagation::backward;
  EXPECT_EQ(RnnPrimitive(desc).weights_desc(), training.weights_desc()) << "one serves both ways";
  EXPECT_NE(inference.weights_desc(), training.weights_desc());
  desc.weights = WeightsFormat::plain;
  desc.propagation = Propagation::forward_inference;
  const RnnPrimitive plain(desc);

  const std::vector<WeightTensors> weights = random_weights(training, WeightsLayout::igo, random);
  const std::vector<WeightViews> views = views_of(weights);
  PackedRnnWeights packed(training);
  packed.pack(views);
  // The bytes in another place, such as after they were kept in a file.
  const auto size = std::size_t(training.weights_desc().size());
  AlignedBuffer<float> source(i64(size / sizeof(float)));
  AlignedBuffer<float> copy(i64(size / sizeof(float)));
  const std::span bytes(reinterpret_cast<std::byte*>(source.data()), size);
  std::memset(bytes.data(), 0x7f, size);
  PackedRnnWeights(training, bytes).pack(views);
  std::memcpy(copy.data(), source.data(), size);
  const PackedRnnWeights found(inference, {reinterpret_cast<std::byte*>(copy.data()), size});
  EXPECT_TRUE(found.is_packed());

  for (const auto& [steps, batch] : {std::pair{1, 1}, std::pair{5, 3}, std::pair{40, 9}}) {
    const Floats expected = outputs_of(training, packed, steps, batch);
    EXPECT_TRUE(same_bits(outputs_of(inference, packed, steps, batch), expected));
    EXPECT_TRUE(same_bits(outputs_of(inference, found, steps, batch), expected));
    TestTensor y(plain.dst_layer_desc(steps, batch));
    Random again(20276);
    const TestTensor x = random_tensor(plain.src_layer_desc(steps, batch), again);
    RnnWorkspace workspace(plain, 40, 9);
    plain.execute({.src_layer = x.read(), .weights = views, .dst_layer = y.write()}, workspace);
    EXPECT_TRUE(same_bits(y.memory, expected)) << "of plain weights";
  }
}

TEST(RnnPrimitive, gives_the_same_bits_on_any_number_of_threads) {
  Random random(20279);
  Team team(3);
  for (const CellKind cell : {CellKind::lstm, CellKind::gru, CellKind::lbr_augru}) {
    RnnDesc desc = two_layers(cell);
    desc.units = 70;
    desc.tensors.lengths = true;
    RnnProblem problem(desc, 9, 5, {}, random);
    for (const Target* target : supported_targets()) problem.check(*target, {.team = &team, .threads = 3});
  }
  RnnDesc desc = two_layers(CellKind::gru);
  desc.units = 150;
  const RnnPrimitive primitive(desc);
  PackedRnnWeights packed(primitive);
  packed.pack(views_of(random_weights(primitive, WeightsLayout::igo, random)));
  const Floats expected = outputs_of(primitive, packed, 11, 4, {.team = &team, .threads = 1});
  EXPECT_TRUE(same_bits(outputs_of(primitive, packed, 11, 4, {.team = &team, .threads = 3}), expected));
  // Several at once on one primitive, one packed object and one team.
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 5; ++j)
        wrong += !same_bits(outputs_of(primitive, packed, 11, 4, {.team = &team, .threads = 2}), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(RnnPrimitive, keeps_six_floats_of_an_lstm_a_unit_and_step_or_c_alone) {
  RnnDesc desc;
  desc.input = 20;
  desc.units = 64;
  desc.propagation = Propagation::forward_training;
  const auto kept = [&](bool gives_outputs, MemoryLevel level) {
    desc.tensors.dst_layer = gives_outputs;
    desc.tensors.dst_iter = !gives_outputs;
    desc.memory_level = level;
    const RnnPrimitive primitive(desc);
    const i64 more =
        RnnWorkspace::bytes(primitive, 101, 9).kept - RnnWorkspace::bytes(primitive, 100, 9).kept;
    return double(more) / (9 * 64 * sizeof(float));
  };
  EXPECT_EQ(kept(false, MemoryLevel::keep_gates), 6.0);
  EXPECT_EQ(kept(true, MemoryLevel::keep_gates), 5.0);
  EXPECT_EQ(kept(false, MemoryLevel::recompute), 2.0);
  EXPECT_EQ(kept(true, MemoryLevel::recompute), 1.0);
  desc.propagation = Propagation::forward_inference;
  desc.memory_level = MemoryLevel::keep_gates;
  const RnnPrimitive inference(desc);
  EXPECT_EQ(RnnWorkspace::bytes(inference, 1000, 9).kept, 0);
  EXPECT_EQ(RnnWorkspace::bytes(inference, 1000, 9).scratch, RnnWorkspace::bytes(inference, 100, 9).scratch);
}

TEST(RnnPrimitive, takes_no_steps_and_no_rows) {
  Random random(20280);
  RnnDesc desc = two_layers();
  desc.tensors = {.bias = true, .src_iter = true, .src_iter_c = true, .dst_iter = true, .dst_iter_c = true};
  desc.propagation = Propagation::forward_training;
  const RnnPrimitive forward(desc);
  desc.propagation = Propagation::backward;
  const RnnPrimitive backward(desc);
  PackedRnnWeights packed(forward);
  packed.pack(views_of(random_weights(forward, WeightsLayout::igo, random)));
  for (const auto& [steps, batch] : {std::pair{0, 3}, std::pair{4, 0}, std::pair{0, 0}}) {
    const TestTensor h = random_tensor(forward.iter_desc(batch), random);
    const TestTensor c = random_tensor(forward.iter_c_desc(batch), random);
    TestTensor x(forward.src_layer_desc(steps, batch)), y(forward.dst_layer_desc(steps, batch));
    TestTensor last_h(h.desc), last_c(c.desc), dh(h.desc), dc(c.desc), dx(x.desc);
    RnnWorkspace workspace(forward, steps, batch);
    const ForwardArguments arguments{.src_layer = x.read(),
                                     .src_iter = h.read(),
                                     .src_iter_c = c.read(),
                                     .packed_weights = &packed,
                                     .dst_layer = y.write(),
                                     .dst_iter = last_h.write(),
                                     .dst_iter_c = last_c.write()};
    forward.execute(arguments, workspace);
    EXPECT_TRUE(same_bits(last_h.memory, h.memory)) << "the last state is the first";
    EXPECT_TRUE(same_bits(last_c.memory, c.memory));
    std::vector<WeightTensors> gradients = random_weights(forward, WeightsLayout::igo, random);
    const std::vector<Floats> before = numbers_of(gradients);
    const std::vector<MutableWeightViews> views = mutable_views_of(gradients);
    backward.execute({.forward = arguments,
                      .diff_dst_iter = h.read(),
                      .diff_dst_iter_c = c.read(),
                      .diff_src_layer = dx.write(),
                      .diff_src_iter = dh.write(),
                      .diff_src_iter_c = dc.write(),
                      .diff_weights = views},
                     workspace);
    EXPECT_TRUE(same_bits(dh.memory, h.memory));
    EXPECT_TRUE(same_bits(dc.memory, c.memory));
    EXPECT_EQ(numbers_of(gradients), before) << "nothing was added";
  }
}

TEST(RnnPrimitive, writes_final_states_over_the_initial_ones) {
  Random random(20281);
  RnnDesc desc = two_layers();
  desc.tensors = {.bias = true, .src_iter = true, .src_iter_c = true, .dst_iter = true, .dst_iter_c = true};
  const RnnPrimitive primitive(desc);
  PackedRnnWeights packed(primitive);
  packed.pack(views_of(random_weights(primitive, WeightsLayout::igo, random)));
  const TestTensor x = random_tensor(primitive.src_layer_desc(5, 2), random);
  TestTensor h = random_tensor(primitive.iter_desc(2), random);
  TestTensor c = random_tensor(primitive.iter_c_desc(2), random);
  TestTensor last_h(h.desc), last_c(c.desc), y(primitive.dst_layer_desc(5, 2)), again = y;
  RnnWorkspace workspace(primitive, 5, 2);
  ForwardArguments arguments{.src_layer = x.read(),
                             .src_iter = h.read(),
                             .src_iter_c = c.read(),
                             .packed_weights = &packed,
                             .dst_layer = y.write(),
                             .dst_iter = last_h.write(),
                             .dst_iter_c = last_c.write()};
  primitive.execute(arguments, workspace);
  arguments.dst_layer = again.write();
  arguments.dst_iter = h.write();
  arguments.dst_iter_c = c.write();
  primitive.execute(arguments, workspace);
  EXPECT_TRUE(same_bits(y.memory, again.memory));
  EXPECT_TRUE(same_bits(h.memory, last_h.memory));
  EXPECT_TRUE(same_bits(c.memory, last_c.memory));
}

TEST(RnnPrimitive, stackings_agree_where_there_is_one_direction) {
  Random random(20282);
  RnnDesc desc = two_layers();
  desc.direction = primitive::Direction::right2left;
  const RnnPrimitive independent(desc);
  desc.stacking = Stacking::cross_fed;
  const RnnPrimitive cross_fed(desc);
  PackedRnnWeights packed(independent);
  packed.pack(views_of(random_weights(independent, WeightsLayout::igo, random)));
  EXPECT_TRUE(same_bits(outputs_of(independent, packed, 5, 2), outputs_of(cross_fed, packed, 5, 2)));
}

}  // namespace

}  // namespace recurra::test

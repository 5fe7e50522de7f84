/// What the RNN primitive promises beside its numbers: packed weights, activations, threads, limits.
#include <atomic>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
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

TestTensor random_tensor(const TensorDesc& desc, Random& random) {
  TestTensor tensor(desc);
  for (float& value : tensor.memory) value = random.uniform(-0.5F, 0.5F);
  return tensor;
}

/// Plain weights of a primitive.
struct PlainWeights {
  struct Tensors {
    TestTensor layer, iter, rows, projection, bias;
  };

  PlainWeights(const RnnPrimitive& primitive, FormatTag tag, Random& random)
      : diagonal(primitive.desc().cell == CellKind::indrnn),
        norm(primitive.desc().cell == CellKind::lstm_layer_norm) {
    const int directions = primitive.plan().directions();
    for (int run = 0; run < primitive.plan().layers() * directions; ++run) {
      Tensors& one = tensors.emplace_back();
      one.layer = random_tensor(primitive.weights_layer_desc(run / directions, tag), random);
      if (!diagonal) one.iter = random_tensor(primitive.weights_iter_desc(tag), random);
      if (diagonal || norm || primitive.desc().peephole)
        one.rows = random_tensor(primitive.weights_rows_desc(), random);
      if (primitive.desc().projection > 0)
        one.projection = random_tensor(
            primitive.weights_projection_desc(tag == FormatTag::igo ? FormatTag::io : FormatTag::oi), random);
      one.bias = random_tensor(primitive.bias_desc(), random);
    }
  }

  [[nodiscard]] std::vector<WeightViews> read() const {
    std::vector<WeightViews> views;
    for (const Tensors& t : tensors) {
      WeightViews& one = views.emplace_back(WeightViews{.layer = t.layer.read(),
                                                        .iter = t.iter.read(),
                                                        .projection = t.projection.read(),
                                                        .bias = t.bias.read()});
      (diagonal ? one.iter : norm ? one.norm : one.peephole) = t.rows.read();
      if (!diagonal) one.iter = t.iter.read();
    }
    return views;
  }

  [[nodiscard]] std::vector<MutableWeightViews> write() {
    std::vector<MutableWeightViews> views;
    for (Tensors& t : tensors) {
      MutableWeightViews& one = views.emplace_back(MutableWeightViews{.layer = t.layer.write(),
                                                                      .iter = t.iter.write(),
                                                                      .projection = t.projection.write(),
                                                                      .bias = t.bias.write()});
      (diagonal ? one.iter : norm ? one.norm : one.peephole) = t.rows.write();
      if (!diagonal) one.iter = t.iter.write();
    }
    return views;
  }

  bool diagonal, norm;
  std::vector<Tensors> tensors;
};

bool same_numbers(const PlainWeights& a, const PlainWeights& b) {
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    for (const auto of : {&PlainWeights::Tensors::layer,
                          &PlainWeights::Tensors::iter,
                          &PlainWeights::Tensors::rows,
                          &PlainWeights::Tensors::projection,
                          &PlainWeights::Tensors::bias}) {
      if (!same_bits((a.tensors[i].*of).logical(), (b.tensors[i].*of).logical())) return false;
    }
  }
  return true;
}

TEST(PackedRnnWeights, give_the_plain_weights_back_in_any_layout) {
  Random random(20275);
  for (int kind = 0; kind <= int(last_cell_kind); ++kind) {
    for (const auto propagation : {Propagation::forward_inference, Propagation::backward}) {
      RnnDesc desc = two_layers(CellKind(kind));
      desc.propagation = propagation;
      desc.peephole = desc.cell == CellKind::lstm;
      desc.projection = desc.cell == CellKind::lstm_coupled ? 5 : 0;
      for (const Target* target : supported_targets()) {
        const RnnPrimitive primitive(desc, *target);
        PackedRnnWeights packed(primitive);
        EXPECT_FALSE(packed.is_packed());
        PlainWeights given(primitive, FormatTag::goi, random);
        PlainWeights found(primitive, FormatTag::igo, random);
        EXPECT_THROW(packed.unpack(found.write()), Error);
        packed.pack(given.read());
        EXPECT_TRUE(packed.is_packed());
        packed.unpack(found.write());
        EXPECT_TRUE(same_numbers(given, found)) << name_of(desc.cell) << " on " << target->name;
      }
    }
  }
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

  const PlainWeights weights(training, FormatTag::igo, random);
  PackedRnnWeights packed(training);
  packed.pack(weights.read());
  const std::vector<WeightViews> views = weights.read();
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

TEST(RnnPrimitive, agrees_with_the_reference_with_other_activations) {
  Random random(20278);
  RnnDesc lstm = two_layers();
  lstm.activations = {{ActivationKind::hard_sigmoid, 0.2F, 0.5F},
                      {ActivationKind::sigmoid},
                      {ActivationKind::softsign},
                      {ActivationKind::hard_sigmoid, 0.3F, 0.4F},
                      {ActivationKind::scaled_tanh, 1.2F, 0.7F}};
  lstm.tensors.src_iter = lstm.tensors.dst_iter_c = true;
  RnnDesc relu = two_layers(CellKind::vanilla_rnn);
  relu.activations = {{ActivationKind::relu}};
  RnnDesc leaky = relu;
  leaky.activations = {{ActivationKind::leaky_relu, 0.3F}};
  leaky.tensors.src_iter = true;
  RnnDesc logistic = relu;
  logistic.activations = {{ActivationKind::sigmoid}};
  for (const RnnDesc& desc : {lstm, relu, leaky, logistic}) {
    RnnProblem problem(desc, 7, 4, {}, random);
    for (const Target* target : supported_targets()) problem.check(*target);
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
  packed.pack(PlainWeights(primitive, FormatTag::igo, random).read());
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
  packed.pack(PlainWeights(forward, FormatTag::igo, random).read());
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
    PlainWeights gradients(forward, FormatTag::igo, random);
    const PlainWeights before = gradients;
    const std::vector<MutableWeightViews> views = gradients.write();
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
    EXPECT_TRUE(same_numbers(gradients, before)) << "nothing was added";
  }
}

TEST(RnnPrimitive, writes_final_states_over_the_initial_ones) {
  Random random(20281);
  RnnDesc desc = two_layers();
  desc.tensors = {.bias = true, .src_iter = true, .src_iter_c = true, .dst_iter = true, .dst_iter_c = true};
  const RnnPrimitive primitive(desc);
  PackedRnnWeights packed(primitive);
  packed.pack(PlainWeights(primitive, FormatTag::igo, random).read());
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
  packed.pack(PlainWeights(independent, FormatTag::igo, random).read());
  EXPECT_TRUE(same_bits(outputs_of(independent, packed, 5, 2), outputs_of(cross_fed, packed, 5, 2)));
}

}  // namespace

}  // namespace recurra::test

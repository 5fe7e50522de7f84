/// Gradients that are left out of the RNN primitive's way back: one that comes in is zero then, one that goes
/// out is not wanted and changes nothing of the others.
#include <algorithm>

#include <gtest/gtest.h>

#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/support/engine_case.h"
#include "tests/support/weight_tensors.h"

namespace recurra::test {

namespace {

using namespace primitive;
using Numbers = std::vector<std::vector<float>>;

constexpr i64 steps = 5, batch = 3;

/// A descriptor with every tensor its cell may have.
RnnDesc everything(CellKind cell, Stacking stacking, MemoryLevel level) {
  RnnDesc desc;
  desc.cell = cell;
  desc.direction = primitive::Direction::bidirectional_concat;
  desc.stacking = stacking;
  desc.layers = 2;
  desc.input = 6;
  desc.units = 9;
  desc.memory_level = level;
  const bool has_c = cell == CellKind::lstm || cell == CellKind::lstm_layer_norm;
  desc.peephole = cell == CellKind::lstm;
  desc.projection = cell == CellKind::lstm ? 7 : 0;
  desc.tensors = {.src_iter = true,
                  .src_iter_c = has_c,
                  .dst_iter = true,
                  .dst_iter_c = has_c,
                  .dst_states = true,
                  .dst_states_c = has_c};
  return desc;
}

/// The gradients of one way back: those that come in, and those that go out.
struct Gradients {
  TestTensor dst_layer, dst_iter, dst_iter_c, dst_states, dst_states_c;
  TestTensor src_layer, src_iter, src_iter_c, attention;
  std::vector<WeightTensors> weights;
};

constexpr TestTensor Gradients::*incoming[] = {&Gradients::dst_layer,
                                               &Gradients::dst_iter,
                                               &Gradients::dst_iter_c,
                                               &Gradients::dst_states,
                                               &Gradients::dst_states_c};
constexpr TestTensor Gradients::*outgoing[] = {
    &Gradients::src_layer, &Gradients::src_iter, &Gradients::src_iter_c, &Gradients::attention};
constexpr TestTensor WeightTensors::*weights[] = {&WeightTensors::layer,
                                                  &WeightTensors::iter,
                                                  &WeightTensors::peephole,
                                                  &WeightTensors::projection,
                                                  &WeightTensors::norm,
                                                  &WeightTensors::bias};

/// One training forward, which any number of ways back follow.
class Training {
 public:
  explicit Training(const RnnDesc& desc, const Target& target)
      : forward_(with(desc, Propagation::forward_training), target),
        backward_(with(desc, Propagation::backward), target),
        packed_(forward_),
        workspace_(forward_, steps, batch),
        random_(20285),
        weights_(random_weights(forward_, WeightsLayout::igo, random_)) {
    packed_.pack(views_of(weights_));
    const bool has_c = forward_.has_c();
    x_ = random_tensor(forward_.src_layer_desc(steps, batch), random_);
    h_ = random_tensor(forward_.iter_desc(batch), random_);
    if (has_c) c_ = random_tensor(forward_.iter_c_desc(batch), random_);
    if (forward_.takes_attention()) attention_ = random_tensor({{steps, batch, 1}, FormatTag::tnc}, random_);
    y_ = TestTensor(forward_.dst_layer_desc(steps, batch));
    last_h_ = TestTensor(h_.desc);
    last_c_ = TestTensor(c_.desc);
    states_ = TestTensor(forward_.states_desc(steps, batch));
    if (has_c) states_c_ = TestTensor(forward_.states_c_desc(steps, batch));
  }

  /// All of them; those that go out not written yet.
  Gradients gradients() {
    Random random(20286);
    Gradients g;
    g.dst_layer = random_tensor(y_.desc, random);
    g.dst_iter = random_tensor(h_.desc, random);
    g.dst_states = random_tensor(states_.desc, random);
    if (forward_.has_c()) g.dst_iter_c = random_tensor(c_.desc, random);
    if (forward_.has_c()) g.dst_states_c = random_tensor(states_c_.desc, random);
    g.src_layer = TestTensor(x_.desc);
    g.src_iter = TestTensor(h_.desc);
    g.src_iter_c = TestTensor(c_.desc);
    g.attention = TestTensor(attention_.desc);
    g.weights = random_weights(forward_, WeightsLayout::igo, random);
    return g;
  }

  /// Forward and back with the gradients there are; gives all that go out.
  Numbers run(Gradients g) {
    const ForwardArguments arguments{.src_layer = x_.read(),
                                     .src_iter = h_.read(),
                                     .src_iter_c = c_.read(),
                                     .attention = attention_.read(),
                                     .packed_weights = &packed_,
                                     .dst_layer = y_.write(),
                                     .dst_iter = last_h_.write(),
                                     .dst_iter_c = last_c_.write(),
                                     .dst_states = states_.write(),
                                     .dst_states_c = states_c_.write()};
    forward_.execute(arguments, workspace_);
    const std::vector<MutableWeightViews> views = mutable_views_of(g.weights);
    backward_.execute({.forward = arguments,
                       .diff_dst_layer = g.dst_layer.read(),
                       .diff_dst_iter = g.dst_iter.read(),
                       .diff_dst_iter_c = g.dst_iter_c.read(),
                       .diff_dst_states = g.dst_states.read(),
                       .diff_dst_states_c = g.dst_states_c.read(),
                       .diff_src_layer = g.src_layer.write(),
                       .diff_src_iter = g.src_iter.write(),
                       .diff_src_iter_c = g.src_iter_c.write(),
                       .diff_attention = g.attention.write(),
                       .diff_weights = views},
                      workspace_);
    Numbers numbers;
    for (const auto member : outgoing) numbers.push_back((g.*member).memory);
    for (std::vector<float>& one : numbers_of(g.weights)) numbers.push_back(std::move(one));
    return numbers;
  }

 private:
  static RnnDesc with(RnnDesc desc, Propagation propagation) {
    desc.propagation = propagation;
    return desc;
  }

  RnnPrimitive forward_, backward_;
  PackedRnnWeights packed_;
  RnnWorkspace workspace_;
  Random random_;
  std::vector<WeightTensors> weights_;
  TestTensor x_, h_, c_, attention_, y_, last_h_, last_c_, states_, states_c_;
};

/// Calls check(training) for cells, stackings and memory levels on every target.
template <class Check>
void for_each_training(Check check) {
  for (const CellKind cell :
       {CellKind::lstm, CellKind::lbr_augru, CellKind::indrnn, CellKind::lstm_layer_norm}) {
    for (const Stacking stacking : {Stacking::independent, Stacking::cross_fed}) {
      for (const auto level : {MemoryLevel::keep_gates, MemoryLevel::recompute}) {
        for (const Target* target : supported_targets()) {
          SCOPED_TRACE(std::string(name_of(cell)) + (stacking == Stacking::cross_fed ? ", cross-fed" : "") +
                       (level == MemoryLevel::recompute ? ", recomputed on " : " on ") + target->name);
          Training training(everything(cell, stacking, level), *target);
          check(training);
        }
      }
    }
  }
}

TEST(PrimitiveLeftOut, gradients_that_come_in_are_zero) {
  for_each_training([](Training& training) {
    for (unsigned out = 1; out < 1U << std::size(incoming); ++out) {
      Gradients zero = training.gradients();
      Gradients none = training.gradients();
      for (std::size_t i = 0; i < std::size(incoming); ++i) {
        if ((out >> i & 1U) == 0) continue;
        std::ranges::fill((zero.*incoming[i]).memory, 0.0F);
        none.*incoming[i] = {};
      }
      const Numbers expected = training.run(zero);
      const Numbers actual = training.run(none);
      for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_TRUE(same_bits(actual[i], expected[i])) << "gradient " << i << " without " << out;
    }
  });
}

TEST(PrimitiveLeftOut, gradients_that_go_out_do_not_change_the_others) {
  for_each_training([](Training& training) {
    const Numbers expected = training.run(training.gradients());
    const std::size_t count = std::size(outgoing) + std::size(weights);
    // Without one, with one alone, and without weights at all.
    std::vector<unsigned> cases = {((1U << std::size(weights)) - 1) << std::size(outgoing)};
    for (unsigned i = 0; i < count; ++i) {
      cases.push_back(1U << i);
      cases.push_back(((1U << count) - 1) & ~(1U << i));
    }
    for (const unsigned out : cases) {
      Gradients some = training.gradients();
      for (std::size_t i = 0; i < count; ++i) {
        if ((out >> i & 1U) == 0) continue;
        if (i < std::size(outgoing)) {
          some.*outgoing[i] = {};
        } else {
          for (WeightTensors& one : some.weights) one.*weights[i - std::size(outgoing)] = {};
        }
      }
      if (out == cases.front()) some.weights.clear();
      const Numbers actual = training.run(some);
      for (std::size_t i = 0; i < count; ++i) {
        if ((out >> i & 1U) != 0) continue;
        EXPECT_TRUE(same_bits(actual[i], expected[i])) << "gradient " << i << " without " << out;
      }
    }
  });
}

}  // namespace

}  // namespace recurra::test

/// The RNN primitive with other activations against the reference: oneDNN's of vanilla cells in every form of
/// a stack, and chosen ones at every place of the other cells.
#include <gtest/gtest.h>

#include "tests/support/rnn_forms.h"
#include "tests/support/rnn_problem.h"

namespace recurra::test {

namespace {

using namespace primitive;

constexpr std::uint64_t seed = 20278;

RnnDesc small(CellKind cell) {
  RnnDesc desc;
  desc.cell = cell;
  desc.input = 6;
  desc.units = 9;
  return desc;
}

void check(const RnnDesc& desc, const RnnLayout& layout, Random& random) {
  RnnProblem problem(desc, 6, 4, layout, random);
  for (const Target* target : supported_targets()) {
    SCOPED_TRACE(target->name);
    problem.check(*target);
  }
}

/// The problem halves the recurrent weights of these: h of some is not bounded.
TEST(PrimitiveActivations, of_vanilla_cells_agree_with_the_reference_in_every_form) {
  constexpr Activation activations[] = {{ActivationKind::relu},
                                        {ActivationKind::sigmoid},
                                        {ActivationKind::leaky_relu, 0.3F},
                                        {ActivationKind::linear}};
  Random random(seed);
  int count = 0;
  for (const Activation& activation : activations) {
    SCOPED_TRACE(int(activation.kind));
    RnnDesc desc = small(CellKind::vanilla_rnn);
    desc.activations = {activation};
    for_each_form(desc, [&](RnnDesc form) {
      for (const bool given : {false, true}) {
        form.tensors.src_iter = form.tensors.dst_iter = given;
        form.tensors.lengths = count % 3 == 0;
        form.weights = count % 2 == 0 ? WeightsFormat::plain : WeightsFormat::any;
        form.memory_level = count % 4 >= 2 ? MemoryLevel::recompute : MemoryLevel::keep_gates;
        form.projection = count % 5 == 4 ? 7 : 0;
        check(form, {SequenceLayout(count % 3), WeightsLayout(count % 5)}, random);
        ++count;
      }
    });
  }
}

/// A cell and as many activations as it has places.
struct Choice {
  CellKind cell;
  std::vector<Activation> activations;
};

TEST(PrimitiveActivations, with_numbers_at_every_place_agree_with_the_reference_in_every_form) {
  using enum ActivationKind;
  const Activation gate{hard_sigmoid, 0.2F, 0.5F};
  const Activation other_gate{hard_sigmoid, 0.3F, 0.4F};
  const Activation candidate{scaled_tanh, 1.2F, 0.7F};
  const Choice choices[] = {
      {CellKind::lstm, {gate, {sigmoid}, {softsign}, other_gate, candidate}},
      {CellKind::lstm_coupled, {other_gate, candidate, gate, {softsign}}},
      {CellKind::lstm_layer_norm, {{sigmoid}, gate, candidate, other_gate, {softsign}}},
      {CellKind::gru, {gate, other_gate, candidate}},
      {CellKind::lbr_gru, {other_gate, {sigmoid}, candidate}},
      {CellKind::augru, {gate, {sigmoid}, {softsign}}},
      {CellKind::lbr_augru, {{sigmoid}, gate, candidate}},
      {CellKind::indrnn, {{affine, 0.8F, 0.1F}}},
  };
  Random random(seed + 1);
  int count = 0;
  for (const Choice& choice : choices) {
    RnnDesc desc = small(choice.cell);
    desc.activations = choice.activations;
    for_each_form(desc, [&](RnnDesc form) {
      form.tensors.src_iter = count % 2 == 0;
      form.tensors.dst_iter = count % 3 == 0;
      form.weights = count % 2 == 0 ? WeightsFormat::plain : WeightsFormat::any;
      form.memory_level = count % 4 == 1 ? MemoryLevel::recompute : MemoryLevel::keep_gates;
      check(form, {SequenceLayout(count % 3), WeightsLayout(count % 5)}, random);
      // Over one direction alone the other format too.
      if (form.layers == 1 && form.direction == primitive::Direction::left2right) {
        form.weights = form.weights == WeightsFormat::any ? WeightsFormat::plain : WeightsFormat::any;
        check(form, {}, random);
      }
      ++count;
    });
  }
}

}  // namespace

}  // namespace recurra::test

/// Packed weights of the RNN primitive: given back in any layout, and refused by primitives of another
/// format.
#include <algorithm>

#include <gtest/gtest.h>

#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/weight_tensors.h"

namespace recurra::test {

namespace {

using namespace primitive;
using primitive::Direction;

constexpr WeightsLayout layouts[] = {WeightsLayout::igo,
                                     WeightsLayout::goi,
                                     WeightsLayout::padded,
                                     WeightsLayout::ldigo,
                                     WeightsLayout::ldgoi};

/// Two layers of both directions that all have one input.
RnnDesc two_layers(CellKind cell = CellKind::lstm, i64 projection = 0) {
  RnnDesc desc;
  desc.cell = cell;
  desc.layers = 2;
  desc.direction = Direction::bidirectional_concat;
  desc.units = 9;
  desc.projection = projection;
  desc.input = projection > 0 ? projection : desc.units;
  return desc;
}

std::vector<RnnDesc> descs() {
  std::vector<RnnDesc> all;
  for (int kind = 0; kind <= int(last_cell_kind); ++kind) all.push_back(two_layers(CellKind(kind)));
  for (const CellKind cell :
       {CellKind::vanilla_rnn, CellKind::lstm, CellKind::lstm_coupled, CellKind::lstm_layer_norm})
    all.push_back(two_layers(cell, 5));
  for (const i64 projection : {0, 11}) {
    all.push_back(two_layers(CellKind::lstm, projection));
    all.back().peephole = true;
  }
  return all;
}

/// Whether unpack writes nothing between the elements.
bool leaves_gaps(std::vector<WeightTensors>& found) {
  for (WeightTensors& one : found) {
    for (const TestTensor* tensor : all_of(one)) {
      if (tensor->desc.rank() == 0) continue;
      const auto untouched = std::size_t(std::ranges::count(tensor->memory, -7.0F));
      if (untouched != tensor->memory.size() - tensor->logical().size()) return false;
    }
  }
  return true;
}

/// Weights packed from every layout, unpacked to every other.
void check_layouts(const RnnPrimitive& primitive, Random& random) {
  for (const WeightsLayout from : layouts) {
    std::vector<WeightTensors> given = random_weights(primitive, from, random);
    PackedRnnWeights packed(primitive);
    packed.pack(views_of(given));
    for (const WeightsLayout to : layouts) {
      std::vector<WeightTensors> found = random_weights(primitive, to, random);
      for (WeightTensors& one : found) {
        for (TestTensor* tensor : all_of(one)) std::ranges::fill(tensor->memory, -7.0F);
      }
      packed.unpack(mutable_views_of(found));
      EXPECT_EQ(numbers_of(found), numbers_of(given)) << "from " << int(from) << " to " << int(to);
      EXPECT_TRUE(leaves_gaps(found)) << "from " << int(from) << " to " << int(to);
    }
  }
}

TEST(PackedRnnWeights, give_the_plain_weights_back_in_any_layout) {
  Random random(20275);
  for (RnnDesc desc : descs()) {
    for (const auto propagation : {Propagation::forward_inference, Propagation::backward}) {
      for (const bool bias : {false, true}) {
        desc.propagation = propagation;
        desc.tensors.bias = bias;
        for (const Target* target : supported_targets()) {
          const RnnPrimitive primitive(desc, *target);
          SCOPED_TRACE(primitive.weights_desc().text() + (bias ? " with bias" : " without bias"));
          check_layouts(primitive, random);
        }
      }
    }
  }
}

TEST(PackedRnnWeights, give_back_what_is_wanted_once_they_are_packed) {
  Random random(20276);
  const RnnPrimitive primitive(two_layers(CellKind::lstm, 5));
  std::vector<WeightTensors> given = random_weights(primitive, WeightsLayout::igo, random);
  PackedRnnWeights packed(primitive);
  EXPECT_FALSE(packed.is_packed());
  std::vector<WeightTensors> found(given.size());
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { packed.unpack(mutable_views_of(found)); }),
            "packed weights: expected those of " + primitive.weights_desc().text() +
                ", got memory without packed weights");
  packed.pack(views_of(given));
  EXPECT_TRUE(packed.is_packed());
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { packed.pack(views_of(given), {.threads = 65}); }),
            "threads: expected 0 to 64, got 65");
  EXPECT_TRUE(packed.is_packed()) << "a refused call changes nothing";
  for (const auto member :
       {&WeightTensors::layer, &WeightTensors::iter, &WeightTensors::projection, &WeightTensors::bias}) {
    std::vector<WeightTensors> one(given.size());
    for (std::size_t run = 0; run < one.size(); ++run)
      one[run].*member = TestTensor((given[run].*member).desc);
    packed.unpack(mutable_views_of(one));
    for (std::size_t run = 0; run < one.size(); ++run)
      EXPECT_EQ((one[run].*member).memory, (given[run].*member).memory);
  }
}

/// The text that an execution of `primitive` with weights packed for another is refused with.
std::string refusal(const RnnPrimitive& primitive, const RnnPrimitive& other) {
  Random random(20277);
  PackedRnnWeights packed(other);
  packed.pack(views_of(random_weights(other, WeightsLayout::igo, random)));
  const TestTensor x = random_tensor(primitive.src_layer_desc(3, 2), random);
  TestTensor y(primitive.dst_layer_desc(3, 2));
  RnnWorkspace workspace(primitive, 3, 2);
  return error_text(ErrorCode::invalid_argument, [&] {
    primitive.execute({.src_layer = x.read(), .packed_weights = &packed, .dst_layer = y.write()}, workspace);
  });
}

/// Each is refused in the place of the other, by both formats' names.
void check_refusals(const RnnPrimitive& a, const RnnPrimitive& b, const char* in_a, const char* in_b) {
  const std::string of_a = a.weights_desc().text();
  const std::string of_b = b.weights_desc().text();
  EXPECT_NE(of_a.find(in_a), std::string::npos) << of_a;
  EXPECT_NE(of_b.find(in_b), std::string::npos) << of_b;
  EXPECT_NE(of_a, of_b);
  EXPECT_EQ(refusal(a, b), "packed weights: expected those of " + of_a + ", got those of " + of_b);
  EXPECT_EQ(refusal(b, a), "packed weights: expected those of " + of_b + ", got those of " + of_a);
}

TEST(PackedRnnWeights, of_another_target_are_refused) {
  const RnnDesc desc = two_layers();
  for (const Target* a : supported_targets()) {
    for (const Target* b : supported_targets()) {
      if (a != b) check_refusals(RnnPrimitive(desc, *a), RnnPrimitive(desc, *b), a->name, b->name);
    }
  }
}

TEST(PackedRnnWeights, of_other_directions_stackings_and_projections_are_refused) {
  const RnnDesc desc = two_layers();
  const RnnPrimitive primitive(desc);
  RnnDesc one = desc;
  one.direction = Direction::left2right;
  check_refusals(primitive, RnnPrimitive(one), "2 directions", "1 directions");
  RnnDesc crossed = desc;
  crossed.stacking = Stacking::cross_fed;
  check_refusals(primitive, RnnPrimitive(crossed), "input above 9", "input above 18");
  RnnDesc projected = desc;
  projected.projection = 9;  // as wide as what it stands for
  check_refusals(primitive, RnnPrimitive(projected), "projection 0", "projection 9");
  RnnDesc wider = projected;
  wider.projection = 10;
  check_refusals(RnnPrimitive(wider), RnnPrimitive(projected), "projection 10", "projection 9");
}

}  // namespace

}  // namespace recurra::test

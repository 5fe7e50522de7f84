/// Stateful layers: what goes on from call to call, to the bit, and what is refused.
#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/recurrent_kinds.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

constexpr i64 batch = 4, steps = 12, features = 5, units = 9;

/// Steps `first` to `first + count` of (batch, steps, …).
Tensor part_of(const Tensor& x, i64 first, i64 count) {
  Shape shape = x.shape();
  shape[1] = count;
  Tensor part(shape);
  const i64 width = x.shape()[2];
  for (i64 row = 0; row < shape[0]; ++row)
    std::copy_n(
        x.data() + (row * x.shape()[1] + first) * width, count * width, part.data() + row * count * width);
  return part;
}

StepMask part_of(const StepMask& mask, i64 first, i64 count) {
  std::vector<std::uint8_t> counts;
  for (i64 row = 0; row < mask.batch(); ++row)
    for (i64 t = first; t < first + count; ++t) counts.push_back(mask.counts(row, t) ? 1 : 0);
  return StepMask::of_bytes(mask.batch(), count, counts);
}

/// Holes, a row that ends early, one that begins late, one without a step.
StepMask some_mask() {
  return StepMask::of_bytes(batch, steps, {1, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1, 1,  //
                                           1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,  //
                                           0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1,  //
                                           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

bool same_bits(const float* a, const float* b, i64 count) {
  return std::memcmp(a, b, std::size_t(count) * sizeof(float)) == 0;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && same_bits(a.data(), b.data(), a.size());
}

/// Where each of the sub-sequences begins, and the end.
constexpr i64 cuts[] = {0, 5, 6, 12};

TEST(StatefulLayers, sub_sequences_are_one_long_run_to_the_bit) {
  const StepMask mask = some_mask();
  const Tensor x = normal({batch, steps, features}, 2);
  for (const RecurrentKind& kind : recurrent_kinds) {
    for (const bool masked : {false, true}) {
      for (const bool zeros : {false, true}) {
        SCOPED_TRACE(std::string(kind.type) + kind.config + (masked ? ", masked" : "") + (zeros ? "0" : ""));
        Json arguments = {{"units", units}, {"return_sequences", true}, {"zero_output_for_mask", zeros}};
        const auto whole = built_layer(kind, arguments, features);
        arguments["stateful"] = true;
        const auto parts = built_layer(kind, arguments, features);
        const Tensor expected = whole->forward(x, {.mask = masked ? &mask : nullptr});
        for (int i = 0; i < 3; ++i) {
          const i64 first = cuts[i], count = cuts[i + 1] - cuts[i];
          const StepMask part = part_of(mask, first, count);
          const Tensor y = parts->forward(part_of(x, first, count), {.mask = masked ? &part : nullptr});
          EXPECT_STREQ(parts->report()->target, active_target().name);
          EXPECT_EQ(parts->report()->steps, masked ? part.counted() : batch * count);
          for (i64 row = 0; row < batch; ++row) {
            for (i64 t = 0; t < count; ++t) {
              // A masked step repeats an output of its own call alone.
              if (masked && !zeros && !part.counts(row, t)) continue;
              ASSERT_TRUE(same_bits(y.data() + (row * count + t) * units,
                                    expected.data() + (row * steps + first + t) * units,
                                    units))
                  << "row " << row << ", step " << first + t;
            }
          }
        }
        EXPECT_EQ(parts->states().size(), kind.states);
      }
    }
  }
}

/// Without sequences the last output is h, unless the call has no step of the row that counts.
TEST(StatefulLayers, last_outputs_are_those_of_the_long_run) {
  const Tensor x = normal({batch, steps, features}, 2);
  for (const RecurrentKind& kind : recurrent_kinds) {
    const auto whole = built_layer(kind, {{"units", units}}, features);
    const auto parts = built_layer(kind, {{"units", units}, {"stateful", true}}, features);
    for (int i = 0; i < 3; ++i) {
      const Tensor y = parts->forward(part_of(x, cuts[i], cuts[i + 1] - cuts[i]), {});
      EXPECT_TRUE(same_bits(y, whole->forward(part_of(x, 0, cuts[i + 1]), {})));
      EXPECT_TRUE(same_bits(y, parts->states()[0]));
    }
  }
}

TEST(StatefulLayers, a_row_without_a_step_that_counts_gives_zeros_and_keeps_its_states) {
  const Tensor x = normal({batch, steps, features}, 2);
  const StepMask mask = some_mask();
  const auto layer = built_layer(recurrent_kinds[0], {{"units", units}, {"stateful", true}}, features);
  layer->forward(x, {});
  const std::vector<Tensor> before = layer->states();
  const Tensor y = layer->forward(x, {.training = true, .mask = &mask});
  const std::vector<Tensor> after = layer->states();
  for (std::size_t k = 0; k < 2; ++k)
    EXPECT_TRUE(same_bits(before[k].data() + 3 * units, after[k].data() + 3 * units, units));
  for (i64 i = 3 * units; i < 4 * units; ++i) EXPECT_EQ(y.data()[i], 0.0F);
  // Nor does a gradient of that output come back: with it alone all are 0.
  Tensor dy(y.shape());
  std::fill_n(dy.data() + 3 * units, units, 1.0F);
  layer->backward(x, dy, true, {.training = true, .mask = &mask});
  for (const Parameter* parameter : layer->parameters()) {
    for (const float d : parameter->gradient.as<float>()) ASSERT_EQ(d, 0.0F);
  }
}

/// The gradient is that of the call, its states taken as given.
TEST(StatefulLayers, gradients_do_not_cross_calls) {
  const Tensor x = normal({batch, 3, features}, 2);
  const Tensor d = normal({batch, units}, 3);
  const Context context{.training = true};
  for (const RecurrentKind& kind : recurrent_kinds) {
    SCOPED_TRACE(kind.type);
    const auto layer = built_layer(kind, {{"units", units}, {"stateful", true}}, features);
    layer->forward(x, context);
    const std::vector<Tensor> states = layer->states();
    const auto loss = [&] {
      layer->set_states(states);
      layer->parameters_changed();
      const Tensor& y = layer->forward(x, context);
      double sum = 0;
      for (i64 i = 0; i < y.size(); ++i) sum += double(d.data()[i]) * y.data()[i];
      return sum;
    };
    static_cast<void>(loss());
    layer->backward(x, d, false, context);
    for (Parameter* parameter : layer->parameters()) {
      const Tensor gradient = parameter->gradient;
      for (i64 i = 0; i < gradient.size(); i += std::max<i64>(gradient.size() / 10, 1)) {
        float& value = parameter->value.data()[i];
        const float at = value;
        value = at + 0.01F;
        const double above = loss();
        value = at - 0.01F;
        const double slope = (above - loss()) / (2.0 * 0.01);
        value = at;
        EXPECT_NEAR(gradient.data()[i], slope, 2e-3 * std::max(1.0, std::abs(slope))) << parameter->name;
      }
    }
  }
}

TEST(StatefulLayers, begin_anew_when_reset_and_go_on_from_states_that_are_set) {
  const Tensor x = normal({batch, steps, features}, 2);
  for (const RecurrentKind& kind : recurrent_kinds) {
    SCOPED_TRACE(kind.type);
    const Json arguments = {{"units", units}, {"stateful", true}};
    const auto layer = built_layer(kind, arguments, features);
    EXPECT_TRUE(layer->stateful());
    EXPECT_TRUE(layer->states().empty());
    const Tensor first = layer->forward(x, {});
    const std::vector<Tensor> states = layer->states();
    ASSERT_EQ(states.size(), kind.states);
    for (const Tensor& state : states) EXPECT_EQ(state.shape(), (Shape{batch, units}));
    const Tensor second = layer->forward(x, {});
    EXPECT_FALSE(same_bits(first, second));
    layer->reset_states();
    for (const Tensor& state : layer->states()) {
      for (const float value : state.as<float>()) EXPECT_EQ(value, 0.0F);
    }
    EXPECT_TRUE(same_bits(layer->forward(x, {}), first));
    layer->reset_state();
    EXPECT_TRUE(same_bits(layer->forward(x, {}), first));
    // Those of one layer given to another.
    const auto other = built_layer(kind, arguments, features);
    other->set_states(states);
    EXPECT_TRUE(same_bits(other->forward(x, {}), second));
    EXPECT_FALSE(built_layer(kind, {{"units", units}}, features)->stateful());
  }
}

TEST(StatefulLayers, refuse_a_batch_of_another_size_until_they_are_reset) {
  const auto layer = built_layer(recurrent_kinds[0], {{"units", units}, {"stateful", true}}, features);
  const auto refusal = [&](i64 rows) {
    return error_text(ErrorCode::shape, [&] { layer->forward(normal({rows, 2, features}, 1), {}); });
  };
  layer->forward(normal({batch, 2, features}, 1), {});
  const std::vector<Tensor> states = layer->states();
  EXPECT_EQ(refusal(3), "lstm.input: expected a batch of 4 as the states it goes on from, got 3");
  EXPECT_EQ(refusal(1), "lstm.input: expected a batch of 4 as the states it goes on from, got 1");
  EXPECT_TRUE(same_bits(layer->states()[1], states[1])) << "what is refused changes nothing";
  EXPECT_EQ(layer->forward(Tensor({0, 2, features}), {}).size(), 0);
  EXPECT_TRUE(same_bits(layer->states()[1], states[1])) << "nor do no rows";
  layer->reset_states();
  layer->forward(normal({3, 2, features}, 1), {});
  EXPECT_EQ(refusal(4), "lstm.input: expected a batch of 3 as the states it goes on from, got 4");
  layer->set_states(states);
  layer->forward(normal({batch, 2, features}, 1), {});
}

TEST(StatefulLayers, refuse_states_that_do_not_fit) {
  const auto layer = built_layer(recurrent_kinds[0], {{"units", units}, {"stateful", true}}, features);
  const auto refusal = [&](ErrorCode code, const std::vector<Tensor>& states) {
    return error_text(code, [&] { layer->set_states(states); });
  };
  const Tensor fits({3, units});
  EXPECT_EQ(refusal(ErrorCode::invalid_argument, {}), "lstm.states: expected 2 states, got 0");
  EXPECT_EQ(refusal(ErrorCode::invalid_argument, {fits}), "lstm.states: expected 2 states, got 1");
  EXPECT_EQ(refusal(ErrorCode::shape, {fits, Tensor({4, units})}),
            "lstm.states[1]: expected shape (3, 9) = (batch, units), got (4, 9)");
  EXPECT_EQ(refusal(ErrorCode::shape, {Tensor({3, 8}), fits}),
            "lstm.states[0]: expected shape (3, 9) = (batch, units), got (3, 8)");
  EXPECT_EQ(refusal(ErrorCode::shape, {Tensor({3, 1, units}), fits}),
            "lstm.states[0]: expected shape (3, 9) = (batch, units), got (3, 1, 9)");
  EXPECT_EQ(refusal(ErrorCode::dtype, {fits, Tensor({3, units}, Dtype::i32)}),
            "lstm.states[1]: expected f32, got i32");
  EXPECT_TRUE(layer->states().empty());
  const auto simple = built_layer(recurrent_kinds[3], {{"units", units}, {"stateful", true}}, features);
  EXPECT_EQ(error_text([&] {
              simple->set_states({fits, fits});
            }),
            "simple_rnn.states: expected 1 state, got 2");
}

TEST(StatefulLayers, only_they_have_states_to_set_read_and_reset) {
  const auto plain = built_layer(recurrent_kinds[0], {{"units", units}}, features);
  const auto refusal = [](const auto& call) {
    return error_text(ErrorCode::invalid_argument, call);
  };
  EXPECT_EQ(refusal([&] { plain->reset_states(); }),
            "lstm.reset_states: expected a stateful layer, got one that is not");
  EXPECT_EQ(refusal([&] { static_cast<void>(plain->states()); }),
            "lstm.states: expected a stateful layer, got one that is not");
  EXPECT_EQ(refusal([&] { plain->set_states({}); }),
            "lstm.set_states: expected a stateful layer, got one that is not");
  const auto unbuilt = make_layer({"LSTM", R"({"units": 3, "stateful": true})"});
  EXPECT_EQ(refusal([&] { static_cast<void>(unbuilt->states()); }),
            "lstm.states: expected a built layer, got one without weights");
  const auto dense = make_layer({"Dense", R"({"units": 3})"});
  EXPECT_EQ(refusal([&] { dense->reset_state(); }),
            "dense.reset_states: expected a stateful layer, got one that is not");
}

/// Each direction has its own; Keras carries the backward one's on, too.
TEST(StatefulLayers, in_both_directions_carry_each_their_own) {
  const Tensor x = normal({batch, steps, features}, 2);
  for (const RecurrentKind& kind : recurrent_kinds) {
    SCOPED_TRACE(kind.type);
    const Json arguments = {{"units", units}, {"stateful", true}, {"return_sequences", true}};
    const auto both = built_layer(kind, arguments, features, Json::object());
    both->forward(x, {});
    const Tensor y = both->forward(x, {});
    const std::vector<Tensor> states = both->states();
    ASSERT_EQ(states.size(), 2 * kind.states);
    const std::vector<Parameter*> parameters = both->parameters();
    for (std::size_t direction = 0; direction < 2; ++direction) {
      Json one = arguments;
      one["go_backwards"] = direction == 1;
      const auto layer = built_layer(kind, one, features);
      const std::vector<Parameter*> own = layer->parameters();
      for (std::size_t i = 0; i < own.size(); ++i)
        own[i]->value = parameters[direction * own.size() + i]->value;
      layer->parameters_changed();
      layer->forward(x, {});
      const Tensor half = layer->forward(x, {});
      for (std::size_t k = 0; k < kind.states; ++k)
        EXPECT_TRUE(same_bits(layer->states()[k], states[direction * kind.states + k]));
      for (i64 t = 0; t < steps; ++t) {
        const i64 place = direction == 0 ? t : steps - 1 - t;
        EXPECT_TRUE(
            same_bits(half.data() + place * units, y.data() + (2 * t + i64(direction)) * units, units));
      }
    }
    both->reset_states();
    for (const Tensor& state : both->states()) EXPECT_EQ(*std::ranges::max_element(state.as<float>()), 0.0F);
  }
}

}  // namespace

}  // namespace recurra::test

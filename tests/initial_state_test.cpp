/// States as inputs and outputs of the recurrent layers: initial_state and return_state, in both directions
/// too, with their gradients.
#include <algorithm>
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/recurrent_kinds.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

constexpr i64 batch = 4, steps = 6, features = 5, units = 7;

/// Holes, a row that ends early, one that begins late, one without a step.
StepMask some_mask() {
  return StepMask::of_bytes(batch, steps, {1, 0, 1, 1, 0, 1,  //
                                           1, 1, 1, 0, 0, 0,  //
                                           0, 0, 1, 1, 1, 1,  //
                                           0, 0, 0, 0, 0, 0});
}

std::vector<const Tensor*> addresses(const std::vector<Tensor>& tensors) {
  std::vector<const Tensor*> all;
  for (const Tensor& tensor : tensors) all.push_back(tensor.size() > 0 ? &tensor : nullptr);
  return all;
}

std::vector<Tensor> copies(TensorList tensors) {
  std::vector<Tensor> all;
  for (const Tensor* tensor : tensors) all.push_back(*tensor);
  return all;
}

std::vector<Tensor> run(Layer& layer, const std::vector<Tensor>& inputs, const Context& context = {}) {
  return copies(layer.forward(addresses(inputs), context));
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

/// x and initial states, each of normal numbers.
std::vector<Tensor> inputs_of(std::size_t states) {
  std::vector<Tensor> inputs = {normal({batch, steps, features}, 2)};
  for (std::size_t k = 0; k < states; ++k) inputs.push_back(normal({batch, units}, 20 + k));
  return inputs;
}

/// Gradients of all inputs and parameters of sum(ds * outputs) + penalty against central differences; an
/// empty d is an output without gradient.
void expect_slopes(Layer& layer,
                   std::vector<Tensor> inputs,
                   const std::vector<Tensor>& ds,
                   const Context& context) {
  const auto loss = [&] {
    layer.parameters_changed();
    const TensorList ys = layer.forward(addresses(inputs), context);
    double sum = layer.penalty();
    for (std::size_t k = 0; k < ds.size(); ++k)
      for (i64 i = 0; i < ds[k].size(); ++i) sum += double(ds[k].data()[i]) * ys[k]->data()[i];
    return sum;
  };
  static_cast<void>(loss());
  const std::vector<std::uint8_t> wanted(inputs.size(), 1);
  const std::vector<Tensor> dxs = copies(layer.backward(addresses(inputs), addresses(ds), wanted, context));
  ASSERT_EQ(dxs.size(), inputs.size());
  std::vector<std::pair<Tensor*, Tensor>> pairs;
  for (std::size_t i = 0; i < inputs.size(); ++i) pairs.emplace_back(&inputs[i], dxs[i]);
  for (Parameter* parameter : layer.parameters()) pairs.emplace_back(&parameter->value, parameter->gradient);
  for (auto& pair : pairs) {
    Tensor* const value = pair.first;
    for (i64 i = 0; i < value->size(); i += std::max<i64>(value->size() / 6, 1)) {
      const float at = value->data()[i];
      const auto difference = [&](float step) {
        value->data()[i] = at + step;
        const double above = loss();
        value->data()[i] = at - step;
        const double below = loss();
        value->data()[i] = at;
        return (above - below) / (2.0 * double(step));
      };
      const double slope = (4 * difference(0.01F) - difference(0.02F)) / 3;
      EXPECT_NEAR(pair.second.data()[i], slope, 2e-3 * std::max(1.0, std::abs(slope)));
    }
  }
}

/// An option that might lose states, mask or kernels.
struct Variant {
  const char* name;
  Json arguments;
  bool masked = false;
  bool alone = false;  // whether gradients of one output alone are looked at, too
};

const Variant variants[] = {{"plain", Json::object(), false, true},
                            {"backwards", {{"go_backwards", true}}},
                            {"without bias", {{"use_bias", false}}},
                            {"dropouts", {{"dropout", 0.3}, {"recurrent_dropout", 0.3}}},
                            {"costs", {{"activity_regularizer", "l2"}}, false, true},
                            {"mask", Json::object(), true},
                            {"mask with zeros", {{"zero_output_for_mask", true}}, true},
                            {"mask, backwards", {{"go_backwards", true}}, true, true}};

TEST(StatesAsInputsAndOutputs, have_their_gradients_and_stay_on_the_kernels) {
  const StepMask mask = some_mask();
  for (const RecurrentKind& kind : recurrent_kinds) {
    for (const Variant& variant : variants) {
      for (const bool sequences : {false, true}) {
        SCOPED_TRACE(std::string(kind.type) + kind.config + ", " + variant.name + (sequences ? ", all" : ""));
        Json arguments = variant.arguments;
        arguments.update({{"units", units}, {"return_sequences", sequences}, {"return_state", true}});
        const auto layer = built_layer(kind, arguments, features);
        const StepMask* const given = variant.masked ? &mask : nullptr;
        const Context context{.training = true, .mask = given, .dropout = {.seed = 7}};
        std::vector<Tensor> ds = {normal(sequences ? Shape{batch, steps, units} : Shape{batch, units}, 3)};
        for (std::size_t k = 0; k < kind.states; ++k) ds.push_back(normal({batch, units}, 30 + k));
        expect_slopes(*layer, inputs_of(kind.states), ds, context);
        EXPECT_STREQ(layer->report()->target, active_target().name);
        EXPECT_EQ(layer->report()->steps, given != nullptr ? mask.counted() : batch * steps);
        EXPECT_TRUE(layer->report()->own_activations);
        if (!variant.alone) continue;
        // One output alone, with states given and without.
        for (std::size_t k = 0; k < ds.size(); ++k) {
          std::vector<Tensor> one(ds.size());
          one[k] = ds[k];
          expect_slopes(*layer, inputs_of(k == 0 ? 0 : kind.states), one, context);
        }
      }
    }
  }
}

/// The encoder's states are the decoder's first: two runs are one.
TEST(StatesAsInputsAndOutputs, join_two_runs_to_the_bits_of_one) {
  const Tensor x = normal({batch, steps, features}, 2);
  Tensor parts[2] = {Tensor({batch, 2, features}), Tensor({batch, steps - 2, features})};
  for (i64 row = 0; row < batch; ++row) {
    std::copy_n(x.data() + row * steps * features, 2 * features, parts[0].data() + row * 2 * features);
    std::copy_n(x.data() + (row * steps + 2) * features,
                (steps - 2) * features,
                parts[1].data() + row * (steps - 2) * features);
  }
  for (const RecurrentKind& kind : recurrent_kinds) {
    SCOPED_TRACE(kind.type);
    const auto layer = built_layer(kind, {{"units", units}, {"return_state", true}}, features);
    const std::vector<Tensor> whole = run(*layer, {x});
    ASSERT_EQ(whole.size(), 1 + kind.states);
    EXPECT_TRUE(same_bits(whole[0], whole[1])) << "h is the last output";
    std::vector<Tensor> second = run(*layer, {parts[0]});
    second[0] = parts[1];
    const std::vector<Tensor> end = run(*layer, second);
    for (std::size_t k = 0; k < whole.size(); ++k) EXPECT_TRUE(same_bits(whole[k], end[k])) << k;
  }
}

TEST(StatesAsInputsAndOutputs, have_shapes_that_are_known_when_the_layer_is_built) {
  Random random(1);
  const auto shapes = [&](const char* type, const Json& arguments, std::vector<Shape> inputs) {
    return make_layer({type, arguments.dump()})->build(inputs, random);
  };
  EXPECT_EQ(shapes("LSTM", {{"units", 64}, {"return_state", true}}, {{any_extent, 64}}),
            (std::vector<Shape>{{64}, {64}, {64}}));
  EXPECT_EQ(
      shapes(
          "GRU", {{"units", 3}, {"return_state", true}, {"return_sequences", true}}, {{any_extent, 64}, {3}}),
      (std::vector<Shape>{{any_extent, 3}, {3}}));
  const Json inner = {{"class_name", "LSTM"},
                      {"config", {{"units", 3}, {"return_state", true}, {"return_sequences", true}}}};
  EXPECT_EQ(shapes("Bidirectional", {{"layer", inner}}, {{any_extent, 5}, {3}, {3}, {3}, {3}}),
            (std::vector<Shape>{{any_extent, 6}, {3}, {3}, {3}, {3}}));
  EXPECT_EQ(shapes("Bidirectional", {{"layer", inner}, {"merge_mode", nullptr}}, {{any_extent, 5}}),
            (std::vector<Shape>{{any_extent, 3}, {any_extent, 3}, {3}, {3}, {3}, {3}}));
}

/// Keras loses the mask where states are given; and before the first step that counts it gives zeros.
TEST(StatesAsInputsAndOutputs, leave_the_mask_as_it_is) {
  const StepMask mask = some_mask();
  for (const bool sequences : {false, true}) {
    const auto layer =
        built_layer(recurrent_kinds[0],
                    {{"units", units}, {"return_sequences", sequences}, {"return_state", true}},
                    features);
    std::vector<Tensor> inputs = inputs_of(2);
    const std::vector<Tensor> before = run(*layer, inputs, {.mask = &mask});
    for (i64 row = 0; row < batch; ++row) {
      for (i64 t = 0; t < steps; ++t) {
        if (mask.counts(row, t)) continue;
        std::fill_n(inputs[0].data() + (row * steps + t) * features, features, 1e3F);
      }
    }
    const std::vector<Tensor> after = run(*layer, inputs, {.mask = &mask});
    for (std::size_t k = 0; k < 3; ++k) EXPECT_TRUE(same_bits(before[k], after[k]));
    const auto zeros = [](const float* values) {
      return std::all_of(values, values + units, [](float value) { return value == 0.0F; });
    };
    // The row without a step: its states are those given, its output is 0.
    EXPECT_TRUE(
        std::equal(after[2].data() + 3 * units, after[2].data() + 4 * units, inputs[2].data() + 3 * units));
    EXPECT_TRUE(
        std::equal(after[1].data() + 3 * units, after[1].data() + 4 * units, inputs[1].data() + 3 * units));
    if (!sequences) {
      EXPECT_TRUE(zeros(after[0].data() + 3 * units));
      EXPECT_FALSE(zeros(after[0].data() + 2 * units));
      continue;
    }
    const auto at = [&](i64 row, i64 t) {
      return after[0].data() + (row * steps + t) * units;
    };
    EXPECT_TRUE(zeros(at(2, 0)) && zeros(at(2, 1)) && !zeros(at(2, 2)));
    EXPECT_TRUE(zeros(at(3, 0)) && zeros(at(3, 5)));
    EXPECT_TRUE(std::equal(at(0, 1), at(0, 2), at(0, 0))) << "repeats the output before";
  }
}

TEST(StatesAsInputsAndOutputs, of_a_stateful_layer_take_the_place_of_its_own) {
  const auto layer = built_layer(recurrent_kinds[0], {{"units", units}, {"stateful", true}}, features);
  const std::vector<Tensor> inputs = inputs_of(2);
  const Tensor first = run(*layer, inputs)[0];
  EXPECT_TRUE(same_bits(layer->states()[0], first));
  const Tensor second = layer->forward(inputs[0], {});
  EXPECT_FALSE(same_bits(second, first));
  EXPECT_TRUE(same_bits(run(*layer, inputs)[0], first));
  EXPECT_TRUE(same_bits(layer->forward(inputs[0], {}), second));
}

TEST(StatesAsInputsAndOutputs, that_do_not_fit_are_refused) {
  const auto layer = built_layer(recurrent_kinds[0], {{"units", units}}, features);
  const Tensor x = normal({batch, steps, features}, 2);
  const Tensor fits({batch, units});
  const auto refusal = [&](ErrorCode code, const std::vector<Tensor>& inputs) {
    return error_text(code, [&] { layer->forward(addresses(inputs), {}); });
  };
  EXPECT_EQ(refusal(ErrorCode::invalid_argument, {}), "lstm.inputs: expected 1 or more, got 0");
  EXPECT_EQ(refusal(ErrorCode::invalid_argument, {x, fits}), "lstm.initial_state: expected 2 states, got 1");
  EXPECT_EQ(refusal(ErrorCode::invalid_argument, {x, fits, fits, fits}),
            "lstm.initial_state: expected 2 states, got 3");
  EXPECT_EQ(refusal(ErrorCode::shape, {x, fits, Tensor({batch, 8})}),
            "lstm.initial_state[1]: expected shape (4, 7) = (batch, units), got (4, 8)");
  EXPECT_EQ(refusal(ErrorCode::shape, {x, Tensor({3, units}), fits}),
            "lstm.initial_state[0]: expected shape (4, 7) = (batch, units), got (3, 7)");
  EXPECT_EQ(refusal(ErrorCode::dtype, {x, fits, Tensor({batch, units}, Dtype::i32)}),
            "lstm.inputs[2]: expected f32, got i32");
  Random random(1);
  const auto build = [&](ErrorCode code, const char* type, const Json& config, std::vector<Shape> inputs) {
    return error_text(code, [&] { make_layer({type, config.dump()})->build(inputs, random); });
  };
  EXPECT_EQ(build(ErrorCode::invalid_argument, "LSTM", {{"units", 3}}, {{5, 2}, {3}}),
            "lstm.initial_state: expected 2 states, got 1");
  EXPECT_EQ(build(ErrorCode::shape, "GRU", {{"units", 3}}, {{5, 2}, {4}}),
            "gru.initial_state[0]: expected shape (3,) = (units), got (4,)");
  const Json both = {{"layer", {{"class_name", "LSTM"}, {"config", {{"units", 3}}}}}};
  EXPECT_EQ(build(ErrorCode::invalid_argument, "Bidirectional", both, {{5, 2}, {3}, {3}}),
            "bidirectional.initial_state: expected 4 states, the first half for the forward layer, got 2");
  EXPECT_EQ(build(ErrorCode::shape, "Bidirectional", both, {{5, 2}, {3}, {3}, {3}, {2}}),
            "backward_lstm.initial_state[1]: expected shape (3,) = (units), got (2,)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [&] {
                         make_layer({"GRU", R"({"units": 3, "return_state": true})"})->build({5, 2}, random);
                       }),
            "gru: expected a layer of one output, got 2");
}

TEST(BidirectionalStates, have_their_gradients_in_every_mode) {
  const StepMask mask = some_mask();
  for (const RecurrentKind& kind : recurrent_kinds) {
    for (const char* mode : {"concat", "mul", ""}) {
      for (const bool sequences : {false, true}) {
        SCOPED_TRACE(std::string(kind.type) + kind.config + ", " + mode + (sequences ? ", all" : ""));
        const Json arguments = {{"units", units}, {"return_sequences", sequences}, {"return_state", true}};
        const Json wrapper = {{"merge_mode", *mode == 0 ? Json() : Json(mode)}};
        const auto layer = built_layer(kind, arguments, features, wrapper);
        const Context context{.training = true, .mask = sequences ? &mask : nullptr};
        const std::vector<Tensor> outputs = run(*layer, inputs_of(2 * kind.states), context);
        ASSERT_EQ(outputs.size(), (*mode == 0 ? 2 : 1) + 2 * kind.states);
        std::vector<Tensor> ds;
        for (const Tensor& y : outputs) ds.push_back(normal(y.shape(), 40 + ds.size()));
        expect_slopes(*layer, inputs_of(2 * kind.states), ds, context);
        EXPECT_STREQ(layer->report()->target, active_target().name);
        EXPECT_EQ(layer->mask_of_output(context, 1) != nullptr, sequences && *mode == 0);
        // The states of one direction, or nothing but the first output.
        std::vector<Tensor> last(ds.size());
        last.back() = ds.back();
        expect_slopes(*layer, inputs_of(0), last, context);
        std::vector<Tensor> first(ds.size());
        first[0] = ds[0];
        expect_slopes(*layer, inputs_of(2 * kind.states), first, context);
      }
    }
  }
}

/// Each direction alone, with its half of the states.
TEST(BidirectionalStates, are_those_of_the_forward_layer_then_the_backward_one) {
  for (const RecurrentKind& kind : recurrent_kinds) {
    const Json arguments = {{"units", units}, {"return_sequences", true}, {"return_state", true}};
    const auto both = built_layer(kind, arguments, features, {{"merge_mode", nullptr}});
    const std::vector<Tensor> inputs = inputs_of(2 * kind.states);
    const std::vector<Tensor> outputs = run(*both, inputs);
    const std::vector<Parameter*> parameters = both->parameters();
    for (std::size_t direction = 0; direction < 2; ++direction) {
      Json one = arguments;
      one["go_backwards"] = direction == 1;
      const auto layer = built_layer(kind, one, features);
      const std::vector<Parameter*> own = layer->parameters();
      for (std::size_t i = 0; i < own.size(); ++i)
        own[i]->value = parameters[direction * own.size() + i]->value;
      layer->parameters_changed();
      std::vector<Tensor> part = {inputs[0]};
      for (std::size_t k = 0; k < kind.states; ++k) part.push_back(inputs[1 + direction * kind.states + k]);
      const std::vector<Tensor> alone = run(*layer, part);
      for (std::size_t k = 0; k < kind.states; ++k)
        EXPECT_TRUE(same_bits(alone[1 + k], outputs[2 + direction * kind.states + k]));
      for (i64 row = 0; row < batch; ++row) {
        for (i64 t = 0; t < steps; ++t) {
          const float* of_both = outputs[direction].data() + (row * steps + t) * units;
          const i64 place = direction == 0 ? t : steps - 1 - t;
          EXPECT_TRUE(std::equal(of_both, of_both + units, alone[0].data() + (row * steps + place) * units));
        }
      }
    }
  }
}

}  // namespace

}  // namespace recurra::test

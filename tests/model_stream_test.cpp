/// A model's stream: predict's bits however it is cut, rows by themselves, and what it refuses.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/training/sequential.h"
#include "tests/support/allocations.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Floats = std::vector<float>;

constexpr i64 batch = 3, steps = 11, features = 4;

/// Weights, statistics too, in +-0.5.
Sequential model_of(const std::string& text, const Shape& input = {steps, features}) {
  ModelSpec spec = parse_model(text);
  Sequential model(spec);
  model.build(input, 5);
  Random random(77);
  for (Parameter* parameter : model.parameters()) {
    const bool variance = parameter->name == "moving_variance";
    for (float& v : parameter->value.as<float>())
      v = variance ? random.uniform(0.5F, 2) : random.uniform(-0.5F, 0.5F);
  }
  model.parameters_changed();
  return model;
}

/// Every recurrent layer returns its sequence.
Sequential sequences_of(const std::string& text) {
  ModelSpec spec = parse_model(text);
  return_sequences(spec);
  Sequential model(spec);
  model.build({steps, features}, 5);
  return model;
}

Tensor inputs(const Shape& shape) {
  Tensor x(shape);
  Random random(9);
  for (float& v : x.as<float>()) v = random.normal();
  return x;
}

/// Step t of a (batch, steps, width): (batch, width).
Floats at_step(std::span<const float> all, i64 t, i64 width) {
  Floats some;
  for (i64 row = 0; row < batch; ++row) {
    const auto* first = all.data() + (row * steps + t) * width;
    some.insert(some.end(), first, first + width);
  }
  return some;
}

constexpr const char* models[] = {"lstm:20,gru:9,batch_norm,layer_norm,dropout:0.3,dense:5",
                                  "dense:7,simple_rnn:33,activation:relu,lstm:40",
                                  "gru:8,dense:6,activation:softmax",
                                  "dense:6"};

TEST(ModelStreams, have_the_bits_of_predict_step_by_step) {
  for (const char* text : models) {
    SCOPED_TRACE(text);
    Sequential model = sequences_of(text);
    const Tensor x = inputs({batch, steps, features});
    const Tensor expected = model.predict(x);
    ModelStream stream = model.stream({.batch = batch, .chunk = 4});
    ASSERT_EQ(stream.input_size(), features);
    ASSERT_EQ(stream.output_size(), expected.shape().back());
    Floats y(std::size_t(batch * stream.output_size()));
    for (i64 t = 0; t < steps; ++t) {
      stream.step(at_step(x.as<float>(), t, features), y);
      EXPECT_EQ(y, at_step(expected.as<float>(), t, stream.output_size())) << "step " << t;
      EXPECT_TRUE(std::ranges::equal(y, stream.output()));
    }
  }
}

TEST(ModelStreams, have_the_bits_of_predict_in_chunks_and_for_a_row_alone) {
  for (const char* text : models) {
    SCOPED_TRACE(text);
    Sequential model = sequences_of(text);
    const Tensor x = inputs({batch, steps, features});
    const Tensor expected = model.predict(x);
    ModelStream stream = model.stream({.batch = batch, .chunk = 4});
    Floats y(std::size_t(expected.size()));
    stream.run(steps, x.as<float>(), y);
    EXPECT_TRUE(std::ranges::equal(y, expected.as<float>()));
    EXPECT_TRUE(std::ranges::equal(stream.output(), at_step(y, steps - 1, stream.output_size())));
    ModelStream alone = model.stream();
    const auto row_x = x.as<float>().subspan(std::size_t(steps * features), std::size_t(steps * features));
    const i64 width = stream.output_size();
    const auto row_y = expected.as<float>().subspan(std::size_t(steps * width), std::size_t(steps * width));
    Floats rest(std::size_t((steps - 3) * width));
    for (i64 t = 0; t < 3; ++t) {
      alone.step(row_x.subspan(std::size_t(t * features), features));
      EXPECT_TRUE(
          std::ranges::equal(alone.output(), row_y.subspan(std::size_t(t * width), std::size_t(width))));
    }
    alone.run(steps - 3, row_x.subspan(3 * features), rest);
    EXPECT_TRUE(std::ranges::equal(rest, row_y.subspan(std::size_t(3 * width))));
  }
}

TEST(ModelStreams, give_after_each_step_what_predict_gives_for_a_sequence_that_ends_there) {
  Sequential model = model_of("lstm:12,gru:9,flatten,dense:5", {any_extent, features});
  const Tensor x = inputs({batch, steps, features});
  ModelStream stream = model.stream({.batch = batch});
  Floats y(batch * 5);
  for (i64 t = 0; t < steps; ++t) {
    stream.step(at_step(x.as<float>(), t, features), y);
    Tensor part({batch, t + 1, features});
    for (i64 row = 0; row < batch; ++row)
      std::copy_n(
          x.data() + row * steps * features, (t + 1) * features, part.data() + row * (t + 1) * features);
    EXPECT_TRUE(std::ranges::equal(y, model.predict(part).as<float>())) << "step " << t;
  }
}

TEST(ModelStreams, take_ids) {
  Sequential model = model_of("embedding:10x6,lstm:8,dense:10", {any_extent});
  ModelStream stream = model.stream();
  ASSERT_EQ(stream.input_size(), 1);
  Tensor ids({1, 4});
  std::ranges::copy(Floats{3, 0, 9, 3}, ids.data());
  for (i64 t = 0; t < 4; ++t) stream.step(ids.as<float>().subspan(std::size_t(t), 1));
  EXPECT_TRUE(std::ranges::equal(stream.output(), model.predict(ids).as<float>()));
  EXPECT_THROW(stream.step(Floats{10}), Error);
}

TEST(ModelStreams, reset_save_and_restore_each_row) {
  Sequential model = sequences_of("lstm:20,dense:5,gru:9");
  const Tensor x = inputs({batch, steps, features});
  ModelStream stream = model.stream({.batch = batch});
  EXPECT_EQ(stream.state_size(), 2 * 20 + 9);
  Floats states(std::size_t(stream.state_size())), y(batch * 9), again(batch * 9);
  stream.step(at_step(x.as<float>(), 0, features));
  stream.save(1, states);
  stream.step(at_step(x.as<float>(), 1, features), y);
  ModelStream other = model.stream({.batch = batch});
  other.restore(1, states);
  other.step(at_step(x.as<float>(), 1, features), again);
  EXPECT_TRUE(std::equal(again.begin() + 9, again.begin() + 18, y.begin() + 9));
  EXPECT_FALSE(std::equal(again.begin(), again.begin() + 9, y.begin()));
  stream.reset(2);
  stream.save(2, states);
  EXPECT_EQ(states, Floats(states.size(), 0.0F));
  stream.reset();
  stream.step(at_step(x.as<float>(), 0, features));
  stream.step(at_step(x.as<float>(), 1, features), again);
  EXPECT_EQ(again, y);
}

TEST(ModelStreams, keep_their_weights) {
  Sequential model = sequences_of("lstm:20,dense:5");
  const Tensor x = inputs({batch, steps, features});
  const Tensor expected = model.predict(x);
  ModelStream stream = model.stream({.batch = batch});
  for (Parameter* parameter : model.parameters()) std::ranges::fill(parameter->value.as<float>(), 0.25F);
  model.parameters_changed();
  Floats y(std::size_t(expected.size()));
  stream.run(steps, x.as<float>(), y);
  EXPECT_TRUE(std::ranges::equal(y, expected.as<float>()));
}

TEST(ModelStreams, allocate_nothing_in_a_step) {
  for (const char* text : models) {
    SCOPED_TRACE(text);
    Sequential model = sequences_of(text);
    const Tensor x = inputs({batch, steps, features});
    ModelStream stream = model.stream({.batch = batch, .chunk = 8});
    Floats y(std::size_t(batch * steps * stream.output_size()));
    const Floats step = at_step(x.as<float>(), 0, features);
    const long before = allocations();
    for (int t = 0; t < 4; ++t)
      stream.step(step, std::span(y).first(std::size_t(batch * stream.output_size())));
    stream.run(steps, x.as<float>(), y);
    EXPECT_EQ(allocations() - before, 0);
  }
  Sequential model = model_of("embedding:10x6,lstm:8,dense:10", {any_extent});
  ModelStream stream = model.stream();
  const long before = allocations();
  const float id = 4;
  for (int t = 0; t < 4; ++t) stream.step({&id, 1});
  EXPECT_EQ(allocations() - before, 0);
}

TEST(ModelStreams, say_why_a_layer_cannot_go_on_step_by_step) {
  const struct {
    const char* text;
    const char* why;
  } refused[] = {
      {"bilstm:4,dense:2", "Bidirectional: its backward layer begins at the last step"},
      {"lstm:4,bigru:4,dense:2", "Bidirectional: its backward layer begins at the last step"},
      {"dense:3,average_pooling,dense:2", "GlobalAveragePooling1D: it is the mean of all steps"},
      {"dense:3,max_pooling,dense:2", "MaxPooling1D: it joins steps"},
      {"dense:3,flatten,dense:2", "Flatten: it joins all steps"},
      {"masking,lstm:4", "Masking: it masks steps"},
  };

  for (const auto& [text, why] : refused) {
    const Sequential model = model_of(text);
    const std::string message = error_text([&] { static_cast<void>(model.stream()); });
    EXPECT_NE(message.find(why), std::string::npos) << message;
    EXPECT_NE(message.find("stream of layer "), std::string::npos) << message;
  }
}

TEST(ModelStreams, name_what_does_not_fit) {
  const Sequential model = sequences_of("lstm:4,dense:2");
  ModelStream stream = model.stream({.batch = 2});
  const Floats x(8);
  Floats y(4);
  const auto expect = [](const std::string& message, auto f) {
    EXPECT_EQ(error_text(f), message);
  };
  expect("x: expected 8 floats, got 7", [&] { stream.step(std::span(x).first(7)); });
  expect("y: expected 4 floats, got 3", [&] { stream.step(x, std::span(y).first(3)); });
  expect("steps: expected from 0 up, got -1", [&] { stream.run(-1, x, y); });
  expect("x: expected 16 floats, got 8", [&] { stream.run(2, x, y); });
  expect("row: expected 0 to 1, got 2", [&] { stream.reset(2); });
  expect("to: expected 8 floats, got 4", [&] { stream.save(1, y); });
  expect("batch: expected from 1 up, got 0", [&] { static_cast<void>(model.stream({.batch = 0})); });
  expect("sequential.stream \"(4,)\": supported are inputs with steps",
         [] { static_cast<void>(model_of("dense:3", {4}).stream()); });
  expect("sequential.stream: expected a built model, got one that is not",
         [] { static_cast<void>(Sequential(parse_model("lstm:4")).stream()); });
}

}  // namespace

}  // namespace recurra::test

/// The recurrent layers: every option on the engine's kernels, against the reference and central differences.
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "recurra/cells/cell_references.h"
#include "recurra/layers/bidirectional.h"
#include "recurra/layers/gru.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/simple_rnn.h"
#include "tests/reference/reference.h"
#include "tests/support/layer_gradients.h"

namespace recurra::test {

namespace {

constexpr i64 batch = 4, steps = 6, features = 5, units = 7;

/// A layer class by name, with options all of them have.
struct Maker {
  const char* name;
  std::unique_ptr<Recurrent> (*make)(const RecurrentOptions&);
};

constexpr Maker makers[] = {
    {"lstm",
     [](const RecurrentOptions& o) -> std::unique_ptr<Recurrent> {
       return std::make_unique<Lstm>(LstmOptions{o});
     }},
    {"gru",
     [](const RecurrentOptions& o) -> std::unique_ptr<Recurrent> {
       return std::make_unique<Gru>(GruOptions{o});
     }},
    {"gru before",
     [](const RecurrentOptions& o) -> std::unique_ptr<Recurrent> {
       return std::make_unique<Gru>(GruOptions{o, {ActivationKind::sigmoid}, false});
     }},
    {"simple rnn",
     [](const RecurrentOptions& o) -> std::unique_ptr<Recurrent> {
       return std::make_unique<SimpleRnn>(o);
     }},
};

/// One option that might leave the fast path.
struct Variant {
  const char* name;
  std::function<void(RecurrentOptions&)> set;
  bool masked = false;
};

const Variant variants[] = {
    {"plain",
     [](RecurrentOptions&) {
     }},
    {"without bias",
     [](RecurrentOptions& o) {
       o.use_bias = false;
     }},
    {"scaled tanh",
     [](RecurrentOptions& o) {
       o.activation = {ActivationKind::scaled_tanh, 1.1F, 0.8F};
     }},
    {"gelu",
     [](RecurrentOptions& o) {
       o.activation = {ActivationKind::gelu};
     }},
    {"backwards",
     [](RecurrentOptions& o) {
       o.go_backwards = true;
     }},
    {"dropout",
     [](RecurrentOptions& o) {
       o.dropout = 0.4;
     }},
    {"recurrent dropout",
     [](RecurrentOptions& o) {
       o.recurrent_dropout = 0.3;
     }},
    {"both dropouts",
     [](RecurrentOptions& o) {
       o.dropout = o.recurrent_dropout = 0.3;
     }},
    {"mask", [](RecurrentOptions&) {}, true},
    {"mask with zeros", [](RecurrentOptions& o) { o.zero_output_for_mask = true; }, true},
    {"all at once",
     [](RecurrentOptions& o) {
       o.dropout = o.recurrent_dropout = 0.2;
       o.activation = {ActivationKind::scaled_tanh, 1.1F, 0.8F};
       o.go_backwards = true;
     },
     true},
};

/// Holes, a row that ends early, one that begins late, one without a step.
StepMask some_mask() {
  return StepMask::of_bytes(batch, steps, {1, 0, 1, 1, 0, 1,  //
                                           1, 1, 1, 0, 0, 0,  //
                                           0, 0, 1, 1, 1, 1,  //
                                           0, 0, 0, 0, 0, 0});
}

Context training(const StepMask* mask = nullptr) {
  return {.training = true, .mask = mask, .dropout = {.seed = 7, .layer = 1, .update = 3}};
}

TEST(RecurrentLayers, no_option_leaves_the_kernels_and_gradients_agree_with_differences) {
  const StepMask mask = some_mask();
  for (const Maker& maker : makers) {
    for (const Variant& variant : variants) {
      for (const bool sequences : {false, true}) {
        SCOPED_TRACE(std::string(maker.name) + ", " + variant.name + (sequences ? ", sequences" : ""));
        RecurrentOptions options{.units = units, .return_sequences = sequences};
        variant.set(options);
        const auto layer = maker.make(options);
        Random random(1);
        EXPECT_EQ(layer->build({steps, features}, random),
                  sequences ? (Shape{steps, units}) : (Shape{units}));
        const Context context = training(variant.masked ? &mask : nullptr);
        const Tensor d = normal(sequences ? Shape{batch, steps, units} : Shape{batch, units}, 3);
        expect_gradients(*layer, normal({batch, steps, features}, 2), d, context);
        const Report& report = *layer->report();
        EXPECT_STREQ(report.target, active_target().name);
        EXPECT_EQ(report.steps, variant.masked ? mask.counted() : batch * steps);
        EXPECT_EQ(report.own_activations, options.activation == Activation{ActivationKind::tanh});
      }
    }
  }
}

/// As Keras: the last output alone is 0 too where the last step does not count.
TEST(RecurrentLayers, zero_output_for_mask_zeroes_a_last_output_whose_step_does_not_count) {
  const StepMask mask = some_mask();
  const Tensor x = normal({batch, steps, features}, 2);
  for (const bool backwards : {false, true}) {
    for (const bool zeroes : {false, true}) {
      Lstm layer({{.units = units, .go_backwards = backwards, .zero_output_for_mask = zeroes}});
      Random random(1);
      layer.build({steps, features}, random);
      const Tensor y = layer.forward(x, training(&mask));
      for (i64 row = 0; row < batch; ++row) {
        const bool counts = mask.data()[row * steps + (backwards ? 0 : steps - 1)] != 0;
        const bool any = row != 3;
        const float* values = y.data() + row * units;
        const bool zero = std::all_of(values, values + units, [](float v) { return v == 0.0F; });
        EXPECT_EQ(zero, !any || (zeroes && !counts)) << "row " << row << (backwards ? ", backwards" : "");
      }
    }
  }
}

std::vector<double> doubles(const Tensor& tensor) {
  const auto values = tensor.as<float>();
  return {values.begin(), values.end()};
}

/// Outputs and weight gradients of a layer with dropout, its factors read out, against the reference with
/// these activations.
template <class R>
void expect_reference(Recurrent& layer,
                      const std::vector<Activation>& activations = {std::begin(R::activations),
                                                                    std::end(R::activations)}) {
  Random random(5);
  layer.build({steps, features}, random);
  const Tensor x = normal({batch, steps, features}, 6);
  const Tensor dy = normal({batch, steps, units}, 7);
  const Tensor y = layer.forward(x, training());
  const Tensor dx = layer.backward(x, dy, true, training());
  reference::Values v, d;
  v.x = doubles(x);
  const std::vector<Parameter*> p = layer.parameters();
  v.W = doubles(p[0]->value);
  v.U = doubles(p[1]->value);
  v.b = doubles(p[2]->value);
  v.b.resize(R::gates * units);  // the first row; recurrent biases start at zero
  v.params.assign(reference::Traits<R>::params * units, 0.0);
  for (int k = 0; k < R::states; ++k) {
    v.initial[k].assign(batch * units, 0.0);
    d.final[k] = v.initial[k];
  }
  reference::Options options;
  options.activations = activations;
  options.x_factor = doubles(layer.input_dropout_factors());
  options.h_factor = doubles(layer.recurrent_dropout_factors());
  ASSERT_EQ(options.x_factor.size(), std::size_t(batch * features));
  ASSERT_EQ(options.h_factor.size(), std::size_t(batch * units));
  reference::Recurrence<R> recurrence({batch, steps, features, units}, {}, options);
  recurrence.forward(v);
  d.y = doubles(dy);
  d.b.assign(v.b.size(), 0.0);
  recurrence.backward(v, d);
  const auto check = [](const char* what, const Tensor& actual, const std::vector<double>& expected) {
    double largest = 0;
    for (const double value : expected) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(actual.data()[i], expected[i], 1e-5 * largest) << what << " " << i;
  };
  check("y", y, v.y);
  check("dx", dx, d.x);
  check("dW", p[0]->gradient, d.W);
  check("dU", p[1]->gradient, d.U);
  check("db", p[2]->gradient, d.b);
}

TEST(RecurrentDropout, with_its_factors_read_out_is_the_references) {
  const RecurrentOptions options{
      .units = units, .dropout = 0.3, .recurrent_dropout = 0.4, .return_sequences = true};
  Lstm lstm({options});
  expect_reference<reference::LstmReference>(lstm);
  Gru after({options});
  expect_reference<reference::GruResetAfterReference>(after);
  Gru before({options, {ActivationKind::sigmoid}, false});
  expect_reference<reference::GruReference>(before);
  SimpleRnn simple(options);
  expect_reference<reference::VanillaReference>(simple);
}

TEST(RecurrentLayers, recurrent_activations_with_numbers_are_the_references) {
  const RecurrentOptions options{
      .units = units, .dropout = 0.3, .recurrent_dropout = 0.4, .return_sequences = true};
  const Activation gate = {ActivationKind::hard_sigmoid, 0.3F, 0.4F};
  const Activation own = options.activation;
  Lstm lstm({options, gate});
  expect_reference<reference::LstmReference>(lstm, {gate, gate, own, gate, own});
  Gru after({options, gate});
  expect_reference<reference::GruResetAfterReference>(after, {gate, gate, own});
  Gru before({options, gate, false});
  expect_reference<reference::GruReference>(before, {gate, gate, own});
  for (const Recurrent* layer : {static_cast<const Recurrent*>(&lstm),
                                 static_cast<const Recurrent*>(&after),
                                 static_cast<const Recurrent*>(&before)}) {
    EXPECT_STREQ(layer->report()->target, active_target().name);
    EXPECT_FALSE(layer->report()->own_activations);
  }
}

TEST(RecurrentDropout, draws_one_mask_a_call_at_its_rate_another_with_each_update_and_seed) {
  constexpr i64 wide = 400;
  Lstm layer({{.units = wide, .dropout = 0.25, .recurrent_dropout = 0.5}});
  Random random(1);
  layer.build({any_extent, wide}, random);
  const Tensor x = normal({20, 2, wide}, 1);
  layer.forward(x, training());
  const Tensor first = layer.input_dropout_factors();
  const Tensor recurrent = layer.recurrent_dropout_factors();
  const auto expect_rate = [](const Tensor& factors, double rate) {
    double dropped = 0;
    for (const float f : factors.as<float>()) {
      EXPECT_TRUE(f == 0.0F || f == float(1 / (1 - rate)));
      dropped += f == 0.0F;
    }
    const double n = double(factors.size());
    EXPECT_NEAR(dropped, rate * n, 4 * std::sqrt(n * rate * (1 - rate)));
  };
  expect_rate(first, 0.25);
  expect_rate(recurrent, 0.5);
  const auto same = [](const Tensor& a, const Tensor& b) {
    return std::ranges::equal(a.as<float>(), b.as<float>());
  };
  layer.forward(x, training());
  EXPECT_TRUE(same(first, layer.input_dropout_factors())) << "the same update draws the same";
  Context other = training();
  other.dropout.update = 4;
  layer.forward(x, other);
  EXPECT_FALSE(same(first, layer.input_dropout_factors()));
  other = training();
  other.dropout.seed = 8;
  layer.forward(x, other);
  EXPECT_FALSE(same(first, layer.input_dropout_factors()));
  EXPECT_FALSE(same(recurrent, layer.recurrent_dropout_factors()));
  layer.forward(x, {});
  EXPECT_EQ(layer.input_dropout_factors().size(), 0) << "none outside of training";
}

TEST(RecurrentDropout, of_a_layer_with_a_seed_of_its_own_does_not_follow_the_models) {
  Tensor outputs[2];
  for (const std::uint64_t seed : {1U, 2U}) {
    Lstm layer({{.units = units, .dropout = 0.5, .seed = 9}});
    Random random(1);
    layer.build({steps, features}, random);
    Context context = training();
    context.dropout.seed = seed;
    outputs[seed - 1] = layer.forward(normal({batch, steps, features}, 2), context);
  }
  EXPECT_TRUE(std::ranges::equal(outputs[0].as<float>(), outputs[1].as<float>()));
}

TEST(RecurrentLayers, go_backwards_is_the_layer_on_the_reversed_sequence) {
  for (const Maker& maker : makers) {
    const auto forward = maker.make({.units = units, .return_sequences = true});
    const auto backward = maker.make({.units = units, .return_sequences = true, .go_backwards = true});
    for (Recurrent* layer : {forward.get(), backward.get()}) {
      Random random(1);
      layer->build({steps, features}, random);
    }
    const Tensor x = normal({batch, steps, features}, 2);
    Tensor reversed(x.shape());
    for (i64 row = 0; row < batch; ++row) {
      for (i64 t = 0; t < steps; ++t)
        std::copy_n(x.data() + (row * steps + t) * features,
                    features,
                    reversed.data() + (row * steps + steps - 1 - t) * features);
    }
    EXPECT_TRUE(
        std::ranges::equal(backward->forward(x, {}).as<float>(), forward->forward(reversed, {}).as<float>()))
        << maker.name;
  }
}

TEST(BidirectionalLayer, merges_two_layers_in_every_mode_with_gradients) {
  const StepMask mask = some_mask();
  for (const Maker& maker : makers) {
    for (const MergeMode mode : {MergeMode::concat, MergeMode::sum, MergeMode::mul, MergeMode::ave}) {
      for (const bool sequences : {false, true}) {
        for (const StepMask* m : {static_cast<const StepMask*>(nullptr), &mask}) {
          SCOPED_TRACE(std::string(maker.name) + ", mode " + std::to_string(int(mode)) + (m ? ", mask" : ""));
          Bidirectional layer(
              maker.make(
                  {.units = units, .dropout = 0.2, .recurrent_dropout = 0.2, .return_sequences = sequences}),
              mode);
          Random random(1);
          const i64 width = mode == MergeMode::concat ? 2 * units : units;
          EXPECT_EQ(layer.build({steps, features}, random),
                    sequences ? (Shape{steps, width}) : (Shape{width}));
          const Tensor d = normal(sequences ? Shape{batch, steps, width} : Shape{batch, width}, 3);
          expect_gradients(layer, normal({batch, steps, features}, 2), d, training(m));
          for (const Recurrent* one : {&layer.forward_layer(), &layer.backward_layer()}) {
            EXPECT_STREQ(one->report()->target, active_target().name);
            EXPECT_EQ(one->report()->steps, m != nullptr ? mask.counted() : batch * steps);
          }
          EXPECT_FALSE(std::ranges::equal(layer.forward_layer().input_dropout_factors().as<float>(),
                                          layer.backward_layer().input_dropout_factors().as<float>()))
              << "each direction drops out on its own";
        }
      }
    }
  }
}

}  // namespace

}  // namespace recurra::test

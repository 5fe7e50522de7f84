/// Models of any graph: training, several inputs and outputs, and what is refused.
#include "recurra/training/model.h"

#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

#include "recurra/layers/batch_normalization.h"
#include "recurra/layers/dense.h"
#include "recurra/layers/dropout.h"
#include "recurra/layers/embedding.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/merge.h"
#include "recurra/training/sequential.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/small_models.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

GraphLayer dense(i64 units, const char* name = "dense") {
  return graph_layer<Dense>(DenseOptions{.units = units}, name);
}

std::vector<float> weights_of(const TrainableModel& model) {
  std::vector<float> all;
  for (const Parameter* parameter : model.parameters()) {
    const auto values = parameter->value.as<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

/// Two inputs, a sequence and a number beside it; two outputs.
Model two_by_two() {
  const Input steps({any_extent, 2}, {.name = "steps"});
  const Input extra({3}, {.name = "extra"});
  const SymbolicTensor seen = graph_layer<Lstm>(LstmOptions{{.units = 4}})(steps);
  const SymbolicTensor both = graph_layer<Concatenate>()({seen, extra});
  return Model({steps, extra}, {dense(2, "class")(both), dense(1, "size")(both)}, "two");
}

Examples examples_for_two(i64 count) {
  Examples examples = sign_examples(count, 5);
  examples.more_x.push_back(normal({count, 3}, 21));
  examples.more_y.push_back(normal({count, 1}, 22));
  return examples;
}

void compile_two(Model& model) {
  std::vector<OutputLoss> losses;
  losses.push_back({make_loss("sparse_categorical_crossentropy"), {"accuracy"}});
  losses.push_back({make_loss("mean_squared_error"), {"mae"}, {}, 0.25});
  model.compile(make_optimizer("adam", 0.02), std::move(losses));
}

TEST(Model, of_a_chain_is_a_sequential_bit_for_bit) {
  const Examples examples = sign_examples(64, 6);
  Sequential sequential(parse_model("lstm:8,batch_norm,dropout:0.3,dense:2"));
  sequential.build({6, 2}, 9);
  const Input x({6, 2});
  SymbolicTensor y = graph_layer<Lstm>(LstmOptions{{.units = 8}})(x);
  y = graph_layer<BatchNormalization>(BatchNormalizationOptions{})(y);
  y = graph_layer<Dropout>(DropoutOptions{.rate = 0.3})(y);
  Model model({x}, {dense(2)(y)}, "chain", 9);
  EXPECT_EQ(weights_of(model), weights_of(sequential));
  for (TrainableModel* one :
       {static_cast<TrainableModel*>(&model), static_cast<TrainableModel*>(&sequential)})
    one->compile(make_optimizer("adam", 0.02), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  FitOptions options;
  options.epochs = 2;
  options.validation_split = 0.25;
  EXPECT_EQ(model.fit(examples, options).epochs, sequential.fit(examples, options).epochs);
  EXPECT_EQ(weights_of(model), weights_of(sequential));
}

TEST(Model, learns_from_several_inputs_for_several_outputs) {
  Model model = two_by_two();
  compile_two(model);
  const Examples examples = examples_for_two(96);
  FitOptions options;
  options.epochs = 12;
  options.validation_split = 0.25;
  const History history = model.fit(examples, options);
  const Logs& first = history.epochs.front();
  const Logs& last = history.epochs.back();
  std::string names;
  for (const auto& [name, value] : last) names += name + " ";
  EXPECT_EQ(names,
            "class_accuracy class_loss loss size_loss size_mae val_class_accuracy val_class_loss val_loss "
            "val_size_loss val_size_mae ");
  EXPECT_NEAR(last.at("loss"), last.at("class_loss") + 0.25 * last.at("size_loss"), 1e-9);
  EXPECT_LT(last.at("loss"), 0.8 * first.at("loss"));
  const std::vector<Tensor> outputs = model.predict_outputs(examples, 7);
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[0].shape(), (Shape{96, 2}));
  EXPECT_EQ(outputs[1].shape(), (Shape{96, 1}));
  const std::vector<Tensor> at_once = model.predict_outputs(examples, 96);
  EXPECT_TRUE(std::ranges::equal(outputs[0].as<float>(), at_once[0].as<float>()));
}

TEST(Model, steps_by_the_gradient_of_the_weighted_sum) {
  Model model = two_by_two();
  const Examples batch = examples_for_two(8);
  const auto compile = [&](double weight) {
    std::vector<OutputLoss> losses;
    losses.push_back({make_loss("sparse_categorical_crossentropy"), {}, {}, weight});
    losses.push_back({make_loss("mean_squared_error"), {}, {}, 2.0});
    model.compile(make_optimizer("sgd", 0.5), std::move(losses));
  };
  compile(0.5);
  const std::vector<Tensor> before = model.get_weights();
  model.train_on_batch(batch);
  const std::vector<Tensor> after = model.get_weights();
  model.set_weights(before);
  Parameter& kernel = *model.parameters()[0];
  const auto loss_at = [&](float value) {
    kernel.value.data()[3] = value;
    model.parameters_changed();
    return model.test_on_batch(batch).at("loss");
  };
  const float at = before[0].data()[3];
  const double slope = (loss_at(at + 0.01F) - loss_at(at - 0.01F)) / 0.02;
  EXPECT_NEAR((at - after[0].data()[3]) / 0.5, slope, 2e-3 * std::max(1.0, std::abs(slope)));
}

TEST(Model, trains_what_has_a_loss_alone) {
  Model model = two_by_two();
  std::vector<OutputLoss> losses(2);
  losses[1].loss = make_loss("mean_squared_error");
  model.compile(make_optimizer("sgd", 0.1), std::move(losses));
  Examples batch = examples_for_two(8);
  batch.y = std::move(batch.more_y[0]);
  batch.more_y.clear();
  const std::vector<Tensor> before =
      model.get_layer("class").parameters().empty() ? std::vector<Tensor>() : model.get_weights();
  const Tensor untrained = model.get_layer("class").parameters()[0]->value;
  model.train_on_batch(batch);
  EXPECT_TRUE(
      std::ranges::equal(untrained.as<float>(), model.get_layer("class").parameters()[0]->value.as<float>()));
  EXPECT_FALSE(std::ranges::equal(before[0].as<float>(), model.get_weights()[0].as<float>()));
  const Logs logs = model.test_on_batch(batch);
  EXPECT_EQ(logs.count("class_loss"), 0U);
  EXPECT_EQ(logs.at("size_loss"), logs.at("loss"));
}

TEST(Model, shares_trained_layers_with_another) {
  const Input x({5}, {.name = "x"});
  const SymbolicTensor code = dense(3, "code")(x);
  Model whole({x}, {dense(5, "back")(code)});
  whole.compile(make_optimizer("sgd", 0.1), make_loss("mean_squared_error"));
  const Tensor data = normal({16, 5}, 1);
  whole.train_on_batch(data, data);
  Model coder({x}, {code});  // keeps the weights
  const Tensor before = coder.predict(data);
  whole.train_on_batch(data, data);
  const Tensor after = coder.predict(data);
  EXPECT_FALSE(std::ranges::equal(before.as<float>(), after.as<float>()));
  EXPECT_EQ(&coder.get_layer("code"), &whole.get_layer("code"));
  Model back({code}, {whole.layers().size() == 2 ? dense(2, "other")(code) : code});
  EXPECT_EQ(back.predict(normal({2, 3}, 2)).shape(), (Shape{2, 2}));
}

TEST(Model, numbers_names_that_are_taken) {
  const Input a({3});
  const Input b({3});
  const Model model({a, b}, {graph_layer<Concatenate>()({dense(2)(a), dense(2)(b)})});
  EXPECT_EQ(model.input_names(), (std::vector<std::string>{"input_layer", "input_layer_1"}));
  EXPECT_EQ(model.layers()[0]->name(), "dense");
  EXPECT_EQ(model.layers()[1]->name(), "dense_1");
  EXPECT_EQ(model.name(), "functional");
}

TEST(Model, passes_a_mask_on_to_all_layers_behind) {
  const Input ids({any_extent}, {.name = "ids", .dtype = Dtype::i32});
  EmbeddingOptions embedding{.input_dim = 9, .output_dim = 4};
  embedding.mask_zero = true;
  const SymbolicTensor words = graph_layer<Embedding>(embedding)(ids);
  const SymbolicTensor sum = GraphLayer(std::make_unique<Merge>(MergeKind::add))({words, words});
  Model model({ids}, {graph_layer<Lstm>(LstmOptions{{.units = 3}})(sum)});
  const Tensor padded = model.predict(integers({1, 5}, {4, 2, 7, 0, 0}));
  const Tensor cut = model.predict(integers({1, 3}, {4, 2, 7}));
  EXPECT_TRUE(std::ranges::equal(padded.as<float>(), cut.as<float>()));
}

TEST(Model, refuses_graphs_that_are_none) {
  const Input x({3}, {.name = "x"});
  const Input z({3}, {.name = "z"});
  const SymbolicTensor y = dense(2)(x);
  const auto text = [](const std::vector<SymbolicTensor>& inputs,
                       const std::vector<SymbolicTensor>& outputs) {
    return error_text(ErrorCode::invalid_argument, [&] { Model(inputs, outputs, "m"); });
  };
  EXPECT_EQ(text({}, {y}), "m.inputs: expected all inputs that the outputs need, got none for x");
  EXPECT_EQ(text({z}, {y}), "m.inputs: expected all inputs that the outputs need, got none for x");
  EXPECT_EQ(text({x, z}, {y}), "m.inputs: expected inputs that reach an output, got z, which reaches none");
  EXPECT_EQ(text({x, x}, {y}), "m.inputs: expected each input once, got x again");
  EXPECT_EQ(text({x}, {}), "m.outputs: expected at least one, got none");
  EXPECT_EQ(text({x}, {x}), "m.outputs: expected outputs of layers, got inputs alone");
  const Model first({x}, {y});
  const Model second({x}, {dense(2)(x)});
  const SymbolicTensor other = dense(2)(z);
  const Model third({z}, {other});
  EXPECT_EQ(text({x, z}, {graph_layer<Concatenate>()({y, other})}),
            "m: expected layers of other models with different names, got two dense");
}

TEST(Model, refuses_inputs_that_layers_cannot_take) {
  const Input x({3}, {.name = "x"});
  const Input wide({4}, {.name = "wide"});
  const GraphLayer shared = dense(2);
  static_cast<void>(shared(x));
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { shared(wide); }),
            "dense/kernel: expected (3, 2), the layer's, for this input, too, got (4, 2)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [&] {
                         dense(2)({x, wide});
                       }),
            "dense.inputs: expected 1, got 2");
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [] {
                         Input({0, 3});
                       }),
            "input_layer: expected extents from 1 up, or any_extent, got (0, 3)");
  EXPECT_EQ(error_text(ErrorCode::dtype, [] { Input({3}, {.name = "x", .dtype = Dtype::u8}); }),
            "x: expected f32 or i32, got u8");
}

TEST(Model, refuses_batches_that_do_not_fit) {
  Model model = two_by_two();
  const Examples good = examples_for_two(8);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [&] { model.compile(make_optimizer("sgd"), make_loss("mse")); }),
            "two.compile: expected 2 losses, one an output, got 1");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { model.fit(good); }),
            "two: expected a compiled model: call compile first, got one not compiled");
  compile_two(model);
  const auto text = [&](ErrorCode code, auto change) {
    Examples bad = good;
    change(bad);
    return error_text(code, [&] { model.train_on_batch(bad); });
  };
  EXPECT_EQ(text(ErrorCode::invalid_argument, [](Examples& bad) { bad.more_x.clear(); }),
            "batch.more_x: expected 1 further inputs, got 0");
  EXPECT_EQ(text(ErrorCode::invalid_argument, [](Examples& bad) { bad.more_y.clear(); }),
            "batch.more_y: expected 1 further targets, got 0");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Examples& bad) {
                   bad.more_x[0] = Tensor({7, 3});
                 }),
            "batch.more_x[0]: expected (8, ...), as many rows as x has, got (7, 3)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Examples& bad) {
                   bad.more_x[0] = Tensor({8, 4});
                 }),
            "extra: expected (batch, 3), got (8, 4)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Examples& bad) {
                   bad.x = Tensor({8, 5, 3});
                 }),
            "steps: expected (batch, any, 2), got (8, 5, 3)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Examples& bad) {
                   bad.more_y[0] = Tensor({8, 2});
                 }),
            "size: target: expected shape (8, 1), got (8, 2)");
  EXPECT_EQ(text(ErrorCode::shape,
                 [](Examples& bad) {
                   bad.y = Tensor({8, 2}, Dtype::i32);
                 }),
            "class: labels: expected shape (8,), got (8, 2)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { model.predict(good.x); }),
            "two.predict: expected a model of one output: predict_outputs gives several, got 2");
  FitOptions options;
  options.class_weight = {{0, 2.0}};
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { model.fit(good, options); }),
            "class_weight: expected none for a model of several outputs, got 2 outputs");
  const TemporaryFolder folder;
  EXPECT_EQ(error_text(ErrorCode::unsupported, [&] { model.save(folder.path() / "m.safetensors"); }),
            "two.save \"a Model\": supported are model files of a Sequential");
  const Input ids({4}, {.name = "ids", .dtype = Dtype::i32});
  Model words({ids}, {graph_layer<Embedding>(EmbeddingOptions{.input_dim = 3, .output_dim = 2})(ids)});
  EXPECT_EQ(error_text(ErrorCode::dtype,
                       [&] {
                         words.predict(Tensor({2, 4}));
                       }),
            "ids: expected i32, got f32");
}

TEST(Model, summary_says_what_goes_into_a_layer) {
  const Input a({4, 3}, {.name = "a"});
  const Input b({3}, {.name = "b"});
  const GraphLayer shared = dense(5, "shared");
  const SymbolicTensor steps = graph_layer<Lstm>(LstmOptions{{.units = 3}}, "seen")(a);
  const SymbolicTensor both = graph_layer<Concatenate>(i64{-1}, "both")({shared(steps), shared(b)});
  const Model model({a, b}, {dense(1, "head")(both)}, "functional");
  std::ostringstream keras3;
  model.summary(keras3);
  const std::string text = keras3.str();
  EXPECT_NE(text.find("│ a (InputLayer)                │ (None, 4, 3)              │               0 │ -"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("│ shared (Dense)                │ (None, 5)                 │              20 │ "
                      "seen[0][0], b[0][0]        │\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("│ shared[0][0], shared[1][0] │\n"), std::string::npos) << text;
  std::ostringstream keras2;
  model.summary(keras2, SummaryStyle::keras2);
  EXPECT_NE(keras2.str().find(" shared (Dense)              (None, 5)                    20        "
                              "['seen[0][0]',                \n"
                              "                                                                     "
                              "'b[0][0]']                   \n"),
            std::string::npos)
      << keras2.str();
}

TEST(Model, summary_of_a_chain_has_no_column_for_what_goes_in) {
  const Input x({4, 3});
  const Model model({x}, {dense(2)(graph_layer<Lstm>(LstmOptions{{.units = 3}})(x))});
  std::ostringstream out;
  model.summary(out);
  EXPECT_EQ(out.str().find("Connected"), std::string::npos);
  EXPECT_NE(out.str().find(
                "│ input_layer (InputLayer)             │ (None, 4, 3)                │               0 │"),
            std::string::npos)
      << out.str();
}

}  // namespace

}  // namespace recurra::test

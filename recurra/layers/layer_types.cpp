#include "recurra/layers/layer_types.h"

#include "recurra/layers/activation_layer.h"
#include "recurra/layers/batch_normalization.h"
#include "recurra/layers/cell_types.h"
#include "recurra/layers/dense.h"
#include "recurra/layers/dropout.h"
#include "recurra/layers/embedding.h"
#include "recurra/layers/flatten.h"
#include "recurra/layers/global_average_pooling.h"
#include "recurra/layers/masking.h"
#include "recurra/layers/merge.h"
#include "recurra/layers/model_spec.h"
#include "recurra/layers/recurrent_types.h"
#include "recurra/layers/sequence_types.h"
#include "recurra/layers/time_distributed.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

std::shared_ptr<const Regularizer> take_activity_regularizer(Arguments& arguments) {
  return make_regularizer(arguments.take_json("activity_regularizer"),
                          arguments.subject("activity_regularizer"));
}

ActivationFunction take_activation(Arguments& arguments) {
  return make_activation(arguments.take_json("activation"), arguments.subject("activation"));
}

Initializer take_initializer(Arguments& arguments, const char* name, const Initializer& fallback) {
  const auto json = arguments.take_given(name);
  return json ? make_initializer(*json, arguments.subject(name)) : fallback;
}

std::unique_ptr<Layer> make_dense(Arguments& arguments, std::string name) {
  DenseOptions options;
  options.units = arguments.take<i64>("units", 0);
  options.activation = take_activation(arguments);
  options.use_bias = arguments.take<bool>("use_bias", options.use_bias);
  options.kernel = take_weight_options(arguments, "kernel", options.kernel);
  options.bias = take_weight_options(arguments, "bias", options.bias);
  options.activity_regularizer = take_activity_regularizer(arguments);
  arguments.ignore("lora_rank", {nullptr});
  arguments.ignore("quantization_config", {nullptr});
  return std::make_unique<Dense>(options, std::move(name));
}

/// Keras 2 wrote the axis as a list.
i64 take_axis(Arguments& arguments, i64 fallback) {
  const Json axis = arguments.take_given("axis").value_or(fallback);
  const Json& one = axis.is_array() && axis.size() == 1 ? axis[0] : axis;
  if (one.is_number_integer()) return one.get<i64>();
  throw Error(ErrorCode::format, arguments.subject("axis"), "an integer", shown_json(axis));
}

std::unique_ptr<Layer> make_batch_normalization(Arguments& arguments, std::string name) {
  BatchNormalizationOptions options;
  options.axis = take_axis(arguments, options.axis);
  options.momentum = arguments.take<double>("momentum", options.momentum);
  options.epsilon = arguments.take<double>("epsilon", options.epsilon);
  options.center = arguments.take<bool>("center", options.center);
  options.scale = arguments.take<bool>("scale", options.scale);
  options.beta = take_weight_options(arguments, "beta", options.beta);
  options.gamma = take_weight_options(arguments, "gamma", options.gamma);
  options.moving_mean_initializer =
      take_initializer(arguments, "moving_mean_initializer", options.moving_mean_initializer);
  options.moving_variance_initializer =
      take_initializer(arguments, "moving_variance_initializer", options.moving_variance_initializer);
  arguments.ignore("synchronized", {false});
  arguments.ignore("renorm", {false});
  arguments.ignore("renorm_clipping", {nullptr});
  arguments.ignore("renorm_momentum");
  return std::make_unique<BatchNormalization>(options, std::move(name));
}

std::unique_ptr<Layer> make_embedding(Arguments& arguments, std::string name) {
  EmbeddingOptions options;
  options.input_dim = arguments.take<i64>("input_dim", 0);
  options.output_dim = arguments.take<i64>("output_dim", 0);
  options.mask_zero = arguments.take<bool>("mask_zero", options.mask_zero);
  options.embeddings = take_weight_options(arguments, "embeddings", options.embeddings);
  options.activity_regularizer = take_activity_regularizer(arguments);
  arguments.ignore("weights", {nullptr});
  arguments.ignore("lora_rank", {nullptr});
  arguments.ignore("quantization_config", {nullptr});
  arguments.ignore("input_length");
  return std::make_unique<Embedding>(options, std::move(name));
}

std::unique_ptr<Layer> make_dropout(Arguments& arguments, std::string name) {
  DropoutOptions options;
  const std::optional<double> rate = arguments.take_optional<double>("rate");
  if (!rate) throw Error(ErrorCode::invalid_argument, arguments.subject("rate"), "0 to 1", "nothing");
  options.rate = *rate;
  options.seed = arguments.take_optional<i64>("seed");
  arguments.ignore("noise_shape", {nullptr});
  return std::make_unique<Dropout>(options, std::move(name));
}

std::unique_ptr<Layer> make_masking(Arguments& arguments, std::string name) {
  return std::make_unique<Masking>(arguments.take<double>("mask_value", 0), std::move(name));
}

std::unique_ptr<Layer> make_flatten(Arguments& arguments, std::string name) {
  arguments.ignore("data_format", {"channels_last", nullptr});
  return std::make_unique<Flatten>(std::move(name));
}

std::unique_ptr<Layer> make_global_average_pooling(Arguments& arguments, std::string name) {
  arguments.ignore("data_format", {"channels_last", nullptr});
  arguments.ignore("keepdims", {false});
  return std::make_unique<GlobalAveragePooling1d>(std::move(name));
}

std::unique_ptr<Layer> make_time_distributed(Arguments& arguments, std::string name) {
  const KerasObject inner = read_keras_object(arguments.take_json("layer"), arguments.subject("layer"));
  TimeDistributed::check_type(inner.name);  // before it is made: a file may nest without end
  return std::make_unique<TimeDistributed>(make_layer({inner.name, inner.config.dump()}), std::move(name));
}

std::unique_ptr<Layer> make_activation_layer(Arguments& arguments, std::string name) {
  return std::make_unique<ActivationLayer>(take_activation(arguments), std::move(name));
}

/// Keras's layers that are one activation with its numbers: made an Activation of the same object.
template <const char* class_name>
std::unique_ptr<Layer> make_named_activation(Arguments& arguments, std::string name) {
  Json config = Json::object();
  for (const char* argument : {"max_value", "negative_slope", "threshold", "alpha", "axis"}) {
    if (auto json = arguments.take_given(argument)) config[argument] = std::move(*json);
  }
  const Json object = {{"class_name", class_name}, {"config", std::move(config)}};
  return std::make_unique<ActivationLayer>(make_activation(object, name), std::move(name));
}

template <MergeKind kind>
std::unique_ptr<Layer> make_merge(Arguments& arguments, std::string name) {
  static_cast<void>(arguments);
  return std::make_unique<Merge>(kind, std::move(name));
}

std::unique_ptr<Layer> make_concatenate(Arguments& arguments, std::string name) {
  return std::make_unique<Concatenate>(arguments.take<i64>("axis", -1), std::move(name));
}

constexpr char relu[] = "ReLU";
constexpr char leaky_relu[] = "LeakyReLU";
constexpr char elu[] = "ELU";
constexpr char softmax[] = "Softmax";

constexpr LayerType types[] = {
    {"lstm", "LSTM", "lstm", TextForm::units, true, make_lstm},
    {"gru", "GRU", "gru", TextForm::units, true, make_gru},
    {"simple_rnn", "SimpleRNN", "simple_rnn", TextForm::units, true, make_simple_rnn},
    {"bilstm", "Bidirectional", "bidirectional", TextForm::units, true, make_bidirectional, "LSTM"},
    {"bigru", "Bidirectional", "bidirectional", TextForm::units, true, make_bidirectional, "GRU"},
    {nullptr, "Bidirectional", "bidirectional", TextForm::absent, true, make_bidirectional},
    {"rnn_stack",
     "OptimizedRNNStack",
     "optimized_rnn_stack",
     TextForm::stack,
     true,
     make_optimized_rnn_stack},
    {nullptr, "RNN", "rnn", TextForm::absent, true, make_rnn},
    {"dense", "Dense", "dense", TextForm::units, false, make_dense},
    {"batch_norm",
     "BatchNormalization",
     "batch_normalization",
     TextForm::nothing,
     false,
     make_batch_normalization},
    {"embedding", "Embedding", "embedding", TextForm::sizes, false, make_embedding},
    {"masking", "Masking", "masking", TextForm::nothing, false, make_masking},
    {"dropout", "Dropout", "dropout", TextForm::rate, false, make_dropout},
    {"activation", "Activation", "activation", TextForm::activation, false, make_activation_layer},
    {"flatten", "Flatten", "flatten", TextForm::nothing, false, make_flatten},
    {"average_pooling",
     "GlobalAveragePooling1D",
     "global_average_pooling1d",
     TextForm::nothing,
     false,
     make_global_average_pooling},
    {nullptr, "TimeDistributed", "time_distributed", TextForm::absent, false, make_time_distributed},
    {nullptr, relu, "re_lu", TextForm::absent, false, make_named_activation<relu>},
    {nullptr, leaky_relu, "leaky_re_lu", TextForm::absent, false, make_named_activation<leaky_relu>},
    {nullptr, elu, "elu", TextForm::absent, false, make_named_activation<elu>},
    {nullptr, softmax, "softmax", TextForm::absent, false, make_named_activation<softmax>},
    {nullptr, "Add", "add", TextForm::absent, false, make_merge<MergeKind::add>},
    {nullptr, "Subtract", "subtract", TextForm::absent, false, make_merge<MergeKind::subtract>},
    {nullptr, "Multiply", "multiply", TextForm::absent, false, make_merge<MergeKind::multiply>},
    {nullptr, "Average", "average", TextForm::absent, false, make_merge<MergeKind::average>},
    {nullptr, "Maximum", "maximum", TextForm::absent, false, make_merge<MergeKind::maximum>},
    {nullptr, "Minimum", "minimum", TextForm::absent, false, make_merge<MergeKind::minimum>},
    {nullptr, "Concatenate", "concatenate", TextForm::absent, false, make_concatenate},
    {nullptr, "Dot", "dot", TextForm::absent, false, make_dot},
    {nullptr, "RepeatVector", "repeat_vector", TextForm::absent, false, make_repeat_vector},
    {nullptr, "Reshape", "reshape", TextForm::absent, false, make_reshape},
    {nullptr, "Permute", "permute", TextForm::absent, false, make_permute},
    {"layer_norm",
     "LayerNormalization",
     "layer_normalization",
     TextForm::nothing,
     false,
     make_layer_normalization},
    {"max_pooling", "MaxPooling1D", "max_pooling1d", TextForm::nothing, false, make_max_pooling1d},
    {nullptr, "Conv1D", "conv1d", TextForm::absent, false, make_conv1d},
    {nullptr, "Attention", "attention", TextForm::absent, false, make_attention},
    {nullptr, "AdditiveAttention", "additive_attention", TextForm::absent, false, make_additive_attention},
};

}  // namespace

std::span<const LayerType> layer_types() noexcept {
  return types;
}

}  // namespace recurra

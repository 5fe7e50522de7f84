#include "recurra/layers/sequence_types.h"

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/attention.h"
#include "recurra/layers/conv1d.h"
#include "recurra/layers/dot.h"
#include "recurra/layers/json_text.h"
#include "recurra/layers/layer_normalization.h"
#include "recurra/layers/max_pooling1d.h"
#include "recurra/layers/rearranging.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

std::vector<i64> take_integers(Arguments& arguments, const char* name) {
  const Json list = arguments.take_json(name);
  std::vector<i64> numbers;
  for (const Json& number : list.is_array() ? list : Json::array()) {
    if (number.is_number_integer()) numbers.push_back(number.get<i64>());
  }
  if (list.is_array() && numbers.size() == list.size()) return numbers;
  throw Error(ErrorCode::format, arguments.subject(name), "a list of integers", shown_json(list));
}

/// A number, which Keras also writes as a list of one.
std::optional<i64> take_number(Arguments& arguments, const char* name) {
  const Json given = arguments.take_json(name);
  if (given.is_null()) return std::nullopt;
  const Json& one = given.is_array() && given.size() == 1 ? given[0] : given;
  if (one.is_number_integer()) return one.get<i64>();
  throw Error(ErrorCode::format, arguments.subject(name), "an integer", shown_json(given));
}

Padding take_padding(Arguments& arguments) {
  return parse_padding(arguments.take<std::string>("padding", "valid"));
}

AttentionOptions take_attention_options(Arguments& arguments, bool use_scale) {
  AttentionOptions options;
  options.use_scale = arguments.take<bool>("use_scale", use_scale);
  options.dropout = arguments.take<double>("dropout", options.dropout);
  options.seed = arguments.take_optional<i64>("seed");
  options.use_causal_mask = arguments.take<bool>("use_causal_mask", options.use_causal_mask);
  options.return_attention_scores =
      arguments.take<bool>("return_attention_scores", options.return_attention_scores);
  return options;
}

/// One axis for both inputs, or one for each.
std::array<i64, 2> take_axes(Arguments& arguments) {
  const Json axes = arguments.take_json("axes");
  if (axes.is_number_integer()) return {axes.get<i64>(), axes.get<i64>()};
  const bool two =
      axes.is_array() && axes.size() == 2 && axes[0].is_number_integer() && axes[1].is_number_integer();
  if (two) return {axes[0].get<i64>(), axes[1].get<i64>()};
  throw Error(ErrorCode::format, arguments.subject("axes"), "an integer or two", shown_json(axes));
}

}  // namespace

std::unique_ptr<Layer> make_dot(Arguments& arguments, std::string name) {
  DotOptions options;
  options.axes = take_axes(arguments);
  options.normalize = arguments.take<bool>("normalize", options.normalize);
  return std::make_unique<Dot>(options, std::move(name));
}

std::unique_ptr<Layer> make_repeat_vector(Arguments& arguments, std::string name) {
  return std::make_unique<RepeatVector>(arguments.take<i64>("n", 0), std::move(name));
}

std::unique_ptr<Layer> make_reshape(Arguments& arguments, std::string name) {
  return std::make_unique<Reshape>(Shape(take_integers(arguments, "target_shape")), std::move(name));
}

std::unique_ptr<Layer> make_permute(Arguments& arguments, std::string name) {
  return std::make_unique<Permute>(take_integers(arguments, "dims"), std::move(name));
}

std::unique_ptr<Layer> make_layer_normalization(Arguments& arguments, std::string name) {
  LayerNormalizationOptions options;
  options.axis = take_number(arguments, "axis").value_or(options.axis);
  options.epsilon = arguments.take<double>("epsilon", options.epsilon);
  options.center = arguments.take<bool>("center", options.center);
  options.scale = arguments.take<bool>("scale", options.scale);
  options.beta = take_weight_options(arguments, "beta", options.beta);
  options.gamma = take_weight_options(arguments, "gamma", options.gamma);
  arguments.ignore("rms_scaling", {false});
  return std::make_unique<LayerNormalization>(options, std::move(name));
}

std::unique_ptr<Layer> make_max_pooling1d(Arguments& arguments, std::string name) {
  MaxPooling1dOptions options;
  options.pool_size = take_number(arguments, "pool_size").value_or(options.pool_size);
  options.strides = take_number(arguments, "strides");
  options.padding = take_padding(arguments);
  arguments.ignore("data_format", {"channels_last", nullptr});
  return std::make_unique<MaxPooling1d>(options, std::move(name));
}

std::unique_ptr<Layer> make_conv1d(Arguments& arguments, std::string name) {
  Conv1dOptions options;
  options.filters = arguments.take<i64>("filters", 0);
  options.kernel_size = take_number(arguments, "kernel_size").value_or(0);
  options.strides = take_number(arguments, "strides").value_or(options.strides);
  options.padding = take_padding(arguments);
  arguments.ignore("data_format", {"channels_last", nullptr});
  options.dilation_rate = take_number(arguments, "dilation_rate").value_or(options.dilation_rate);
  arguments.ignore("groups", {1});
  options.activation = make_activation(arguments.take_json("activation"), arguments.subject("activation"));
  options.use_bias = arguments.take<bool>("use_bias", options.use_bias);
  options.kernel = take_weight_options(arguments, "kernel", options.kernel);
  options.bias = take_weight_options(arguments, "bias", options.bias);
  options.activity_regularizer = make_regularizer(arguments.take_json("activity_regularizer"),
                                                  arguments.subject("activity_regularizer"));
  return std::make_unique<Conv1d>(options, std::move(name));
}

std::unique_ptr<Layer> make_attention(Arguments& arguments, std::string name) {
  AttentionOptions options = take_attention_options(arguments, false);
  const auto mode = arguments.take<std::string>("score_mode", "dot");
  if (mode != "dot" && mode != "concat")
    throw Error(ErrorCode::unsupported, arguments.subject("score_mode"), "dot, concat", mode);
  options.score_mode = mode == "dot" ? ScoreMode::dot : ScoreMode::concat;
  return std::make_unique<Attention>(options, std::move(name));
}

std::unique_ptr<Layer> make_additive_attention(Arguments& arguments, std::string name) {
  return std::make_unique<AdditiveAttention>(take_attention_options(arguments, true), std::move(name));
}

}  // namespace recurra

#include "recurra/layers/recurrent_types.h"

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/engine/activations.h"
#include "recurra/layers/activation_function.h"
#include "recurra/layers/bidirectional.h"
#include "recurra/layers/gru.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/model_spec.h"
#include "recurra/layers/simple_rnn.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

/// Inside a cell an activation works on each unit alone.
Activation take_pointwise(Arguments& arguments, const char* name, const Activation& fallback) {
  const auto json = arguments.take_given(name);
  if (!json) return fallback;
  const ActivationFunction function = make_activation(*json, arguments.subject(name));
  if (function.kind() == ActivationFunction::Kind::pointwise) return function.pointwise();
  throw Error(ErrorCode::unsupported, arguments.subject(name), "pointwise activations", plain_text(*json));
}

void take_recurrent(Arguments& arguments, RecurrentOptions& options) {
  options.units = arguments.take<i64>("units", 0);
  options.activation = take_pointwise(arguments, "activation", options.activation);
  options.use_bias = arguments.take<bool>("use_bias", options.use_bias);
  options.kernel = take_weight_options(arguments, "kernel", options.kernel);
  options.recurrent = take_weight_options(arguments, "recurrent", options.recurrent);
  options.bias = take_weight_options(arguments, "bias", options.bias);
  options.activity_regularizer = make_regularizer(arguments.take_json("activity_regularizer"),
                                                  arguments.subject("activity_regularizer"));
  options.dropout = arguments.take<double>("dropout", options.dropout);
  options.recurrent_dropout = arguments.take<double>("recurrent_dropout", options.recurrent_dropout);
  options.seed = arguments.take_optional<i64>("seed");
  options.return_sequences = arguments.take<bool>("return_sequences", options.return_sequences);
  options.return_state = arguments.take<bool>("return_state", options.return_state);
  options.go_backwards = arguments.take<bool>("go_backwards", options.go_backwards);
  options.stateful = arguments.take<bool>("stateful", options.stateful);
  options.zero_output_for_mask = arguments.take<bool>("zero_output_for_mask", options.zero_output_for_mask);
  arguments.ignore("time_major", {false});
  // How another library computes the same.
  arguments.ignore("unroll");
  arguments.ignore("implementation");
  arguments.ignore("use_cudnn");
}

/// Of a layer whose gates have an activation of their own.
template <class Options>
Options take_gated(Arguments& arguments) {
  Options options;
  take_recurrent(arguments, options);
  options.recurrent_activation =
      take_pointwise(arguments, "recurrent_activation", options.recurrent_activation);
  return options;
}

/// None is null.
MergeMode take_merge_mode(Arguments& arguments) {
  const Json mode = arguments.take_given("merge_mode").value_or("concat");
  if (mode.is_null()) return MergeMode::none;
  if (mode.is_string()) return parse_merge_mode(mode.get<std::string>());
  throw Error(ErrorCode::format, arguments.subject("merge_mode"), "a string or null", shown_json(mode));
}

std::unique_ptr<Recurrent> take_layer(Arguments& arguments, const char* name) {
  const std::optional<Json> json = arguments.take_given(name);
  if (!json || json->is_null()) return nullptr;
  const KerasObject object = read_keras_object(*json, arguments.subject(name));
  // Before it is made: a file may nest without end.
  if (object.name != "LSTM" && object.name != "GRU" && object.name != "SimpleRNN")
    throw Error(ErrorCode::unsupported, arguments.subject(name), "LSTM, GRU, SimpleRNN", object.name);
  std::unique_ptr<Layer> layer = make_layer({object.name, object.config.dump()});
  return std::unique_ptr<Recurrent>(static_cast<Recurrent*>(layer.release()));
}

}  // namespace

std::unique_ptr<Layer> make_lstm(Arguments& arguments, std::string name) {
  auto options = take_gated<LstmOptions>(arguments);
  options.unit_forget_bias = arguments.take<bool>("unit_forget_bias", options.unit_forget_bias);
  options.use_peepholes = arguments.take<bool>("use_peepholes", options.use_peepholes);
  if (options.use_peepholes) options.peephole = take_weight_options(arguments, "peephole", options.peephole);
  return std::make_unique<Lstm>(options, std::move(name));
}

std::unique_ptr<Layer> make_gru(Arguments& arguments, std::string name) {
  auto options = take_gated<GruOptions>(arguments);
  options.reset_after = arguments.take<bool>("reset_after", options.reset_after);
  return std::make_unique<Gru>(options, std::move(name));
}

std::unique_ptr<Layer> make_simple_rnn(Arguments& arguments, std::string name) {
  RecurrentOptions options;
  take_recurrent(arguments, options);
  return std::make_unique<SimpleRnn>(options, std::move(name));
}

std::unique_ptr<Layer> make_bidirectional(Arguments& arguments, std::string name) {
  std::unique_ptr<Recurrent> forward = take_layer(arguments, "layer");
  std::unique_ptr<Recurrent> backward = take_layer(arguments, "backward_layer");
  const MergeMode mode = take_merge_mode(arguments);
  if (forward == nullptr)
    throw Error(ErrorCode::invalid_argument, arguments.subject("layer"), "a recurrent layer", "none");
  if (backward == nullptr) return std::make_unique<Bidirectional>(std::move(forward), mode, std::move(name));
  return std::make_unique<Bidirectional>(std::move(forward), std::move(backward), mode, std::move(name));
}

}  // namespace recurra

/// The optimized stack from a config.
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/optimized_rnn_stack.h"
#include "recurra/layers/recurrent_types.h"

namespace recurra {

namespace {

RnnStackStart take_start(Arguments& arguments) {
  RnnStackStart start;
  const auto mode = arguments.take<std::string>("start", "parts");
  if (mode != "parts" && mode != "whole")
    throw Error(ErrorCode::unsupported, arguments.subject("start"), "parts, whole", mode);
  start.mode = mode == "whole" ? BlobStart::whole : BlobStart::parts;
  const nlohmann::json recurrent = arguments.take_json("recurrent_initializer");
  if (!recurrent.is_null())
    start.recurrent_initializer = make_initializer(recurrent, arguments.subject("recurrent_initializer"));
  start.init_value_scale = arguments.take<double>("init_value_scale", start.init_value_scale);
  start.init_output_rank = arguments.take<i64>("init_output_rank", start.init_output_rank);
  start.forget_bias = arguments.take<double>("forget_bias", start.forget_bias);
  return start;
}

}  // namespace

std::unique_ptr<Layer> make_optimized_rnn_stack(Arguments& arguments, std::string name) {
  OptimizedRnnStackOptions options;
  options.units = arguments.take<i64>("units", 0);
  options.layers = arguments.take<i64>("layers", options.layers);
  options.bidirectional = arguments.take<bool>("bidirectional", options.bidirectional);
  options.op = parse_recurrent_op(arguments.take<std::string>("recurrent_op", "lstm"),
                                  arguments.subject("recurrent_op").c_str());
  options.start = take_start(arguments);
  const WeightOptions weights = take_weight_options(arguments, "weights", {options.start.initializer});
  options.start.initializer = weights.initializer;
  options.regularizer = weights.regularizer;
  options.constraint = weights.constraint;
  options.dropout = arguments.take<double>("dropout", options.dropout);
  options.seed = arguments.take_optional<i64>("seed");
  options.return_sequences = arguments.take<bool>("return_sequences", options.return_sequences);
  return std::make_unique<OptimizedRnnStack>(options, std::move(name));
}

}  // namespace recurra

#include "recurra/layers/recurrent_lstm_layer_stack.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/optimized_rnn_stack.h"

namespace recurra {

namespace {

bool are_equal(const std::vector<i64>& widths) {
  return std::ranges::adjacent_find(widths, std::ranges::not_equal_to()) == widths.end();
}

std::unique_ptr<Layer> one_stack(const RecurrentLstmLayerStackOptions& options,
                                 const Initializer& initializer,
                                 const std::string& name) {
  OptimizedRnnStackOptions stack;
  stack.units = options.layer_dims[0];
  stack.layers = static_cast<i64>(options.layer_dims.size());
  stack.start.mode = options.start;
  stack.start.initializer = initializer;
  if (options.start == BlobStart::parts) stack.start.recurrent_initializer = initializer;
  return std::make_unique<OptimizedRnnStack>(stack, name);
}

std::unique_ptr<Layer> one_layer(const RecurrentLstmLayerStackOptions& options,
                                 const Initializer& initializer,
                                 i64 units,
                                 const std::string& name) {
  LstmOptions layer;
  layer.units = units;
  layer.return_sequences = true;
  layer.zero_output_for_mask = true;
  layer.kernel.initializer = initializer;
  layer.recurrent.initializer = initializer;
  layer.unit_forget_bias = options.start == BlobStart::parts;
  layer.use_peepholes = options.use_peepholes;
  return std::make_unique<Lstm>(layer, name);
}

}  // namespace

std::vector<std::unique_ptr<Layer>> recurrent_lstm_layer_stack(const RecurrentLstmLayerStackOptions& options,
                                                               const std::string& name) {
  if (options.layer_dims.empty())
    throw Error(ErrorCode::invalid_argument, "layer_dims", "the units of at least one layer", "none");
  for (const i64 units : options.layer_dims) static_cast<void>(checked_size(units, "layer_dims", 1));
  if (options.enable_self_stabilization)
    throw Error(ErrorCode::unsupported, "enable_self_stabilization", "false", "true");
  const Initializer initializer = cntk_initializer(options.init, options.init_value_scale);
  std::vector<std::unique_ptr<Layer>> layers;
  if (options.allow_optimized_engine && !options.use_peepholes && are_equal(options.layer_dims)) {
    layers.push_back(one_stack(options, initializer, name));
    return layers;
  }
  for (std::size_t i = 0; i < options.layer_dims.size(); ++i) {
    layers.push_back(one_layer(options,
                               initializer,
                               options.layer_dims[i],
                               std::string(name).append("_").append(std::to_string(i))));
  }
  return layers;
}

}  // namespace recurra

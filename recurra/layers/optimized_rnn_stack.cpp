#include "recurra/layers/optimized_rnn_stack.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/engine/dropout_factors.h"
#include "recurra/layers/dropout_factors.h"

namespace recurra {

OptimizedRnnStack::OptimizedRnnStack(const OptimizedRnnStackOptions& options, std::string name)
    : Layer(std::move(name)), options_(options) {
  const BlobLayout probe({options.op, 1, options.units, options.layers, options.bidirectional});
  check_start(options.start);
  check_stack_dropout(options.dropout, options.layers);
}

nlohmann::json OptimizedRnnStack::config() const {
  const OptimizedRnnStackOptions& o = options_;
  const RnnStackStart& start = o.start;
  nlohmann::json config = base_config();
  config["units"] = o.units;
  config["layers"] = o.layers;
  config["bidirectional"] = o.bidirectional;
  config["recurrent_op"] = name_of(o.op);
  config["start"] = start.mode == BlobStart::whole ? "whole" : "parts";
  write_weight_options(config, "weights", {start.initializer, o.regularizer, o.constraint});
  config["recurrent_initializer"] =
      start.recurrent_initializer ? config_of(*start.recurrent_initializer) : nlohmann::json();
  config["init_value_scale"] = start.init_value_scale;
  config["init_output_rank"] = start.init_output_rank;
  config["forget_bias"] = start.forget_bias;
  config["dropout"] = o.dropout;
  config["seed"] = o.seed ? nlohmann::json(*o.seed) : nlohmann::json();
  config["return_sequences"] = o.return_sequences;
  return config;
}

Shape OptimizedRnnStack::run_build(const Shape& input, Random& random) {
  if (input.rank() != 2 || input.back() < 1) {
    throw Error(ErrorCode::shape,
                name(),
                "input (batch, steps, features) of dense features",
                "(batch, ...) with " + input.to_string());
  }
  const OptimizedRnnStackOptions& o = options_;
  stack_.emplace(RnnStackShape{o.op, input.back(), o.units, o.layers, o.bidirectional});
  packed_ = false;
  const WeightOptions plain{.regularizer = o.regularizer, .constraint = o.constraint};
  weights_ = make_parameter("weights", layout().matrix_shape(), plain, random);
  initialize_blob(layout(), o.start, weights_.value, random);
  const i64 width = layout().width();
  return o.return_sequences ? Shape{input[0], width} : Shape{width};
}

std::vector<Parameter*> OptimizedRnnStack::parameters() {
  if (!stack_) return {};
  return {&weights_};
}

const StepMask* OptimizedRnnStack::output_mask(const Context& context) const {
  return options_.return_sequences ? context.mask : nullptr;
}

void OptimizedRnnStack::draw_dropout(i64 batch, const Context& context) {
  const bool drops = context.training && options_.dropout > 0;
  factors_.resize(drops ? static_cast<std::size_t>(options_.layers - 1) : 0);
  DropoutStream stream = context.dropout;
  if (options_.seed) stream.seed = static_cast<std::uint64_t>(*options_.seed);
  std::uint64_t first = 0;
  for (Tensor& factors : factors_) {
    factors.resize({batch, layout().width()});
    draw_dropout_factors(options_.dropout, {stream, first}, factors, context.execution);
    first += static_cast<std::uint64_t>(factors.size());
  }
  for (std::size_t run = 0; run < runs_.size(); ++run) {
    const std::size_t layer = run / static_cast<std::size_t>(directions());
    runs_[run].x_dropout = drops && layer > 0 ? factors_[layer - 1].data() : nullptr;
  }
}

/// Memory for what leaves the stack.
void OptimizedRnnStack::bind_outputs() {
  const i64 width = layout().width();
  if (options_.return_sequences) {
    y_.resize({call_.batch, call_.steps, width});
    call_.y = batch_major(y_.data(), call_.steps, width);
    return;
  }
  y_.resize({call_.batch, width});
  for (i64 d = 0; d < directions(); ++d) {
    last_[d].resize({call_.batch, options_.units});
    runs_[top_run() + static_cast<std::size_t>(d)].final[0] = last_[d].data();
  }
}

/// The last outputs of both directions, side by side.
void OptimizedRnnStack::join_last() {
  float* to = y_.data();
  for (i64 row = 0; row < call_.batch; ++row) {
    for (i64 d = 0; d < directions(); ++d)
      to = std::copy_n(last_[d].data() + row * options_.units, options_.units, to);
  }
}

void OptimizedRnnStack::split_last(const Tensor& dy) {
  const float* from = dy.data();
  for (i64 d = 0; d < directions(); ++d) {
    d_last_[d].resize({call_.batch, options_.units});
    back_runs_[top_run() + static_cast<std::size_t>(d)].d_final[0] = d_last_[d].data();
  }
  for (i64 row = 0; row < call_.batch; ++row) {
    for (i64 d = 0; d < directions(); ++d, from += options_.units)
      std::copy_n(from, options_.units, d_last_[d].data() + row * options_.units);
  }
}

const Tensor& OptimizedRnnStack::run_forward(const Tensor& x, const Context& context) {
  if (!stack_ || x.shape().rank() != 3 || x.shape()[2] != layout().input(0)) {
    const std::string features = stack_ ? std::to_string(layout().input(0)) : "features";
    throw Error(
        ErrorCode::shape, name() + ".input", "(batch, steps, " + features + ")", x.shape().to_string());
  }
  call_ = {};
  call_.batch = x.shape()[0];
  call_.steps = x.shape()[1];
  call_.x = batch_major(x.data(), call_.steps, x.shape()[2]);
  if (context.mask != nullptr) {
    // A mask that only ends rows early needs no memory for steps between which others do not count.
    if (context.mask->to_lengths(lengths_)) {
      call_.lengths = lengths_.data();
    } else {
      call_.mask = context.mask->data();
    }
  }
  runs_.assign(stack_->plan().plans().size(), {});
  draw_dropout(call_.batch, context);
  bind_outputs();
  call_.runs = runs_;
  if (!packed_) stack_->pack(weights_.value.data(), PackedWeights::Use::training, context.execution);
  packed_ = true;
  stack_->forward(call_, context.training, context.execution);
  if (!options_.return_sequences) join_last();
  return y_;
}

const Tensor& OptimizedRnnStack::run_backward(const Tensor& x,
                                              const Tensor& dy,
                                              bool want_dx,
                                              const Context& context) {
  StackBackwardCall back;
  back_runs_.assign(runs_.size(), {});
  if (options_.return_sequences) {
    back.dy = batch_major(dy.data(), call_.steps, layout().width());
  } else {
    split_last(dy);
  }
  dx_.resize(want_dx ? x.shape() : Shape{0});
  if (want_dx) back.dx = batch_major(dx_.data(), call_.steps, x.shape()[2]);
  back.runs = back_runs_;
  stack_->backward(call_, back, weights_.d(), context.execution);
  return dx_;
}

}  // namespace recurra

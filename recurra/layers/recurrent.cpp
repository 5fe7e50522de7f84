#include "recurra/layers/recurrent.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/engine/activations.h"
#include "recurra/engine/dropout_factors.h"
#include "recurra/layers/activation_function.h"
#include "recurra/layers/dropout_factors.h"

namespace recurra {

Recurrent::Recurrent(const RecurrentOptions& options, std::string name)
    : Layer(std::move(name)), options_(options) {
  static_cast<void>(checked_size(options.units, "units", 1));
  check_activation(options.activation, "activation");
  check_dropped_share("dropout", options.dropout);
  check_dropped_share("recurrent_dropout", options.recurrent_dropout);
  activity_ = ActivityPenalty(options.activity_regularizer);
}

nlohmann::json Recurrent::config() const {
  const RecurrentOptions& o = options_;
  nlohmann::json config = base_config();
  config["units"] = o.units;
  config["activation"] = config_of(ActivationFunction(o.activation));
  config["use_bias"] = o.use_bias;
  write_weight_options(config, "kernel", o.kernel);
  write_weight_options(config, "recurrent", o.recurrent);
  write_weight_options(config, "bias", o.bias);
  config["activity_regularizer"] = config_of(o.activity_regularizer);
  config["dropout"] = o.dropout;
  config["recurrent_dropout"] = o.recurrent_dropout;
  config["seed"] = o.seed ? nlohmann::json(*o.seed) : nlohmann::json();
  config["return_sequences"] = o.return_sequences;
  config["go_backwards"] = o.go_backwards;
  config["zero_output_for_mask"] = o.zero_output_for_mask;
  return config;
}

Shape Recurrent::run_build(const Shape& input, Random& random) {
  if (input.rank() != 2 || input.back() < 1) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, steps, features)", "(batch, ...) with " + input.to_string());
  }
  const RecurrentOptions& o = options_;
  const Kind made_of = kind();
  const i64 columns = made_of.gates * o.units;
  plan_.emplace(Recurrence{.cell = made_of.cell,
                           .input = input.back(),
                           .units = o.units,
                           .reverse = o.go_backwards,
                           .activations = made_of.activations});
  packs_.emplace(*plan_, PackedWeights::Use::training);
  packed_ = false;
  kernel_ = make_parameter("kernel", {input.back(), columns}, o.kernel, random);
  recurrent_kernel_ = make_parameter("recurrent_kernel", {o.units, columns}, o.recurrent, random);
  if (o.use_bias) {
    bias_ =
        make_parameter("bias", made_of.recurrent_bias ? Shape{2, columns} : Shape{columns}, o.bias, random);
    adjust_bias(bias_.value);
  }
  folded_bias_.reset();
  if (made_of.recurrent_bias) folded_bias_.emplace(*plan_);
  return o.return_sequences ? Shape{input[0], o.units} : Shape{o.units};
}

std::vector<Parameter*> Recurrent::parameters() {
  if (!plan_) return {};
  std::vector<Parameter*> all = {&kernel_, &recurrent_kernel_};
  if (options_.use_bias) all.push_back(&bias_);
  return all;
}

const StepMask* Recurrent::output_mask(const Context& context) const {
  return options_.return_sequences ? context.mask : nullptr;
}

void Recurrent::check_input(const Shape& x) const {
  if (plan_ && x.rank() == 3 && x[2] == plan_->input()) return;
  const std::string features = plan_ ? std::to_string(plan_->input()) : "features";
  throw Error(ErrorCode::shape, name() + ".input", "(batch, steps, " + features + ")", x.to_string());
}

Weights Recurrent::engine_weights() {
  Weights weights{.W = kernel_.value.data(), .U = recurrent_kernel_.value.data()};
  if (folded_bias_) {
    if (options_.use_bias)
      folded_bias_->fold(bias_.value.data(), bias_.value.data() + bias_.value.shape().back());
    folded_bias_->give(weights);
  } else if (options_.use_bias) {
    weights.b = bias_.value.data();
  }
  return weights;
}

Stack::Layer Recurrent::stack_layer() const {
  return {.cell = plan_->recurrence().cell,
          .units = options_.units,
          .activations = plan_->recurrence().activations};
}

void Recurrent::pack(const Execution& execution) {
  if (packed_) return;
  packs_->pack(*plan_, engine_weights(), execution);
  packed_ = true;
}

void Recurrent::draw_dropout(i64 batch, const Context& context) {
  DropoutStream stream = context.dropout;
  if (options_.seed) stream.seed = static_cast<std::uint64_t>(*options_.seed);
  const auto draw = [&](double share, i64 width, std::uint64_t first, Tensor& factors) {
    factors.resize(context.training && share > 0 ? Shape{batch, width} : Shape{0});
    if (factors.size() > 0) draw_dropout_factors(share, {stream, first}, factors, context.execution);
  };
  const i64 features = plan_->input();
  draw(options_.dropout, features, 0, x_factors_);
  draw(options_.recurrent_dropout, plan_->units(), static_cast<std::uint64_t>(batch * features), h_factors_);
}

Job Recurrent::forward_job(const Tensor& x, const Context& context, const Output& output) {
  const i64 batch = x.shape()[0];
  const i64 steps = x.shape()[1];
  draw_dropout(batch, context);
  call_ = {};
  call_.steps = steps;
  call_.batch = batch;
  call_.x = batch_major(x.data(), steps, x.shape()[2]);
  call_.y = output.sequence;
  call_.final[0] = output.last;
  if (context.mask != nullptr) {
    call_.mask = context.mask->data();
    call_.fill = options_.zero_output_for_mask ? Fill::zeros : Fill::repeat;
  }
  if (x_factors_.size() > 0) call_.x_dropout = x_factors_.data();
  if (h_factors_.size() > 0) call_.h_dropout = h_factors_.data();
  workspace_.prepare(*plan_,
                     {.steps = steps,
                      .batch = batch,
                      .training = context.training,
                      .masks = call_.mask != nullptr,
                      .dropout = call_.x_dropout != nullptr || call_.h_dropout != nullptr});
  pack(context.execution);
  return {&*plan_, &*packs_, &call_, &workspace_};
}

Job Recurrent::backward_job(const Tensor& x, const OutputGradient& gradient, Tensor* dx) {
  back_ = {};
  back_.dy = gradient.sequence;
  back_.d_final[0] = gradient.last;
  if (dx != nullptr) {
    dx->resize(x.shape());
    back_.dx = batch_major(dx->data(), x.shape()[1], x.shape()[2]);
  }
  if (trainable()) {
    back_.d_weights = {.W = kernel_.gradient.data(), .U = recurrent_kernel_.gradient.data()};
    if (options_.use_bias) {
      back_.d_weights.b = bias_.gradient.data();
      if (folded_bias_) folded_bias_->take(back_.d_weights);
    }
  }
  return {&*plan_, &*packs_, &call_, &workspace_, &back_};
}

void Recurrent::take_gradients() {
  if (!trainable() || !options_.use_bias || !folded_bias_) return;
  float* input = bias_.gradient.data();
  folded_bias_->spread(input, input + bias_.gradient.shape().back());
}

Recurrent::Output Recurrent::own_output(const Shape& x) {
  const i64 units = options_.units;
  if (!options_.return_sequences) {
    y_.resize({x[0], units});
    return {{}, y_.data()};
  }
  y_.resize({x[0], x[1], units});
  Sequence y = batch_major(y_.data(), x[1], units);
  if (options_.go_backwards) y = {y.data + (x[1] - 1) * units, -units, y.row_stride};
  return {y, nullptr};
}

bool Recurrent::zeroes_last(const Context& context) const noexcept {
  return options_.zero_output_for_mask && !options_.return_sequences && context.mask != nullptr;
}

/// Rows of (batch, units) whose last step, in the order of processing, does not count become 0.
void Recurrent::zero_masked_rows(const StepMask& mask, Tensor& rows) const {
  const i64 last = options_.go_backwards ? 0 : mask.steps() - 1;
  for (i64 row = 0; row < mask.batch() && mask.steps() > 0; ++row) {
    if (mask.data()[row * mask.steps() + last] == 0)
      std::fill_n(rows.data() + row * options_.units, options_.units, 0.0F);
  }
}

const Tensor& Recurrent::run_forward(const Tensor& x, const Context& context) {
  check_input(x.shape());
  const Job job = forward_job(x, context, own_output(x.shape()));
  recurra::forward(*job.plan, *job.weights, *job.call, *job.workspace, context.training, context.execution);
  if (zeroes_last(context)) zero_masked_rows(*context.mask, y_);
  activity_.forward(y_);
  return y_;
}

const Tensor& Recurrent::run_backward(const Tensor& x,
                                      const Tensor& dy,
                                      bool want_dx,
                                      const Context& context) {
  const Tensor& d = activity_.backward(y_, dy);
  OutputGradient gradient;
  if (options_.return_sequences) {
    const i64 units = options_.units;
    gradient.sequence = batch_major(d.data(), x.shape()[1], units);
    if (options_.go_backwards) {
      const ConstSequence& s = gradient.sequence;
      gradient.sequence = {s.data + (x.shape()[1] - 1) * units, -units, s.row_stride};
    }
  } else if (zeroes_last(context)) {
    d_last_ = d;
    zero_masked_rows(*context.mask, d_last_);
    gradient.last = d_last_.data();
  } else {
    gradient.last = d.data();
  }
  if (!want_dx) dx_.resize({0});
  const Job job = backward_job(x, gradient, want_dx ? &dx_ : nullptr);
  recurra::backward(*job.plan, *job.weights, *job.call, *job.back, *job.workspace, context.execution);
  take_gradients();
  return dx_;
}

}  // namespace recurra

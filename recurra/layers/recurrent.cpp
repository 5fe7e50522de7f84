#include "recurra/layers/recurrent.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/engine/activations.h"
#include "recurra/engine/dropout_factors.h"
#include "recurra/layers/activation_function.h"

namespace recurra {

Recurrent::Recurrent(const RecurrentOptions& options, std::string name)
    : GeneralLayer(std::move(name)), options_(options) {
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
  config["return_state"] = o.return_state;
  config["go_backwards"] = o.go_backwards;
  config["stateful"] = o.stateful;
  config["zero_output_for_mask"] = o.zero_output_for_mask;
  return config;
}

std::string Recurrent::streaming_obstacle() const {
  if (options_.return_state) return "it gives its states, too";
  return options_.go_backwards ? "it begins at the last step" : "";
}

std::vector<Shape> Recurrent::run_build_all(std::span<const Shape> inputs, Random& random) {
  require_inputs(inputs.size(), 1, any_number);
  make_weights(inputs[0], random);
  const Shape state = {options_.units};
  const std::vector<Shape> states(state_count(), state);
  if (inputs.size() > 1) check_state_shapes(inputs.subspan(1), states, name() + ".initial_state");
  std::vector<Shape> outputs = {options_.return_sequences ? Shape{inputs[0][0], options_.units} : state};
  if (options_.return_state) outputs.insert(outputs.end(), states.begin(), states.end());
  return outputs;
}

void Recurrent::make_weights(const Shape& input, Random& random) {
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
  carried_.reset();
  if (o.stateful) carried_.emplace(static_cast<int>(state_count()), o.units);
  kernel_ = make_parameter("kernel", {input.back(), columns}, o.kernel, random);
  recurrent_kernel_ = make_parameter("recurrent_kernel", {o.units, columns}, o.recurrent, random);
  if (o.use_bias) {
    bias_ =
        make_parameter("bias", made_of.recurrent_bias ? Shape{2, columns} : Shape{columns}, o.bias, random);
    adjust_bias(bias_.value);
  }
  peephole_.reset();
  if (made_of.peephole != nullptr)
    peephole_ = make_parameter("peephole", {plan_->cell().params, o.units}, *made_of.peephole, random);
  folded_bias_.reset();
  if (made_of.recurrent_bias) folded_bias_.emplace(*plan_);
  const bool costs = o.return_state && o.activity_regularizer != nullptr;
  state_activity_.assign(costs ? state_count() : 0, ActivityPenalty(o.activity_regularizer));
}

std::vector<Parameter*> Recurrent::parameters() {
  if (!plan_) return {};
  std::vector<Parameter*> all = {&kernel_, &recurrent_kernel_};
  if (options_.use_bias) all.push_back(&bias_);
  if (peephole_) all.push_back(&*peephole_);
  return all;
}

const StepMask* Recurrent::output_mask(const Context& context) const {
  return options_.return_sequences ? context.mask : nullptr;
}

std::size_t Recurrent::state_count() const noexcept {
  return static_cast<std::size_t>(plan_->cell().states);
}

/// As Keras, every output costs.
double Recurrent::penalty() {
  double sum = Layer::penalty();
  for (const ActivityPenalty& activity : state_activity_) sum += activity.value();
  return sum;
}

std::vector<CarriedStates*> Recurrent::carried_states() {
  if (!carried_) return {};
  return {&*carried_};
}

void Recurrent::check_input(const Shape& x) const {
  if (!plan_ || x.rank() != 3 || x[2] != plan_->input()) {
    const std::string features = plan_ ? std::to_string(plan_->input()) : "features";
    throw Error(ErrorCode::shape, name() + ".input", "(batch, steps, " + features + ")", x.to_string());
  }
  if (carried_ && x[0] > 0) carried_->check_batch(x[0], name() + ".input");
}

void Recurrent::check_initial(TensorList states, i64 batch) const {
  check_states(states, std::vector<Shape>(state_count(), {batch, options_.units}), name() + ".initial_state");
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
  if (peephole_) weights.params = peephole_->value.data();
  return weights;
}

Stack::Layer Recurrent::stack_layer() const {
  return {.cell = plan_->recurrence().cell,
          .units = options_.units,
          .activations = plan_->recurrence().activations};
}

}  // namespace recurra

#include "recurra/layers/recurrent_cells.h"

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

using autograd::Variable;

namespace {

// What a layer has beside its cell.
constexpr const char* of_the_layer[] = {"activity_regularizer",
                                        "return_sequences",
                                        "return_state",
                                        "go_backwards",
                                        "stateful",
                                        "zero_output_for_mask"};

void check_options(const RecurrentOptions& options, const std::string& name) {
  if (options.return_sequences || options.go_backwards || options.stateful || options.zero_output_for_mask ||
      options.activity_regularizer != nullptr) {
    throw Error(ErrorCode::invalid_argument,
                name,
                "options of a cell",
                "return_sequences, go_backwards, stateful, zero_output_for_mask or activity_regularizer, "
                "which RNN has");
  }
}

Variable factors_of(const Tensor& factors) {
  return factors.size() > 0 ? Variable(factors) : Variable();
}

}  // namespace

RecurrentCell::RecurrentCell(std::unique_ptr<Recurrent> layer, int states)
    : Cell(layer->name()), layer_(std::move(layer)), states_(states) {
  check_options(options(), name());
  if (!layer_->trainable()) Cell::set_trainable(false);
}

nlohmann::json RecurrentCell::config() const {
  nlohmann::json config = layer_->config();
  for (const char* key : of_the_layer) config.erase(key);
  config.update(Cell::config());
  return config;
}

std::vector<Shape> RecurrentCell::state_shapes() const {
  return std::vector<Shape>(static_cast<std::size_t>(states_), Shape{options().units});
}

void RecurrentCell::begin_sequence(i64 batch, const Context& context) {
  layer_->draw_dropout(batch, context);
  x_factors_ = factors_of(layer_->input_dropout_factors());
  h_factors_ = factors_of(layer_->recurrent_dropout_factors());
}

void RecurrentCell::parameters_changed() {
  Cell::parameters_changed();
  layer_->parameters_changed();
}

void RecurrentCell::set_trainable(bool trainable) {
  Cell::set_trainable(trainable);
  layer_->set_trainable(trainable);
}

void RecurrentCell::run_build(std::span<const Shape> inputs) {
  if (inputs.size() != 1 || inputs[0].rank() != 1) {
    throw Error(ErrorCode::shape,
                name() + ".inputs",
                "one of (batch, features)",
                inputs.size() == 1 ? "(batch, ...) with " + inputs[0].to_string()
                                   : std::to_string(inputs.size()) + " inputs");
  }
  const Shape sequence = {any_extent, inputs[0][0]};
  layer_->build(std::span(&sequence, 1), random());
  const std::vector<Parameter*> weights = layer_->parameters();
  kernel_ = share_weight(*weights[0]);
  recurrent_kernel_ = share_weight(*weights[1]);
  bias_ = weights.size() > 2 ? share_weight(*weights[2]) : Variable();
}

Variable RecurrentCell::input_product(const Variable& x) const {
  return matmul(x_factors_.empty() ? x : x * x_factors_, kernel_);
}

Variable RecurrentCell::dropped(const Variable& h) const {
  return h_factors_.empty() ? h : h * h_factors_;
}

Variable RecurrentCell::recurrent_product(const Variable& h) const {
  return matmul(dropped(h), recurrent_kernel_);
}

Variable RecurrentCell::recurrent_kernel(i64 first_gate, i64 last_gate) const {
  const i64 units = options().units;
  return slice(recurrent_kernel_, 1, {first_gate * units, last_gate * units});
}

SimpleRnnCell::SimpleRnnCell(const RecurrentOptions& options, std::string name)
    : SimpleRnnCell(std::make_unique<SimpleRnn>(options, std::move(name))) {}

SimpleRnnCell::SimpleRnnCell(std::unique_ptr<Recurrent> layer) : RecurrentCell(std::move(layer), 1) {}

CellStep SimpleRnnCell::run_step(const Variables& inputs, const Variables& states, const Context&) {
  Variable z = input_product(inputs[0]) + recurrent_product(states[0]);
  if (!bias().empty()) z = z + bias();
  const Variable h = activate(z, options().activation);
  return {{h}, {h}};
}

LstmCell::LstmCell(const LstmOptions& options, std::string name)
    : LstmCell(std::make_unique<Lstm>(options, std::move(name))) {}

LstmCell::LstmCell(std::unique_ptr<Recurrent> layer) : RecurrentCell(std::move(layer), 2) {}

CellStep LstmCell::run_step(const Variables& inputs, const Variables& states, const Context&) {
  Variable z = input_product(inputs[0]) + recurrent_product(states[0]);
  if (!bias().empty()) z = z + bias();
  const Variables gates = split(z, 1, 4);
  const Activation gate = recurrent_activation();
  const Variable i = activate(gates[0], gate);
  const Variable f = activate(gates[1], gate);
  const Variable o = activate(gates[3], gate);
  const Variable c = f * states[1] + i * activate(gates[2], options().activation);
  const Variable h = o * activate(c, options().activation);
  return {{h}, {h, c}};
}

GruCell::GruCell(const GruOptions& options, std::string name)
    : GruCell(std::make_unique<Gru>(options, std::move(name))) {}

GruCell::GruCell(std::unique_ptr<Recurrent> layer) : RecurrentCell(std::move(layer), 1) {}

CellStep GruCell::run_step(const Variables& inputs, const Variables& states, const Context&) {
  const Variable& h = states[0];
  const Activation gate = recurrent_activation();
  const bool after = resets_after();
  Variable x = input_product(inputs[0]);
  if (!bias().empty()) x = x + (after ? select(bias(), 0, 0) : bias());
  const Variables x_parts = split(x, 1, 3);
  Variable z, r, n;
  if (after) {
    Variable product = recurrent_product(h);
    if (!bias().empty()) product = product + select(bias(), 0, 1);
    const Variables h_parts = split(product, 1, 3);
    z = activate(x_parts[0] + h_parts[0], gate);
    r = activate(x_parts[1] + h_parts[1], gate);
    n = activate(x_parts[2] + r * h_parts[2], options().activation);
  } else {
    const Variables h_parts = split(matmul(dropped(h), recurrent_kernel(0, 2)), 1, 2);
    z = activate(x_parts[0] + h_parts[0], gate);
    r = activate(x_parts[1] + h_parts[1], gate);
    n = activate(x_parts[2] + matmul(r * dropped(h), recurrent_kernel(2, 3)), options().activation);
  }
  const Variable made = z * h + (1.0F - z) * n;
  return {{made}, {made}};
}

}  // namespace recurra

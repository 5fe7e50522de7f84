#include "recurra/layers/rnn.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/input_mask.h"
#include "recurra/layers/recurrent_cells.h"
#include "recurra/layers/rnn_steps.h"
#include "recurra/layers/stacked_rnn_cells.h"

namespace recurra {

using autograd::Variable;

/// A run's variables, steps in the order of processing.
struct Rnn::Tape {
  std::vector<Variables> inputs;   // of each input and step: leaves
  Variables initial_states;        // leaves
  std::vector<Variables> outputs;  // of each output: of every step, or of the last
  Variables states;                // after the last
};

namespace {

[[noreturn]] void fail(const std::string& subject, std::string expected, std::string actual) {
  throw Error(ErrorCode::invalid_argument, subject, std::move(expected), std::move(actual));
}

[[noreturn]] void fail_shape(const std::string& subject, const std::string& expected, const Shape& actual) {
  throw Error(ErrorCode::shape, subject, expected, actual.to_string());
}

std::string numbered(const std::string& subject, std::size_t i) {
  return subject + "[" + std::to_string(i) + "]";
}

// Whether x has the axes `shape` behind its first; any_extent goes with any.
bool fits(const Shape& x, const Shape& shape) {
  if (x.rank() != shape.rank() + 1) return false;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] != any_extent && shape[axis] != x[axis + 1]) return false;
  }
  return true;
}

// Of a step, from that of a sequence, both without the batch axis.
Shape without_steps(const Shape& sequence) {
  return Shape(std::vector<i64>(sequence.extents().begin() + 1, sequence.extents().end()));
}

}  // namespace

Rnn::Rnn(std::unique_ptr<Cell> cell, const RnnOptions& options, std::string name)
    : GeneralLayer(std::move(name)), cell_(std::move(cell)), options_(options) {
  if (cell_ == nullptr) fail(this->name() + ".cell", "a cell", "a null pointer");
  engine_cell_ = dynamic_cast<RecurrentCell*>(cell_.get());
  if (engine_cell_ == nullptr) return;
  RecurrentOptions own = engine_cell_->layer().recurrent_options();
  own.return_sequences = options.return_sequences;
  own.return_state = options.return_state;
  own.go_backwards = options.go_backwards;
  own.stateful = options.stateful;
  own.zero_output_for_mask = options.zero_output_for_mask;
  engine_cell_->set_layer(own, this->name());
}

Rnn::Rnn(std::vector<std::unique_ptr<Cell>> cells, const RnnOptions& options, std::string name)
    : Rnn(std::make_unique<StackedRnnCells>(std::move(cells)), options, std::move(name)) {}

nlohmann::json Rnn::config() const {
  nlohmann::json config = base_config();
  config["cell"] = {{"class_name", cell_->type()}, {"config", cell_->config()}};
  config["return_sequences"] = options_.return_sequences;
  config["return_state"] = options_.return_state;
  config["go_backwards"] = options_.go_backwards;
  config["stateful"] = options_.stateful;
  config["zero_output_for_mask"] = options_.zero_output_for_mask;
  return config;
}

const StepMask* Rnn::output_mask(const Context& context) const {
  return options_.return_sequences ? mask_of(context, 0) : nullptr;
}

const StepMask* Rnn::mask_of_output(const Context& context, std::size_t output) const {
  return output < cell_->output_shapes().size() ? output_mask(context) : nullptr;
}

const Report* Rnn::report() const noexcept {
  return engine_cell_ != nullptr ? engine_cell_->layer().report() : nullptr;
}

std::string Rnn::streaming_obstacle() const {
  return "it repeats a cell; LSTM, GRU and SimpleRNN can be in a stream";
}

void Rnn::set_trainable(bool trainable) {
  Layer::set_trainable(trainable);
  cell_->set_trainable(trainable);
}

std::vector<Shape> Rnn::run_build_all(std::span<const Shape> inputs, Random& random) {
  require_inputs(inputs.size(), cell_->inputs(), std::numeric_limits<std::size_t>::max());
  const std::span<const Shape> sequences = inputs.first(cell_->inputs());
  std::vector<Shape> steps;
  for (const Shape& input : sequences) {
    const i64 first = sequences[0].rank() > 0 ? sequences[0][0] : any_extent;
    if (input.rank() < 1 || (input[0] != first && first != any_extent && input[0] != any_extent)) {
      fail_shape(subject("input", steps.size(), sequences.size()),
                 "(batch, steps, ...) of one number of steps",
                 input);
    }
    steps.push_back(without_steps(input));
  }
  cell_->build(steps, random);
  inputs_.assign(sequences.begin(), sequences.end());
  carried_.reset();
  if (options_.stateful && engine_cell_ == nullptr) carried_.emplace(cell_->state_shapes());
  tape_ = nullptr;
  const std::vector<Shape> states = cell_->state_shapes();
  if (inputs.size() > sequences.size())
    require_inputs(inputs.size(), sequences.size() + states.size(), sequences.size() + states.size());
  for (std::size_t i = sequences.size(); i < inputs.size(); ++i) {
    const Shape& state = states[i - sequences.size()];
    if (inputs[i] != state)
      fail_shape(numbered(name() + ".initial_states", i - sequences.size()),
                 "(batch, ...) with " + state.to_string(),
                 inputs[i]);
  }
  std::vector<Shape> outputs;
  for (const Shape& output : cell_->output_shapes())
    outputs.push_back(options_.return_sequences ? with_axes({sequences[0][0]}, output) : output);
  if (options_.return_state) outputs.insert(outputs.end(), states.begin(), states.end());
  return outputs;
}

std::string Rnn::subject(const char* list, std::size_t i, std::size_t count) const {
  return count == 1 ? name() + "." + list : numbered(name() + "." + list + "s", i);
}

void Rnn::check_inputs(TensorList inputs) const {
  const Shape& first = inputs[0]->shape();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Shape& shape = inputs[i]->shape();
    if (fits(shape, inputs_[i]) && shape[0] == first[0] && shape[1] == first[1]) continue;
    const Shape step = without_steps(inputs_[i]);
    fail_shape(subject("input", i, inputs.size()),
               i > 0 ? with_axes({first[0], first[1]}, step).to_string()
                     : "(batch, steps, ...) with " + step.to_string(),
               shape);
  }
}

std::vector<CarriedStates*> Rnn::carried_states() {
  if (engine_cell_ != nullptr) return engine_cell_->layer().carried_states();
  if (!carried_) return {};
  return {&*carried_};
}

Variables Rnn::first_states(TensorList given, i64 batch, bool training) {
  Variables states;
  for (const Tensor* state : given) states.emplace_back(*state, training);
  if (!given.empty()) return states;
  const std::vector<CarriedStates*> carried = carried_states();
  if (!carried.empty() && !carried[0]->fresh()) {
    for (const Tensor& state : carried[0]->states()) states.emplace_back(state);
    return states;
  }
  for (Tensor& state : cell_->initial_states(batch)) states.emplace_back(std::move(state));
  return states;
}

void Rnn::run_steps(TensorList inputs, const StepMask* mask, const Context& context, Tape& tape) {
  const i64 batch = inputs[0]->shape()[0];
  const i64 steps = inputs[0]->shape()[1];
  tape.states = tape.initial_states;
  Variables last;
  for (const Shape& output : cell_->output_shapes()) last.push_back(zeros(with_axes({batch}, output)));
  tape.inputs.resize(inputs.size());
  tape.outputs.resize(last.size());
  for (i64 done = 0; done < steps; ++done) {
    const i64 step = options_.go_backwards ? steps - 1 - done : done;
    Variables x;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      x.emplace_back(step_of(*inputs[i], step), context.training && inputs[i]->dtype() == Dtype::f32);
      if (context.training) tape.inputs[i].push_back(x.back());
    }
    CellStep made = cell_->step(x, tape.states, context);
    const CountedRows rows(mask, step);
    for (std::size_t k = 0; k < made.states.size() && !rows.all(); ++k)
      made.states[k] = rows.choose(made.states[k], tape.states[k]);
    for (std::size_t k = 0; k < made.outputs.size() && !rows.all(); ++k) {
      const Variable before = options_.zero_output_for_mask ? zeros(last[k].shape()) : last[k];
      made.outputs[k] = rows.choose(made.outputs[k], before);
    }
    tape.states = std::move(made.states);
    last = std::move(made.outputs);
    for (std::size_t k = 0; k < last.size() && options_.return_sequences; ++k) {
      put_step(&last[k].value(), done, results_[k]);
      if (context.training) tape.outputs[k].push_back(last[k]);
    }
  }
  for (std::size_t k = 0; k < last.size() && !options_.return_sequences; ++k) {
    results_[k] = last[k].value();
    tape.outputs[k] = {last[k]};
  }
}

TensorList Rnn::run_forward_all(TensorList inputs, const Context& context) {
  if (inputs_.empty()) fail(name(), "a layer that is built", "one that is not");
  const std::size_t sequences = inputs_.size();
  const std::size_t most = sequences + cell_->state_shapes().size();
  require_inputs(inputs.size(), sequences, most);
  if (engine_cell_ != nullptr) return engine_cell_->layer().forward(inputs, context);
  check_inputs(inputs.first(sequences));
  const i64 batch = inputs[0]->shape()[0];
  const TensorList initial = inputs.subspan(sequences);
  const std::vector<CarriedStates*> carried = carried_states();
  for (const CarriedStates* states : carried) states->check_batch(batch, name() + ".input");
  if (!initial.empty())
    check_states(initial, CarriedStates(cell_->state_shapes()).shapes(batch), name() + ".initial_states");
  const autograd::RunOn on(context.execution);
  std::optional<autograd::NoGradient> inference;
  if (!context.training) inference.emplace();
  tape_ = nullptr;
  auto tape = std::make_shared<Tape>();
  tape->initial_states = first_states(initial, batch, context.training);
  results_.clear();
  for (const Shape& output : cell_->output_shapes()) {
    const i64 steps = inputs[0]->shape()[1];
    results_.push_back(
        Tensor::recycled(options_.return_sequences ? with_axes({batch, steps}, output) : Shape{0}));
  }
  cell_->begin_sequence(batch, context);
  run_steps(inputs.first(sequences), mask_of(context, 0), context, *tape);
  std::vector<Tensor> states;
  for (const Variable& state : tape->states) states.push_back(state.value());
  for (CarriedStates* one : carried) one->set(states);
  if (options_.return_state) std::ranges::move(states, std::back_inserter(results_));
  if (context.training) tape_ = std::move(tape);
  list_.clear();
  for (const Tensor& result : results_) list_.push_back(&result);
  return list_;
}

TensorList Rnn::run_backward_all(TensorList inputs,
                                 TensorList d_outputs,
                                 std::span<const std::uint8_t> wanted,
                                 const Context& context) {
  if (engine_cell_ != nullptr) return engine_cell_->layer().backward(inputs, d_outputs, wanted, context);
  if (tape_ == nullptr) fail(name() + ".backward", "one a forward", "another");
  const std::shared_ptr<Tape> tape = std::move(tape_);
  Variables made;
  std::vector<Tensor> seeds;
  for (std::size_t k = 0; k < d_outputs.size(); ++k) {
    if (d_outputs[k] == nullptr) continue;
    if (k >= tape->outputs.size() || !options_.return_sequences) {
      made.push_back(k >= tape->outputs.size() ? tape->states[k - tape->outputs.size()]
                                               : tape->outputs[k][0]);
      seeds.push_back(*d_outputs[k]);
      continue;
    }
    for (std::size_t step = 0; step < tape->outputs[k].size(); ++step) {
      made.push_back(tape->outputs[k][step]);
      seeds.push_back(step_of(*d_outputs[k], static_cast<i64>(step)));
    }
  }
  const auto want = [&](const Variable& leaf, std::size_t input) {
    leaf.set_requires_grad(wanted[input] != 0 && leaf.value().dtype() == Dtype::f32);
  };
  for (std::size_t i = 0; i < tape->inputs.size(); ++i) {
    for (const Variable& x : tape->inputs[i]) want(x, i);
  }
  for (std::size_t i = tape->inputs.size(); i < inputs.size(); ++i)
    want(tape->initial_states[i - tape->inputs.size()], i);
  const autograd::RunOn on(context.execution);
  if (std::ranges::any_of(made, &Variable::requires_grad)) autograd::backward(made, std::move(seeds));
  cell_->take_gradients();
  collect(*tape, inputs, wanted);
  return list_;
}

void Rnn::collect(const Tape& tape, TensorList inputs, std::span<const std::uint8_t> wanted) {
  gradients_.assign(inputs.size(), Tensor());
  list_.assign(inputs.size(), nullptr);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (wanted[i] == 0) continue;
    list_[i] = &gradients_[i];
    if (i >= tape.inputs.size()) {
      const Variable& state = tape.initial_states[i - tape.inputs.size()];
      gradients_[i] = state.has_gradient() ? state.take_gradient() : Tensor(state.shape());
      continue;
    }
    const auto steps = static_cast<i64>(tape.inputs[i].size());
    gradients_[i] = Tensor::recycled(inputs[i]->shape());
    for (i64 done = 0; done < steps; ++done) {
      const Variable& x = tape.inputs[i][static_cast<std::size_t>(done)];
      const i64 step = options_.go_backwards ? steps - 1 - done : done;
      put_step(x.has_gradient() ? &x.gradient() : nullptr, step, gradients_[i]);
    }
  }
}

}  // namespace recurra

/// The recurrent layers' passes: what the engine is given, and what becomes of what it leaves.
#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/layers/dropout_factors.h"
#include "recurra/layers/recurrent.h"

namespace recurra {

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

Recurrent::Initial::Initial(TensorList from) {
  for (std::size_t k = 0; k < from.size(); ++k) states[k] = from[k]->data();
}

/// Where the states begin, and where they end if somebody wants them beside the output.
void Recurrent::bind_states(const Initial& initial, i64 batch) {
  const bool carries = carried_ && initial.states[0] == nullptr && !carried_->fresh();
  const bool kept = options_.return_state || carried_;
  final_.resize(kept ? state_count() : 0);
  for (std::size_t k = 0; k < state_count(); ++k) {
    call_.initial[k] = carries ? carried_->states()[k].data() : initial.states[k];
    if (!kept) continue;
    final_[k].resize({batch, options_.units});
    call_.final[k] = final_[k].data();
  }
  if (!kept) call_.final[0] = output_.last;
}

/// A mask that only ends rows early needs no memory for steps between which others do not count.
void Recurrent::bind_mask(const Context& context) {
  if (context.mask == nullptr) return;
  if (context.mask->to_lengths(lengths_)) {
    call_.lengths = lengths_.data();
  } else {
    call_.mask = context.mask->data();
  }
  const bool repeats = output_.sequence.data != nullptr && !options_.zero_output_for_mask;
  call_.fill = repeats ? Fill::repeat : Fill::zeros;
}

Job Recurrent::forward_job(const Tensor& x,
                           const Initial& initial,
                           const Context& context,
                           const Output& output) {
  const i64 batch = x.shape()[0];
  const i64 steps = x.shape()[1];
  draw_dropout(batch, context);
  output_ = output;
  call_ = {};
  call_.steps = steps;
  call_.batch = batch;
  call_.x = batch_major(x.data(), steps, x.shape()[2]);
  call_.y = output.sequence;
  bind_states(initial, batch);
  bind_mask(context);
  // Of a row without a step that counts the output is 0, not the state.
  zeroes_ = options_.zero_output_for_mask || call_.initial[0] != nullptr;
  if (x_factors_.size() > 0) call_.x_dropout = x_factors_.data();
  if (h_factors_.size() > 0) call_.h_dropout = h_factors_.data();
  workspace_.prepare(*plan_,
                     {.steps = steps,
                      .batch = batch,
                      .training = context.training,
                      .masks = call_.mask != nullptr || call_.fill == Fill::repeat,
                      .dropout = call_.x_dropout != nullptr || call_.h_dropout != nullptr});
  pack(context.execution);
  return {&*plan_, &*packs_, &call_, &workspace_};
}

/// Rows of (batch, units), the last output, that are 0: those whose last step, in the order of processing,
/// does not count, with zero_output_for_mask; else those without a step that counts.
void Recurrent::zero_rows(const StepMask* mask, float* rows) const {
  const i64 steps = call_.steps;
  const i64 last = options_.go_backwards ? 0 : steps - 1;
  const auto is_zero = [&](i64 row) {
    if (steps == 0) return true;
    if (options_.zero_output_for_mask) return !mask->counts(row, last);
    const std::uint8_t* counts = mask->data() + row * steps;
    return std::all_of(counts, counts + steps, [](std::uint8_t count) { return count == 0; });
  };
  if (!zeroes_ || (mask == nullptr && steps > 0)) return;
  for (i64 row = 0; row < call_.batch; ++row)
    if (is_zero(row)) std::fill_n(rows + row * options_.units, options_.units, 0.0F);
}

void Recurrent::finish_forward(const Context& context) {
  if (output_.last != nullptr) {
    if (!final_.empty()) std::ranges::copy(final_[0].as<float>(), output_.last);
    zero_rows(context.mask, output_.last);
  }
  if (carried_ && call_.batch > 0) carried_->set(final_);
}

/// The gradient of h comes from the last output and from the state.
void Recurrent::bind_state_gradients(const OutputGradient& gradient,
                                     bool want_initial,
                                     const Context& context) {
  const i64 size = call_.batch * options_.units;
  for (std::size_t k = 0; k < state_count(); ++k) back_.d_final[k] = gradient.states[k];
  if (gradient.last != nullptr) {
    d_last_.resize({call_.batch, options_.units});
    std::copy_n(gradient.last, size, d_last_.data());
    zero_rows(context.mask, d_last_.data());
    const float* state = gradient.states[0];
    for (i64 i = 0; state != nullptr && i < size; ++i) d_last_.data()[i] += state[i];
    back_.d_final[0] = d_last_.data();
  }
  d_initial_.resize(want_initial ? state_count() : 0);
  for (std::size_t k = 0; k < d_initial_.size(); ++k) {
    d_initial_[k].resize({call_.batch, options_.units});
    back_.d_initial[k] = d_initial_[k].data();
  }
}

Job Recurrent::backward_job(const Tensor& x,
                            const OutputGradient& gradient,
                            const InputGradient& wanted,
                            const Context& context) {
  back_ = {};
  back_.dy = gradient.sequence;
  bind_state_gradients(gradient, wanted.states, context);
  if (wanted.x != nullptr) {
    wanted.x->resize(x.shape());
    back_.dx = batch_major(wanted.x->data(), x.shape()[1], x.shape()[2]);
  }
  if (trainable()) {
    back_.d_weights = {.W = kernel_.gradient.data(), .U = recurrent_kernel_.gradient.data()};
    if (options_.use_bias) {
      back_.d_weights.b = bias_.gradient.data();
      if (folded_bias_) folded_bias_->take(back_.d_weights);
    }
    if (peephole_) back_.d_weights.params = peephole_->gradient.data();
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

Recurrent::OutputGradient Recurrent::own_gradient(const Shape& x, const Tensor& dy) const {
  if (!options_.return_sequences) return {{}, dy.data()};
  const i64 units = options_.units;
  ConstSequence d = batch_major(dy.data(), x[1], units);
  if (options_.go_backwards) d = {d.data + (x[1] - 1) * units, -units, d.row_stride};
  return {d, nullptr};
}

TensorList Recurrent::run_forward_all(TensorList inputs, const Context& context) {
  require_inputs(inputs.size(), 1, any_number);
  const Tensor& x = *inputs[0];
  const TensorList initial = inputs.subspan(1);
  check_input(x.shape());
  if (!initial.empty()) check_initial(initial, x.shape()[0]);
  const Job job = forward_job(x, Initial(initial), context, own_output(x.shape()));
  recurra::forward(*job.plan, *job.weights, *job.call, *job.workspace, context.training, context.execution);
  finish_forward(context);
  activity_.forward(y_);
  for (std::size_t k = 0; k < state_activity_.size(); ++k) state_activity_[k].forward(final_[k]);
  outputs_.assign(1, &y_);
  if (options_.return_state)
    for (const Tensor& state : final_) outputs_.push_back(&state);
  return outputs_;
}

TensorList Recurrent::run_backward_all(TensorList inputs,
                                       TensorList d_outputs,
                                       std::span<const std::uint8_t> wanted,
                                       const Context& context) {
  const Tensor& x = *inputs[0];
  OutputGradient gradient;
  if (const Tensor* dy = activity_.backward(y_, d_outputs[0])) gradient = own_gradient(x.shape(), *dy);
  for (std::size_t k = 0; k + 1 < d_outputs.size(); ++k) {
    const Tensor* d = d_outputs[k + 1];
    if (!state_activity_.empty()) d = state_activity_[k].backward(final_[k], d);
    if (d != nullptr) gradient.states[k] = d->data();
  }
  const bool wants_states = std::ranges::any_of(wanted.subspan(1), [](std::uint8_t w) { return w != 0; });
  const Job job = backward_job(x, gradient, {wanted[0] != 0 ? &dx_ : nullptr, wants_states}, context);
  recurra::backward(*job.plan, *job.weights, *job.call, *job.back, *job.workspace, context.execution);
  take_gradients();
  d_inputs_.assign(1, &dx_);
  for (const Tensor& state : d_initial_) d_inputs_.push_back(&state);
  d_inputs_.resize(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (wanted[i] == 0) d_inputs_[i] = nullptr;
  return d_inputs_;
}

}  // namespace recurra

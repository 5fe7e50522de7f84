#include "recurra/stack/rnn_stack.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/dropout_factors.h"

namespace recurra {

namespace {

// Apart from the streams of initial weights and of shuffling, which lie below 2^33.
constexpr std::uint64_t first_stream = std::uint64_t{1} << 62;

RnnStackShape shape_of(const RnnStackOptions& options, i64 input) {
  return {options.op, input, options.units, options.layers, options.bidirectional};
}

void require_f32(const Tensor& tensor, const char* subject) {
  if (tensor.dtype() == Dtype::f32) return;
  throw Error(ErrorCode::dtype, subject, "f32", std::string(name_of(tensor.dtype())));
}

/// Checks a tensor that may be absent.
void check_tensor(const Tensor* tensor, const char* subject, const Shape& shape) {
  if (tensor == nullptr) return;
  require_f32(*tensor, subject);
  if (tensor->shape() != shape)
    throw Error(ErrorCode::shape, subject, "shape " + shape.to_string(), tensor->shape().to_string());
}

/// The elements of run `run` of states (runs, batch, units); null without.
template <class T>
auto* run_of(T* states, std::size_t run) {
  using Float = decltype(states->data());
  if (states == nullptr || states->size() == 0) return Float{};
  return states->data() + static_cast<i64>(run) * states->shape()[1] * states->shape()[2];
}

}  // namespace

RnnStack::RnnStack(const RnnStackOptions& options, i64 input, const Target& target)
    : options_(options), stack_(shape_of(options, input), target) {
  check_stack_dropout(options.dropout, options.layers);
  if (options.axis != -1 && options.axis != 2)
    throw Error(ErrorCode::unsupported, "axis", "-1, 2", std::to_string(options.axis));
}

i64 RnnStack::features_of(const Tensor& x) {
  if (x.shape().rank() == 3) return x.shape()[2];
  throw Error(ErrorCode::shape, "x", "a batch of sequences (batch, steps, features)", x.shape().to_string());
}

void RnnStack::set_weights(const Tensor& weights, PackedWeights::Use use, const Execution& execution) {
  layout().check(weights);
  stack_.pack(weights.data(), use, execution);
  weights_shape_ = weights.shape();
  trained_ = false;
}

Shape RnnStack::states_shape(i64 batch) const {
  return {i64{layout().layers()} * layout().directions(), batch, options_.units};
}

void RnnStack::check_x(const Tensor& x) const {
  if (x.dtype() != Dtype::f32) {
    const bool ids = x.dtype() == Dtype::i32 || x.dtype() == Dtype::i64;
    throw Error(
        ErrorCode::dtype,
        "x",
        ids ? "dense f32 features; a sparse input, of ids, has to go through an embedding before" : "f32",
        std::string(name_of(x.dtype())));
  }
  if (x.shape().rank() == 3 && x.shape()[2] == layout().input(0)) return;
  throw Error(ErrorCode::shape,
              "x",
              "a batch of sequences (batch, steps, " + std::to_string(layout().input(0)) + ")",
              x.shape().to_string());
}

void RnnStack::check_lengths(const RnnStackInputs& inputs, i64 batch) const {
  const std::size_t count = inputs.lengths.size();
  if (count == 0) return;
  if (options_.axis == 2) {
    throw Error(ErrorCode::invalid_argument,
                "lengths",
                "none with axis 2, where all samples have all steps",
                std::to_string(count));
  }
  if (static_cast<i64>(count) == batch) return;
  throw Error(
      ErrorCode::shape, "lengths", std::to_string(batch) + ", one of each row", std::to_string(count));
}

void RnnStack::check_states(const RnnStackInputs& inputs, const Shape& shape) const {
  check_tensor(inputs.initial_h, "initial_h", shape);
  if (inputs.initial_c != nullptr && !has_c()) {
    throw Error(ErrorCode::invalid_argument,
                "initial_c",
                std::string("none for ").append(name_of(options_.op)).append(", which has no c"),
                "a tensor");
  }
  check_tensor(inputs.initial_c, "initial_c", shape);
}

/// The factors of this call, none where nothing is dropped out.
void RnnStack::take_dropout(const RnnStackInputs& inputs, i64 batch, const Execution& execution) {
  const auto between = static_cast<std::size_t>(options_.layers - 1);
  const std::vector<Tensor>* given = inputs.dropout_factors;
  const Shape shape{batch, layout().width()};
  if (given != nullptr && !inputs.training)
    throw Error(ErrorCode::invalid_argument, "dropout_factors", "none without training", "factors");
  if (given != nullptr) {
    if (given->size() != between) {
      throw Error(ErrorCode::shape,
                  "dropout_factors",
                  std::to_string(between) + ", one of every layer but the lowest",
                  std::to_string(given->size()));
    }
    for (const Tensor& one : *given) check_tensor(&one, "dropout_factors", shape);
    factors_ = *given;
  } else if (inputs.training && options_.dropout > 0) {
    factors_.resize(between);
    for (std::size_t i = 0; i < between; ++i) {
      factors_[i].resize(shape);
      const Random random(inputs.dropout_seed, first_stream + i);
      draw_dropout_factors(options_.dropout, random, factors_[i].as<float>(), execution);
    }
  } else {
    factors_.clear();
  }
  outputs_.dropout_factors = factors_;
}

/// Memory for the outputs of every layer; the top one's is copied.
void RnnStack::bind_layer_outputs(bool wanted) {
  gives_layers_ = wanted;
  outputs_.layers.resize(wanted ? static_cast<std::size_t>(layout().layers()) : 0);
  const i64 width = layout().width();
  for (std::size_t run = 0; run < runs_.size() && wanted; ++run) {
    const auto directions = static_cast<std::size_t>(layout().directions());
    Tensor& layer = outputs_.layers[run / directions];
    layer.resize({call_.batch, call_.steps, width});
    const auto direction = static_cast<i64>(run % directions);
    runs_[run].y = {layer.data() + direction * options_.units, width, call_.steps * width};
  }
}

const RnnStackOutputs& RnnStack::forward(const Tensor& x,
                                         const RnnStackInputs& inputs,
                                         const Execution& execution) {
  check_x(x);
  trained_ = false;
  const i64 batch = x.shape()[0];
  const i64 steps = x.shape()[1];
  check_lengths(inputs, batch);
  check_states(inputs, states_shape(batch));
  take_dropout(inputs, batch, execution);
  lengths_.assign(inputs.lengths.begin(), inputs.lengths.end());
  outputs_.y.resize({batch, steps, layout().width()});
  outputs_.final_h.resize(states_shape(batch));
  if (has_c()) outputs_.final_c.resize(states_shape(batch));
  call_ = {};
  call_.steps = steps;
  call_.batch = batch;
  call_.x = batch_major(x.data(), steps, x.shape()[2]);
  call_.y = batch_major(outputs_.y.data(), steps, layout().width());
  if (!lengths_.empty()) call_.lengths = lengths_.data();
  runs_.assign(stack_.plan().plans().size(), {});
  bind_layer_outputs(inputs.layer_outputs);
  for (std::size_t run = 0; run < runs_.size(); ++run) {
    const std::size_t layer = run / static_cast<std::size_t>(layout().directions());
    runs_[run].initial[0] = run_of(inputs.initial_h, run);
    runs_[run].initial[1] = run_of(inputs.initial_c, run);
    runs_[run].final[0] = run_of(&outputs_.final_h, run);
    if (has_c()) runs_[run].final[1] = run_of(&outputs_.final_c, run);
    if (layer > 0 && !factors_.empty()) runs_[run].x_dropout = factors_[layer - 1].data();
  }
  call_.runs = runs_;
  const bool way_back = inputs.training || inputs.way_back;
  stack_.forward(call_, way_back, execution);
  trained_ = way_back;
  return outputs_;
}

void RnnStack::check_gradients(const RnnStackOutputGradients& gradients) const {
  const Shape outputs{call_.batch, call_.steps, layout().width()};
  const Shape states = states_shape(call_.batch);
  check_tensor(gradients.y, "gradient of y", outputs);
  check_tensor(gradients.final_h, "gradient of final_h", states);
  check_tensor(gradients.final_c, "gradient of final_c", has_c() ? states : Shape{0});
  const std::vector<Tensor>* layers = gradients.layers;
  if (layers == nullptr) return;
  const i64 given = gives_layers_ ? layout().layers() : 0;
  if (static_cast<i64>(layers->size()) != given) {
    throw Error(ErrorCode::shape,
                "gradients of layers",
                std::to_string(given) + ", of the outputs of layers that forward gave",
                std::to_string(layers->size()));
  }
  for (const Tensor& layer : *layers) {
    if (layer.size() > 0) check_tensor(&layer, "gradients of layers", outputs);
  }
}

RnnStackGradients RnnStack::backward(const RnnStackOutputGradients& gradients, const Execution& execution) {
  if (!trained_)
    throw Error(ErrorCode::invalid_argument, "backward", "a training forward before, for each one", "none");
  check_gradients(gradients);
  const Shape states = states_shape(call_.batch);
  RnnStackGradients to;
  if (gradients.want_weights) to.weights = Tensor(weights_shape_);
  if (gradients.want_x) to.x = Tensor({call_.batch, call_.steps, layout().input(0)});
  to.initial_h = Tensor(states);
  if (has_c()) to.initial_c = Tensor(states);
  std::vector<StackRunGradients> runs(runs_.size());
  const i64 width = layout().width();
  for (std::size_t run = 0; run < runs.size(); ++run) {
    runs[run].d_final[0] = run_of(gradients.final_h, run);
    runs[run].d_final[1] = run_of(gradients.final_c, run);
    runs[run].d_initial[0] = run_of(&to.initial_h, run);
    runs[run].d_initial[1] = run_of(&to.initial_c, run);
    if (gradients.layers == nullptr) continue;
    const auto directions = static_cast<std::size_t>(layout().directions());
    const Tensor& layer = (*gradients.layers)[run / directions];
    if (layer.size() == 0) continue;
    const auto direction = static_cast<i64>(run % directions);
    runs[run].dy = {layer.data() + direction * options_.units, width, call_.steps * width};
  }
  StackBackwardCall back;
  if (gradients.y != nullptr) back.dy = batch_major(gradients.y->data(), call_.steps, width);
  if (gradients.want_x) back.dx = batch_major(to.x.data(), call_.steps, layout().input(0));
  back.runs = runs;
  trained_ = false;
  stack_.backward(call_, back, gradients.want_weights ? to.weights.data() : nullptr, execution);
  return to;
}

RnnStackOutputs optimized_rnn_stack(const Tensor& weights,
                                    const Tensor& x,
                                    const RnnStackOptions& options,
                                    const RnnStackInputs& inputs,
                                    const Execution& execution) {
  RnnStack stack(options, RnnStack::features_of(x));
  const auto use =
      inputs.training || inputs.way_back ? PackedWeights::Use::training : PackedWeights::Use::inference;
  stack.set_weights(weights, use, execution);
  stack.forward(x, inputs, execution);
  return stack.take_outputs();
}

}  // namespace recurra

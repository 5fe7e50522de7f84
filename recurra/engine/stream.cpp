#include "recurra/engine/stream.h"

#include <algorithm>
#include <limits>
#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/stack_calls.h"
#include "recurra/engine/stream_layer.h"

namespace recurra {

namespace {

/// From so many steps on, input products made together save more than the call over several steps costs.
constexpr i64 least_chunk = 4;

void check_number(const char* subject, i64 value) {
  constexpr i64 most = std::numeric_limits<int>::max();
  if (value >= 1 && value <= most) return;
  throw Error(ErrorCode::invalid_argument, subject, "1 to " + std::to_string(most), std::to_string(value));
}

void check_size(const char* subject, std::size_t size, i64 expected) {
  if (static_cast<i64>(size) == expected) return;
  throw Error(ErrorCode::shape, subject, std::to_string(expected) + " floats", std::to_string(size));
}

void check_direction(const StackPlan& plan) {
  const bool back = std::ranges::any_of(plan.plans(), [](const Plan& p) { return p.recurrence().reverse; });
  if (!back) return;
  throw Error(ErrorCode::unsupported,
              "direction",
              "forward: the outputs of a backward direction need steps that are still to come",
              plan.directions() == 2 ? "both" : "backward");
}

/// Copies a step, (batch, width), between rows of other strides.
template <class From, class To>
void copy_rows(const From* from, i64 from_row, To* to, i64 to_row, i64 batch, i64 width) noexcept {
  for (i64 row = 0; row < batch; ++row) std::copy_n(from + row * from_row, width, to + row * to_row);
}

/// Step t of a sequence as (batch, width), in `own` where its rows do not lie so.
const float* step_of(const ConstSequence& sequence, i64 t, i64 batch, i64 width, std::vector<float>& own) {
  const float* at = sequence.data + t * sequence.step_stride;
  if (batch == 1 || sequence.row_stride == width) return at;
  copy_rows(at, sequence.row_stride, own.data(), width, batch, width);
  return own.data();
}

}  // namespace

Stream::Stream(const StackPlan& plan, const StackPacks& weights, const StreamOptions& options)
    : plan_(&plan), weights_(&weights), options_(options) {
  check_number("batch", options.batch);
  check_number("chunk", options.chunk);
  check_direction(plan);
  weights.check(plan);
  layers_.reserve(plan.plans().size());
  runs_.resize(plan.plans().size());
  for (int layer = 0; layer < plan.layers(); ++layer) {
    const Plan& one = plan.plan(layer, 0);
    layers_.emplace_back(one, weights.at(layer), options.batch, options.execution);
    state_size_ += one.width() + (one.cell().states - 1) * i64{one.units()};
  }
  output_size_ = options.batch * plan.width();
  gathered_x_.resize(static_cast<std::size_t>(options.batch * plan.plan(0, 0).input()));
  gathered_a_.resize(static_cast<std::size_t>(plan.attention() ? options.batch : 0));
  if (options.chunk >= least_chunk) chunks_.prepare(plan, {.steps = options.chunk, .batch = options.batch});
}

Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

void Stream::run_step(const float* x, const float* attention, float* y) {
  const Layer* top = &layers_.back();
  for (Layer& layer : layers_) x = layer.step(x, attention, &layer == top ? y : nullptr);
}

void Stream::step(std::span<const float> x, std::span<float> y, std::span<const float> attention) {
  check_size("x", x.size(), static_cast<i64>(gathered_x_.size()));
  if (!y.empty()) check_size("y", y.size(), output_size_);
  check_size("attention", attention.size(), static_cast<i64>(gathered_a_.size()));
  run_step(x.data(), attention.data(), y.empty() ? nullptr : y.data());
}

void Stream::run(i64 steps, const ConstSequence& x, const Sequence& y, const ConstSequence& attention) {
  require(steps >= 0, ErrorCode::invalid_argument, "steps", "from 0 up", std::to_string(steps));
  if (steps == 0) return;
  require(x.data != nullptr, ErrorCode::invalid_argument, "x", "a sequence", "null");
  if ((attention.data != nullptr) != plan_->attention()) {
    throw Error(ErrorCode::invalid_argument,
                "attention",
                plan_->attention() ? "a sequence for a stack whose cells take one"
                                   : "none for a stack whose cells take none",
                plan_->attention() ? "null" : "a sequence");
  }
  const i64 batch = options_.batch;
  for (i64 first = 0; first < steps;) {
    const i64 count = std::min(options_.chunk, steps - first);
    if (count >= least_chunk) {
      run_chunk(count, from_step(x, first), from_step(y, first), from_step(attention, first));
      first += count;
      continue;
    }
    const i64 width = plan_->width();
    run_step(step_of(x, first, batch, plan_->plan(0, 0).input(), gathered_x_),
             plan_->attention() ? step_of(attention, first, batch, 1, gathered_a_) : nullptr,
             nullptr);
    if (y.data != nullptr)
      copy_rows(output().data(), width, y.data + first * y.step_stride, y.row_stride, batch, width);
    ++first;
  }
}

void Stream::run_chunk(i64 steps, const ConstSequence& x, const Sequence& y, const ConstSequence& attention) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].carry_out();
    for (int k = 0; k < layers_[i].states(); ++k)
      runs_[i].initial[k] = runs_[i].final[k] = layers_[i].carried(k);
  }
  StackCall call;
  call.steps = steps;
  call.batch = options_.batch;
  call.x = x;
  call.y = y;
  call.attention = attention;
  call.runs = runs_;
  forward(*plan_, *weights_, call, chunks_, false, options_.execution);
  for (Layer& layer : layers_) layer.carry_in();
}

void Stream::reset() noexcept {
  for (Layer& layer : layers_) {
    for (int k = 0; k < layer.states(); ++k) {
      for (i64 row = 0; row < options_.batch; ++row) std::ranges::fill(layer.state(k, row), 0.0F);
    }
  }
}

void Stream::reset(i64 row) {
  check_row(row);
  for (Layer& layer : layers_) {
    for (int k = 0; k < layer.states(); ++k) std::ranges::fill(layer.state(k, row), 0.0F);
  }
}

void Stream::check_row(i64 row) const {
  if (row >= 0 && row < options_.batch) return;
  throw Error(
      ErrorCode::invalid_argument, "row", "0 to " + std::to_string(options_.batch - 1), std::to_string(row));
}

void Stream::save(i64 row, std::span<float> to) const {
  check_row(row);
  check_size("to", to.size(), state_size_);
  float* next = to.data();
  for (const Layer& layer : layers_) {
    for (int k = 0; k < layer.states(); ++k) next = std::ranges::copy(layer.state(k, row), next).out;
  }
}

void Stream::restore(i64 row, std::span<const float> from) {
  check_row(row);
  check_size("from", from.size(), state_size_);
  const float* next = from.data();
  for (Layer& layer : layers_) {
    for (int k = 0; k < layer.states(); ++k) {
      const std::span<float> state = layer.state(k, row);
      std::copy_n(next, state.size(), state.data());
      next += state.size();
    }
  }
}

void Stream::check_layer(int layer) const {
  const auto layers = static_cast<int>(layers_.size());
  if (layer >= 0 && layer < layers) return;
  throw Error(
      ErrorCode::invalid_argument, "layer", "0 to " + std::to_string(layers - 1), std::to_string(layer));
}

std::span<float> Stream::state(int layer, int k, i64 row) {
  check_row(row);
  check_layer(layer);
  Layer& one = layers_[static_cast<std::size_t>(layer)];
  if (k < 0 || k >= one.states()) {
    throw Error(
        ErrorCode::invalid_argument, "state", "0 to " + std::to_string(one.states() - 1), std::to_string(k));
  }
  return one.state(k, row);
}

std::span<const float> Stream::output() const noexcept {
  return {layers_.back().output(), static_cast<std::size_t>(output_size_)};
}

const Report& Stream::report(int layer) const {
  check_layer(layer);
  return layers_[static_cast<std::size_t>(layer)].report();
}

}  // namespace recurra

#include "recurra/ops/sru_operation.h"

#include <algorithm>

#include "recurra/base/error.h"

namespace recurra::ops {

namespace {

[[nodiscard]] const char* name_of(SruForm form) noexcept {
  switch (form) {
    case SruForm::sequence:
      return "sru";
    case SruForm::cell:
      return "sru_cell";
    case SruForm::both_directions:
      return "sru_bi";
  }
  return "";
}

/// Calls visit(row, step) for all.
template <class Visit>
void for_each_step(const SequenceSizes& n, Visit visit) {
  for (i64 row = 0; row < n.batch; ++row) {
    for (i64 step = 0; step < n.steps; ++step) visit(row, step);
  }
}

/// The units from `first` on of a sequence at a place.
template <class T>
[[nodiscard]] T* at(const SequenceOf<T>& sequence, i64 row, i64 step, i64 first) noexcept {
  return sequence.data + row * sequence.row_stride + step * sequence.step_stride + first;
}

template <class T>
[[nodiscard]] SequenceOf<T> from_unit(SequenceOf<T> sequence, i64 first) noexcept {
  if (sequence.data != nullptr) sequence.data += first;
  return sequence;
}

}  // namespace

SruOperation::SruOperation(SruForm form,
                           Inputs inputs,
                           const SruConfig& config,
                           const Tensor* mask,
                           const Tensor* max_ts_length,
                           const OpOptions& options)
    : Operation(name_of(form), std::move(inputs), options), form_(form), config_(config) {
  if (config_.layout != SruLayout::gate_rows && config_.layout != SruLayout::gate_columns) {
    throw Error(ErrorCode::unsupported,
                subject("layout"),
                "gate_rows, gate_columns",
                std::to_string(static_cast<int>(config_.layout)));
  }
  n_ = check_x(x, config_.format, form_ == SruForm::cell ? StepCount::one : StepCount::sequence);
  check_tensors(mask);
  lengths_ = lengths_of(max_ts_length, n_.batch, n_.steps);
  std::vector<Recurrence> recurrences(1, {.cell = "sru", .input = n_.width, .units = units_});
  if (directions() == 2) {
    recurrences.push_back(recurrences[0]);
    recurrences[1].reverse = true;
  }
  run_.emplace(recurrences, this->options());
}

void SruOperation::check_tensors(const Tensor* mask) {
  const i64 width = n_.width;
  if (width < directions() || width % directions() != 0) {
    throw Error(ErrorCode::shape,
                subject("x"),
                directions() == 2 ? "an even number of features" : "at least one feature",
                input(x)->shape().to_string());
  }
  units_ = width / directions();
  check_given(weights, "weights.weights");
  if (directions() == 2) {
    check_shape(weights, "weights.weights", {width, 3 * width}, "(features, 3 * features)");
  } else if (config_.layout == SruLayout::gate_rows) {
    check_shape(weights, "weights.weights", {3 * width, width}, "(3 * units, features), units = features");
  } else {
    check_shape(weights, "weights.weights", {width, 3 * width}, "(features, 3 * units), units = features");
  }
  check_shape(biases, "weights.biases", {2 * width}, "(2 * features,)");
  check_shape(
      initial_c, form_ == SruForm::cell ? "c_last" : "initial_c", {n_.batch, width}, "(batch, features)");
  if (mask == nullptr) return;
  if (mask->dtype() != Dtype::f32)
    throw Error(ErrorCode::dtype, subject("mask"), "f32", std::string(recurra::name_of(mask->dtype())));
  if (mask->shape() != Shape{n_.batch, width}) {
    throw Error(ErrorCode::shape,
                subject("mask"),
                "shape " + Shape{n_.batch, width}.to_string() + " = (batch, features)",
                mask->shape().to_string());
  }
  mask_ = *mask;
}

WeightStrides SruOperation::strides() const noexcept {
  const i64 n = n_.width;
  if (directions() == 2) return {3 * n, 1, 3};
  return config_.layout == SruLayout::gate_rows ? WeightStrides{1, n * n, n} : WeightStrides{3 * n, n, 1};
}

i64 SruOperation::weights_offset(int d) const noexcept {
  return d * 3 * units_;
}

/// What does not lie as the engine can read it.
void SruOperation::gather(int d) {
  Part& one = parts_[static_cast<std::size_t>(d)];
  one.biases.assign(static_cast<std::size_t>(3 * units_), 0);
  for (const i64 gate : {0, 1}) {
    if (!has(biases)) break;
    std::copy_n(data(biases) + gate * n_.width + d * units_, units_, one.biases.data() + (gate + 1) * units_);
  }
  if (!has(initial_c)) return;
  one.initial.resize(static_cast<std::size_t>(n_.batch * units_));
  for (i64 row = 0; row < n_.batch; ++row)
    std::copy_n(data(initial_c) + row * n_.width + d * units_, units_, one.initial.data() + row * units_);
}

void SruOperation::prepare_call(int d, const Sequence& cells, bool training) {
  Part& one = parts_[static_cast<std::size_t>(d)];
  gather(d);
  one.limited = Tensor::recycled({n_.batch, n_.steps, units_});
  one.share = Tensor::recycled({n_.batch, n_.steps, units_});
  Call& call = run_->call(d);
  call.steps = n_.steps;
  call.batch = n_.batch;
  call.x = sequence_;
  call.y = batch_major(one.limited.data(), n_.steps, units_);
  call.states[1] = from_unit(cells, d * units_);
  call.states[2] = batch_major(one.share.data(), n_.steps, units_);
  call.initial[1] = has(initial_c) ? one.initial.data() : nullptr;
  if (!lengths_.empty()) call.lengths = lengths_.data();
  if (mask_.size() > 0) call.x_dropout = mask_.data();
  run_->pack(
      d, {.W = data(weights) + weights_offset(d), .b = one.biases.data(), .W_strides = strides()}, training);
}

void SruOperation::add_highway(int d, const Sequence& out) const {
  const Part& one = parts_[static_cast<std::size_t>(d)];
  const float* limited = one.limited.data();
  const float* share = one.share.data();
  for_each_step(n_, [&](i64 row, i64 step) {
    const float* from = at(sequence_, row, step, d * units_);
    float* to = at(out, row, step, d * units_);
    const float* mask = mask_of(row);
    if (mask == nullptr) {
      for (i64 u = 0; u < units_; ++u) to[u] = limited[u] + share[u] * from[u];
    } else {
      mask += d * units_;
      const bool masks_cell = form_ == SruForm::both_directions;
      for (i64 u = 0; u < units_; ++u)
        to[u] = limited[u] * (masks_cell ? mask[u] : 1.0F) + share[u] * (from[u] * mask[u]);
    }
    limited += units_;
    share += units_;
  });
}

std::vector<Tensor> SruOperation::forward(bool training) {
  std::vector<Tensor> all(2);
  sequence_ = read_sequence(config_.format, *input(x), n_, x_copy_);
  const Sequence outputs = write_sequence(config_.format, n_, all[h], h_copy_);
  const Sequence cells = write_sequence(config_.format, n_, all[c], c_copy_);
  for (int d = 0; d < directions(); ++d) prepare_call(d, cells, training);
  run_->forward(training);
  for (int d = 0; d < directions(); ++d) add_highway(d, outputs);
  finish_sequence(config_.format, n_, all[h], h_copy_);
  finish_sequence(config_.format, n_, all[c], c_copy_);
  for (Tensor& one : all) one.reshape(input(x)->shape());
  keep_shapes(all);
  return all;
}

/// The gradients of what the scan gave, from those of h.
void SruOperation::spread_seed(int d, const ConstSequence& seed) {
  Part& one = parts_[static_cast<std::size_t>(d)];
  one.d_limited = Tensor::recycled({n_.batch, n_.steps, units_});
  one.d_share = Tensor::recycled({n_.batch, n_.steps, units_});
  float* d_limited = one.d_limited.data();
  float* d_share = one.d_share.data();
  for_each_step(n_, [&](i64 row, i64 step) {
    const float* d_h = at(seed, row, step, d * units_);
    const float* from = at(sequence_, row, step, d * units_);
    const float* mask = mask_of(row);
    for (i64 u = 0; u < units_; ++u) {
      const float factor = mask != nullptr ? mask[d * units_ + u] : 1.0F;
      d_limited[u] = d_h[u] * (form_ == SruForm::both_directions ? factor : 1.0F);
      d_share[u] = d_h[u] * from[u] * factor;
    }
    d_limited += units_;
    d_share += units_;
  });
}

void SruOperation::prepare_back(int d, const ConstSequence& seed, const ConstSequence& cell_seed) {
  Part& one = parts_[static_cast<std::size_t>(d)];
  BackwardCall& back = run_->back(d);
  back = {};
  if (seed.data != nullptr) {
    spread_seed(d, seed);
    back.dy = batch_major<const float>(one.d_limited.data(), n_.steps, units_);
    back.d_states[2] = batch_major<const float>(one.d_share.data(), n_.steps, units_);
  }
  back.d_states[1] = from_unit(cell_seed, d * units_);
  if (gradient(initial_c) != nullptr) {
    one.d_initial.resize(one.initial.size());
    back.d_initial[1] = one.d_initial.data();
  }
  one.d_biases.resize(one.biases.size());
  back.d_weights = {
      .W = part(gradient(weights), weights_offset(d), 1), .b = one.d_biases.data(), .W_strides = strides()};
}

/// What the engine left for the caller's tensors, and the highway's part of x's gradient.
void SruOperation::finish_back(int d, const ConstSequence& seed, const Sequence* dx) {
  const Part& one = parts_[static_cast<std::size_t>(d)];
  for (const i64 gate : {0, 1}) {
    float* to = gradient(biases);
    if (to != nullptr)
      std::copy_n(one.d_biases.data() + (gate + 1) * units_, units_, to + gate * n_.width + d * units_);
  }
  float* d_initial = gradient(initial_c);
  for (i64 row = 0; d_initial != nullptr && row < n_.batch; ++row)
    std::copy_n(one.d_initial.data() + row * units_, units_, d_initial + row * n_.width + d * units_);
  if (dx == nullptr || seed.data == nullptr) return;
  const float* share = one.share.data();
  for_each_step(n_, [&](i64 row, i64 step) {
    const float* d_h = at(seed, row, step, d * units_);
    float* to = at(*dx, row, step, d * units_);
    const float* mask = mask_of(row);
    for (i64 u = 0; u < units_; ++u)
      to[u] += d_h[u] * share[u] * (mask != nullptr ? mask[d * units_ + u] : 1.0F);
    share += units_;
  });
}

void SruOperation::run_backward(const std::vector<const Tensor*>& seeds) {
  ConstSequence seed, cell_seed;
  if (seeds[h] != nullptr) seed = read_sequence(config_.format, *seeds[h], n_, seed_copy_);
  if (seeds[c] != nullptr) cell_seed = read_sequence(config_.format, *seeds[c], n_, cell_seed_copy_);
  Tensor* dx = gradient_tensor(x);
  Tensor dx_copy;
  Sequence dx_sequence;
  if (dx != nullptr) dx_sequence = write_sequence(config_.format, n_, *dx, dx_copy);
  for (int d = 0; d < directions(); ++d) {
    prepare_back(d, seed, cell_seed);
    run_->back(d).dx = dx_sequence;
  }
  run_->backward();
  for (int d = 0; d < directions(); ++d) finish_back(d, seed, dx != nullptr ? &dx_sequence : nullptr);
  if (dx == nullptr) return;
  finish_sequence(config_.format, n_, *dx, dx_copy);
  dx->reshape(input(x)->shape());
}

}  // namespace recurra::ops

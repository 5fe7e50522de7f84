#include "recurra/ops/operation.h"

#include <cmath>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra::ops {

namespace {

/// Element `at` of any element type.
[[nodiscard]] double element(const Tensor& tensor, i64 at) {
  const auto place = static_cast<std::size_t>(at);
  switch (tensor.dtype()) {
    case Dtype::f32:
      return tensor.as<float>()[place];
    case Dtype::u8:
      return tensor.as<std::uint8_t>()[place];
    case Dtype::i32:
      return tensor.as<std::int32_t>()[place];
    case Dtype::i64:
      return static_cast<double>(tensor.as<std::int64_t>()[place]);
  }
  return 0;
}

}  // namespace

Operation::Operation(const char* name, Inputs inputs, OpOptions options)
    : options_(std::move(options)), inputs_(std::move(inputs)) {
  if (options_.name.empty()) options_.name = name;
}

void Operation::check_rank(int place, const char* field, int rank, const std::string& meaning) const {
  const Tensor& tensor = *input(place);
  if (tensor.dtype() != Dtype::f32)
    throw Error(ErrorCode::dtype, subject(field), "f32", std::string(recurra::name_of(tensor.dtype())));
  if (tensor.shape().rank() != rank)
    throw Error(ErrorCode::shape, subject(field), "shape " + meaning, tensor.shape().to_string());
}

void Operation::check_given(int place, const char* field) const {
  if (!has(place)) throw Error(ErrorCode::invalid_argument, subject(field), "a tensor", "none");
}

SequenceSizes Operation::check_x(int place, SequenceFormat format, StepCount count) const {
  if (format != SequenceFormat::tns && format != SequenceFormat::nst && format != SequenceFormat::nts) {
    const bool known = format == SequenceFormat::t2ns;
    throw Error(ErrorCode::unsupported,
                subject("format"),
                "TNS, NST, NTS",
                known ? ops::name_of(format) : std::to_string(static_cast<int>(format)));
  }
  check_given(place, "x");
  const Shape& shape = input(place)->shape();
  if (count == StepCount::sequence) {
    check_rank(place, "x", 3, describe(format, "features"));
    return sizes_of(format, shape);
  }
  check_rank(place, "x", 2, "(batch, features)");
  if (format != SequenceFormat::tns)
    throw Error(ErrorCode::unsupported, subject("format"), "TNS for one step", ops::name_of(format));
  return {1, shape[0], shape[1]};
}

void Operation::check_shape(int place, const char* field, const Shape& shape, const char* meaning) const {
  if (!has(place)) return;
  const std::string wanted = shape.to_string() + " = " + meaning;
  check_rank(place, field, shape.rank(), wanted);
  if (input(place)->shape() != shape)
    throw Error(ErrorCode::shape, subject(field), "shape " + wanted, input(place)->shape().to_string());
}

i64 Operation::units_of(int place, const char* field, i64 gates) const {
  const i64 columns = input(place)->shape().back();
  if (columns > 0 && columns % gates == 0) return columns / gates;
  throw Error(ErrorCode::shape,
              subject(field),
              "a last extent of " + std::to_string(gates) + " * units",
              input(place)->shape().to_string());
}

void Operation::check_clip(const char* field, double clip) const {
  if (std::isfinite(clip) && clip >= 0) return;
  throw Error(ErrorCode::invalid_argument,
              subject(field),
              "a finite number from 0 up, 0 for no clip",
              shortest(clip));
}

void Operation::check_finite(const char* field, double value) const {
  if (std::isfinite(value)) return;
  throw Error(ErrorCode::invalid_argument, subject(field), "a finite number", shortest(value));
}

std::vector<int> Operation::lengths_of(const Tensor* lengths, i64 batch, i64 steps) const {
  if (lengths == nullptr) return {};
  if (lengths->shape() != Shape{batch}) {
    throw Error(ErrorCode::shape,
                subject("max_ts_length"),
                "shape " + Shape{batch}.to_string() + " = (batch,)",
                lengths->shape().to_string());
  }
  std::vector<int> all;
  for (i64 row = 0; row < batch; ++row) {
    const double length = element(*lengths, row);
    if (!(length >= 0 && length <= static_cast<double>(steps)) || length != std::floor(length)) {
      throw Error(ErrorCode::invalid_argument,
                  subject("max_ts_length") + "[" + std::to_string(row) + "]",
                  "a whole number from 0 to " + std::to_string(steps),
                  shortest(length));
    }
    all.push_back(static_cast<int>(length));
  }
  return all;
}

void Operation::keep_shapes(const std::vector<Tensor>& outputs) {
  shapes_.clear();
  for (const Tensor& output : outputs) shapes_.push_back(output.shape());
}

std::vector<Tensor> Operation::backward(const std::vector<const Tensor*>& seeds,
                                        const std::vector<bool>& wanted) {
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    if (seeds[i] == nullptr || seeds[i]->shape() == shapes_[i]) continue;
    throw Error(
        ErrorCode::shape,
        name() + ": gradient of output " + std::to_string(i),
        shapes_[i] == Shape{0} ? "none, since it was not returned" : "shape " + shapes_[i].to_string(),
        seeds[i]->shape().to_string());
  }
  gradients_ = std::vector<Tensor>(inputs_.size());
  wanted_ = wanted;
  run_backward(seeds);
  return std::move(gradients_);
}

Tensor* Operation::gradient_tensor(int place) noexcept {
  const auto at = static_cast<std::size_t>(place);
  return has(place) && wanted_[at] ? &gradients_[at] : nullptr;
}

float* Operation::gradient(int place) {
  Tensor* tensor = gradient_tensor(place);
  if (tensor == nullptr) return nullptr;
  if (tensor->shape() != input(place)->shape()) *tensor = Tensor::recycled(input(place)->shape());
  return tensor->data();
}

std::vector<Tensor> gradients_of(Operation& operation, const std::vector<const Tensor*>& seeds) {
  const std::vector<Tensor> outputs = operation.forward(true);
  return operation.backward(seeds, std::vector<bool>(operation.inputs(), true));
}

}  // namespace recurra::ops

#include "recurra/layers/embedding.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

// Up to here an f32 holds every whole number.
constexpr i64 largest_dim = i64{1} << 24;

void require_dim(const char* name, i64 value) {
  if (value >= 1 && value <= largest_dim) return;
  throw Error(
      ErrorCode::invalid_argument, name, "1 to " + std::to_string(largest_dim), std::to_string(value));
}

/// `[3, 5]`: the place of element `at`.
std::string place_of(i64 at, const Shape& shape) {
  std::string text;
  for (int axis = shape.rank(); axis-- > 0;) {
    text.insert(0, std::to_string(at % shape[axis]) + (text.empty() ? "]" : ", "));
    at /= shape[axis];
  }
  return text.insert(0, "[");
}

std::string number_text(std::int32_t id) {
  return std::to_string(id);
}

std::string number_text(float id) {
  return nlohmann::json(id).dump() == "null" ? std::to_string(id) : nlohmann::json(id).dump();
}

}  // namespace

Embedding::Embedding(const EmbeddingOptions& options, std::string name)
    : Layer(std::move(name)), options_(options) {
  require_dim("input_dim", options.input_dim);
  require_dim("output_dim", options.output_dim);
  activity_ = ActivityPenalty(options.activity_regularizer);
}

nlohmann::json Embedding::config() const {
  nlohmann::json config = base_config();
  config["input_dim"] = options_.input_dim;
  config["output_dim"] = options_.output_dim;
  config["mask_zero"] = options_.mask_zero;
  write_weight_options(config, "embeddings", options_.embeddings);
  config["activity_regularizer"] = config_of(options_.activity_regularizer);
  return config;
}

Shape Embedding::run_build(const Shape& input, Random& random) {
  if (options_.mask_zero && input.rank() != 1) {
    throw Error(ErrorCode::shape,
                name(),
                "input (batch, steps) with mask_zero",
                "(batch, ...) with " + input.to_string());
  }
  embeddings_ =
      make_parameter("embeddings", {options_.input_dim, options_.output_dim}, options_.embeddings, random);
  built_ = true;
  written_.clear();
  std::vector<i64> output = input.extents();
  output.push_back(options_.output_dim);
  return Shape(output);
}

std::vector<Parameter*> Embedding::parameters() {
  if (!built_) return {};
  return {&embeddings_};
}

void Embedding::read_ids(const Tensor& x) {
  ids_.resize(static_cast<std::size_t>(x.size()));
  const auto read = [&](const auto values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      // Written so that NaN fails; the cast is within range where the first two hold.
      const bool within =
          values[i] >= 0 && static_cast<double>(values[i]) < static_cast<double>(options_.input_dim);
      ids_[i] = within ? static_cast<i64>(values[i]) : 0;
      if (within && static_cast<double>(ids_[i]) == static_cast<double>(values[i])) continue;
      throw Error(ErrorCode::invalid_argument,
                  std::string(name()).append(".input").append(place_of(static_cast<i64>(i), x.shape())),
                  "an id from 0 to " + std::to_string(options_.input_dim - 1),
                  number_text(values[i]));
    }
  };
  if (x.dtype() == Dtype::i32) {
    read(x.as<std::int32_t>());
  } else if (x.dtype() == Dtype::f32) {
    read(x.as<float>());
  } else {
    throw Error(ErrorCode::dtype, name() + ".input", "i32 or f32", std::string(name_of(x.dtype())));
  }
}

void Embedding::find_mask(const Tensor& x, const Context& context) {
  if (!options_.mask_zero) return;
  const std::span<std::uint8_t> counts = mask_.assign(x.shape()[0], x.shape()[1]);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const bool before = context.mask == nullptr || context.mask->data()[i] != 0;
    counts[i] = before && ids_[i] != 0 ? 1 : 0;
  }
}

const StepMask* Embedding::output_mask(const Context& context) const {
  return options_.mask_zero ? &mask_ : context.mask;
}

const Tensor& Embedding::run_forward(const Tensor& x, const Context& context) {
  const bool fits = options_.mask_zero ? x.shape().rank() == 2 : x.shape().rank() >= 1;
  if (!built_ || !fits)
    throw Error(ErrorCode::shape, name() + ".input", "ids (batch, steps)", x.shape().to_string());
  read_ids(x);
  find_mask(x, context);
  output_.assign(x.shape().extents().begin(), x.shape().extents().end());
  output_.push_back(options_.output_dim);
  if (output_ != y_.shape().extents()) y_.resize(Shape(output_));
  const i64 width = options_.output_dim;
  float* to = y_.data();
  for (const i64 id : ids_) to = std::copy_n(embeddings_.value.data() + id * width, width, to);
  activity_.forward(y_);
  return y_;
}

const Tensor& Embedding::run_backward(const Tensor& x,
                                      const Tensor& dy,
                                      bool want_dx,
                                      const Context& context) {
  static_cast<void>(context);
  const i64 width = options_.output_dim;
  const Tensor& d = activity_.backward(y_, dy);
  if (embeddings_.trainable) {
    float* gradient = embeddings_.gradient.data();
    if (embeddings_.regularizer != nullptr) {
      std::fill_n(gradient, embeddings_.gradient.size(), 0.0F);
    } else {
      for (const i64 id : written_) std::fill_n(gradient + id * width, width, 0.0F);
    }
    const float* from = d.data();
    for (const i64 id : ids_) {
      float* row = gradient + id * width;
      for (i64 j = 0; j < width; ++j) row[j] += *from++;
    }
    written_ = ids_;
  }
  dx_.resize(want_dx ? x.shape() : Shape{0});
  std::ranges::fill(dx_.as<float>(), 0.0F);
  return dx_;
}

}  // namespace recurra

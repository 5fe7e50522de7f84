#include "recurra/training/model_stream.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/recurrent.h"
#include "recurra/training/sequential.h"

namespace recurra {

/// Some of the model's layers, one after the other.
class ModelStream::Part {
 public:
  Part() = default;
  virtual ~Part() = default;
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  /// The next steps, x (batch, steps, …) -> the same of the last layer. Valid until the next call.
  virtual const Tensor& run(const Tensor& x) = 0;

  /// The stream that has this part's states; null without.
  [[nodiscard]] virtual Stream* stream() noexcept { return nullptr; }
};

/// Recurrent layers that follow each other: a stack of the engine's.
class ModelStream::Recurrences final : public Part {
 public:
  Recurrences(std::span<Recurrent* const> layers, i64 features, const StreamOptions& options)
      : plan_(stack_of(layers, features)),
        packs_(plan_, PackedWeights::Use::inference),
        stream_(pack(layers, options)) {}

  const Tensor& run(const Tensor& x) override {
    shape_ = x.shape();
    const i64 steps = shape_[1];
    shape_[2] = plan_.width();
    y_.resize(shape_);
    if (steps == 1) {
      stream_.step(x.as<float>(), y_.as<float>());
    } else {
      stream_.run(
          steps, batch_major(x.data(), steps, x.shape()[2]), batch_major(y_.data(), steps, plan_.width()));
    }
    return y_;
  }

  [[nodiscard]] Stream* stream() noexcept override { return &stream_; }

 private:
  static Stack stack_of(std::span<Recurrent* const> layers, i64 features) {
    Stack stack;
    stack.input = features;
    for (const Recurrent* layer : layers) stack.layers.push_back(layer->stack_layer());
    return stack;
  }

  Stream pack(std::span<Recurrent* const> layers, const StreamOptions& options) {
    std::vector<Weights> weights;
    for (Recurrent* layer : layers) weights.push_back(layer->engine_weights());
    packs_.pack(plan_, weights, options.execution);
    return {plan_, packs_, options};
  }

  StackPlan plan_;
  StackPacks packs_;
  Stream stream_;
  Shape shape_;
  Tensor y_;
};

/// A layer that takes each step by itself: a copy of the model's.
class ModelStream::StepLayer final : public Part {
 public:
  /// `input` is the model's layer's, without the batch axis.
  StepLayer(Layer& layer, const Shape& input, const Execution& execution)
      : layer_(make_layer({layer.type(), layer.config().dump()})) {
    Random random(0);
    static_cast<void>(layer_->build(input, random));
    const std::vector<Parameter*> from = layer.parameters();
    const std::vector<Parameter*> to = layer_->parameters();
    for (std::size_t i = 0; i < to.size(); ++i) to[i]->value = from[i]->value;
    layer_->parameters_changed();
    context_.execution = execution;
  }

  const Tensor& run(const Tensor& x) override { return layer_->forward(x, context_); }

 private:
  std::unique_ptr<Layer> layer_;
  Context context_;
};

namespace {

void check_layer(const Layer& layer) {
  const std::string obstacle = layer.streaming_obstacle();
  if (obstacle.empty()) return;
  throw Error(
      ErrorCode::unsupported,
      "stream of layer " + layer.name(),
      "layers whose outputs need no later step and, but for a recurrent layer's states, no earlier one",
      std::string(layer.type()) + ": " + obstacle);
}

void check_at_least_one(const char* subject, i64 value) {
  require(value >= 1, ErrorCode::invalid_argument, subject, "from 1 up", std::to_string(value));
}

void check_size(const char* subject, std::size_t size, i64 expected) {
  if (static_cast<i64>(size) == expected) return;
  throw Error(ErrorCode::shape, subject, std::to_string(expected) + " floats", std::to_string(size));
}

/// Copies rows of `width` floats.
void copy_rows(const float* from, i64 from_row, float* to, i64 to_row, i64 rows, i64 width) noexcept {
  for (i64 row = 0; row < rows; ++row) std::copy_n(from + row * from_row, width, to + row * to_row);
}

}  // namespace

ModelStream::ModelStream(const Sequential& model, const StreamOptions& options) : options_(options) {
  if (!model.built())
    throw Error(ErrorCode::invalid_argument, model.name() + ".stream", "a built model", "one that is not");
  check_at_least_one("batch", options.batch);
  check_at_least_one("chunk", options.chunk);
  for (const auto& layer : model.layers()) check_layer(*layer);
  Shape shape = model.input_shape();
  // A row of numbers alone is steps only where each is an id.
  const bool embeds = std::string_view(model.layers().front()->type()) == "Embedding";
  if (shape.rank() < (embeds ? 1 : 2))
    throw Error(ErrorCode::unsupported, model.name() + ".stream", "inputs with steps", shape.to_string());
  std::vector<i64> extents = shape.extents();
  extents[0] = 1;
  input_size_ = Shape(extents).elements();
  extents.insert(extents.begin(), options.batch);
  x_shape_ = Shape(extents);
  std::vector<Recurrent*> recurrences;
  i64 features = 0;
  const auto end_recurrences = [&] {
    if (recurrences.empty()) return;
    parts_.push_back(std::make_unique<Recurrences>(recurrences, features, options));
    state_size_ += parts_.back()->stream()->state_size();
    recurrences.clear();
  };
  for (std::size_t i = 0; i < model.layers().size(); ++i) {
    Layer& layer = *model.layers()[i];
    if (auto* recurrent = dynamic_cast<Recurrent*>(&layer)) {
      if (recurrences.empty()) features = shape.back();
      recurrences.push_back(recurrent);
    } else {
      end_recurrences();
      // Behind a layer that returns no sequences there is nothing to flatten.
      if (std::string_view(layer.type()) != "Flatten")
        parts_.push_back(std::make_unique<StepLayer>(layer, shape, options.execution));
    }
    shape = model.output_shape(i);
  }
  end_recurrences();
  warm_up();
}

ModelStream::~ModelStream() = default;
ModelStream::ModelStream(ModelStream&&) noexcept = default;
ModelStream& ModelStream::operator=(ModelStream&&) noexcept = default;

/// Every layer takes its memory.
void ModelStream::warm_up() {
  for (const i64 steps : {options_.chunk, i64{1}}) {
    x_shape_[1] = steps;
    x_.resize(x_shape_);
    std::ranges::fill(x_.as<float>(), 0.0F);
    output_size_ = forward().size() / (options_.batch * steps);
  }
  output_.resize(static_cast<std::size_t>(options_.batch * output_size_));
  reset();
}

/// Runs the steps that are in x_.
const Tensor& ModelStream::forward() {
  const Tensor* values = &x_;
  for (const auto& part : parts_) values = &part->run(*values);
  return *values;
}

void ModelStream::step(std::span<const float> x, std::span<float> y) {
  check_size("x", x.size(), options_.batch * input_size_);
  if (!y.empty()) check_size("y", y.size(), options_.batch * output_size_);
  x_shape_[1] = 1;
  x_.resize(x_shape_);
  std::ranges::copy(x, x_.data());
  std::ranges::copy(forward().as<float>(), output_.begin());
  if (!y.empty()) std::ranges::copy(output_, y.begin());
}

void ModelStream::run(i64 steps, std::span<const float> x, std::span<float> y) {
  require(steps >= 0, ErrorCode::invalid_argument, "steps", "from 0 up", std::to_string(steps));
  const i64 batch = options_.batch;
  check_size("x", x.size(), checked_multiply(steps, batch * input_size_, "steps"));
  check_size("y", y.size(), checked_multiply(steps, batch * output_size_, "steps"));
  for (i64 first = 0; first < steps;) {
    const i64 count = std::min(options_.chunk, steps - first);
    x_shape_[1] = count;
    x_.resize(x_shape_);
    copy_rows(x.data() + first * input_size_,
              steps * input_size_,
              x_.data(),
              count * input_size_,
              batch,
              count * input_size_);
    const float* values = forward().data();
    copy_rows(values,
              count * output_size_,
              y.data() + first * output_size_,
              steps * output_size_,
              batch,
              count * output_size_);
    copy_rows(values + (count - 1) * output_size_,
              count * output_size_,
              output_.data(),
              output_size_,
              batch,
              output_size_);
    first += count;
  }
}

void ModelStream::reset() noexcept {
  std::ranges::fill(output_, 0.0F);
  for (const auto& part : parts_) {
    if (Stream* stream = part->stream()) stream->reset();
  }
}

void ModelStream::check_row(i64 row) const {
  if (row >= 0 && row < options_.batch) return;
  throw Error(
      ErrorCode::invalid_argument, "row", "0 to " + std::to_string(options_.batch - 1), std::to_string(row));
}

void ModelStream::reset(i64 row) {
  check_row(row);
  for (const auto& part : parts_) {
    if (Stream* stream = part->stream()) stream->reset(row);
  }
}

void ModelStream::save(i64 row, std::span<float> to) const {
  check_row(row);
  check_size("to", to.size(), state_size_);
  for (const auto& part : parts_) {
    const Stream* stream = part->stream();
    if (stream == nullptr) continue;
    const auto size = static_cast<std::size_t>(stream->state_size());
    stream->save(row, to.first(size));
    to = to.subspan(size);
  }
}

void ModelStream::restore(i64 row, std::span<const float> from) {
  check_row(row);
  check_size("from", from.size(), state_size_);
  for (const auto& part : parts_) {
    Stream* stream = part->stream();
    if (stream == nullptr) continue;
    const auto size = static_cast<std::size_t>(stream->state_size());
    stream->restore(row, from.first(size));
    from = from.subspan(size);
  }
}

ModelStream Sequential::stream(const StreamOptions& options) const {
  return {*this, options};
}

}  // namespace recurra

#include "recurra/layers/attention.h"

#include <nlohmann/json.hpp>

#include "recurra/autograd/arithmetic.h"
#include "recurra/autograd/losses.h"
#include "recurra/autograd/math.h"
#include "recurra/autograd/matmul.h"
#include "recurra/autograd/reduce.h"
#include "recurra/autograd/shapes.h"
#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/layers/dropout_factors.h"
#include "recurra/layers/input_mask.h"

namespace recurra {

using autograd::Variable;

namespace {

// What Keras takes off scores that shall weigh nothing.
constexpr float far_below = -1e9F;

/// query + key for each of both: (batch, query steps, value steps, features).
Variable added(const Variable& query, const Variable& key) {
  return autograd::expand(query, 2) + autograd::expand(key, 1);
}

/// What is added to scores (batch, query steps, value steps): far_below where a step is not to be seen.
Variable hidden_steps(const Shape& scores, const StepMask* values, bool causal) {
  const i64 batch = values != nullptr ? scores[0] : 1;
  Tensor bias({batch, scores[1], scores[2]});
  float* to = bias.data();
  for (i64 row = 0; row < batch; ++row) {
    for (i64 query = 0; query < scores[1]; ++query) {
      for (i64 step = 0; step < scores[2]; ++step) {
        const bool seen = (values == nullptr || values->counts(row, step)) && (!causal || step <= query);
        *to++ = seen ? 0.0F : far_below;
      }
    }
  }
  return Variable(std::move(bias));
}

/// 1 for query steps that count, else 0: (batch, query steps, 1).
Variable counted_steps(const StepMask& mask) {
  Tensor factors({mask.batch(), mask.steps(), 1});
  for (i64 i = 0; i < factors.size(); ++i) factors.data()[i] = mask.data()[i] != 0 ? 1.0F : 0.0F;
  return Variable(std::move(factors));
}

bool fits(i64 a, i64 b) {
  return a == b || a == any_extent || b == any_extent;
}

}  // namespace

Attention::Attention(const AttentionOptions& options, std::string name)
    : FunctionLayer(std::move(name)), options_(options) {
  if (!(options.dropout >= 0 && options.dropout < 1))
    throw Error(ErrorCode::invalid_argument, "dropout", "from 0 up to below 1", shortest(options.dropout));
}

nlohmann::json Attention::config() const {
  nlohmann::json config = base_config();
  config["use_scale"] = options_.use_scale;
  config["score_mode"] = options_.score_mode == ScoreMode::dot ? "dot" : "concat";
  config["dropout"] = options_.dropout;
  // Keras writes none of these: they are arguments of its calls, or go lost.
  if (options_.seed) config["seed"] = *options_.seed;
  if (options_.use_causal_mask) config["use_causal_mask"] = true;
  if (options_.return_attention_scores) config["return_attention_scores"] = true;
  return config;
}

void Attention::make_weights(i64 features, Random& random) {
  static_cast<void>(features);
  const WeightOptions one{.initializer = Constant{1}};
  if (options_.use_scale) add_weight("scale", Shape{}, one, random);
  if (options_.score_mode == ScoreMode::concat) add_weight("concat_score_weight", Shape{}, one, random);
}

/// Shapes with or without the batch axis.
void Attention::check(std::span<const Shape> shapes, int batch_axes) const {
  require_inputs(shapes.size(), 2, 3);
  const auto fail = [&](std::size_t input, const std::string& expected) {
    throw Error(ErrorCode::shape,
                name() + ".inputs[" + std::to_string(input) + "]",
                expected,
                (batch_axes == 0 ? "(batch, ...) with " : "") + shapes[input].to_string());
  };
  const int steps = batch_axes;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (shapes[i].rank() != steps + 2) fail(i, "(batch, steps, features)");
    if (batch_axes == 1 && shapes[i][0] != shapes[0][0]) fail(i, "as many rows as the query");
  }
  const Shape& key = shapes.back();
  if (!fits(key.back(), shapes[0].back()))
    fail(shapes.size() - 1, std::to_string(shapes[0].back()) + " features as the query");
  if (!fits(key[steps], shapes[1][steps])) fail(2, std::to_string(shapes[1][steps]) + " steps as the value");
}

std::vector<Shape> Attention::build_function(std::span<const Shape> inputs, Random& random) {
  check(inputs, 0);
  make_weights(inputs[0].back(), random);
  std::vector<Shape> outputs = {{inputs[0][0], inputs[1].back()}};
  if (options_.return_attention_scores) outputs.push_back({inputs[0][0], inputs[1][0]});
  return outputs;
}

Variable Attention::scores(const Variable& query,
                           const Variable& key,
                           std::span<const Variable> weights) const {
  if (options_.score_mode == ScoreMode::dot) {
    Variable product = autograd::matmul(query, key, {.transpose_b = true});
    return options_.use_scale ? product * weights[0] : product;
  }
  const Variable sum = added(query, key);
  return weights.back() *
         autograd::sum(autograd::tanh(options_.use_scale ? sum * weights[0] : sum), {.axes = {-1}});
}

Variable Attention::dropped(const Variable& attention, const Context& context) const {
  if (!context.training || options_.dropout == 0) return attention;
  DropoutStream stream = context.dropout;
  if (options_.seed) stream.seed = static_cast<std::uint64_t>(*options_.seed);
  Tensor factors(attention.shape());
  draw_dropout_factors(options_.dropout, {stream}, factors, context.execution);
  return autograd::dropout(attention, Variable(std::move(factors)));
}

std::vector<Variable> Attention::apply(std::span<const Variable> inputs,
                                       std::span<const Variable> weights,
                                       const Context& context) {
  std::vector<Shape> shapes;
  for (const Variable& input : inputs) shapes.push_back(input.shape());
  check(shapes, 1);
  Variable all = scores(inputs[0], inputs.back(), weights);
  const StepMask* const values = mask_of(context, 1);
  if (values != nullptr || options_.use_causal_mask)
    all = all + hidden_steps(all.shape(), values, options_.use_causal_mask);
  const Variable attention = dropped(autograd::softmax(all), context);
  Variable y = autograd::matmul(attention, inputs[1]);
  if (const StepMask* const queries = mask_of(context, 0)) y = y * counted_steps(*queries);
  if (options_.return_attention_scores) return {y, attention};
  return {y};
}

AdditiveAttention::AdditiveAttention(const AttentionOptions& options, std::string name)
    : Attention(options, std::move(name)) {
  if (options.score_mode != ScoreMode::dot)
    throw Error(ErrorCode::invalid_argument, "score_mode", "none for AdditiveAttention", "concat");
}

nlohmann::json AdditiveAttention::config() const {
  nlohmann::json config = Attention::config();
  config.erase("score_mode");
  return config;
}

void AdditiveAttention::make_weights(i64 features, Random& random) {
  if (options().use_scale)
    add_weight("scale", {features}, {.initializer = glorot_uniform_initializer}, random);
}

Variable AdditiveAttention::scores(const Variable& query,
                                   const Variable& key,
                                   std::span<const Variable> weights) const {
  const Variable each = autograd::tanh(added(query, key));
  return autograd::sum(options().use_scale ? each * weights[0] : each, {.axes = {-1}});
}

}  // namespace recurra

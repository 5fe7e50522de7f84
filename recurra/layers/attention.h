/// Attention: what a query takes from the steps of a sequence.
#pragma once

#include <optional>

#include "recurra/layers/function_layer.h"

namespace recurra {

/// How well a query fits a key.
enum class ScoreMode {
  dot,     ///< their product, Luong 2015
  concat,  ///< the sum of tanh(query + key), times a weight
};

/// Arguments of Attention and AdditiveAttention, with Keras's names and defaults; those that Keras takes at a
/// call are here, too.
struct AttentionOptions {
  bool use_scale = false;  ///< a weight that scores are multiplied with
  ScoreMode score_mode = ScoreMode::dot;
  double dropout = 0;                    ///< in [0, 1): share of the attention dropped out while training
  std::optional<i64> seed = {};          ///< of the dropout; none: the model's
  bool use_causal_mask = false;          ///< step i of the query sees no value behind step i
  bool return_attention_scores = false;  ///< a second output (batch, query steps, value steps): after softmax
};

/// Keras's Attention: query (batch, query steps, features), value (batch, value steps, width) and, where it
/// is not the value itself, key (batch, value steps, features) -> (batch, query steps, width), the mean of
/// the values, each weighing as softmax over the value's steps of its score says.
///
/// Value steps that do not count weigh nothing, but where none counts all weigh the same, as in Keras; query
/// steps that do not count give 0 and do not count behind it. A mask of the key is not looked at. Weights,
/// where there are: scale (), concat_score_weight ().
class RECURRA_API Attention : public FunctionLayer {
 public:
  /// Throws Error (invalid_argument) for a dropout out of range.
  explicit Attention(const AttentionOptions& options = {}, std::string name = "attention");

  [[nodiscard]] const char* type() const noexcept override { return "Attention"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] std::string streaming_obstacle() const override { return "it has several inputs"; }

 protected:
  [[nodiscard]] const AttentionOptions& options() const noexcept { return options_; }

 private:
  std::vector<Shape> build_function(std::span<const Shape> inputs, Random& random) final;
  std::vector<autograd::Variable> apply(std::span<const autograd::Variable> inputs,
                                        std::span<const autograd::Variable> weights,
                                        const Context& context) final;

  /// The weights, for queries of so many features.
  virtual void make_weights(i64 features, Random& random);

  /// Query (batch, query steps, features), key (batch, value steps, features) -> (batch, query steps, value
  /// steps).
  [[nodiscard]] virtual autograd::Variable scores(const autograd::Variable& query,
                                                  const autograd::Variable& key,
                                                  std::span<const autograd::Variable> weights) const;

  void check(std::span<const Shape> shapes, int batch_axes) const;
  [[nodiscard]] autograd::Variable dropped(const autograd::Variable& attention, const Context& context) const;

  AttentionOptions options_;
};

/// Keras's AdditiveAttention, Bahdanau 2015: as Attention, but a score is the sum of scale tanh(query + key)
/// over the features. Weight, with use_scale: scale (features).
class RECURRA_API AdditiveAttention final : public Attention {
 public:
  /// As Attention; Keras's default is use_scale. Throws also Error (invalid_argument) for a score_mode.
  explicit AdditiveAttention(const AttentionOptions& options = {.use_scale = true},
                             std::string name = "additive_attention");

  [[nodiscard]] const char* type() const noexcept override { return "AdditiveAttention"; }

  [[nodiscard]] nlohmann::json config() const override;

 private:
  void make_weights(i64 features, Random& random) override;
  [[nodiscard]] autograd::Variable scores(const autograd::Variable& query,
                                          const autograd::Variable& key,
                                          std::span<const autograd::Variable> weights) const override;
};

}  // namespace recurra

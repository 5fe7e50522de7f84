/// Vectors for ids.
#pragma once

#include <vector>

#include "recurra/layers/layer.h"

namespace recurra {

/// Arguments of Embedding, with Keras's names and defaults.
struct EmbeddingOptions {
  i64 input_dim = 0;       ///< ids are 0 to input_dim - 1; > 0
  i64 output_dim = 0;      ///< > 0
  bool mask_zero = false;  ///< steps with id 0 do not count behind this layer
  WeightOptions embeddings = {.initializer = RandomUniform{}};
  std::shared_ptr<const Regularizer> activity_regularizer = nullptr;  ///< null: none
};

/// Keras's Embedding: ids (batch, …), i32 or whole numbers in f32, -> (batch, …, output_dim). Weights:
/// embeddings (input_dim, output_dim).
///
/// A forward also throws Error: invalid_argument for an id out of range, naming its place; dtype. The
/// gradient of ids is 0. Steps that did not count before do not count behind either. With mask_zero the input
/// is (batch, steps). The gradient is a whole matrix, of which a way back writes and clears the rows of its
/// ids only; without a regularizer nobody else may write the others.
class RECURRA_API Embedding final : public Layer {
 public:
  /// Throws Error (invalid_argument) unless both sizes are in 1 .. 2^24.
  explicit Embedding(const EmbeddingOptions& options, std::string name = "embedding");

  [[nodiscard]] const char* type() const noexcept override { return "Embedding"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] std::vector<Parameter*> parameters() override;
  [[nodiscard]] const StepMask* output_mask(const Context& context) const override;

  [[nodiscard]] std::string streaming_obstacle() const override {
    return options_.mask_zero ? "it masks steps of id 0" : "";
  }

 private:
  /// What ids may be, reading them says.
  [[nodiscard]] bool takes(Dtype dtype) const noexcept override {
    static_cast<void>(dtype);
    return true;
  }

  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  void read_ids(const Tensor& x);
  void find_mask(const Tensor& x, const Context& context);

  EmbeddingOptions options_;
  bool built_ = false;
  Parameter embeddings_;
  std::vector<i64> ids_;      // of the last forward
  std::vector<i64> written_;  // rows of the gradient that are not 0
  std::vector<i64> output_;   // extents
  StepMask mask_;
  Tensor y_, dx_;
};

}  // namespace recurra

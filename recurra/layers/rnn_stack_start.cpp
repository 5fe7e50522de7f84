#include "recurra/layers/rnn_stack_start.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra {

namespace {

void require_finite(const char* subject, double value) {
  if (!std::isfinite(value))
    throw Error(ErrorCode::invalid_argument, subject, "a finite number", shortest(value));
}

/// Of an initializer for gates.
void require_no_seed(const char* subject, const Initializer& initializer) {
  const bool seeded = std::visit(
      [](const auto& one) {
        if constexpr (requires { one.seed; }) {
          return one.seed.has_value();
        } else {
          return false;
        }
      },
      initializer);
  if (!seeded) return;
  throw Error(ErrorCode::invalid_argument,
              subject,
              "one without a seed of its own, which would draw all gates alike",
              "one with a seed");
}

void scale(Tensor& tensor, double factor) {
  for (float& value : tensor.as<float>()) value = static_cast<float>(value * factor);
}

/// A gate's matrix (units, columns), drawn as the weight (columns, units) that it is the transpose of.
void draw_gate(
    const Initializer& initializer, double factor, const BlobPiece& piece, float* to, Random& random) {
  const i64 units = piece.shape[0];
  const i64 columns = piece.shape[1];
  Tensor drawn({columns, units});
  initialize(initializer, drawn, random);
  scale(drawn, factor);
  for (i64 unit = 0; unit < units; ++unit) {
    for (i64 column = 0; column < columns; ++column)
      to[unit * columns + column] = drawn.data()[column * units + unit];
  }
}

void draw_parts(const BlobLayout& layout, const RnnStackStart& start, Tensor& weights, Random& random) {
  const Initializer recurrent = start.recurrent_initializer.value_or(Orthogonal{});
  const std::span<const char* const> gates = gate_names(layout.shape().op);
  for (const BlobPiece& piece : layout.pieces()) {
    float* to = weights.data() + piece.offset;
    if (piece.part == BlobPart::W) {
      draw_gate(start.initializer, start.init_value_scale, piece, to, random);
    } else if (piece.part == BlobPart::R) {
      draw_gate(recurrent, start.init_value_scale, piece, to, random);
    } else {
      const bool forget = piece.part == BlobPart::b_W && *gates[static_cast<std::size_t>(piece.gate)] == 'f';
      std::fill_n(to, piece.shape[0], forget ? static_cast<float>(start.forget_bias) : 0.0F);
    }
  }
}

/// CNTK's matrix is stored by columns; only the order of draws differs, no range.
void draw_whole(const BlobLayout& layout, const RnnStackStart& start, Tensor& weights, Random& random) {
  const Shape matrix = layout.matrix_shape();
  Tensor drawn(start.init_output_rank == -1 ? matrix : Shape{matrix[1], matrix[0]});
  initialize(start.initializer, drawn, random);
  scale(drawn, start.init_value_scale);
  std::copy_n(drawn.data(), drawn.size(), weights.data());
}

}  // namespace

void check_start(const RnnStackStart& start) {
  check_initializer(start.initializer, "initializer");
  if (start.recurrent_initializer) check_initializer(*start.recurrent_initializer, "recurrent_initializer");
  require_finite("init_value_scale", start.init_value_scale);
  require_finite("forget_bias", start.forget_bias);
  if (start.init_output_rank != -1 && start.init_output_rank != 1) {
    throw Error(
        ErrorCode::invalid_argument, "init_output_rank", "-1 or 1", std::to_string(start.init_output_rank));
  }
  const auto only_with = [](bool holds, const char* subject, const char* mode) {
    if (holds) return;
    throw Error(
        ErrorCode::invalid_argument, subject, std::string("its default but with ").append(mode), "another");
  };
  const bool whole = start.mode == BlobStart::whole;
  only_with(!whole || !start.recurrent_initializer, "recurrent_initializer", "BlobStart::parts");
  only_with(!whole || start.forget_bias == 1, "forget_bias", "BlobStart::parts");
  only_with(whole || start.init_output_rank == -1, "init_output_rank", "BlobStart::whole");
  if (whole) return;
  require_no_seed("initializer", start.initializer);
  if (start.recurrent_initializer) require_no_seed("recurrent_initializer", *start.recurrent_initializer);
}

void initialize_blob(const BlobLayout& layout, const RnnStackStart& start, Tensor& weights, Random& random) {
  check_start(start);
  layout.check(weights);
  if (start.mode == BlobStart::whole) {
    draw_whole(layout, start, weights, random);
  } else {
    draw_parts(layout, start, weights, random);
  }
}

Initializer cntk_initializer(std::string_view name, double init_value_scale) {
  const double s = init_value_scale;
  if (!(s > 0) || !std::isfinite(s))
    throw Error(ErrorCode::invalid_argument, "init_value_scale", "a finite number above 0", shortest(s));
  const auto scaled = [&](double variance, FanMode mode, Distribution distribution) {
    return VarianceScaling{.scale = variance * s * s, .mode = mode, .distribution = distribution};
  };
  constexpr auto uniform = Distribution::uniform;
  constexpr auto normal = Distribution::untruncated_normal;
  if (name == "glorotUniform") return scaled(1, FanMode::fan_avg, uniform);
  if (name == "glorotNormal") return scaled(1, FanMode::fan_avg, normal);
  if (name == "heUniform") return scaled(2, FanMode::fan_in, uniform);
  if (name == "heNormal") return scaled(2, FanMode::fan_in, normal);
  if (name == "xavier") return scaled(1, FanMode::fan_in, uniform);
  if (name == "gaussian") return scaled(0.04, FanMode::fan_in, normal);
  if (name == "uniform") return RandomUniform{.minval = -s, .maxval = s};
  if (name == "uniformBS") return RandomUniform{.minval = -0.05 * s, .maxval = 0.05 * s};
  if (name == "normal") return RandomNormal{.mean = 0, .stddev = s};
  if (name == "truncNormal") return TruncatedNormal{.mean = 0, .stddev = s};
  throw Error(
      ErrorCode::unsupported,
      "init",
      "glorotUniform, glorotNormal, heUniform, heNormal, xavier, gaussian, uniform, uniformBS, normal, "
      "truncNormal",
      std::string(name));
}

}  // namespace recurra

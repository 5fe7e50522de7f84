#include "recurra/data/examples.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/schedule.h"

namespace recurra {

namespace {

// Bytes below which a second thread copies no faster than one: about 5 us.
constexpr std::size_t least_bytes = 65'536;

void gather_rows(const Tensor& from, std::span<const int> rows, const Execution& execution, Tensor& to) {
  Shape shape = from.shape();
  const i64 examples = shape[0];
  shape[0] = static_cast<i64>(rows.size());
  if (to.dtype() != from.dtype()) to = Tensor(shape, from.dtype());
  to.resize(shape);
  const std::size_t row_bytes = examples > 0 ? from.bytes() / static_cast<std::size_t>(examples) : 0;
  const auto* source = static_cast<const char*>(from.raw());
  auto* out = static_cast<char*>(to.raw());
  const int threads = row_bytes * rows.size() < least_bytes ? 1 : threads_of(execution);
  team_of(execution).run(threads, [&](const Crew& crew) {
    const Range share = even_share(static_cast<int>(rows.size()), crew.index(), crew.count());
    for (auto i = static_cast<std::size_t>(share.first); i < static_cast<std::size_t>(share.last); ++i) {
      std::memcpy(out + i * row_bytes, source + static_cast<std::size_t>(rows[i]) * row_bytes, row_bytes);
    }
  });
}

/// As gather_rows, of a part that may be absent.
void gather_optional(const Tensor& from, std::span<const int> rows, const Execution& execution, Tensor& to) {
  if (from.size() > 0) {
    gather_rows(from, rows, execution, to);
  } else if (to.size() > 0) {
    to = Tensor();
  }
}

void gather_list(const std::vector<Tensor>& from,
                 std::span<const int> rows,
                 const Execution& execution,
                 std::vector<Tensor>& to) {
  to.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) gather_rows(from[i], rows, execution, to[i]);
}

void check_list(const std::vector<Tensor>& tensors, i64 examples, const std::string& subject) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i];
    const std::string one = subject + "[" + std::to_string(i) + "]";
    if (tensor.dtype() != Dtype::f32 && tensor.dtype() != Dtype::i32)
      throw Error(ErrorCode::dtype, one, "f32 or i32", std::string(name_of(tensor.dtype())));
    if (tensor.shape().rank() < 1 || tensor.shape()[0] != examples) {
      throw Error(ErrorCode::shape,
                  one,
                  "(" + std::to_string(examples) + ", ...), as many rows as x has",
                  tensor.shape().to_string());
    }
  }
}

void check_lengths(const std::vector<int>& lengths, i64 examples, i64 steps, const std::string& subject) {
  if (static_cast<i64>(lengths.size()) != examples) {
    throw Error(
        ErrorCode::shape, subject, std::to_string(examples) + " lengths", std::to_string(lengths.size()));
  }
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] >= 0 && lengths[i] <= steps) continue;
    throw Error(ErrorCode::invalid_argument,
                subject + "[" + std::to_string(i) + "]",
                "0 to " + std::to_string(steps),
                std::to_string(lengths[i]));
  }
}

void require_dtype(const Tensor& tensor, Dtype dtype, const std::string& subject) {
  if (tensor.dtype() == dtype) return;
  throw Error(ErrorCode::dtype, subject, std::string(name_of(dtype)), std::string(name_of(tensor.dtype())));
}

void check_weights(const Tensor& weights, i64 examples, i64 steps, const std::string& subject) {
  require_dtype(weights, Dtype::f32, subject);
  const Shape per_row{examples};
  const Shape per_step{examples, steps};
  if (weights.shape() != per_row && weights.shape() != per_step) {
    throw Error(ErrorCode::shape,
                subject,
                "shape " + per_row.to_string() + " or " + per_step.to_string(),
                weights.shape().to_string());
  }
  const std::span<const float> values = weights.as<float>();
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (bad == values.end()) return;
  throw Error(ErrorCode::non_finite,
              subject + "[" + std::to_string(bad - values.begin()) + "]",
              "a finite number",
              std::to_string(*bad));
}

void check_mask(const Examples& examples, i64 steps, const std::string& subject) {
  require_dtype(examples.mask, Dtype::u8, subject);
  if (!examples.lengths.empty()) {
    throw Error(ErrorCode::invalid_argument, subject, "lengths or a mask", "both");
  }
  const Shape expected{examples.x.shape()[0], steps};
  if (examples.mask.shape() != expected) {
    throw Error(
        ErrorCode::shape, subject, "shape " + expected.to_string(), examples.mask.shape().to_string());
  }
  const std::span<const std::uint8_t> values = examples.mask.as<std::uint8_t>();
  const auto bad = std::ranges::find_if(values, [](int value) { return value > 1; });
  if (bad == values.end()) return;
  throw Error(ErrorCode::invalid_argument,
              subject + "[" + std::to_string(bad - values.begin()) + "]",
              "0 or 1",
              std::to_string(*bad));
}

}  // namespace

void Batch::gather(const Examples& examples, std::span<const int> rows, const Execution& execution) {
  gather_rows(examples.x, rows, execution, x);
  gather_rows(examples.y, rows, execution, y);
  gather_optional(examples.sample_weights, rows, execution, sample_weights);
  gather_optional(examples.mask, rows, execution, mask);
  gather_list(examples.more_x, rows, execution, more_x);
  gather_list(examples.more_y, rows, execution, more_y);
  lengths.resize(examples.lengths.empty() ? 0 : rows.size());
  for (std::size_t i = 0; i < lengths.size(); ++i)
    lengths[i] = examples.lengths[static_cast<std::size_t>(rows[i])];
}

void check_examples(const Examples& examples, const char* name) {
  const std::string subject(name);
  const Shape& x = examples.x.shape();
  if (examples.x.dtype() != Dtype::f32 && examples.x.dtype() != Dtype::i32) {
    throw Error(ErrorCode::dtype, subject + ".x", "f32 or i32", std::string(name_of(examples.x.dtype())));
  }
  if (x.rank() < 2) {
    throw Error(
        ErrorCode::shape, subject + ".x", "(examples, ..., features) or (examples, steps)", x.to_string());
  }
  if (examples.y.shape().rank() < 1 || examples.y.shape()[0] != x[0]) {
    throw Error(ErrorCode::shape,
                subject + ".y",
                "(" + std::to_string(x[0]) + ", ...), a target for each example",
                examples.y.shape().to_string());
  }
  if (!examples.lengths.empty()) check_lengths(examples.lengths, x[0], x[1], subject + ".lengths");
  if (examples.sample_weights.size() > 0) {
    check_weights(examples.sample_weights, x[0], x[1], subject + ".sample_weights");
  }
  if (examples.mask.size() > 0) check_mask(examples, x[1], subject + ".mask");
  check_list(examples.more_x, x[0], subject + ".more_x");
  check_list(examples.more_y, x[0], subject + ".more_y");
}

}  // namespace recurra

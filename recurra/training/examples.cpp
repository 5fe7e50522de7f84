#include "recurra/training/examples.h"

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

}  // namespace

void Batch::gather(const Examples& examples, std::span<const int> rows, const Execution& execution) {
  gather_rows(examples.x, rows, execution, x);
  gather_rows(examples.y, rows, execution, y);
  lengths.resize(examples.lengths.empty() ? 0 : rows.size());
  for (std::size_t i = 0; i < lengths.size(); ++i)
    lengths[i] = examples.lengths[static_cast<std::size_t>(rows[i])];
}

void check_examples(const Examples& examples, const char* name) {
  const std::string subject(name);
  const Shape& x = examples.x.shape();
  if (examples.x.dtype() != Dtype::f32) {
    throw Error(ErrorCode::dtype, subject + ".x", "f32", std::string(name_of(examples.x.dtype())));
  }
  if (x.rank() < 2) throw Error(ErrorCode::shape, subject + ".x", "(examples, ..., features)", x.to_string());
  if (examples.y.shape().rank() < 1 || examples.y.shape()[0] != x[0]) {
    throw Error(ErrorCode::shape,
                subject + ".y",
                "(" + std::to_string(x[0]) + ", ...), a target for each example",
                examples.y.shape().to_string());
  }
  if (examples.lengths.empty()) return;
  if (static_cast<i64>(examples.lengths.size()) != x[0]) {
    throw Error(ErrorCode::shape,
                subject + ".lengths",
                std::to_string(x[0]) + " lengths",
                std::to_string(examples.lengths.size()));
  }
  for (std::size_t i = 0; i < examples.lengths.size(); ++i) {
    if (examples.lengths[i] >= 0 && examples.lengths[i] <= x[1]) continue;
    throw Error(ErrorCode::invalid_argument,
                subject + ".lengths[" + std::to_string(i) + "]",
                "0 to " + std::to_string(x[1]),
                std::to_string(examples.lengths[i]));
  }
}

}  // namespace recurra

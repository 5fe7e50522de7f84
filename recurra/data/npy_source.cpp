#include "recurra/data/npy_source.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/data/order.h"

namespace recurra {

namespace {

void require_from_one(const char* name, i64 value) {
  if (value >= 1) return;
  throw Error(ErrorCode::invalid_argument, name, "from 1 up", std::to_string(value));
}

i64 divide_up(i64 a, i64 b) {
  return a / b + (a % b > 0 ? 1 : 0);
}

/// Becomes `rows` rows of an npy file's shape and type.
void fit(Tensor& batch, const NpyHeader& header, i64 rows) {
  Shape shape = header.shape;
  shape[0] = rows;
  if (batch.dtype() != header.element->dtype) batch = Tensor(shape, header.element->dtype);
  batch.resize(shape);
}

}  // namespace

NpySource::File::File(const std::filesystem::path& path) : input(path) {
  const std::string subject = path.string();
  header = read_npy_header([&](std::span<std::byte> to) { return input.read(to); }, input.size(), subject);
  if (header.fortran_order && header.shape.rank() > 1) {
    throw Error(ErrorCode::unsupported, subject + ": order of elements", "C", "Fortran");
  }
  const Dtype dtype = header.element->dtype;
  if (dtype != Dtype::f32 && dtype != Dtype::i32) {
    throw Error(ErrorCode::dtype, subject, "f32 or i32", std::string(name_of(dtype)));
  }
}

void NpySource::File::read(i64 first, i64 count, Tensor& batch, i64 to) {
  if (header.data_bytes == 0) return;
  const NpyElement& element = *header.element;
  const i64 row_bytes = header.data_bytes / header.shape[0];
  const auto bytes = static_cast<std::size_t>(count * row_bytes);
  const std::size_t elements = bytes / element.size;
  const std::size_t place = static_cast<std::size_t>(to * row_bytes) / element.size * size_of(element.dtype);
  std::byte* out = static_cast<std::byte*>(batch.raw()) + place;
  const bool convert = !element.is_same || header.swapped;
  if (convert) raw.resize(std::max(raw.size(), bytes));
  const std::size_t got =
      input.read_at(header.header_bytes + first * row_bytes, {convert ? raw.data() : out, bytes});
  if (got != bytes) {
    throw Error(ErrorCode::format,
                input.path().string(),
                "rows to " + std::to_string(first + count - 1) + " as when it was opened",
                "a file that has become shorter");
  }
  if (convert) element.convert(raw.data(), elements, header.swapped, out);
}

NpySource::NpySource(const std::filesystem::path& x,
                     const std::filesystem::path& y,
                     const BatchOptions& options,
                     i64 block_rows)
    : x_(x), y_(y), options_(options), block_rows_(block_rows) {
  require_from_one("batch_size", options.batch_size);
  require_from_one("block_rows", block_rows);
  if (x_shape().rank() < 2) {
    throw Error(ErrorCode::shape,
                x.string(),
                "(examples, ..., features) or (examples, steps)",
                x_shape().to_string());
  }
  if (y_shape().rank() < 1 || y_shape()[0] != rows()) {
    throw Error(ErrorCode::shape,
                y.string(),
                "(" + std::to_string(rows()) + ", ...), a target for each example",
                y_shape().to_string());
  }
}

void NpySource::begin_epoch(i64 epoch) {
  const i64 blocks = divide_up(rows(), block_rows_);
  order_ = options_.shuffle ? shuffled_order(blocks, options_.seed, epoch) : plain_order(blocks);
  short_place_ = std::ranges::find(order_, static_cast<int>(blocks - 1)) - order_.begin();
  position_ = 0;
}

i64 NpySource::row_at(i64 position) const noexcept {
  const i64 last = static_cast<i64>(order_.size()) - 1;
  const i64 short_rows = rows() - last * block_rows_;
  // Behind the short block everything stands earlier by what it lacks.
  const i64 behind = short_place_ * block_rows_ + short_rows;
  const i64 place = position < behind ? position : position + block_rows_ - short_rows;
  return order_[static_cast<std::size_t>(place / block_rows_)] * block_rows_ + place % block_rows_;
}

i64 NpySource::run_at(i64 position, i64 most) const noexcept {
  const i64 first = row_at(position);
  i64 count = 1;
  while (count < most && row_at(position + count) == first + count) ++count;
  return count;
}

bool NpySource::next(Batch& batch) {
  const i64 left = order_.empty() ? 0 : rows() - position_;
  const i64 count = std::min(options_.batch_size, left);
  if (count == 0) return false;
  fit(batch.x, x_.header, count);
  fit(batch.y, y_.header, count);
  batch.lengths.clear();
  batch.sample_weights = Tensor();
  batch.mask = Tensor();
  for (i64 done = 0; done < count;) {
    const i64 run = run_at(position_ + done, count - done);
    x_.read(row_at(position_ + done), run, batch.x, done);
    y_.read(row_at(position_ + done), run, batch.y, done);
    done += run;
  }
  position_ += count;
  return true;
}

i64 NpySource::batches() const {
  return divide_up(rows(), options_.batch_size);
}

void NpySource::skip(i64 count) {
  const i64 left = order_.empty() ? 0 : rows() - position_;
  const bool all = count > left / options_.batch_size;
  position_ += all ? left : std::max<i64>(count, 0) * options_.batch_size;
}

}  // namespace recurra

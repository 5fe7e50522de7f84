#include "recurra/data/npy.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "recurra/base/error.h"
#include "recurra/base/file.h"

namespace recurra {

namespace {

std::span<std::byte> bytes_in(Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.raw()), tensor.bytes()};
}

/// Fills `bytes`, the next of the data.
void read_data(const ReadBytes& read, std::span<std::byte> bytes, const std::string& subject) {
  const std::size_t got = read(bytes);
  if (got == bytes.size()) return;
  throw Error(ErrorCode::format,
              subject,
              std::string("the next ").append(std::to_string(bytes.size())).append(" bytes of data"),
              std::to_string(got) + " (truncated)");
}

/// The elements in the order of the file.
Tensor read_elements(const ReadBytes& read, const NpyHeader& header, const std::string& subject) {
  const NpyElement& element = *header.element;
  Tensor tensor(header.shape, element.dtype);
  if (element.is_same && !header.swapped) {
    read_data(read, bytes_in(tensor), subject);
    return tensor;
  }
  constexpr std::size_t at_once = 8192;
  std::vector<std::byte> raw(at_once * element.size);
  const auto size = static_cast<std::size_t>(tensor.size());
  for (std::size_t first = 0; first < size; first += at_once) {
    const std::size_t count = std::min(at_once, size - first);
    const std::span<std::byte> part = std::span(raw).first(count * element.size);
    read_data(read, part, subject);
    std::byte* out = bytes_in(tensor).data() + first * size_of(element.dtype);
    element.convert(part.data(), count, header.swapped, out);
  }
  return tensor;
}

/// The same array in C order; `fortran` has its elements with the first axis varying fastest.
Tensor in_c_order(const Tensor& fortran) {
  Tensor tensor(fortran.shape(), fortran.dtype());
  const Shape& shape = fortran.shape();
  const auto rank = static_cast<std::size_t>(shape.rank());
  std::vector<i64> strides(rank, 1);
  for (std::size_t axis = rank - 1; axis > 0; --axis)
    strides[axis - 1] = strides[axis] * shape.extents()[axis];
  const std::size_t bytes = size_of(fortran.dtype());
  const auto* from = static_cast<const std::byte*>(fortran.raw());
  auto* to = static_cast<std::byte*>(tensor.raw());
  std::vector<i64> index(rank, 0);
  i64 place = 0;
  for (i64 i = 0; i < fortran.size(); ++i, from += bytes) {
    std::memcpy(to + static_cast<std::size_t>(place) * bytes, from, bytes);
    for (std::size_t axis = 0; axis < rank; ++axis) {
      place += strides[axis];
      if (++index[axis] < shape.extents()[axis]) break;
      place -= index[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return tensor;
}

}  // namespace

Tensor parse_npy(const ReadBytes& read, i64 size, const std::string& subject) {
  const NpyHeader header = read_npy_header(read, size, subject);
  Tensor tensor = read_elements(read, header, subject);
  return header.fortran_order && header.shape.rank() > 1 ? in_c_order(tensor) : std::move(tensor);
}

Tensor parse_npy(std::span<const std::byte> bytes, const std::string& subject) {
  const auto size = static_cast<i64>(bytes.size());
  const ReadBytes read = [&bytes](std::span<std::byte> to) {
    const std::size_t count = std::min(to.size(), bytes.size());
    std::ranges::copy(bytes.first(count), to.begin());
    bytes = bytes.subspan(count);
    return count;
  };
  return parse_npy(read, size, subject);
}

Tensor read_npy(const std::filesystem::path& path) {
  InputFile file(path);
  return parse_npy([&](std::span<std::byte> to) { return file.read(to); }, file.size(), path.string());
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  const std::string header = make_npy_header(tensor.shape(), tensor.dtype());
  const std::span<const std::byte> parts[] = {bytes_of(header),
                                              {static_cast<const std::byte*>(tensor.raw()), tensor.bytes()}};
  write_file_atomically(path, parts);
}

}  // namespace recurra

/// What tests of safetensors files share: files made by hand, a table of every kind of tensor, its
/// comparison.
#pragma once

#include <algorithm>
#include <filesystem>
#include <limits>
#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "recurra/formats/safetensors.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

/// A safetensors file with this header and these bytes of tensors.
inline std::string file_of(const std::string& header, std::size_t data) {
  std::string text(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(header.size() >> 8 * i & 0xff);
  return text + header + std::string(data, '\1');
}

/// What follows `PATH: expected ` in the error of reading a file of these bytes.
inline std::string refusal_of(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model.safetensors";
  write_bytes(path, bytes);
  const std::string text = error_text(ErrorCode::format, [&] { (void)read_safetensors(path); });
  const std::string prefix = path.string() + ": expected ";
  EXPECT_TRUE(text.starts_with(prefix)) << text;
  return text.substr(std::min(prefix.size(), text.size()));
}

template <class T>
Tensor tensor_of(Shape shape, T first) {
  Tensor tensor(std::move(shape), dtype_of<T>);
  std::iota(tensor.as<T>().begin(), tensor.as<T>().end(), first);
  return tensor;
}

inline WeightTable example_table() {
  WeightTable table;
  table.add("lstm.kernel", tensor_of<float>({3, 4}, -1.5F));
  table.add("labels", tensor_of<std::uint8_t>({5}, std::uint8_t{250}));
  table.add("step", tensor_of<std::int64_t>({}, std::int64_t{1} << 40));
  table.add("a \"quoted\" name, ü", tensor_of<std::int32_t>({2, 1, 2}, -7));
  table.add("empty", Tensor({0, 5}));
  table.add("no numbers", tensor_of<float>({2}, std::numeric_limits<float>::quiet_NaN()));
  table.set_metadata("format", "recurra");
  table.set_metadata("architecture", "{\"layers\": [\"lstm\"]}\n");
  return table;
}

inline bool same_bytes(const Tensor& a, const Tensor& b) {
  const std::span x(static_cast<const std::byte*>(a.raw()), a.bytes());
  const std::span y(static_cast<const std::byte*>(b.raw()), b.bytes());
  return std::ranges::equal(x, y);
}

inline void expect_same(const WeightTable& a, const WeightTable& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.entries().size(); ++i) {
    const auto& [name, tensor] = a.entries()[i];
    EXPECT_EQ(name, b.entries()[i].name);
    EXPECT_EQ(tensor.shape(), b.entries()[i].tensor.shape()) << name;
    EXPECT_EQ(tensor.dtype(), b.entries()[i].tensor.dtype()) << name;
    EXPECT_TRUE(same_bytes(tensor, b.entries()[i].tensor)) << name;
  }
  EXPECT_EQ(a.metadata(), b.metadata());
}

}  // namespace recurra::test

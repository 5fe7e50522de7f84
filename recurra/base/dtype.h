/// Element types of tensors and files.
#pragma once

#include <cstdint>
#include <string_view>

#include "recurra/base/platform.h"

namespace recurra {

/// Element type. Names are safetensors' in lower case.
enum class Dtype { f32, u8, i32, i64 };

/// Bytes of one element.
[[nodiscard]] constexpr std::size_t size_of(Dtype dtype) noexcept {
  switch (dtype) {
    case Dtype::f32:
    case Dtype::i32:
      return 4;
    case Dtype::u8:
      return 1;
    case Dtype::i64:
      return 8;
  }
  return 0;
}

/// `f32`, `u8`, …
[[nodiscard]] constexpr std::string_view name_of(Dtype dtype) noexcept {
  switch (dtype) {
    case Dtype::f32:
      return "f32";
    case Dtype::u8:
      return "u8";
    case Dtype::i32:
      return "i32";
    case Dtype::i64:
      return "i64";
  }
  return "";
}

/// The element type of a C++ type, as a value: only of those there are.
template <class T>
struct DtypeOf;

/// f32.
template <>
struct DtypeOf<float> {
  static constexpr Dtype value = Dtype::f32;
};

/// u8.
template <>
struct DtypeOf<std::uint8_t> {
  static constexpr Dtype value = Dtype::u8;
};

/// i32.
template <>
struct DtypeOf<std::int32_t> {
  static constexpr Dtype value = Dtype::i32;
};

/// i64.
template <>
struct DtypeOf<std::int64_t> {
  static constexpr Dtype value = Dtype::i64;
};

/// The dtype of a C++ element type.
template <class T>
inline constexpr Dtype dtype_of = DtypeOf<T>::value;

}  // namespace recurra

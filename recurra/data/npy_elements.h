/// The element types of npy files, and what becomes of each.
///
/// Private to the library.
#pragma once

#include <cstddef>
#include <string_view>

#include "recurra/base/dtype.h"

namespace recurra {

/// An element type by NumPy's name without the byte order.
struct NpyElement {
  std::string_view name;  ///< `f4`
  std::size_t size;       ///< bytes in the file
  Dtype dtype;            ///< what it is read as
  bool is_same;           ///< little-endian ones have the bits of `dtype`

  /// Reads `count` elements from bytes of any alignment; `swapped`: big-endian ones.
  void (*convert)(const std::byte* from, std::size_t count, bool swapped, void* to);
};

/// The type of that name, or null.
[[nodiscard]] const NpyElement* find_npy_element(std::string_view name) noexcept;

/// All names, for an error's text.
inline constexpr const char* npy_element_names = "f2, f4, f8, b1, u1, i1, i2, u2, i4, u4, i8";

/// NumPy's name of a dtype, with the byte order: `<f4`.
[[nodiscard]] std::string_view npy_name_of(Dtype dtype) noexcept;

}  // namespace recurra

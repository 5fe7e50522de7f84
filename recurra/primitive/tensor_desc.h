/// Tensors of the RNN primitive as descriptions of memory: element type, extents and strides; and views of
/// memory so described.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>

#include "recurra/primitive/kinds.h"

namespace recurra::primitive {

/// Orders in memory of a tensor's logical dimensions, outermost first, under oneDNN's letters: t steps, n
/// batch, c channels, l layers, d directions, i input channels of a weight, g gates, o output channels. The
/// logical orders are (t, n, c), (l, d, n, c), (l, d, i, g, o), (l, d, g, o) and (l, d, i, o).
enum class FormatTag {
  tnc,
  ntc,
  ldnc,
  ldtnc,
  ldntc,  ///< logically (l, d, t, n, c)
  ldigo,
  ldgoi,
  ldgo,
  ldio,
  ldoi,
  igo,  ///< of one layer and direction, as the five below
  goi,
  go,
  io,
  oi,
};

/// `ldigo`, …
[[nodiscard]] RECURRA_API const char* name_of(FormatTag tag) noexcept;

/// The most dimensions a tensor has.
inline constexpr int max_rank = 5;

/// Element type, extents and strides, in elements, of the logical dimensions. A value without memory of its
/// own; rank 0 means no tensor.
class RECURRA_API TensorDesc {
 public:
  /// No tensor.
  TensorDesc() = default;

  /// Dense in the order of `tag`. Throws Error: unsupported for a tag or type there is not, shape where the
  /// numbers of dimensions differ, invalid_argument on a negative extent or a product that overflows.
  TensorDesc(std::initializer_list<i64> dims, FormatTag tag, DataType type = DataType::f32);

  /// With strides. Throws Error: unsupported for a type there is not, shape where there are not as many
  /// strides as dimensions, or not 1 to max_rank of them; invalid_argument on a negative extent, a stride
  /// below 1 or a size that overflows.
  TensorDesc(std::initializer_list<i64> dims,
             std::initializer_list<i64> strides,
             DataType type = DataType::f32);

  [[nodiscard]] int rank() const noexcept { return rank_; }

  [[nodiscard]] DataType type() const noexcept { return type_; }

  /// Extent of a dimension, 0 to rank() - 1.
  [[nodiscard]] i64 dim(int axis) const noexcept { return dims_[axis]; }

  /// Elements from one index of a dimension to the next.
  [[nodiscard]] i64 stride(int axis) const noexcept { return strides_[axis]; }

  /// Elements from the first to behind the last; 0 where an extent is 0.
  [[nodiscard]] i64 extent() const noexcept;

  /// Bytes of memory such a tensor takes.
  [[nodiscard]] i64 size() const noexcept { return extent() * size_of(type_); }

  /// Extents as `(10, 4, 64)`.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const TensorDesc&, const TensorDesc&) = default;

 private:
  void set_dims(std::initializer_list<i64> dims);
  void check_size() const;

  DataType type_ = DataType::f32;
  int rank_ = 0;
  i64 dims_[max_rank] = {};
  i64 strides_[max_rank] = {};
};

/// The bytes of a view's memory. Throws Error (invalid_argument) on a number below -1.
[[nodiscard]] RECURRA_API i64 checked_bytes(i64 bytes);

/// Memory described by a TensorDesc; `Void` is void or const void. Owns nothing. A default one means that
/// there is no tensor.
template <class Void>
class TensorViewOf {
 public:
  /// float, or const float.
  using Float = std::conditional_t<std::is_const_v<Void>, const float, float>;

  /// No tensor.
  TensorViewOf() = default;

  /// Memory of `bytes` bytes; -1: as many as desc needs, taken on trust. Throws Error (invalid_argument) on
  /// a number below -1.
  TensorViewOf(Void* data, const TensorDesc& desc, i64 bytes = -1)
      : data_(data), desc_(desc), bytes_(checked_bytes(bytes)) {}

  /// Floats whose number is known: `execute` throws Error (shape) where desc needs more.
  TensorViewOf(std::span<Float> memory, const TensorDesc& desc)
      : TensorViewOf(memory.data(), desc, static_cast<i64>(memory.size_bytes())) {}

  /// What may be written may be read.
  template <class Other>

  requires(!std::is_same_v<Other, Void> && std::is_convertible_v<Other*, Void*>)
      TensorViewOf(const TensorViewOf<Other>& other)  // NOLINT(google-explicit-constructor)
      : TensorViewOf(other.data(), other.desc(), other.bytes()) {}

  [[nodiscard]] Void* data() const noexcept { return data_; }

  [[nodiscard]] const TensorDesc& desc() const noexcept { return desc_; }

  [[nodiscard]] i64 bytes() const noexcept { return bytes_; }

  /// Whether there is a tensor.
  [[nodiscard]] bool exists() const noexcept { return desc_.rank() > 0; }

  /// The first element.
  [[nodiscard]] Float* floats() const noexcept { return static_cast<Float*>(data_); }

 private:
  Void* data_ = nullptr;
  TensorDesc desc_;
  i64 bytes_ = -1;
};

/// A tensor to be read.
using ConstTensorView = TensorViewOf<const void>;
/// A tensor to be written.
using TensorView = TensorViewOf<void>;

}  // namespace recurra::primitive

/// A dense row-major array that owns its memory: weights, batches, results.
#pragma once

#include <memory>
#include <span>

#include "recurra/base/buffer.h"
#include "recurra/base/dtype.h"
#include "recurra/base/shape.h"

namespace recurra {

/// Owning, aligned to a cache line, row-major, with a run-time element type. Copies are deep.
class RECURRA_API Tensor {
 public:
  /// Shape (0,), no memory.
  Tensor() = default;

  /// Zeros. Throws Error (invalid_argument) on a negative extent or overflow, std::bad_alloc.
  explicit Tensor(Shape shape, Dtype dtype = Dtype::f32);

  /// Elements unspecified, in memory that another such tensor has left: for results that come and go by the
  /// thousand, as those of differentiable functions. What the tensor leaves is kept for the next, until
  /// release_recycled_memory. Throws as the constructor.
  [[nodiscard]] static Tensor recycled(Shape shape, Dtype dtype = Dtype::f32);

  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;
  ~Tensor() = default;

  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }

  [[nodiscard]] Dtype dtype() const noexcept { return dtype_; }

  /// Number of elements.
  [[nodiscard]] i64 size() const noexcept { return size_; }

  [[nodiscard]] std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(size_) * size_of(dtype_);
  }

  /// The elements. Throws Error (dtype) unless T is the tensor's element type.
  template <class T>
  [[nodiscard]] std::span<T> as() {
    require_dtype(dtype_of<T>);
    return {static_cast<T*>(memory_.get()), static_cast<std::size_t>(size_)};
  }

  /// The same, to be read.
  template <class T>
  [[nodiscard]] std::span<const T> as() const {
    require_dtype(dtype_of<T>);
    return {static_cast<const T*>(memory_.get()), static_cast<std::size_t>(size_)};
  }

  /// The elements of an f32 tensor. Throws Error (dtype) for another.
  [[nodiscard]] float* data() { return as<float>().data(); }

  [[nodiscard]] const float* data() const { return as<float>().data(); }

  /// The bytes, whatever the element type; null where there is none.
  [[nodiscard]] void* raw() noexcept { return memory_.get(); }

  [[nodiscard]] const void* raw() const noexcept { return memory_.get(); }

  /// The same elements under another shape. Throws Error (shape) unless the counts agree.
  void reshape(Shape shape);

  /// Becomes `shape`; keeps its memory where that suffices. Elements are unspecified afterwards.
  void resize(const Shape& shape);

 private:
  void require_dtype(Dtype dtype) const;

  Shape shape_{0};
  Dtype dtype_ = Dtype::f32;
  i64 size_ = 0;
  std::size_t capacity_ = 0;
  std::unique_ptr<void, detail::AlignedDelete> memory_;
};

}  // namespace recurra

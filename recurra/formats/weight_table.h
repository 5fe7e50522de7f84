/// What a model file holds beside its architecture: tensors by name, in order, and words about them. Every
/// format reads to one of these and writes from one.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "recurra/base/platform.h"
#include "recurra/base/tensor.h"

namespace recurra {

/// Tensors by name, in the order they were added, and a string -> string map of metadata.
class RECURRA_API WeightTable {
 public:
  /// A tensor and its name.
  struct Entry {
    std::string name;
    Tensor tensor;
  };

  /// Throws Error (invalid_argument) naming the tensor if the table has one of that name.
  void add(std::string name, Tensor tensor);

  /// Whether there is a tensor of that name.
  [[nodiscard]] bool contains(std::string_view name) const noexcept;

  /// The tensor of that name. Throws Error (invalid_argument) naming it if there is none.
  [[nodiscard]] const Tensor& at(std::string_view name) const;
  /// The same, to be changed.
  [[nodiscard]] Tensor& at(std::string_view name);

  /// The tensor of that name; throws Error also if it has another element type (dtype) or another shape
  /// (shape).
  [[nodiscard]] const Tensor& at(std::string_view name, const Shape& shape, Dtype dtype = Dtype::f32) const;

  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

  [[nodiscard]] i64 size() const noexcept { return static_cast<i64>(entries_.size()); }

  /// Adds an entry of metadata or replaces it.
  void set_metadata(std::string key, std::string value);

  /// The metadata of that key. Throws Error (invalid_argument) naming it if there is none.
  [[nodiscard]] const std::string& metadata(std::string_view key) const;

  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& metadata() const noexcept {
    return metadata_;
  }

 private:
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace recurra

#include "recurra/formats/weight_table.h"

#include <utility>

#include "recurra/base/error.h"

namespace recurra {

void WeightTable::add(std::string name, Tensor tensor) {
  if (contains(name)) {
    throw Error(ErrorCode::invalid_argument, std::move(name), "one tensor of this name", "a second");
  }
  entries_.push_back({std::move(name), std::move(tensor)});
  index_.emplace(entries_.back().name, entries_.size() - 1);
}

bool WeightTable::contains(std::string_view name) const noexcept {
  return index_.find(name) != index_.end();
}

const Tensor& WeightTable::at(std::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    throw Error(ErrorCode::invalid_argument, std::string(name), "a tensor of this name", "none");
  }
  return entries_[found->second].tensor;
}

Tensor& WeightTable::at(std::string_view name) {
  return const_cast<Tensor&>(std::as_const(*this).at(name));
}

const Tensor& WeightTable::at(std::string_view name, const Shape& shape, Dtype dtype) const {
  const Tensor& tensor = at(name);
  if (tensor.dtype() != dtype) {
    throw Error(ErrorCode::dtype,
                std::string(name),
                std::string(name_of(dtype)),
                std::string(name_of(tensor.dtype())));
  }
  if (tensor.shape() != shape) {
    throw Error(
        ErrorCode::shape, std::string(name), "shape " + shape.to_string(), tensor.shape().to_string());
  }
  return tensor;
}

void WeightTable::set_metadata(std::string key, std::string value) {
  metadata_.insert_or_assign(std::move(key), std::move(value));
}

const std::string& WeightTable::metadata(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) {
    throw Error(ErrorCode::invalid_argument, "metadata." + std::string(key), "an entry of this name", "none");
  }
  return found->second;
}

}  // namespace recurra

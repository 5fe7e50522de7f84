/// A tensor of the RNN primitive with memory of its own, of any strides.
#pragma once

#include <vector>

#include "recurra/primitive/tensor_desc.h"

namespace recurra::test {

/// Memory is -7 where nothing was written. "Logical": the elements in the order of the dimensions.
struct TestTensor {
  TestTensor() = default;

  explicit TestTensor(const primitive::TensorDesc& desc)
      : desc(desc), memory(std::size_t(desc.extent()), -7.0F) {}

  TestTensor(const primitive::TensorDesc& desc, const std::vector<double>& logical) : TestTensor(desc) {
    std::size_t next = 0;
    for_each_place([&](std::size_t place) { memory[place] = float(logical.at(next++)); });
  }

  [[nodiscard]] std::vector<float> logical() const {
    std::vector<float> values;
    for_each_place([&](std::size_t place) { values.push_back(memory[place]); });
    return values;
  }

  [[nodiscard]] primitive::ConstTensorView read() const {
    if (desc.rank() == 0) return {};
    return {std::span(memory), desc};
  }

  [[nodiscard]] primitive::TensorView write() {
    if (desc.rank() == 0) return {};
    return {std::span(memory), desc};
  }

  primitive::TensorDesc desc;
  std::vector<float> memory;

 private:
  template <class Visit>
  void for_each_place(Visit visit) const {
    i64 index[primitive::max_rank] = {};
    if (desc.extent() == 0) return;
    while (true) {
      i64 place = 0;
      for (int axis = 0; axis < desc.rank(); ++axis) place += index[axis] * desc.stride(axis);
      visit(std::size_t(place));
      int axis = desc.rank() - 1;
      while (axis >= 0 && ++index[axis] == desc.dim(axis)) index[axis--] = 0;
      if (axis < 0) return;
    }
  }
};

}  // namespace recurra::test

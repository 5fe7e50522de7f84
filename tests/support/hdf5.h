/// Reads arrays from HDF5 files, as Keras writes weights.
#pragma once

#include <filesystem>
#include <string>

#include "recurra/base/tensor.h"

namespace recurra::test {

/// An open file.
class Hdf5File {
 public:
  /// Throws std::runtime_error where it cannot be opened.
  explicit Hdf5File(const std::filesystem::path& path);
  ~Hdf5File();
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;
  Hdf5File(Hdf5File&&) = delete;
  Hdf5File& operator=(Hdf5File&&) = delete;

  /// The numbers of the dataset called `name`, as layers/dense/vars/0, in f32. Throws std::runtime_error
  /// where there is none.
  [[nodiscard]] Tensor read(const std::string& name) const;

  /// How many datasets and groups the group called `name` holds; 0 where there is no such group.
  [[nodiscard]] int members(const std::string& name) const;

 private:
  std::int64_t file_;  // HDF5's hid_t
};

}  // namespace recurra::test

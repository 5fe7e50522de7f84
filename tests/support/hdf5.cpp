#include "tests/support/hdf5.h"

#include <stdexcept>
#include <vector>

#include <hdf5.h>

namespace recurra::test {

namespace {

/// One of HDF5's ids, closed as its kind is.
class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t), const std::string& what) : id_(id), close_(close) {
    if (id < 0) throw std::runtime_error("hdf5: no " + what);
  }

  ~Id() { close_(id_); }

  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  Id(Id&&) = delete;
  Id& operator=(Id&&) = delete;

  [[nodiscard]] hid_t get() const noexcept { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// Whether every group on the way to `name` and what it names exist; HDF5 itself asks for each part in turn.
bool exists(hid_t file, const std::string& name) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = name.find('/', end + 1);
    if (H5Lexists(file, name.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return true;
}

}  // namespace

Hdf5File::Hdf5File(const std::filesystem::path& path)
    : file_(std::filesystem::exists(path) ? H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT) : -1) {
  if (file_ < 0) throw std::runtime_error("hdf5: cannot open " + path.string());
}

Hdf5File::~Hdf5File() {
  H5Fclose(file_);
}

Tensor Hdf5File::read(const std::string& name) const {
  if (!exists(file_, name)) throw std::runtime_error("hdf5: no " + name);
  const Id dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT), H5Dclose, "dataset " + name);
  const Id space(H5Dget_space(dataset.get()), H5Sclose, "space of " + name);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 0) throw std::runtime_error("hdf5: no array in " + name);
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
  Tensor tensor{Shape(std::vector<i64>(extents.begin(), extents.end()))};
  if (H5Dread(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.data()) < 0)
    throw std::runtime_error("hdf5: cannot read " + name);
  return tensor;
}

int Hdf5File::members(const std::string& name) const {
  if (!exists(file_, name)) return 0;
  const Id group(H5Gopen2(file_, name.c_str(), H5P_DEFAULT), H5Gclose, "group " + name);
  H5G_info_t info;
  if (H5Gget_info(group.get(), &info) < 0) throw std::runtime_error("hdf5: no group " + name);
  return static_cast<int>(info.nlinks);
}

}  // namespace recurra::test

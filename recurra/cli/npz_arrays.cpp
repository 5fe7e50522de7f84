#include "recurra/cli/load_data.h"
#include "recurra/data/npz.h"

namespace recurra::cli {

std::vector<Tensor> read_npz_arrays(const std::filesystem::path& path,
                                    const std::vector<std::string>& names) {
  std::vector<Tensor> tensors;
  for (NamedTensor& array : read_npz(path, names)) tensors.push_back(std::move(array.tensor));
  return tensors;
}

}  // namespace recurra::cli

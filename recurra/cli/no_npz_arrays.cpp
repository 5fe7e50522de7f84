/// In place of npz_arrays.cpp where there is no libzip.
#include "recurra/base/error.h"
#include "recurra/cli/load_data.h"

namespace recurra::cli {

std::vector<Tensor> read_npz_arrays(const std::filesystem::path& path, const std::vector<std::string>&) {
  throw Error(
      ErrorCode::unsupported, "arrays", "npy files; this program was built without libzip", path.string());
}

}  // namespace recurra::cli

#include "recurra/cli/paths.h"

#include <filesystem>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/base/shown.h"

namespace recurra::cli {

namespace {

bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code unknown;
  return a == b || std::filesystem::equivalent(a, b, unknown);
}

}  // namespace

void require_output(const std::string& option,
                    const std::string& output,
                    const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    if (input.empty() || !is_same_file(output, input)) continue;
    throw Error(ErrorCode::invalid_argument, option, "a file that is not read", shortened(output));
  }
  require_writable_folder(output);
}

}  // namespace recurra::cli

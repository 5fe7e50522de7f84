/// Files of the golden collection that are too large for the repository: beside the checkout, or where
/// RECURRA_SHARED says.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/support/skip.h"

namespace recurra::test {

inline std::filesystem::path shared_folder() {
  const char* given = std::getenv("RECURRA_SHARED");
  return given != nullptr ? std::filesystem::path(given)
                          : std::filesystem::path(RECURRA_SOURCE_DIR) / ".." / "shared";
}

}  // namespace recurra::test

/// Ends the test where `path` below the shared folder is missing: as skipped, or in CI as failed.
#define RECURRA_NEED_SHARED(path)                                        \
  if (!std::filesystem::exists(recurra::test::shared_folder() / (path))) \
  RECURRA_SKIP(std::string(path) + " is not in " + recurra::test::shared_folder().string())

/// What is checked of files before hours of work.
#pragma once

#include <string>
#include <vector>

namespace recurra::cli {

/// Throws Error (io or invalid_argument) unless `option`'s file can be written and is none of `inputs`.
void require_output(const std::string& option,
                    const std::string& output,
                    const std::vector<std::string>& inputs);

}  // namespace recurra::cli

/// Standard output as it may be: closed, a pipe nobody reads, a full disk.
#pragma once

namespace recurra::cli {

/// Gives descriptors 0 to 2 that came closed to /dev/null, which cannot be written to: else the next file
/// opened, a model perhaps, would get what is meant for the terminal.
void open_missing_streams();

/// Writes out what is left. False where not all could be written; a text says so unless nobody listens.
[[nodiscard]] bool finish_output();

}  // namespace recurra::cli

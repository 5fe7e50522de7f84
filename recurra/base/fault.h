/// Faults of the file layer on demand: how tests ask for a full disk or a kill at every single system call.
///
/// The environment variable RECURRA_FAULT, read once, is one of
///   kill:write:N           SIGKILL at the Nth call by which files are written, of whatever kind
///   fail:CALL:N[:ERRNO]    the Nth CALL fails, with EIO unless another name of an error is given
///   short:write:N          the Nth write takes half of its bytes
/// where N counts from 1 and CALL is open, write, fsync, rename, close, unlink (calls of writing) or read.
#pragma once

#include <string>

#include "recurra/base/platform.h"

namespace recurra {

/// The calls of the file layer.
enum class FileCall { open, write, fsync, rename, close, unlink, read };

/// What RECURRA_FAULT says.
struct Fault {
  /// What befalls the call.
  enum class Action { none, kill, fail, shorten };

  Action action = Action::none;
  FileCall call = FileCall::write;  ///< whose calls are counted; kill counts all but read
  i64 at = 0;                       ///< 1 for the first of them
  int error_number = 0;             ///< errno of Action::fail
};

/// Throws Error: unsupported for unknown words, invalid_argument for anything else.
[[nodiscard]] RECURRA_API Fault parse_fault(const std::string& text);

/// Reads RECURRA_FAULT anew and counts from 1 again: for tests. Throws as parse_fault; then nothing changes.
RECURRA_API void reload_fault();

/// Counts a call that is about to be made. Returns whether it has to fail instead, errno then being set; does
/// not return where the process has to die. The first of all reads RECURRA_FAULT and throws as parse_fault.
[[nodiscard]] bool fails_on_demand(FileCall call);

/// How many of `count` > 0 bytes the write just counted takes.
[[nodiscard]] std::size_t write_length(std::size_t count);

}  // namespace recurra

/// Files as the library reads and writes them: only regular files, every system call checked, and a file
/// is replaced whole or not at all.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "recurra/base/platform.h"

namespace recurra {

/// A regular file open for reading from its beginning. Movable, not copyable.
///
/// Folders, pipes and devices are refused, so that no reader waits for ever. The file is read, not mapped:
/// one that shrinks meanwhile gives fewer bytes, never a signal.
class RECURRA_API InputFile {
 public:
  /// Throws Error (io) naming the path and the system's reason.
  explicit InputFile(std::filesystem::path path);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  /// Bytes the file had when it was opened.
  [[nodiscard]] i64 size() const noexcept { return size_; }

  /// Fills `bytes` from where the last call ended and returns how many it filled: fewer only at the file's
  /// end. Throws Error (io).
  [[nodiscard]] std::size_t read(std::span<std::byte> bytes);

  /// The same from `offset` >= 0, whatever was read before; does not move where `read` goes on.
  [[nodiscard]] std::size_t read_at(i64 offset, std::span<std::byte> bytes) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  i64 size_ = 0;
};

/// The whole content of a regular file. Throws Error (io) naming the path and the system's reason.
[[nodiscard]] RECURRA_API std::string read_file(const std::filesystem::path& path);

/// Writes `parts` one after the other as the new content of `path`.
///
/// After a return the content is on the disk; after an exception, a kill or a loss of power at any moment,
/// there is the old file unchanged (or, where only the last step failed, making the new name last, the new
/// one whole): the bytes go to `<path>.tmp-<thread id>` in the same folder (a process's first thread has the
/// process's id), which is synchronised, renamed, and removed on failure. A symbolic link is replaced, not
/// followed; a target that is a folder or a device is refused.
/// Throws Error (io) naming the path and the system's reason; of a full disk also the bytes needed and free.
RECURRA_API void write_file_atomically(const std::filesystem::path& path,
                                       std::span<const std::span<const std::byte>> parts);

/// Whether `path` is a temporary of `write_file_atomically` whose thread is gone, killed before it could
/// remove it: then the path that it was to become, else nothing. Threads of other machines, or of other
/// containers, look gone.
[[nodiscard]] RECURRA_API std::optional<std::filesystem::path> abandoned_target(
    const std::filesystem::path& path);

/// Removes a file; one that is not there is no error. Throws Error (io) naming the path and the reason.
RECURRA_API void remove_file(const std::filesystem::path& path);

/// Throws Error (io), naming the folder, unless `write_file_atomically(path, …)` can make its file there now:
/// the folder exists, a file can be created in it (one is, and removed), and `path` itself is absent or a
/// regular file. For saying so before hours of work.
RECURRA_API void require_writable_folder(const std::filesystem::path& path);

/// The bytes of a text, for `write_file_atomically`.
[[nodiscard]] inline std::span<const std::byte> bytes_of(const std::string& text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace recurra

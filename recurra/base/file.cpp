#include "recurra/base/file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "recurra/base/error.h"
#include "recurra/base/fault.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;

// Linux moves at most 0x7ffff000 bytes a call; half of that keeps the count well inside ssize_t everywhere.
constexpr std::size_t largest_transfer = std::size_t{1} << 30;

std::string reason_of(int error_number) {
  return std::generic_category().message(error_number);
}

[[noreturn]] void fail(const fs::path& path, const char* expected, int error_number) {
  throw Error(ErrorCode::io, path.string(), expected, reason_of(error_number));
}

/// Calls again while a signal interrupts. `call` returns -1 and sets errno on failure.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

/// The same for a call that RECURRA_FAULT counts and may let fail.
template <class Call>
auto counted(FileCall kind, Call call) {
  using Result = decltype(call());
  return uninterrupted([&] { return fails_on_demand(kind) ? Result{-1} : call(); });
}

/// Closed in any case, as Linux does whatever close returns: so no second try after EINTR.
int close_counted(int descriptor) {
  const bool fails = fails_on_demand(FileCall::close);
  const int error_number = errno;
  const int result = close(descriptor);
  if (fails) errno = error_number;
  return fails ? -1 : result;
}

int unlink_counted(const fs::path& path) {
  return counted(FileCall::unlink, [&] { return unlink(path.c_str()); });
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

constexpr std::string_view temporary_mark = ".tmp-";

/// The thread's id, not the process's: two threads that save to one path do not meet in one temporary.
fs::path temporary_of(const fs::path& path) {
  fs::path temporary = path;
  temporary += std::string(temporary_mark).append(std::to_string(gettid()));
  return temporary;
}

/// A new file beside its target, gone with this object unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target), path_(temporary_of(target)) {
    unlink_counted(path_);  // what a killed process of the same id left; O_EXCL then follows no planted link
    descriptor_ = counted(FileCall::open,
                          [&] { return open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (descriptor_ == -1) fail(folder_of(target_), "a folder in which a file can be created", errno);
  }

  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  TemporaryFile(TemporaryFile&&) = delete;
  TemporaryFile& operator=(TemporaryFile&&) = delete;

  ~TemporaryFile() {
    if (descriptor_ != -1) close_counted(descriptor_);
    if (!renamed_) unlink_counted(path_);
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), largest_transfer);
      const ssize_t written =
          counted(FileCall::write, [&] { return ::write(descriptor_, bytes.data(), write_length(count)); });
      if (written == -1) fail_for_space("a file that can be written", bytes.size(), errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      written_ += static_cast<std::size_t>(written);
    }
  }

  /// Synchronises before the rename: else a loss of power may leave the new name with no content.
  void take_target_place() {
    const int synchronised = counted(FileCall::fsync, [&] { return fsync(descriptor_); });
    if (synchronised == -1) fail_for_space("a file that can be synchronised", written_, errno);
    const int closed = close_counted(std::exchange(descriptor_, -1));
    if (closed == -1 && errno != EINTR) fail(target_, "a file that can be closed", errno);
    const int renamed = counted(FileCall::rename, [&] { return rename(path_.c_str(), target_.c_str()); });
    if (renamed == -1) fail(target_, "a file that can be replaced", errno);
    renamed_ = true;
  }

 private:
  /// `bytes` are those that have no place yet. Some file systems look for it only when they synchronise.
  [[noreturn]] void fail_for_space(const char* expected, std::size_t bytes, int error_number) const {
    std::string actual = reason_of(error_number);

    struct statvfs disk {};

    if (error_number == ENOSPC && fstatvfs(descriptor_, &disk) == 0) {
      actual += " (" + std::to_string(bytes) + " bytes needed, " +
                std::to_string(disk.f_bavail * disk.f_frsize) + " free)";
    }
    throw Error(ErrorCode::io, target_.string(), expected, actual);
  }

  fs::path target_;
  fs::path path_;
  int descriptor_ = -1;
  std::size_t written_ = 0;
  bool renamed_ = false;
};

/// Makes a rename in the folder last. Some file systems cannot synchronise a folder and answer EINVAL.
void synchronise_folder(const fs::path& folder) {
  const int descriptor =
      counted(FileCall::open, [&] { return open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor == -1) {
    if (errno == EACCES) return;  // a folder one may write but not read cannot be opened, nor synchronised
    fail(folder, "a folder that can be opened", errno);
  }
  const int result = counted(FileCall::fsync, [&] { return fsync(descriptor); });
  const int error_number = errno;
  close_counted(descriptor);
  if (result == -1 && error_number != EINVAL) fail(folder, "a folder that can be synchronised", error_number);
}

/// rename() would put a file in the place of /dev/null as readily as of an old model.
void require_replaceable(const fs::path& path) {
  if (!path.has_filename()) throw Error(ErrorCode::io, path.string(), "the name of a file", "none");

  struct stat status {};

  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::io, path.string(), "the name of a file", kind_of(status.st_mode));
  }
}

void require_folder(const fs::path& folder) {
  struct stat status {};

  if (stat(folder.c_str(), &status) == -1) fail(folder, "a folder that exists", errno);
  if (!S_ISDIR(status.st_mode)) throw Error(ErrorCode::io, folder.string(), "a folder", "a file");
}

/// Calls `read_some(filled, count)` until `bytes` are full or the file ends; returns how many came.
template <class ReadSome>
std::size_t read_all(const fs::path& path, std::span<std::byte> bytes, ReadSome read_some) {
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const std::size_t count = std::min(bytes.size() - filled, largest_transfer);
    const ssize_t got = counted(FileCall::read, [&] { return read_some(filled, count); });
    if (got == -1) fail(path, "a file that can be read", errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

}  // namespace

InputFile::InputFile(fs::path path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a pipe without a writer would wait for ever; for regular files it changes nothing.
  descriptor_ = uninterrupted([&] { return open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); });
  if (descriptor_ == -1) fail(path_, "a file that can be read", errno);

  struct stat status {};

  const int result = fstat(descriptor_, &status);
  const int error_number = errno;
  if (result == 0 && S_ISREG(status.st_mode)) {
    size_ = status.st_size;
    return;
  }
  close(descriptor_);
  if (result == -1) fail(path_, "a file that can be read", error_number);
  throw Error(ErrorCode::io, path_.string(), "a regular file", kind_of(status.st_mode));
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

InputFile::~InputFile() {
  if (descriptor_ != -1) close(descriptor_);
}

std::size_t InputFile::read(std::span<std::byte> bytes) {
  return read_all(path_, bytes, [&](std::size_t filled, std::size_t count) {
    return ::read(descriptor_, bytes.data() + filled, count);
  });
}

std::size_t InputFile::read_at(i64 offset, std::span<std::byte> bytes) const {
  return read_all(path_, bytes, [&](std::size_t filled, std::size_t count) {
    return ::pread(descriptor_, bytes.data() + filled, count, offset + static_cast<i64>(filled));
  });
}

std::string read_file(const fs::path& path) {
  InputFile file(path);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  text.resize(file.read(std::as_writable_bytes(std::span(text.data(), text.size()))));
  return text;
}

void write_file_atomically(const fs::path& path, std::span<const std::span<const std::byte>> parts) {
  require_replaceable(path);
  require_folder(folder_of(path));
  TemporaryFile temporary(path);
  for (const std::span<const std::byte> part : parts) temporary.write(part);
  temporary.take_target_place();
  synchronise_folder(folder_of(path));
}

std::optional<fs::path> abandoned_target(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::size_t mark = name.rfind(temporary_mark);
  if (mark == std::string::npos || mark == 0) return {};
  const char* digits = name.data() + mark + temporary_mark.size();
  const char* end = name.data() + name.size();
  pid_t thread = 0;
  const auto [stopped, error] = std::from_chars(digits, end, thread);
  if (error != std::errc() || stopped != end || thread <= 0) return {};
  if (kill(thread, 0) == 0 || errno != ESRCH) return {};  // signal 0 only asks whether it is there
  return path.parent_path() / name.substr(0, mark);
}

void remove_file(const fs::path& path) {
  if (unlink_counted(path) == -1 && errno != ENOENT) fail(path, "a file that can be removed", errno);
}

void require_writable_folder(const fs::path& path) {
  require_replaceable(path);
  require_folder(folder_of(path));
  const TemporaryFile probe(path);
}

}  // namespace recurra

/// What tests of files share: a folder gone with its test, bytes written as they are, the text of an error.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "recurra/base/error.h"

namespace recurra::test {

/// A folder of the test's own, gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder() : TemporaryFolder(testing::TempDir()) {}

  /// In `parent`, which ends in a slash.
  explicit TemporaryFolder(const std::string& parent) : path_(parent + "recurra-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary folder " + path_);
  }

  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(const std::string& name) const { return path() / name; }

  [[nodiscard]] std::filesystem::path path() const { return path_; }

 private:
  std::string path_;
};

/// A folder in memory where the system has one: there fsync takes no time.
inline std::string parent_in_memory() {
  return access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : testing::TempDir();
}

/// The file at `path` holds these bytes afterwards.
inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  ASSERT_TRUE(file) << path;
}

/// The byte at `place` becomes another; in place, as a new file each time would take seconds.
inline void set_byte(const std::filesystem::path& path, std::size_t place, char byte) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(place)).put(byte);
  file.close();
  ASSERT_TRUE(file) << path;
}

/// The text of the Error `action` throws, or "no error". Any other exception goes on.
template <class Action>
std::string error_text(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// The same, expecting the Error to be of this kind.
template <class Action>
std::string error_text(ErrorCode code, Action action) {
  return error_text([&] {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      throw;
    }
  });
}

}  // namespace recurra::test

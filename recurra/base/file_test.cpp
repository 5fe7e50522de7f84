#include "recurra/base/file.h"

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recurra/base/error.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::TemporaryFolder;
using test::write_bytes;

void write_whole(const fs::path& path, const std::string& text) {
  const std::span<const std::byte> parts[] = {bytes_of(text)};
  write_file_atomically(path, parts);
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

/// Runs `action` as a user without rights; root may write everywhere.
template <class Action>
void without_rights(Action action) {
  constexpr uid_t nobody = 65534;
  const bool is_root = getuid() == 0;
  ASSERT_EQ(seteuid(is_root ? nobody : geteuid()), 0);
  action();
  ASSERT_EQ(seteuid(getuid()), 0);
}

/// Files above `bytes` cannot be written while this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }

  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

TEST(File, reads_what_was_written_in_parts) {
  const TemporaryFolder folder;
  const std::string first = "first";
  const std::string empty;
  const std::string second("\0second\n", 8);
  const std::span<const std::byte> parts[] = {bytes_of(first), bytes_of(empty), bytes_of(second)};
  write_file_atomically(folder / "file", parts);
  EXPECT_EQ(read_file(folder / "file"), first + second);
}

TEST(File, reads_an_empty_file) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "");
  EXPECT_EQ(read_file(folder / "file"), "");
}

TEST(File, reads_in_pieces_and_says_where_the_end_is) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "abcde");
  InputFile file(folder / "file");
  EXPECT_EQ(file.size(), 5);
  std::array<std::byte, 3> bytes{};
  EXPECT_EQ(file.read(bytes), 3U);
  EXPECT_EQ(bytes[2], std::byte{'c'});
  EXPECT_EQ(file.read(bytes), 2U);
  EXPECT_EQ(bytes[1], std::byte{'e'});
  EXPECT_EQ(file.read(bytes), 0U);
}

TEST(File, reads_anywhere_without_moving) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "abcde");
  InputFile file(folder / "file");
  std::array<std::byte, 2> bytes{};
  EXPECT_EQ(file.read_at(3, bytes), 2U);
  EXPECT_EQ(bytes[1], std::byte{'e'});
  EXPECT_EQ(file.read_at(4, bytes), 1U);
  EXPECT_EQ(file.read_at(9, bytes), 0U);
  EXPECT_EQ(file.read(bytes), 2U);
  EXPECT_EQ(bytes[0], std::byte{'a'});
}

TEST(File, moves_with_its_position) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "abcde");
  InputFile file(folder / "file");
  std::array<std::byte, 2> bytes{};
  EXPECT_EQ(file.read(bytes), 2U);
  InputFile moved(std::move(file));
  EXPECT_EQ(moved.read(bytes), 2U);
  EXPECT_EQ(bytes[0], std::byte{'c'});
}

TEST(File, names_a_missing_file) {
  const TemporaryFolder folder;
  const fs::path path = folder / "missing";
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_file(path); }),
            path.string() + ": expected a file that can be read, got No such file or directory");
}

TEST(File, refuses_to_read_a_folder) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_file(folder.path()); }),
            folder.path().string() + ": expected a regular file, got a folder");
}

TEST(File, refuses_a_pipe_without_waiting_for_its_writer) {
  const TemporaryFolder folder;
  const fs::path path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_file(path); }),
            path.string() + ": expected a regular file, got a pipe");
}

TEST(File, refuses_to_read_a_device) {
  EXPECT_EQ(error_text(ErrorCode::io, [] { (void)read_file("/dev/zero"); }),
            "/dev/zero: expected a regular file, got a device");
}

TEST(File, names_a_file_without_permission) {
  const TemporaryFolder folder;
  const fs::path path = folder / "file";
  write_bytes(path, "secret");
  fs::permissions(folder.path(), fs::perms::others_exec | fs::perms::owner_all);
  fs::permissions(path, fs::perms::none);
  without_rights([&] {
    EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_file(path); }),
              path.string() + ": expected a file that can be read, got Permission denied");
  });
}

TEST(File, writing_replaces_the_file_and_leaves_nothing_else) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "an old and longer text");
  write_whole(folder / "file", "new");
  EXPECT_EQ(read_file(folder / "file"), "new");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
}

TEST(File, writing_takes_a_name_in_the_working_folder) {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_whole("file", "text");
  require_writable_folder("file");
  fs::current_path(before);
  EXPECT_EQ(read_file(folder / "file"), "text");
}

TEST(File, writing_removes_what_a_killed_process_left) {
  const TemporaryFolder folder;
  write_bytes(folder / ("file.tmp-" + std::to_string(getpid())), "half a file of a process with the same id");
  write_whole(folder / "file", "new");
  EXPECT_EQ(read_file(folder / "file"), "new");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
}

TEST(File, writing_does_not_follow_a_planted_link) {
  const TemporaryFolder folder;
  write_bytes(folder / "victim", "untouched");
  fs::create_symlink(folder / "victim", folder / ("file.tmp-" + std::to_string(getpid())));
  write_whole(folder / "file", "new");
  EXPECT_EQ(read_file(folder / "victim"), "untouched");
  EXPECT_EQ(read_file(folder / "file"), "new");
}

TEST(File, a_write_that_fails_leaves_the_old_file_and_no_temporary) {
  const TemporaryFolder folder;
  const fs::path path = folder / "file";
  write_bytes(path, "old");
  const std::string large(100'000, 'x');
  std::string text;
  {
    const FileSizeLimit limit(65536);
    text = error_text(ErrorCode::io, [&] { write_whole(path, large); });
  }
  EXPECT_EQ(text, path.string() + ": expected a file that can be written, got File too large");
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
}

TEST(File, threads_that_write_one_path_leave_one_whole_file) {
  const TemporaryFolder folder;
  const fs::path path = folder / "file";
  const std::string texts[] = {std::string(200'000, 'a'), std::string(200'000, 'b')};
  std::vector<std::jthread> threads;
  for (const std::string& text : texts) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) write_whole(path, text);
    });
  }
  threads.clear();
  const std::string content = read_file(path);
  EXPECT_TRUE(content == texts[0] || content == texts[1]);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
}

/// Both doors must say the same: the early check and the write itself.
void expect_both_refuse(const fs::path& path, const std::string& text) {
  EXPECT_EQ(error_text(ErrorCode::io, [&] { require_writable_folder(path); }), text);
  EXPECT_EQ(error_text(ErrorCode::io, [&] { write_whole(path, "new"); }), text);
}

TEST(File, a_missing_output_folder_is_named) {
  const TemporaryFolder folder;
  expect_both_refuse(
      folder / "missing/model",
      (folder / "missing").string() + ": expected a folder that exists, got No such file or directory");
}

TEST(File, an_output_folder_that_is_a_file_is_named) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "");
  expect_both_refuse(folder / "file/model", (folder / "file").string() + ": expected a folder, got a file");
}

TEST(File, an_output_folder_without_permission_is_named_and_the_old_file_stays) {
  const TemporaryFolder folder;
  const fs::path path = folder / "file";
  write_bytes(path, "old");
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_exec);
  without_rights([&] {
    expect_both_refuse(
        path,
        folder.path().string() + ": expected a folder in which a file can be created, got Permission denied");
  });
  fs::permissions(folder.path(), fs::perms::owner_all);
  EXPECT_EQ(read_file(path), "old");
}

TEST(File, a_folder_is_no_name_for_an_output_file) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "models");
  expect_both_refuse(folder / "models",
                     (folder / "models").string() + ": expected the name of a file, got a folder");
  expect_both_refuse(folder / "models/",
                     (folder / "models/").string() + ": expected the name of a file, got none");
  expect_both_refuse("", ": expected the name of a file, got none");
}

TEST(File, a_device_is_not_replaced_by_a_file) {
  expect_both_refuse("/dev/null", "/dev/null: expected the name of a file, got a device");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(File, a_link_to_the_full_device_is_refused_as_the_device) {
  const TemporaryFolder folder;
  fs::create_symlink("/dev/full", folder / "full");
  expect_both_refuse(folder / "full",
                     (folder / "full").string() + ": expected the name of a file, got a device");
}

TEST(File, knows_a_temporary_whose_thread_is_gone) {
  const std::string dead = ".tmp-2147483647";  // above the largest id Linux gives
  EXPECT_EQ(abandoned_target("runs/model" + dead), fs::path("runs/model"));
  EXPECT_EQ(abandoned_target("a.tmp-1" + dead), fs::path("a.tmp-1"));
  const std::string mine = ".tmp-" + std::to_string(getpid());
  for (const std::string& name : {"model" + mine,
                                  std::string("model"),
                                  "model" + dead + "x",
                                  std::string("model.tmp-"),
                                  std::string("model.tmp--3"),
                                  std::string("model.tmp-0"),
                                  std::string("model.tmp-99999999999"),
                                  dead}) {
    EXPECT_FALSE(abandoned_target(name)) << name;
  }
}

TEST(File, the_check_of_the_output_folder_leaves_nothing) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "old");
  require_writable_folder(folder / "file");
  require_writable_folder(folder / "other");
  EXPECT_EQ(read_file(folder / "file"), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
}

}  // namespace

}  // namespace recurra

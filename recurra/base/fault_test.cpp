#include "recurra/base/fault.h"

#include <csignal>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "tests/support/faults.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::killed_at;
using test::ScopedFault;
using test::TemporaryFolder;
using test::write_bytes;

const std::string old_text(3000, 'o');
const std::string new_text(5000, 'n');

void write_whole(const fs::path& path, const std::string& text) {
  const std::span<const std::byte> parts[] = {bytes_of(text)};
  write_file_atomically(path, parts);
}

/// The error of writing while RECURRA_FAULT says this, without the path of `folder`.
std::string error_of_write(const std::string& fault, const TemporaryFolder& folder) {
  const ScopedFault scope(fault);
  std::string text = error_text(ErrorCode::io, [&] { write_whole(folder / "file", new_text); });
  const std::string prefix = folder.path().string();
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

bool only_the_file_in(const TemporaryFolder& folder) {
  return std::distance(fs::directory_iterator(folder.path()), {}) == 1;
}

std::string parse_error(const std::string& text) {
  return error_text([&] { (void)parse_fault(text); });
}

TEST(Fault, is_parsed) {
  const Fault kill = parse_fault("kill:write:3");
  EXPECT_EQ(kill.action, Fault::Action::kill);
  EXPECT_EQ(kill.at, 3);
  const Fault fail = parse_fault("fail:rename:12:EACCES");
  EXPECT_EQ(fail.action, Fault::Action::fail);
  EXPECT_EQ(fail.call, FileCall::rename);
  EXPECT_EQ(fail.at, 12);
  EXPECT_EQ(fail.error_number, EACCES);
  EXPECT_EQ(parse_fault("fail:fsync:1").error_number, EIO);
  EXPECT_EQ(parse_fault("short:write:2").action, Fault::Action::shorten);
}

TEST(Fault, that_is_malformed_is_refused) {
  const std::string grammar =
      "RECURRA_FAULT: expected kill:write:N, short:write:N or fail:CALL:N[:ERRNO], got ";
  const std::string count = "RECURRA_FAULT: N: expected a whole number from 1 up, got ";
  EXPECT_EQ(parse_error("fail:write"), grammar + "fail:write");
  EXPECT_EQ(parse_error("kill:write:1:EIO"), grammar + "kill:write:1:EIO");
  EXPECT_EQ(parse_error("fail:write:1:EIO:"), grammar + "fail:write:1:EIO:");
  EXPECT_EQ(parse_error("kill:open:1"), grammar + "kill:open:1");
  EXPECT_EQ(parse_error("kill:write:0"), count + "0");
  EXPECT_EQ(parse_error("kill:write:-1"), count + "-1");
  EXPECT_EQ(parse_error("kill:write:"), count);
  EXPECT_EQ(parse_error("kill:write:12abc"), count + "12abc");
  EXPECT_EQ(parse_error("kill:write:99999999999999999999"), count + "99999999999999999999");
  EXPECT_EQ(parse_error(""), R"(RECURRA_FAULT: action "": supported are kill, fail, short)");
  EXPECT_EQ(parse_error("stop:write:1"), R"(RECURRA_FAULT: action "stop": supported are kill, fail, short)");
  EXPECT_EQ(parse_error("fail:seek:1"),
            R"(RECURRA_FAULT: call "seek": supported are open, write, fsync, rename, close, unlink, read)");
  EXPECT_EQ(parse_error("fail:write:1:5"),
            R"(RECURRA_FAULT: error "5": supported are EIO, ENOSPC, EDQUOT, )"
            "EINTR, EFBIG, EACCES, EROFS, EMFILE, EINVAL");
}

TEST(Fault, of_the_environment_that_is_malformed_is_refused_and_changes_nothing) {
  setenv("RECURRA_FAULT", "kill:write", 1);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { reload_fault(); }),
            "RECURRA_FAULT: expected kill:write:N, short:write:N or fail:CALL:N[:ERRNO], got kill:write");
  unsetenv("RECURRA_FAULT");
  const TemporaryFolder folder;
  write_whole(folder / "file", new_text);
  EXPECT_EQ(read_file(folder / "file"), new_text);
}

// The calls of one write: unlink, open, write, fsync, close, rename; then open, fsync, close of the folder.
constexpr i64 calls_of_a_write = 9;
constexpr i64 call_of_the_rename = 6;

TEST(Fault, a_process_killed_at_any_call_leaves_the_old_file_or_the_new_one_whole) {
  const TemporaryFolder folder;
  const fs::path path = folder / "file";
  i64 n = 1;
  for (;; ++n) {
    write_bytes(path, old_text);
    if (!killed_at(n, [&] { write_whole(path, new_text); })) break;
    ASSERT_TRUE(read_file(path) == (n > call_of_the_rename ? new_text : old_text)) << n;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      if (entry.path() == path) continue;
      EXPECT_EQ(abandoned_target(entry.path()), path) << entry.path();
      remove_file(entry.path());
    }
  }
  EXPECT_EQ(n, calls_of_a_write + 1);
  EXPECT_TRUE(only_the_file_in(folder));
}

TEST(Fault, a_call_that_fails_is_named_and_leaves_the_old_file_and_no_temporary) {
  const TemporaryFolder folder;
  const std::string reason = ", got Input/output error";
  const std::pair<std::string, std::string> cases[] = {
      {"fail:open:1", ": expected a folder in which a file can be created" + reason},
      {"fail:write:1", "/file: expected a file that can be written" + reason},
      {"fail:fsync:1", "/file: expected a file that can be synchronised" + reason},
      {"fail:close:1", "/file: expected a file that can be closed" + reason},
      {"fail:rename:1", "/file: expected a file that can be replaced" + reason}};
  for (const auto& [fault, text] : cases) {
    write_bytes(folder / "file", old_text);
    EXPECT_EQ(error_of_write(fault, folder), text) << fault;
    EXPECT_EQ(read_file(folder / "file"), old_text) << fault;
    EXPECT_TRUE(only_the_file_in(folder)) << fault;
  }
}

TEST(Fault, a_folder_that_fails_to_synchronise_is_named_with_the_new_file_in_place) {
  const TemporaryFolder folder;
  for (const auto& [fault, text] :
       {std::pair("fail:open:2", ": expected a folder that can be opened, got Input/output error"),
        std::pair("fail:fsync:2", ": expected a folder that can be synchronised, got Input/output error")}) {
    write_bytes(folder / "file", old_text);
    EXPECT_EQ(error_of_write(fault, folder), text);
    EXPECT_EQ(read_file(folder / "file"), new_text);
    EXPECT_TRUE(only_the_file_in(folder));
  }
}

TEST(Fault, short_writes_and_interrupted_calls_are_made_again) {
  const TemporaryFolder folder;
  for (const char* fault : {"short:write:1",
                            "fail:open:1:EINTR",
                            "fail:write:1:EINTR",
                            "fail:fsync:1:EINTR",
                            "fail:fsync:2:EINTR",
                            "fail:close:1:EINTR",
                            "fail:rename:1:EINTR",
                            "fail:unlink:1"}) {
    write_bytes(folder / "file", old_text);
    EXPECT_EQ(error_of_write(fault, folder), "no error") << fault;
    EXPECT_EQ(read_file(folder / "file"), new_text) << fault;
    EXPECT_TRUE(only_the_file_in(folder)) << fault;
  }
}

TEST(Fault, a_short_write_writes_half) {
  const TemporaryFolder folder;
  const ScopedFault fault("short:write:1");
  EXPECT_FALSE(fails_on_demand(FileCall::write));
  EXPECT_EQ(write_length(5), 3U);
  EXPECT_FALSE(fails_on_demand(FileCall::write));
  EXPECT_EQ(write_length(5), 5U);
}

TEST(Fault, reading_that_fails_is_named_and_one_that_is_interrupted_is_made_again) {
  const TemporaryFolder folder;
  const fs::path path = folder / "file";
  write_bytes(path, old_text);
  {
    const ScopedFault fault("fail:read:1");
    EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_file(path); }),
              path.string() + ": expected a file that can be read, got Input/output error");
  }
  const ScopedFault fault("fail:read:1:EINTR");
  EXPECT_EQ(read_file(path), old_text);
}

TEST(Fault, removing_a_file_says_what_went_wrong) {
  const TemporaryFolder folder;
  const fs::path path = folder / "file";
  write_bytes(path, old_text);
  {
    const ScopedFault fault("fail:unlink:1:EROFS");
    EXPECT_EQ(error_text(ErrorCode::io, [&] { remove_file(path); }),
              path.string() + ": expected a file that can be removed, got Read-only file system");
  }
  remove_file(path);
  EXPECT_FALSE(fs::exists(path));
  remove_file(path);  // gone already
}

TEST(Fault, a_full_disk_is_told_with_the_bytes_needed_and_free) {
  const TemporaryFolder folder;
  for (const auto& [fault, what] :
       {std::pair("fail:write:1:ENOSPC", "written"), std::pair("fail:fsync:1:ENOSPC", "synchronised")}) {
    write_bytes(folder / "file", old_text);
    const std::string text = error_of_write(fault, folder);
    const std::string expected = std::string("/file: expected a file that can be ").append(what);
    EXPECT_TRUE(text.starts_with(expected + ", got No space left on device (5000 bytes needed, ")) << text;
    EXPECT_TRUE(text.ends_with(" free)")) << text;
    EXPECT_EQ(read_file(folder / "file"), old_text);
    EXPECT_TRUE(only_the_file_in(folder));
  }
}

}  // namespace

}  // namespace recurra

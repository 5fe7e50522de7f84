#include "recurra/formats/checkpoints.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/base/random.h"
#include "recurra/formats/safetensors.h"
#include "tests/support/faults.h"
#include "tests/support/safetensors.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::expect_same;
using test::killed_at;
using test::ScopedFault;
using test::TemporaryFolder;
using test::write_bytes;

/// Weights that tell their step.
WeightTable table_of(int step) {
  WeightTable table;
  table.add("lstm/kernel", test::tensor_of<float>({4, 8}, static_cast<float>(step) + 0.5F));
  table.add("dense/bias", test::tensor_of<float>({3}, -static_cast<float>(step)));
  table.set_metadata("step", std::to_string(step));
  return table;
}

class CheckpointsTest : public testing::Test {
 protected:
  void write(int step) { write_safetensors(checkpoints_.path_for(step), table_of(step)); }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }

  /// The step of the newest valid checkpoint, whose every bit must be as it was written.
  [[nodiscard]] int newest(std::vector<std::string>* skipped = nullptr) const {
    const WeightTable table = checkpoints_.load_newest(skipped);
    const int step = std::stoi(table.metadata("step"));
    expect_same(table_of(step), table);
    return step;
  }

  TemporaryFolder folder_;
  Checkpoints checkpoints_{folder_ / "digits", 2};
};

TEST_F(CheckpointsTest, are_numbered_with_eight_digits_or_more) {
  EXPECT_EQ(checkpoints_.path_for(0), folder_ / "digits-00000000.safetensors");
  EXPECT_EQ(checkpoints_.path_for(120), folder_ / "digits-00000120.safetensors");
  EXPECT_EQ(checkpoints_.path_for(1'234'567'890), folder_ / "digits-1234567890.safetensors");
}

TEST_F(CheckpointsTest, come_the_highest_number_first_and_others_not_at_all) {
  for (const char* name : {"digits-00000002.safetensors",
                           "digits-00000010.safetensors",
                           "digits-99999999.safetensors",
                           "digits-100000000.safetensors",
                           "digits-000000003.safetensors",
                           "digits-3.safetensors",
                           "digits--0000003.safetensors",
                           "digits-00000003.safetensors.tmp-1",
                           "digits-99999999999999999999.safetensors",
                           "digits-.safetensors",
                           "digits.safetensors",
                           "digits-old-00000003.safetensors",
                           "other-00000003.safetensors"}) {
    write_bytes(folder_ / name, "");
  }
  EXPECT_EQ(checkpoints_.newest_first(),
            (std::vector<fs::path>{folder_ / "digits-100000000.safetensors",
                                   folder_ / "digits-99999999.safetensors",
                                   folder_ / "digits-00000010.safetensors",
                                   folder_ / "digits-00000002.safetensors"}));
}

TEST_F(CheckpointsTest, are_found_in_the_working_folder) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  const Checkpoints here("digits");
  write_safetensors(here.path_for(4), table_of(4));
  EXPECT_EQ(here.newest_first(), std::vector<fs::path>{"digits-00000004.safetensors"});
  expect_same(here.load_newest(), table_of(4));
  fs::current_path(before);
}

TEST_F(CheckpointsTest, pruning_keeps_the_newest_and_removes_what_dead_processes_left) {
  for (const int step : {1, 2, 3, 10}) write(step);
  const std::string mine = "digits-00000011.safetensors.tmp-" + std::to_string(getpid());
  write_bytes(folder_ / mine, "still being written");
  write_bytes(folder_ / "digits-00000011.safetensors.tmp-2147483647", "half a file");
  write_bytes(folder_ / "other-00000011.safetensors.tmp-2147483647", "not ours");
  checkpoints_.prune();
  EXPECT_EQ(names(),
            (std::vector<std::string>{"digits-00000003.safetensors",
                                      "digits-00000010.safetensors",
                                      mine,
                                      "other-00000011.safetensors.tmp-2147483647"}));
  checkpoints_.prune();
  EXPECT_EQ(newest(), 10);
}

TEST_F(CheckpointsTest, one_cut_at_any_of_40_places_gives_way_to_the_one_before_and_is_named) {
  write(1);
  write(2);
  const fs::path path = checkpoints_.path_for(2);
  const std::string whole = read_file(path);
  for (std::size_t i = 0; i < 40; ++i) {
    write_bytes(path, whole.substr(0, whole.size() * i / 40));
    std::vector<std::string> skipped;
    EXPECT_EQ(newest(&skipped), 1) << i;
    ASSERT_EQ(skipped.size(), 1U) << i;
    EXPECT_TRUE(skipped[0].starts_with(path.string() + ": expected ")) << skipped[0];
  }
}

TEST_F(CheckpointsTest, one_with_any_of_200_bits_flipped_gives_way_to_the_one_before_and_is_named) {
  write(1);
  write(2);
  const fs::path path = checkpoints_.path_for(2);
  const std::string whole = read_file(path);
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    const auto place = static_cast<std::size_t>(random.below(whole.size()));
    test::set_byte(path, place, static_cast<char>(whole[place] ^ 1 << random.below(8)));
    std::vector<std::string> skipped;
    EXPECT_EQ(newest(&skipped), 1) << place;
    ASSERT_EQ(skipped.size(), 1U) << place;
    EXPECT_TRUE(skipped[0].starts_with(path.string() + ": ")) << skipped[0];
    test::set_byte(path, place, whole[place]);
  }
  EXPECT_EQ(newest(), 2);
}

TEST_F(CheckpointsTest, the_reason_for_each_that_is_skipped_is_given) {
  for (const int step : {1, 2, 3}) write(step);
  const fs::path second = checkpoints_.path_for(2);
  const std::string whole = read_file(second);
  test::set_byte(second, whole.size() - 1, static_cast<char>(~whole.back()));  // the end of dense/bias
  write_bytes(checkpoints_.path_for(3), "");
  std::vector<std::string> skipped;
  EXPECT_EQ(newest(&skipped), 1);
  ASSERT_EQ(skipped.size(), 2U);
  EXPECT_EQ(skipped[0], checkpoints_.path_for(3).string() + ": expected 8 bytes of header length, got 0");
  EXPECT_TRUE(skipped[1].starts_with(second.string() + ": dense/bias: expected CRC-32C ")) << skipped[1];
}

/// Step 3 is written beside 1 and 2 and the folder is pruned to two, killed at every call in turn.
TEST_F(CheckpointsTest, a_process_killed_at_any_call_leaves_the_old_step_or_the_new_one) {
  const i64 calls_of_a_write =
      12;  // unlink, open, 4 writes, fsync, close, rename; folder: open, fsync, close
  const i64 rename = 9;
  i64 n = 1;
  for (;; ++n) {
    for (const std::string& name : names()) fs::remove(folder_ / name);
    for (const int step : {1, 2}) write(step);
    const bool killed = killed_at(n, [&] {
      write(3);
      checkpoints_.prune();
    });
    if (!killed) break;
    std::vector<std::string> skipped;
    EXPECT_EQ(newest(&skipped), n <= rename ? 2 : 3) << n;
    EXPECT_TRUE(skipped.empty()) << n;
    checkpoints_.prune();
    EXPECT_EQ(names().size(), 2U) << n;
  }
  EXPECT_EQ(n, calls_of_a_write + 1 + 1);  // one unlink of the pruning, and none killed
  EXPECT_EQ(names(),
            (std::vector<std::string>{"digits-00000002.safetensors", "digits-00000003.safetensors"}));
}

TEST_F(CheckpointsTest, what_is_not_there_or_all_damaged_is_told) {
  const std::string all = (folder_ / "digits-*.safetensors").string();
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)newest(); }), all + ": expected a checkpoint, got none");
  for (const int step : {1, 2}) write_bytes(checkpoints_.path_for(step), "cut");
  std::vector<std::string> skipped;
  EXPECT_EQ(error_text(ErrorCode::format, [&] { (void)newest(&skipped); }),
            all + ": expected a checkpoint that can be read, got 2 damaged, the newest: " +
                checkpoints_.path_for(2).string() + ": expected 8 bytes of header length, got 3");
  EXPECT_EQ(skipped.size(), 2U);
  const Checkpoints elsewhere(folder_ / "missing/digits");
  EXPECT_EQ(
      error_text(ErrorCode::io, [&] { (void)elsewhere.newest_first(); }),
      (folder_ / "missing").string() + ": expected a folder that can be read, got No such file or directory");
}

TEST_F(CheckpointsTest, bad_arguments_are_named) {
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { Checkpoints("runs/"); }),
            "checkpoints.prefix: expected a path that ends in a name, got runs/");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { Checkpoints("runs", 0); }),
            "checkpoints.keep: expected from 1 up, got 0");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { (void)checkpoints_.path_for(-1); }),
            "checkpoint number: expected from 0 up, got -1");
}

TEST_F(CheckpointsTest, pruning_that_fails_is_told) {
  for (const int step : {1, 2, 3}) write(step);
  const ScopedFault fault("fail:unlink:1");
  EXPECT_EQ(
      error_text(ErrorCode::io, [&] { checkpoints_.prune(); }),
      checkpoints_.path_for(1).string() + ": expected a file that can be removed, got Input/output error");
}

}  // namespace

}  // namespace recurra

#include "recurra/data/npy_source.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/data/npy.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

using test::error_text;
using test::TemporaryFolder;
using test::write_bytes;

/// `count` examples (count, 2, 3) with the targets 0 to count - 1.
Examples numbered(i64 count) {
  Examples examples{Tensor({count, 2, 3}), Tensor({count}, Dtype::i32)};
  std::iota(examples.x.data(), examples.x.data() + examples.x.size(), 0.0F);
  std::iota(examples.y.as<std::int32_t>().begin(), examples.y.as<std::int32_t>().end(), 0);
  return examples;
}

/// The examples as files, and sources of them.
class Files {
 public:
  explicit Files(const Examples& examples) {
    write_npy(x(), examples.x);
    write_npy(y(), examples.y);
  }

  [[nodiscard]] std::filesystem::path x() const { return folder_ / "x.npy"; }

  [[nodiscard]] std::filesystem::path y() const { return folder_ / "y.npy"; }

  /// What opening them says, without the folder.
  [[nodiscard]] std::string refusal(ErrorCode code,
                                    const BatchOptions& options = {},
                                    i64 block_rows = 1) const {
    const std::string text = error_text(code, [&] { NpySource(x(), y(), options, block_rows); });
    const std::string folder = folder_.path().string() + "/";
    return text.starts_with(folder) ? text.substr(folder.size()) : text;
  }

 private:
  TemporaryFolder folder_;
};

std::vector<std::int32_t> targets_of_epoch(BatchSource& source, i64 epoch) {
  std::vector<std::int32_t> targets;
  Batch batch;
  source.begin_epoch(epoch);
  while (source.next(batch)) {
    const auto some = batch.y.as<std::int32_t>();
    targets.insert(targets.end(), some.begin(), some.end());
    for (std::size_t i = 0; i < some.size(); ++i) {
      EXPECT_EQ(batch.x.data()[6 * i + 5], static_cast<float>(6 * some[i] + 5));
    }
  }
  return targets;
}

TEST(NpySource, gives_the_batches_of_the_whole_files_in_memory) {
  const Examples examples = numbered(11);
  const Files files(examples);
  for (const bool shuffle : {true, false}) {
    const BatchOptions options{.batch_size = 4, .shuffle = shuffle, .seed = 3};
    NpySource source(files.x(), files.y(), options);
    ExamplesSource expected(examples, options);
    EXPECT_EQ(source.batches(), 3);
    Batch a;
    Batch b;
    for (const i64 epoch : {1, 0}) {
      source.begin_epoch(epoch);
      expected.begin_epoch(epoch);
      while (expected.next(b)) {
        ASSERT_TRUE(source.next(a));
        ASSERT_EQ(a.x.shape(), b.x.shape());
        EXPECT_TRUE(std::ranges::equal(a.x.as<float>(), b.x.as<float>()));
        EXPECT_TRUE(std::ranges::equal(a.y.as<std::int32_t>(), b.y.as<std::int32_t>()));
      }
      EXPECT_FALSE(source.next(a));
    }
  }
}

TEST(NpySource, blocks_stay_together_and_every_row_comes_once) {
  const Files files(numbered(11));
  for (const i64 block_rows : {2, 3, 5, 11, 100}) {
    NpySource source(files.x(), files.y(), {.batch_size = 4, .seed = 1}, block_rows);
    bool moved = false;
    for (i64 epoch = 0; epoch < 8; ++epoch) {
      const auto targets = targets_of_epoch(source, epoch);
      for (std::size_t i = 1; i < targets.size(); ++i) {
        if (targets[i] % block_rows == 0) continue;
        EXPECT_EQ(targets[i], targets[i - 1] + 1) << block_rows;
      }
      auto sorted = targets;
      std::ranges::sort(sorted);
      moved = moved || sorted != targets;
      std::vector<std::int32_t> all(11);
      std::iota(all.begin(), all.end(), 0);
      EXPECT_EQ(sorted, all);
    }
    EXPECT_EQ(moved, block_rows < 11);
  }
}

TEST(NpySource, skips_as_if_it_had_read) {
  const Files files(numbered(10));
  NpySource source(files.x(), files.y(), {.batch_size = 4});
  const auto expected = targets_of_epoch(source, 0);
  source.begin_epoch(0);
  source.skip(2);
  Batch batch;
  ASSERT_TRUE(source.next(batch));
  EXPECT_EQ(batch.y.as<std::int32_t>()[0], expected[8]);
  source.begin_epoch(0);
  source.skip(3);
  EXPECT_FALSE(source.next(batch));
}

TEST(NpySource, converts_as_read_npy_does) {
  const Files files(numbered(2));
  const std::string header = "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 1), }";
  const std::string length{static_cast<char>(header.size()), '\0'};
  write_bytes(files.x(), std::string("\x93NUMPY\1\0", 8) + length + header + std::string("\0\1\1\0", 4));
  NpySource source(files.x(), files.y(), {.shuffle = false});
  source.begin_epoch(0);
  Batch batch;
  ASSERT_TRUE(source.next(batch));
  EXPECT_EQ(batch.x.shape(), (Shape{2, 1}));
  EXPECT_EQ(batch.x.as<std::int32_t>()[0], 1);
  EXPECT_EQ(batch.x.as<std::int32_t>()[1], 256);
}

TEST(NpySource, a_file_of_no_rows_has_no_batches) {
  const Files files(numbered(0));
  NpySource source(files.x(), files.y());
  Batch batch;
  EXPECT_FALSE(source.next(batch));
  source.begin_epoch(0);
  EXPECT_FALSE(source.next(batch));
  EXPECT_EQ(source.batches(), 0);
}

TEST(NpySource, names_files_that_do_not_go_together) {
  const Files files(numbered(3));
  EXPECT_EQ(files.refusal(ErrorCode::invalid_argument, {.batch_size = 0}),
            "batch_size: expected from 1 up, got 0");
  EXPECT_EQ(files.refusal(ErrorCode::invalid_argument, {}, 0), "block_rows: expected from 1 up, got 0");
  write_npy(files.y(), Tensor({4}));
  EXPECT_EQ(files.refusal(ErrorCode::shape), "y.npy: expected (3, ...), a target for each example, got (4,)");
  write_npy(files.y(), Tensor({3}, Dtype::i64));
  EXPECT_EQ(files.refusal(ErrorCode::dtype), "y.npy: expected f32 or i32, got i64");
  write_npy(files.x(), Tensor({3}));
  write_npy(files.y(), Tensor({3}));
  EXPECT_EQ(files.refusal(ErrorCode::shape),
            "x.npy: expected (examples, ..., features) or (examples, steps), got (3,)");
  std::filesystem::remove(files.x());
  EXPECT_EQ(files.refusal(ErrorCode::io),
            "x.npy: expected a file that can be read, got No such file or directory");
}

TEST(NpySource, refuses_fortran_order) {
  const Files files(numbered(2));
  const std::string header = "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 1), }";
  const std::string length{static_cast<char>(header.size()), '\0'};
  write_bytes(files.x(), std::string("\x93NUMPY\1\0", 8) + length + header + "ab");
  EXPECT_EQ(files.refusal(ErrorCode::unsupported), "x.npy: order of elements \"Fortran\": supported are C");
}

TEST(NpySource, says_so_when_a_file_has_become_shorter) {
  const Files files(numbered(4));
  NpySource source(files.x(), files.y(), {.shuffle = false});
  source.begin_epoch(0);
  std::filesystem::resize_file(files.x(), std::filesystem::file_size(files.x()) - 1);
  Batch batch;
  EXPECT_EQ(
      error_text(ErrorCode::format, [&] { source.next(batch); }),
      files.x().string() + ": expected rows to 3 as when it was opened, got a file that has become shorter");
}

}  // namespace

}  // namespace recurra

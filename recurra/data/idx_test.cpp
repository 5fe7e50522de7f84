#include "recurra/data/idx.h"

#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "recurra/base/error.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::TemporaryFolder;
using test::write_bytes;

std::string header_of(const std::vector<std::uint32_t>& extents, char type = 0x08) {
  std::string text{'\0', '\0', type, static_cast<char>(extents.size())};
  for (const std::uint32_t extent : extents) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) text += static_cast<char>(extent >> shift & 0xffU);
  }
  return text;
}

std::string counting(std::size_t count) {
  std::string text(count, '\0');
  std::iota(text.begin(), text.end(), '\0');
  return text;
}

std::string compressed(std::string text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string text_of(const Tensor& tensor) {
  const auto bytes = tensor.as<std::uint8_t>();
  return {bytes.begin(), bytes.end()};
}

/// The error of reading a file of these bytes, without the path in front of it.
std::string refusal_of(const std::string& bytes, ErrorCode code = ErrorCode::format) {
  const TemporaryFolder folder;
  const fs::path path = folder / "file";
  write_bytes(path, bytes);
  const std::string text = error_text(code, [&] { (void)read_idx(path); });
  const std::string prefix = path.string() + ": ";
  EXPECT_TRUE(text.starts_with(prefix)) << text;
  return text.substr(std::min(prefix.size(), text.size()));
}

TEST(Idx, reads_a_plain_file) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", header_of({2, 3, 4}) + counting(24));
  const Tensor tensor = read_idx(folder / "file");
  EXPECT_EQ(tensor.shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(tensor.dtype(), Dtype::u8);
  EXPECT_EQ(text_of(tensor), counting(24));
}

TEST(Idx, reads_ranks_1_to_8) {
  const TemporaryFolder folder;
  for (std::size_t rank = 1; rank <= 8; ++rank) {
    write_bytes(folder / "file",
                header_of(std::vector<std::uint32_t>(rank, 2)) + counting(std::size_t{1} << rank));
    EXPECT_EQ(read_idx(folder / "file").shape().rank(), static_cast<int>(rank));
  }
}

TEST(Idx, reads_gzip_whatever_the_name) {
  const TemporaryFolder folder;
  write_bytes(folder / "file.txt", compressed(header_of({300, 1000}) + counting(300'000)));
  EXPECT_EQ(text_of(read_idx(folder / "file.txt")), counting(300'000));
}

TEST(Idx, reads_a_plain_file_named_gz) {
  const TemporaryFolder folder;
  write_bytes(folder / "file.gz", header_of({3}) + "abc");
  EXPECT_EQ(text_of(read_idx(folder / "file.gz")), "abc");
}

TEST(Idx, reads_gzip_of_several_members) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", compressed(header_of({6}) + "ab") + compressed("cdef") + compressed(""));
  EXPECT_EQ(text_of(read_idx(folder / "file")), "abcdef");
}

TEST(Idx, reads_gzip_of_the_highest_ratio) {
  const TemporaryFolder folder;
  const std::string zeros(50'000'000, '\0');
  const std::string packed = compressed(header_of({50'000'000}) + zeros);
  ASSERT_GT(zeros.size() / packed.size(), 1000U);
  write_bytes(folder / "file", packed);
  EXPECT_EQ(read_idx(folder / "file").size(), 50'000'000);
}

TEST(Idx, reads_zero_elements) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", header_of({0, 28, 28}));
  EXPECT_EQ(read_idx(folder / "file").shape(), (Shape{0, 28, 28}));
  write_bytes(folder / "file", compressed(header_of({0, 28, 28})));
  EXPECT_EQ(read_idx(folder / "file").shape(), (Shape{0, 28, 28}));
}

TEST(Idx, names_a_missing_file) {
  const TemporaryFolder folder;
  const fs::path path = folder / "missing.gz";
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_idx(path); }),
            path.string() + ": expected a file that can be read, got No such file or directory");
}

TEST(Idx, refuses_a_folder) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_idx(folder.path()); }),
            folder.path().string() + ": expected a regular file, got a folder");
}

TEST(Idx, refuses_another_format) {
  EXPECT_EQ(refusal_of("\x89PNG and more"), "expected an idx file, which begins 0x00 0x00, got 0x89 0x50");
  EXPECT_EQ(refusal_of(compressed("some text")),
            "expected an idx file, which begins 0x00 0x00, got 0x73 0x6f");
}

TEST(Idx, names_an_unsupported_element_type_and_what_is_supported) {
  EXPECT_EQ(refusal_of(header_of({1}, 0x0d) + "abcd", ErrorCode::unsupported),
            "idx element type \"0x0d\": supported are 0x08 (u8)");
}

TEST(Idx, refuses_rank_0_and_rank_9) {
  EXPECT_EQ(refusal_of(header_of({})), "expected rank 1 to 8, got 0");
  EXPECT_EQ(refusal_of(header_of(std::vector<std::uint32_t>(9, 1)) + "a"), "expected rank 1 to 8, got 9");
  std::string header = header_of({});
  header[3] = '\xff';
  EXPECT_EQ(refusal_of(header), "expected rank 1 to 8, got 255");
}

TEST(Idx, refuses_a_truncated_header) {
  EXPECT_EQ(refusal_of(""), "expected the next 4 bytes of an idx header, got 0 (truncated)");
  EXPECT_EQ(refusal_of(header_of({2, 3}).substr(0, 9)),
            "expected the next 4 bytes of an idx header, got 1 (truncated)");
}

TEST(Idx, refuses_truncated_data) {
  EXPECT_EQ(refusal_of(header_of({2, 3}) + "abcde"),
            "expected 6 bytes of data for shape (2, 3), got 5 (truncated)");
  EXPECT_EQ(refusal_of(compressed(header_of({2, 3}) + "abcde")),
            "expected 6 bytes of data for shape (2, 3), got 5 (truncated)");
}

TEST(Idx, refuses_trailing_bytes) {
  EXPECT_EQ(refusal_of(header_of({2, 3}) + "abcdefg"),
            "expected 6 bytes of data for shape (2, 3), got 7 (trailing bytes)");
  EXPECT_EQ(refusal_of(compressed(header_of({2, 3}) + "abcdefg")),
            "expected 6 bytes of data for shape (2, 3), got more (trailing bytes)");
}

TEST(Idx, refuses_extents_whose_product_overflows) {
  EXPECT_EQ(refusal_of(header_of({0xffffffff, 0xffffffff, 2})),
            "expected extents whose product fits into 63 bits, got (4294967295, 4294967295, 2)");
  EXPECT_EQ(refusal_of(header_of(std::vector<std::uint32_t>(8, 0x80000000))),
            "expected extents whose product fits into 63 bits, got (2147483648, 2147483648, 2147483648, "
            "2147483648, 2147483648, 2147483648, 2147483648, 2147483648)");
}

TEST(Idx, takes_no_memory_for_more_than_a_plain_file_holds) {
  EXPECT_EQ(
      refusal_of(header_of({0x7fffffff, 0x7fffffff}) + "abc"),
      "expected 4611686014132420609 bytes of data for shape (2147483647, 2147483647), got 3 (truncated)");
}

TEST(Idx, takes_no_memory_for_more_than_a_gzip_file_can_hold) {
  const std::string packed = compressed(header_of({0x7fffffff, 0x7fffffff}) + "abc");
  EXPECT_EQ(refusal_of(packed),
            "expected 4611686014132420609 bytes of data for shape (2147483647, 2147483647), got " +
                std::to_string(packed.size()) + " bytes of gzip data, which hold at most 1032 times as many");
}

TEST(Idx, refuses_a_gzip_file_cut_at_any_byte) {
  const std::string packed = compressed(header_of({20, 30}) + counting(600));
  for (std::size_t length = 0; length < packed.size(); ++length) {
    EXPECT_NE(refusal_of(packed.substr(0, length)), "") << length;
  }
  EXPECT_EQ(refusal_of(packed.substr(0, packed.size() - 1)),
            "expected a gzip checksum at the end, got none (truncated)");
}

TEST(Idx, refuses_a_plain_file_cut_at_any_byte) {
  const std::string whole = header_of({2, 3, 4}) + counting(24);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(refusal_of(whole.substr(0, length)), "") << length;
  }
}

TEST(Idx, refuses_damaged_gzip_data) {
  std::string packed = compressed(header_of({6}) + "abcdef");
  std::string wrong_checksum = packed;
  wrong_checksum[packed.size() - 8] = static_cast<char>(wrong_checksum[packed.size() - 8] ^ 1);
  EXPECT_EQ(refusal_of(wrong_checksum), "expected intact gzip data, got incorrect data check");
  EXPECT_EQ(refusal_of(packed + "trailing"), "expected intact gzip data, got incorrect header check");
}

}  // namespace

}  // namespace recurra

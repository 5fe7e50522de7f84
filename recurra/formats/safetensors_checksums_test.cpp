#include "recurra/formats/safetensors_checksums.h"

#include <string>

#include <gtest/gtest.h>

#include "recurra/formats/safetensors.h"
#include "tests/support/safetensors.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::example_table;
using test::expect_same;
using test::file_of;
using test::refusal_of;
using test::set_byte;
using test::TemporaryFolder;
using test::tensor_of;

TEST(Checksums, refuses_a_file_with_any_bit_flipped) {
  const TemporaryFolder folder;
  const fs::path path = folder / "model";
  write_safetensors(path, example_table());
  const std::string bytes = read_file(path);
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    for (int bit = 0; bit < 8; ++bit) {
      set_byte(path, place, static_cast<char>(bytes[place] ^ 1 << bit));
      EXPECT_NE(error_text([&] { (void)read_safetensors(path); }), "no error") << place << " bit " << bit;
    }
    set_byte(path, place, bytes[place]);
  }
  expect_same(example_table(), read_safetensors(path));
}

/// The error of reading `example_table()` with the first `from` in its file replaced by `to`, of the same
/// length.
std::string refusal_of_example(const std::string& from, const std::string& to) {
  const TemporaryFolder folder;
  write_safetensors(folder / "model", example_table());
  std::string bytes = read_file(folder / "model");
  const std::size_t place = bytes.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return refusal_of(bytes.replace(place, from.size(), to));
}

TEST(Checksums, a_damaged_tensor_is_named_with_both_checksums) {
  const TemporaryFolder folder;
  const fs::path path = folder / "model.safetensors";
  WeightTable table;
  table.add("lstm/kernel", tensor_of<std::uint8_t>({9}, std::uint8_t{'1'}));  // the bytes 123456789
  write_safetensors(path, table);
  set_byte(path, fs::file_size(path) - 1, '8');
  EXPECT_EQ(error_text(ErrorCode::format, [&] { (void)read_safetensors(path); }),
            path.string() + ": lstm/kernel: expected CRC-32C e3069283, got 116d1180");
}

TEST(Checksums, a_damaged_header_is_named_with_both_checksums) {
  const TemporaryFolder folder;
  const fs::path path = folder / "model";
  write_safetensors(path, WeightTable());
  const std::string text = read_file(path);
  set_byte(path, text.size() - 1, '\n');  // another blank, of the same meaning
  const std::string error = error_text(ErrorCode::format, [&] { (void)read_safetensors(path); });
  const std::string expected = path.string() + ": header: expected CRC-32C 58efb38b, got ";
  EXPECT_TRUE(error.starts_with(expected)) << error;
  EXPECT_EQ(error.size(), expected.size() + 8);
}

TEST(Checksums, refuses_checksums_that_are_not_all_there) {
  EXPECT_EQ(refusal_of_example("\"crc32c\"", "\"crc32d\""),
            R"(metadata "crc32c" beside "header_crc32c", got none)");
  EXPECT_EQ(refusal_of_example("header_crc32c", "header_crc32d"),
            R"(metadata "header_crc32c" beside "crc32c", got none)");
  EXPECT_EQ(refusal_of(file_of(R"({"__metadata__":{"crc32c":"{}", "header_crc32c": "58efb38b"}})", 0)),
            "the header as its CRC-32C was taken, got one that another program wrote anew");
  EXPECT_EQ(refusal_of(file_of(R"({"__metadata__":{"crc32c":"{}","header_crc32c":"58"}})", 0)),
            "the header as its CRC-32C was taken, got one that another program wrote anew");
}

/// The refusal of a header that is right but for its "crc32c", which says this; tensor "w" has no bytes.
std::string refusal_of_checksums(const std::string& text) {
  std::string header = R"({"__metadata__":{"crc32c":")" + text + R"(","header_crc32c":"00000000"},)" +
                       R"("w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})";
  safetensors::seal(header);
  return refusal_of(file_of(header, 0));
}

TEST(Checksums, refuses_checksums_of_another_kind_or_of_other_tensors) {
  const std::string object = R"(metadata "crc32c" as an object of checksums, got )";
  const std::string missing = R"(a CRC-32C of "w", got none)";
  EXPECT_EQ(refusal_of_checksums("w"), object + "w");
  EXPECT_EQ(refusal_of_checksums("[]"), object + "[]");
  EXPECT_EQ(refusal_of_checksums(std::string(20'000, '[')), object + std::string(80, '[') + "…");
  EXPECT_EQ(refusal_of_checksums("{}"), missing);
  EXPECT_EQ(refusal_of_checksums(R"({\"w\":5})"), missing);
  EXPECT_EQ(refusal_of_checksums(R"({\"w\":{\"w\":\"00000000\"}})"), missing);
  EXPECT_EQ(refusal_of_checksums(R"({\"w\":\"00000000\",\"v\":\"00000000\"})"),
            "checksums of its tensors only, got 2 checksums");
}

}  // namespace

}  // namespace recurra

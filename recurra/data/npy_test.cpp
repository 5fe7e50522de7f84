#include "recurra/data/npy.h"

#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::TemporaryFolder;
using test::write_bytes;

template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  return {tensor.as<T>().begin(), tensor.as<T>().end()};
}

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// An npy file whose header holds this text, without the padding NumPy adds.
std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string file = std::string("\x93NUMPY") + version + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    file += static_cast<char>(dictionary.size() >> 8 * i & 0xff);
  return file + dictionary + data;
}

std::string dictionary(const std::string& descr,
                       const std::string& shape,
                       const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

Tensor parsed(const std::string& bytes) {
  return parse_npy(bytes_of(bytes), "array");
}

/// The error of these bytes, without the subject in front of it.
std::string refusal_of(const std::string& bytes, ErrorCode code = ErrorCode::format) {
  const std::string text = error_text(code, [&] { (void)parsed(bytes); });
  EXPECT_TRUE(text.starts_with("array: ")) << text;
  return text.substr(std::min<std::size_t>(7, text.size()));
}

TEST(Npy, reads_a_file) {
  const TemporaryFolder folder;
  write_bytes(folder / "a", npy(dictionary("<f4", "(2, 3)"), raw<float>({1, 2, 3, 4, 5, NAN})));
  const Tensor tensor = read_npy(folder / "a");
  EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(tensor.data()[4], 5.0F);
  EXPECT_TRUE(std::isnan(tensor.data()[5]));
}

TEST(Npy, reads_a_file_numpy_wrote) {
  // numpy.save of numpy.arange(3, dtype=numpy.int32), NumPy 1.26.
  std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }";
  header += std::string(118 - header.size() - 1, ' ') + '\n';
  EXPECT_EQ(values_of<std::int32_t>(parsed(npy(header, raw<std::int32_t>({0, 1, 2})))),
            (std::vector<std::int32_t>{0, 1, 2}));
}

TEST(Npy, takes_elements_as_they_are_or_wider) {
  const auto read = [](const std::string& descr, const std::string& data) {
    return parsed(npy(dictionary(descr, "(2,)"), data));
  };
  EXPECT_EQ(values_of<std::uint8_t>(read("|u1", "\1\xff")), (std::vector<std::uint8_t>{1, 255}));
  EXPECT_EQ(values_of<std::uint8_t>(read("|b1", std::string("\0\2", 2))), (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(values_of<std::int32_t>(read("|i1", "\1\xff")), (std::vector<std::int32_t>{1, -1}));
  EXPECT_EQ(values_of<std::int32_t>(read("<i2", raw<std::int16_t>({300, -2}))),
            (std::vector<std::int32_t>{300, -2}));
  EXPECT_EQ(values_of<std::int32_t>(read("<u2", raw<std::uint16_t>({300, 65535}))),
            (std::vector<std::int32_t>{300, 65535}));
  EXPECT_EQ(values_of<std::int32_t>(read("<i4", raw<std::int32_t>({-7, 8}))),
            (std::vector<std::int32_t>{-7, 8}));
  EXPECT_EQ(values_of<std::int64_t>(read("<u4", raw<std::uint32_t>({1, 0xFFFFFFFF}))),
            (std::vector<std::int64_t>{1, 0xFFFFFFFF}));
  EXPECT_EQ(values_of<std::int64_t>(read("<i8", raw<std::int64_t>({-1, 1LL << 40}))),
            (std::vector<std::int64_t>{-1, 1LL << 40}));
  EXPECT_EQ(values_of<float>(read("<f8", raw<double>({0.1, -1e300}))),
            (std::vector<float>{0.1F, -HUGE_VALF}));
}

TEST(Npy, reads_half_precision) {
  // One, the largest, the smallest normal, the smallest, minus zero, minus two, infinity, NaN.
  const std::vector<std::uint16_t> bits{0x3C00, 0x7BFF, 0x0400, 0x0001, 0x8000, 0xC000, 0x7C00, 0x7E00};
  const auto values = values_of<float>(parsed(npy(dictionary("<f2", "(8,)"), raw(bits))));
  EXPECT_EQ(std::vector<float>(values.begin(), values.begin() + 7),
            (std::vector<float>{1, 65504, 0x1p-14F, 0x1p-24F, -0.0F, -2, HUGE_VALF}));
  EXPECT_TRUE(std::signbit(values[4]));
  EXPECT_TRUE(std::isnan(values[7]));
}

TEST(Npy, reads_either_byte_order) {
  EXPECT_EQ(values_of<std::int32_t>(parsed(npy(dictionary(">i4", "(1,)"), std::string("\0\0\1\2", 4)))),
            (std::vector<std::int32_t>{258}));
  EXPECT_EQ(values_of<float>(parsed(npy(dictionary(">f2", "(1,)"), std::string("\x3C\0", 2)))),
            (std::vector<float>{1}));
  EXPECT_EQ(values_of<std::uint8_t>(parsed(npy(dictionary(">u1", "(1,)"), "\7"))),
            (std::vector<std::uint8_t>{7}));
}

TEST(Npy, turns_fortran_order_round) {
  // Element (i, j, k) of (2, 3, 2) is 100 i + 10 j + k; i varies fastest in the file.
  std::vector<float> file;
  std::vector<float> expected;
  for (int k = 0; k < 2; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) file.push_back(static_cast<float>(100 * i + 10 * j + k));
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 2; ++k) expected.push_back(static_cast<float>(100 * i + 10 * j + k));
  EXPECT_EQ(values_of<float>(parsed(npy(dictionary("<f4", "(2, 3, 2)", "True"), raw(file)))), expected);
}

TEST(Npy, reads_ranks_0_to_8) {
  EXPECT_EQ(parsed(npy(dictionary("<f4", "()"), raw<float>({3}))).shape(), Shape());
  std::string shape;
  for (int rank = 1; rank <= 8; ++rank) {
    shape += "2, ";
    const std::vector<float> data(std::size_t{1} << rank, 1);
    for (const char* order : {"False", "True"}) {
      EXPECT_EQ(parsed(npy(dictionary("<f4", "(" + shape + ")", order), raw(data))).shape().rank(), rank);
    }
  }
  EXPECT_EQ(refusal_of(npy(dictionary("<f4", "(" + shape + "2, )"), raw(std::vector<float>(512)))),
            "expected rank 0 to 8, got 9");
}

TEST(Npy, reads_arrays_of_nothing) {
  EXPECT_EQ(parsed(npy(dictionary("<f8", "(0, 3)"), "")).shape(), (Shape{0, 3}));
  EXPECT_EQ(parsed(npy(dictionary("<f4", "(4, 0)", "True"), "")).shape(), (Shape{4, 0}));
}

TEST(Npy, reads_versions_1_to_3) {
  for (const char version : {1, 2, 3}) {
    EXPECT_EQ(parsed(npy(dictionary("|u1", "(2,)"), "ab", version)).size(), 2);
  }
  EXPECT_EQ(refusal_of(npy(dictionary("|u1", "(2,)"), "ab", 4), ErrorCode::unsupported),
            R"(npy version "4.0": supported are 1.0, 2.0, 3.0)");
}

TEST(Npy, reads_keys_in_any_order_and_either_quotes) {
  const std::string header = R"( {"shape":(2 ,),'fortran_order' : False , "descr": "|u1"} )";
  EXPECT_EQ(parsed(npy(header, "ab")).shape(), (Shape{2}));
}

TEST(Npy, converts_arrays_longer_than_one_chunk) {
  std::vector<std::int16_t> numbers(20'000);
  std::iota(numbers.begin(), numbers.end(), std::int16_t{0});
  const auto values = values_of<std::int32_t>(parsed(npy(dictionary("<i2", "(20000,)"), raw(numbers))));
  EXPECT_TRUE(std::equal(values.begin(), values.end(), numbers.begin(), numbers.end()));
}

TEST(Npy, names_element_types_it_does_not_have) {
  const std::string known = "f2, f4, f8, b1, u1, i1, i2, u2, i4, u4, i8";
  for (const char* type : {"<u8", "<c8", "|O", "<U3", "|S4", "<M8[s]", "<f16", "f4", "|f4", "=f4", ""}) {
    EXPECT_EQ(refusal_of(npy(dictionary(type, "(1,)"), std::string(8, '\0')), ErrorCode::unsupported),
              "npy element type \"" + std::string(type) + "\": supported are " + known);
  }
  const std::string fields = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }";
  EXPECT_EQ(refusal_of(npy(fields, "abcd"), ErrorCode::unsupported),
            "npy element type \"[('a', '<f4')]\": supported are " + known);
}

TEST(Npy, refuses_headers_that_are_no_such_dictionary) {
  const auto refusal = [](const std::string& header) {
    return refusal_of(npy(header, "ab"));
  };
  const std::string good = "'descr': '|u1', 'fortran_order': False, 'shape': (2,)";
  EXPECT_EQ(refusal(""), "expected { at byte 0 of the npy header's dictionary, got \"\"");
  EXPECT_EQ(
      refusal("{}"),
      "expected the keys descr, fortran_order and shape at byte 2 of the npy header's dictionary, got \"\"");
  EXPECT_EQ(refusal("{" + good + ", 'x': 1}"),
            "expected only the keys descr, fortran_order and shape in an npy header, got \"x\"");
  EXPECT_EQ(refusal("{" + good + ", 'shape': (2,)}"),
            "expected each key once at byte 69 of the npy header's dictionary, got \"}\"");
  EXPECT_EQ(refusal("{" + good + "} x"),
            "expected nothing behind the dictionary at byte 56 of the npy header's dictionary, got \"x\"");
  EXPECT_EQ(refusal("{'shape': (2)}"),
            "expected a comma in a tuple of one at byte 12 of the npy header's dictionary, got \")}\"");
  const std::string extent =
      "expected an extent from 0 up that fits into 63 bits at byte 11 of the npy header's "
      "dictionary, got ";
  EXPECT_EQ(refusal("{'shape': (-2,)}"), extent + "\"-2,)}\"");
  EXPECT_EQ(refusal("{'shape': (9223372036854775808,)}"), extent + "\"9223372036854775808,)}\"");
  EXPECT_EQ(refusal("{'shape': (,)}"), extent + "\",)}\"");
  EXPECT_EQ(refusal("{'fortran_order': 0}"),
            "expected True or False at byte 18 of the npy header's dictionary, got \"0}\"");
  EXPECT_EQ(refusal("{'descr: 1}"),
            "expected a string with an end at byte 1 of the npy header's dictionary, got \"'descr: 1}\"");
  EXPECT_EQ(refusal("{descr: 1}"),
            "expected a string at byte 1 of the npy header's dictionary, got \"descr: 1}\"");
}

TEST(Npy, believes_no_size_before_the_file_has_it) {
  EXPECT_EQ(refusal_of(npy(dictionary("<f4", "(1099511627776,)"), "")),
            "expected 4398046511104 bytes of data for f4 of shape (1099511627776,), got 0 (truncated)");
  EXPECT_EQ(refusal_of(npy(dictionary("<f4", "(9223372036854775807,)"), "")),
            "expected extents whose product fits into 63 bits, got (9223372036854775807,)");
  EXPECT_EQ(refusal_of(npy(dictionary("|u1", "(4294967296, 4294967296)"), "")),
            "expected extents whose product fits into 63 bits, got (4294967296, 4294967296)");
  const std::string long_header("\x93NUMPY\2\0\xff\xff\xff\xff{}", 14);
  EXPECT_EQ(refusal_of(long_header), "expected an npy header of at most 65535 bytes, got 4294967295");
  EXPECT_EQ(refusal_of(std::string("\x93NUMPY\2\0\xff\xff\0\0{}", 14)),
            "expected the next 65535 bytes of an npy header, got 2 (truncated)");
}

TEST(Npy, refuses_files_cut_at_any_byte_or_longer) {
  const std::string whole = npy(dictionary("<f4", "(2, 3)"), raw<float>({1, 2, 3, 4, 5, 6}));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(refusal_of(whole.substr(0, length)), "") << length;
  }
  EXPECT_EQ(refusal_of(whole.substr(0, whole.size() - 1)),
            "expected 24 bytes of data for f4 of shape (2, 3), got 23 (truncated)");
  EXPECT_EQ(refusal_of(whole + "x"),
            "expected 24 bytes of data for f4 of shape (2, 3), got 25 (trailing bytes)");
}

TEST(Npy, one_flipped_bit_gives_an_array_or_an_error) {
  const std::string whole = npy(dictionary("<f4", "(2, 3)"), raw<float>({1, 2, 3, 4, 5, 6}));
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    refused += error_text([&] { (void)parsed(flipped); }) != "no error" ? 1 : 0;
  }
  EXPECT_GT(refused, 300);  // most of the header's 640
}

TEST(Npy, refuses_what_is_no_npy_file) {
  EXPECT_EQ(refusal_of(""), "expected the next 8 bytes of an npy header, got 0 (truncated)");
  EXPECT_EQ(refusal_of("just some text"), "expected an npy file, which begins \\x93NUMPY, got \"just s\"");
  const TemporaryFolder folder;
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_npy(folder.path()); }),
            folder.path().string() + ": expected a regular file, got a folder");
  write_bytes(folder / "a\xff.npy", "x");
  EXPECT_EQ(
      error_text(ErrorCode::format, [&] { (void)read_npy(folder / "a\xff.npy"); }),
      (folder / "a\xff.npy").string() + ": expected the next 8 bytes of an npy header, got 1 (truncated)");
}

TEST(Npy, writes_what_it_reads) {
  const TemporaryFolder folder;
  for (const Dtype dtype : {Dtype::f32, Dtype::u8, Dtype::i32, Dtype::i64}) {
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{0, 7}, Shape{1, 2, 1, 2, 1, 2, 1, 3}}) {
      Tensor tensor(shape, dtype);
      for (std::size_t i = 0; i < tensor.bytes(); ++i)
        static_cast<char*>(tensor.raw())[i] = static_cast<char>(i + 1);
      write_npy(folder / "a", tensor);
      const Tensor read = read_npy(folder / "a");
      EXPECT_EQ(read.shape(), shape);
      EXPECT_EQ(read.dtype(), dtype);
      EXPECT_EQ(std::memcmp(read.raw(), tensor.raw(), tensor.bytes()), 0);
    }
  }
}

TEST(Npy, writes_the_bytes_numpy_writes) {
  const TemporaryFolder folder;
  write_npy(folder / "a", Tensor({3, 1}, Dtype::u8));
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 1), }";
  header += std::string(118 - header.size() - 1, ' ') + '\n';
  EXPECT_EQ(read_file(folder / "a"), npy(header, std::string(3, '\0')));
}

TEST(Npy, refuses_to_write_ranks_it_does_not_read) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [&] {
                         write_npy(folder / "a", Tensor({1, 1, 1, 1, 1, 1, 1, 1, 1}));
                       }),
            "npy: expected rank 0 to 8, got 9");
  EXPECT_FALSE(fs::exists(folder / "a"));
}

}  // namespace

}  // namespace recurra

#include "recurra/formats/safetensors.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "tests/support/safetensors.h"
#include "tests/support/temporary_folder.h"

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
using test::write_bytes;

/// The error of a header whose one tensor `w` is described by `fields`; 8 bytes of data follow.
std::string refusal_of_tensor(const std::string& fields) {
  return refusal_of(file_of(R"({"w":{)" + fields + "}}", 8));
}

TEST(Safetensors, gives_back_what_was_written_in_its_order) {
  const TemporaryFolder folder;
  write_safetensors(folder / "model", example_table());
  expect_same(example_table(), read_safetensors(folder / "model"));
}

TEST(Safetensors, gives_back_an_empty_table) {
  const TemporaryFolder folder;
  write_safetensors(folder / "model", WeightTable());
  EXPECT_EQ(read_file(folder / "model"),
            file_of(R"({"__metadata__":{"crc32c":"{}","header_crc32c":"58efb38b"}}     )", 0));
  EXPECT_EQ(read_safetensors(folder / "model").size(), 0);
}

TEST(Safetensors, writes_the_bytes_of_the_format_with_every_tensor_aligned) {
  const TemporaryFolder folder;
  WeightTable table;
  table.add("u", tensor_of<std::uint8_t>({3}, std::uint8_t{1}));
  table.add("w", tensor_of<std::int32_t>({1, 2}, 5));
  table.set_metadata("k", "v");
  write_safetensors(folder / "model", table);
  const std::string header =
      R"({"__metadata__":{"crc32c":"{\"u\":\"f130f21e\",\"w\":\"204c5fb2\"}","header_crc32c":"ded3b875",)"
      R"("k":"v"},"u":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},)"
      R"("w":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(read_file(folder / "model"), file_of(padded, 0) + std::string("\5\0\0\0\6\0\0\0\1\2\3", 11));
}

TEST(Safetensors, reads_tensors_in_another_order_than_the_header) {
  const TemporaryFolder folder;
  write_bytes(folder / "model",
              file_of(R"({"b":{"shape":[1],"data_offsets":[1,2],"dtype":"U8"},)"
                      R"("a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}} )",
                      0) +
                  "xy");
  const WeightTable table = read_safetensors(folder / "model");
  EXPECT_EQ(table.entries()[0].name, "b");
  EXPECT_EQ(table.at("b").as<std::uint8_t>()[0], 'y');
  EXPECT_EQ(table.at("a").as<std::uint8_t>()[0], 'x');
  EXPECT_EQ(table.at("a").shape(), Shape{});
}

TEST(Safetensors, reads_100000_tensors_and_refuses_one_more) {
  const TemporaryFolder folder;
  std::string entries;
  for (int i = 0; i < 100'000; ++i) {
    entries.append(i == 0 ? "\"" : ",\"").append(std::to_string(i));
    entries.append(R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})");
  }
  write_bytes(folder / "model", file_of("{" + entries + "}", 0));
  EXPECT_EQ(read_safetensors(folder / "model").size(), 100'000);
  EXPECT_EQ(refusal_of(file_of("{" + entries + R"(,"more":{}})", 0)), "at most 100,000 tensors, got more");
}

TEST(Safetensors, refuses_a_file_cut_at_any_byte) {
  const TemporaryFolder folder;
  const fs::path path = folder / "model";
  write_safetensors(path, example_table());
  for (std::size_t length = fs::file_size(path); length-- > 0;) {
    fs::resize_file(path, length);
    EXPECT_NE(error_text(ErrorCode::format, [&] { (void)read_safetensors(path); }), "no error") << length;
  }
}

TEST(Safetensors, a_flipped_bit_without_checksums_is_refused_or_changes_a_value) {
  const TemporaryFolder folder;
  const fs::path path = folder / "model";
  const std::string bytes =
      file_of(R"({"__metadata__":{"k":"v"},"b":{"dtype":"U8","shape":[2],"data_offsets":)"
              R"([8,10]},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}} )",
              10);
  write_bytes(path, bytes);
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    for (int bit = 0; bit < 8; ++bit) {
      set_byte(path, place, static_cast<char>(bytes[place] ^ 1 << bit));
      try {
        EXPECT_EQ(read_safetensors(path).size(), 2) << place << " bit " << bit;
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::format || error.code() == ErrorCode::unsupported)
            << error.what();
      }
    }
    set_byte(path, place, bytes[place]);
  }
}

TEST(Safetensors, names_a_missing_file) {
  const TemporaryFolder folder;
  const fs::path path = folder / "missing";
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_safetensors(path); }),
            path.string() + ": expected a file that can be read, got No such file or directory");
}

TEST(Safetensors, refuses_header_lengths_beyond_the_limit_and_beyond_the_file) {
  const std::string rest(24, '{');
  EXPECT_EQ(refusal_of(std::string(8, '\xff') + rest),
            "a header of at most 100,000,000 bytes, got 18446744073709551615");
  EXPECT_EQ(refusal_of(std::string(7, '\0') + '\x80' + rest),
            "a header of at most 100,000,000 bytes, got 9223372036854775808");
  EXPECT_EQ(refusal_of(std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + rest),
            "a header of at most 100,000,000 bytes, got 100000001");
  EXPECT_EQ(refusal_of(std::string("\x00\xe1\xf5\x05\0\0\0\0", 8) + rest),
            "a header of 100000000 bytes, got 24 (truncated)");
}

TEST(Safetensors, refuses_another_format) {
  EXPECT_EQ(refusal_of(""), "8 bytes of header length, got 0");
  EXPECT_EQ(refusal_of("some text that is no model"),
            "a header of at most 100,000,000 bytes, got 8675467939688574835");
  EXPECT_EQ(refusal_of(file_of("", 0)), "a header that begins with {, got none");
  EXPECT_EQ(refusal_of(file_of("[]", 0)), "a header that begins with {, got text");
  EXPECT_EQ(refusal_of(file_of("\xef\xbb\xbf{}", 0)), "a header that begins with {, got text");
}

TEST(Safetensors, refuses_a_header_that_is_not_json) {
  EXPECT_EQ(refusal_of(file_of("{", 0)), "a header in JSON, got a syntax error at its byte 2");
  EXPECT_EQ(refusal_of(file_of("{} x", 0)), "a header in JSON, got a syntax error at its byte 4");
  EXPECT_EQ(refusal_of(file_of("{\"\xff\":1}", 0)), "a header in JSON, got a syntax error at its byte 3");
  EXPECT_EQ(refusal_of(file_of(std::string("{}\0hidden", 9), 0)), "a header in JSON, got a zero byte in it");
  EXPECT_EQ(refusal_of_tensor(R"("shape":[1e999])"), "a header in JSON, got a syntax error at its byte 20");
}

TEST(Safetensors, refuses_json_nested_20000_deep) {
  const std::string deep(20'000, '[');
  EXPECT_EQ(refusal_of(file_of(R"({"w":)" + deep, 0)), R"(an object for "w", got an array)");
  EXPECT_EQ(refusal_of_tensor("\"shape\":" + deep), R"(shape of "w" in whole numbers from 0, got an array)");
  std::string objects;
  for (int i = 0; i < 20'000; ++i) objects += R"({"w":)";
  EXPECT_EQ(refusal_of(file_of(objects, 0)), R"(dtype, shape and data_offsets of "w", got also "w")");
}

TEST(Safetensors, refuses_values_of_another_kind) {
  EXPECT_EQ(refusal_of(file_of(R"({"w":7})", 0)), R"(an object for "w", got 7)");
  EXPECT_EQ(refusal_of(file_of(R"({"w":null})", 0)), R"(an object for "w", got null)");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":["F32"])"), R"(dtype of "w" as text, got an array)");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":true)"), R"(dtype of "w" as text, got true or false)");
  EXPECT_EQ(refusal_of_tensor(R"("shape":2)"), R"(shape of "w" as a list, got 2)");
  EXPECT_EQ(refusal_of_tensor(R"("shape":"2")"), R"(shape of "w" as a list, got a string)");
  EXPECT_EQ(refusal_of_tensor(R"("shape":{})"), R"(shape of "w" as a list, got an object)");
  EXPECT_EQ(refusal_of_tensor(R"("shape":[-2])"), R"(shape of "w" in whole numbers from 0, got -2)");
  EXPECT_EQ(refusal_of_tensor(R"("shape":[2.5])"), R"(shape of "w" in whole numbers from 0, got 2.5)");
  EXPECT_EQ(refusal_of(file_of(R"({"__metadata__":{"k":1}})", 0)), R"(metadata "k" as a string, got 1)");
  EXPECT_EQ(refusal_of(file_of(R"({"__metadata__":[]})", 0)),
            R"(an object for "__metadata__", got an array)");
}

TEST(Safetensors, refuses_a_tensor_with_a_field_too_few_or_too_many) {
  EXPECT_EQ(refusal_of_tensor(""), R"(dtype, shape and data_offsets of "w", got no data_offsets)");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"F32","data_offsets":[0,8])"),
            R"(dtype, shape and data_offsets of "w", got no shape)");
  EXPECT_EQ(refusal_of_tensor(R"("shape":[2],"data_offsets":[0,8])"),
            R"(dtype, shape and data_offsets of "w", got no dtype)");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"F32","strides":[1])"),
            R"(dtype, shape and data_offsets of "w", got also "strides")");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0])"),
            R"(two data_offsets of "w", got fewer)");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"),
            R"(two data_offsets of "w", got more)");
}

TEST(Safetensors, refuses_what_is_there_twice) {
  const std::string w = R"("w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  EXPECT_EQ(refusal_of(file_of("{" + w + "," + w + "}", 4)), R"(one entry "w", got a second)");
  EXPECT_EQ(refusal_of(file_of(R"({"__metadata__":{},"__metadata__":{}})", 0)),
            R"(one entry "__metadata__", got a second)");
  EXPECT_EQ(refusal_of(file_of(R"({"__metadata__":{"k":"a","k":"b"}})", 0)),
            R"(metadata "k" once, got a second)");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"F32","dtype":"F32")"), R"(dtype of "w" once, got a second)");
  EXPECT_EQ(refusal_of_tensor(R"("shape":[],"shape":[])"), R"(shape of "w" once, got a second)");
  EXPECT_EQ(refusal_of_tensor(R"("data_offsets":[0,8],"data_offsets":[0,8])"),
            R"(data_offsets of "w" once, got a second)");
}

TEST(Safetensors, names_an_unsupported_element_type_and_what_is_supported) {
  const TemporaryFolder folder;
  write_bytes(folder / "model", file_of(R"({"w":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}})", 8));
  EXPECT_EQ(error_text(ErrorCode::unsupported, [&] { (void)read_safetensors(folder / "model"); }),
            (folder / "model").string() + R"(: dtype of "w" "F16": supported are F32, U8, I32, I64)");
}

TEST(Safetensors, refuses_sizes_that_overflow) {
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])"),
            R"(a size of "w" in 63 bits, got (4294967296, 4294967296))");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"I64","shape":[2305843009213693953],"data_offsets":[0,8])"),
            R"(a size of "w" in 63 bits, got (2305843009213693953,))");
  EXPECT_EQ(refusal_of_tensor(R"("shape":[9223372036854775808])"),
            R"(extents of "w" in 63 bits, got 9223372036854775808)");
  EXPECT_EQ(refusal_of_tensor(R"("data_offsets":[0,18446744073709551616])"),
            R"(data_offsets of "w" in whole numbers from 0, got 18446744073709551616)");
  EXPECT_EQ(refusal_of_tensor(R"("shape":[1,1,1,1,1,1,1,1,1])"), R"(at most 8 axes of "w", got more)");
}

TEST(Safetensors, refuses_a_length_that_is_not_the_shapes) {
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"F32","shape":[1,3],"data_offsets":[0,8])"),
            R"(12 bytes of "w" for F32 (1, 3), got data_offsets 0 to 8)");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"),
            R"(8 bytes of "w" for F32 (2,), got data_offsets 8 to 0)");
  EXPECT_EQ(refusal_of_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[18446744073709551615,7])"),
            R"(8 bytes of "w" for F32 (2,), got data_offsets 18446744073709551615 to 7)");
}

TEST(Safetensors, refuses_gaps_overlaps_and_uncovered_bytes) {
  const auto refusal_of_second = [](const std::string& offsets, std::size_t data) {
    return refusal_of(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                              R"("b":{"dtype":"U8","shape":[2],"data_offsets":[)" +
                                  offsets + "]}}",
                              data));
  };
  EXPECT_EQ(refusal_of_second("9,11", 11), R"("b" to begin at byte 8, got data_offsets 9 to 11 (gap))");
  EXPECT_EQ(refusal_of_second("7,9", 9), R"("b" to begin at byte 8, got data_offsets 7 to 9 (overlap))");
  EXPECT_EQ(refusal_of_second("0,2", 8), R"("a" to begin at byte 2, got data_offsets 0 to 8 (overlap))");
  EXPECT_EQ(refusal_of_second("8,10", 9), "10 bytes of tensors, got 9 (truncated)");
  EXPECT_EQ(refusal_of_second("8,10", 11), "10 bytes of tensors, got 11 (trailing bytes)");
  EXPECT_EQ(refusal_of(file_of("{}", 1)), "0 bytes of tensors, got 1 (trailing bytes)");
}

TEST(Safetensors, cuts_and_cleans_names_in_its_messages) {
  const std::string name = std::string(79, 'n') + "ü and more";
  EXPECT_EQ(refusal_of(file_of("{\"" + name + "\":1}", 0)),
            "an object for \"" + std::string(79, 'n') + "…\", got 1");
  EXPECT_EQ(refusal_of(file_of(R"({"a\u001b[2J\u0000b":1})", 0)), R"(an object for "a?[2J?b", got 1)");
}

TEST(Safetensors, does_not_write_what_it_would_not_read) {
  const TemporaryFolder folder;
  const auto refusal_to_write = [&](const std::string& name, Shape shape) {
    WeightTable table;
    table.add(name, Tensor(std::move(shape)));
    return error_text(ErrorCode::invalid_argument, [&] { write_safetensors(folder / "model", table); });
  };
  EXPECT_EQ(refusal_to_write("__metadata__", {1}),
            "__metadata__: expected another name for a tensor, got the format's own word");
  WeightTable table;
  table.set_metadata("crc32c", "of my own");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { write_safetensors(folder / "model", table); }),
            "crc32c: expected another key for metadata, got the format's own word");
  EXPECT_EQ(refusal_to_write("w", {1, 1, 1, 1, 1, 1, 1, 1, 1}), "w: expected at most 8 axes, got 9");
  EXPECT_EQ(refusal_to_write("\xff", {1}), "\"\xff\": expected a text in UTF-8, got other bytes");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Safetensors, a_failed_write_leaves_the_old_file) {
  const TemporaryFolder folder;
  write_bytes(folder / "model", "old");
  WeightTable table = example_table();
  table.set_metadata("bad", "\xff");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { write_safetensors(folder / "model", table); }),
            "\"\xff\": expected a text in UTF-8, got other bytes");
  EXPECT_EQ(read_file(folder / "model"), "old");
}

TEST(Safetensors, a_failed_rename_is_named_and_leaves_no_temporary) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "model");
  EXPECT_EQ(error_text(ErrorCode::io, [&] { write_safetensors(folder / "model", example_table()); }),
            (folder / "model").string() + ": expected the name of a file, got a folder");
  EXPECT_EQ(error_text(ErrorCode::io, [&] { write_safetensors(folder / "missing/model", example_table()); }),
            (folder / "missing").string() + ": expected a folder that exists, got No such file or directory");
  fs::remove(folder / "model");  // fails unless it is empty
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(WeightTable, finds_tensors_by_name) {
  WeightTable table = example_table();
  EXPECT_EQ(table.size(), 6);
  EXPECT_TRUE(table.contains("labels"));
  EXPECT_FALSE(table.contains("label"));
  EXPECT_EQ(table.at("lstm.kernel", {3, 4}).data()[0], -1.5F);
  EXPECT_EQ(table.at("labels", {5}, Dtype::u8).size(), 5);
  table.at("lstm.kernel").data()[0] = 2.0F;
  EXPECT_EQ(table.entries()[0].tensor.data()[0], 2.0F);
  EXPECT_EQ(table.metadata("format"), "recurra");
}

TEST(WeightTable, names_what_it_has_not_or_has_otherwise) {
  WeightTable table = example_table();
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { (void)table.at("dense.bias"); }),
            "dense.bias: expected a tensor of this name, got none");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { (void)table.metadata("version"); }),
            "metadata.version: expected an entry of this name, got none");
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         (void)table.at("lstm.kernel", {4, 3});
                       }),
            "lstm.kernel: expected shape (4, 3), got (3, 4)");
  EXPECT_EQ(error_text(ErrorCode::dtype, [&] { (void)table.at("labels", {5}); }),
            "labels: expected f32, got u8");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { table.add("step", Tensor({1})); }),
            "step: expected one tensor of this name, got a second");
}

}  // namespace

}  // namespace recurra

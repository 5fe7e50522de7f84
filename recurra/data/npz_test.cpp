#include "recurra/data/npz.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zip.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/data/npy_header.h"
#include "tests/support/npz.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::TemporaryFolder;
using test::write_bytes;
using Arrays = std::vector<NamedTensor>;

Tensor counting(const Shape& shape, Dtype dtype) {
  Tensor tensor(shape, dtype);
  for (std::size_t i = 0; i < tensor.bytes(); ++i)
    static_cast<char*>(tensor.raw())[i] = static_cast<char>(i % 61);
  return tensor;
}

std::string npy_of(const Tensor& tensor) {
  return make_npy_header(tensor.shape(), tensor.dtype())
      .append(static_cast<const char*>(tensor.raw()), tensor.bytes());
}

/// A member to be packed by libzip.
struct Packed {
  std::string name;
  std::string content;
  int method = ZIP_CM_DEFLATE;
  bool encrypted = false;
};

void pack(const fs::path& path, const std::vector<Packed>& members) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  ASSERT_NE(archive, nullptr);
  for (const Packed& member : members) {
    zip_source_t* source = zip_source_buffer(archive, member.content.data(), member.content.size(), 0);
    const zip_int64_t index = zip_file_add(archive, member.name.c_str(), source, 0);
    ASSERT_GE(index, 0) << zip_strerror(archive);
    const auto at = static_cast<zip_uint64_t>(index);
    ASSERT_EQ(zip_set_file_compression(archive, at, member.method, 0), 0);
    const zip_uint16_t encryption = member.encrypted ? ZIP_EM_TRAD_PKWARE : ZIP_EM_NONE;
    ASSERT_EQ(zip_file_set_encryption(archive, at, encryption, "secret"), 0);
  }
  ASSERT_EQ(zip_close(archive), 0) << zip_strerror(archive);
}

bool same(const Arrays& a, const Arrays& b) {
  return std::ranges::equal(a, b, [](const NamedTensor& one, const NamedTensor& other) {
    const Tensor& x = one.tensor;
    const Tensor& y = other.tensor;
    return one.name == other.name && x.shape() == y.shape() && x.dtype() == y.dtype() &&
           (x.bytes() == 0 || std::memcmp(x.raw(), y.raw(), x.bytes()) == 0);
  });
}

Arrays two_arrays() {
  Arrays arrays;
  arrays.push_back({"weights/W", counting({2, 3}, Dtype::f32)});
  arrays.push_back({"n\xC3\xA4me", counting({4}, Dtype::i64)});
  return arrays;
}

/// The error of reading `path`, without it.
std::string refusal_of(const fs::path& path, ErrorCode code = ErrorCode::format) {
  const std::string text = error_text(code, [&] { (void)read_npz(path); });
  const std::string prefix = path.string() + ": ";
  EXPECT_TRUE(text.starts_with(prefix)) << text;
  return text.substr(std::min(prefix.size(), text.size()));
}

/// Turns one bit of a file over, in place: cutting and writing whole files would take the disk's time.
void flip(const fs::path& path, std::size_t bit) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(bit / 8));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(bit / 8));
  file.put(static_cast<char>(byte ^ 1 << bit % 8));
  file.close();
  ASSERT_TRUE(file);
}

TEST(Npz, writes_what_it_reads) {
  const TemporaryFolder folder;
  Arrays arrays = two_arrays();
  arrays.push_back({"nothing", Tensor({0, 2})});
  arrays.push_back({"number", counting({}, Dtype::u8)});
  write_npz(folder / "a.npz", arrays);
  EXPECT_TRUE(same(read_npz(folder / "a.npz"), arrays));
}

TEST(Npz, writes_archives_that_a_strict_reader_takes) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", two_arrays());
  int code = 0;
  zip_t* archive = zip_open((folder / "a.npz").c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  ASSERT_NE(archive, nullptr) << code;
  EXPECT_EQ(zip_get_num_entries(archive, 0), 2);
  EXPECT_STREQ(zip_get_name(archive, 1, ZIP_FL_ENC_STRICT), "n\xC3\xA4me.npy");
  zip_discard(archive);
}

TEST(Npz, the_same_arrays_give_the_same_bytes) {
  const TemporaryFolder folder;
  write_npz(folder / "a", two_arrays());
  write_npz(folder / "b", two_arrays());
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

TEST(Npz, an_archive_may_be_empty_but_a_file_may_not) {
  const TemporaryFolder folder;
  write_npz(folder / "none", {});
  EXPECT_TRUE(read_npz(folder / "none").empty());
  write_bytes(folder / "none", "");
  EXPECT_EQ(refusal_of(folder / "none"),
            "expected an npz file, which is an intact zip archive, got an empty file");
}

TEST(Npz, reads_stored_and_deflated_members) {
  const TemporaryFolder folder;
  const Tensor large = counting({300, 100}, Dtype::i32);
  pack(folder / "a",
       {{"a.npy", npy_of(large)},
        {"b.npy", npy_of(Tensor({100'000})), ZIP_CM_STORE},
        {"c.npy", npy_of(large)}});
  const Arrays arrays = read_npz(folder / "a");
  ASSERT_EQ(arrays.size(), 3U);
  EXPECT_EQ(arrays[1].name, "b");
  EXPECT_TRUE(std::ranges::equal(arrays[2].tensor.as<std::int32_t>(), large.as<std::int32_t>()));
}

TEST(Npz, reads_only_the_arrays_that_are_asked_for) {
  const TemporaryFolder folder;
  std::string words = npy_of(counting({8}, Dtype::u8));
  words.replace(words.find("|u1"), 3, "<U2");
  pack(folder / "a", {{"words.npy", words}, {"x.npy", npy_of(Tensor({2}))}, {"y.npy", npy_of(Tensor({3}))}});
  EXPECT_TRUE(
      refusal_of(folder / "a", ErrorCode::unsupported).starts_with("words.npy: npy element type \"<U2\""));
  const std::string names[] = {"y", "x"};
  const Arrays arrays = read_npz(folder / "a", names);
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_EQ(arrays[0].name, "y");
  EXPECT_EQ(arrays[1].tensor.size(), 2);
  const std::string absent[] = {"z"};
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { (void)read_npz(folder / "a", absent); }),
            (folder / "a").string() + ": expected an array among words, x, y, got z");
}

void put_number(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t width = 8) {
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<char>(value >> 8 * i & 0xff);
}

TEST(Npz, refuses_members_that_lie_in_each_other) {
  // Three members, each with the next as its data, header and all: what is read once is inflated three times.
  const TemporaryFolder folder;
  constexpr std::size_t before_data = 30 + 5 + 20 + 128;  // header, name, sizes, npy header
  std::string content(1000, 'x');
  std::string entries;
  std::string end;
  for (const char* name : {"c", "b", "a"}) {
    Arrays arrays;
    arrays.push_back({name, Tensor({static_cast<i64>(content.size())}, Dtype::u8)});
    std::memcpy(arrays[0].tensor.raw(), content.data(), content.size());
    write_npz(folder / "one", arrays);
    const std::string bytes = read_file(folder / "one");
    const std::size_t directory = bytes.find("PK\1\2");
    const std::size_t last = bytes.find("PK\6\6");
    content = bytes.substr(0, directory);
    entries.insert(0, bytes.substr(directory, last - directory));
    end = bytes.substr(last);
  }
  const std::size_t entry = entries.size() / 3;
  for (std::size_t i = 0; i < 3; ++i) put_number(entries, i * entry + entry - 8, i * before_data);
  put_number(end, 24, 3);
  put_number(end, 32, 3);
  put_number(end, 40, entries.size());
  put_number(end, 56 + 8, content.size() + entries.size());
  const std::string bytes = content + entries + end;
  write_bytes(folder / "nested", bytes);
  EXPECT_EQ(refusal_of(folder / "nested"),
            "expected members of at most the file's " + std::to_string(bytes.size()) +
                " bytes together, got more (members overlap)");
}

TEST(Npz, refuses_archives_cut_at_any_byte) {
  const TemporaryFolder folder;
  write_npz(folder / "stored", two_arrays());
  pack(folder / "deflated", {{"a.npy", npy_of(counting({50}, Dtype::i32))}});
  for (const fs::path& path : {folder / "stored", folder / "deflated"}) {
    for (std::size_t length = fs::file_size(path); length-- > 0;) {
      fs::resize_file(path, length);
      EXPECT_NE(refusal_of(path), "") << length;
    }
  }
}

TEST(Npz, one_flipped_bit_fails_or_changes_nothing) {
  const TemporaryFolder folder;
  Arrays arrays;
  arrays.push_back({"a", counting({2, 3}, Dtype::f32)});
  write_npz(folder / "stored", arrays);
  pack(folder / "deflated", {{"a.npy", npy_of(arrays[0].tensor)}});
  for (const fs::path& path : {folder / "stored", folder / "deflated"}) {
    int refused = 0;
    const std::size_t bits = 8 * fs::file_size(path);
    for (std::size_t bit = 0; bit < bits; ++bit) {
      flip(path, bit);
      Arrays read;
      const bool failed = error_text([&] { read = read_npz(path); }) != "no error";
      EXPECT_TRUE(failed || same(read, arrays)) << path << " bit " << bit;
      refused += failed ? 1 : 0;
      flip(path, bit);
    }
    EXPECT_GT(refused, static_cast<int>(bits / 2));  // all but times, versions and modes
  }
}

TEST(Npz, names_a_member_whose_checksum_is_wrong) {
  const TemporaryFolder folder;
  write_npz(folder / "a", two_arrays());
  std::string bytes = read_file(folder / "a");
  const std::size_t data = bytes.find("(2, 3)") + 80;  // the header is padded to 128 bytes
  bytes[data] = static_cast<char>(bytes[data] ^ 1);
  write_bytes(folder / "a", bytes);
  EXPECT_EQ(refusal_of(folder / "a"), "weights/W.npy: expected intact zip data, got CRC error");
}

TEST(Npz, names_members_that_are_no_arrays) {
  const TemporaryFolder folder;
  pack(folder / "a", {{"readme.txt", "hello"}});
  EXPECT_EQ(refusal_of(folder / "a"), "expected members whose names end in .npy, got \"readme.txt\"");
  pack(folder / "a", {{".npy", npy_of(Tensor({1}))}});
  EXPECT_EQ(refusal_of(folder / "a"), "expected members whose names end in .npy, got \".npy\"");
  pack(folder / "a", {{"x.npy", "hello world"}});
  EXPECT_EQ(refusal_of(folder / "a"), "x.npy: expected an npy file, which begins \\x93NUMPY, got \"hello \"");
  pack(folder / "a", {{"x.npy", npy_of(Tensor({4})) + "more"}});
  EXPECT_EQ(refusal_of(folder / "a"),
            "x.npy: expected 16 bytes of data for f4 of shape (4,), got 20 (trailing bytes)");
}

TEST(Npz, refuses_encrypted_members) {
  const TemporaryFolder folder;
  pack(folder / "a", {{"x.npy", npy_of(Tensor({4})), ZIP_CM_STORE, true}});
  EXPECT_EQ(refusal_of(folder / "a"), "x.npy: expected a member in the clear, got an encrypted one");
}

TEST(Npz, refuses_other_compressions) {
  const TemporaryFolder folder;
  pack(folder / "a", {{"x.npy", npy_of(Tensor({400}))}});
  std::string bytes = read_file(folder / "a");
  put_number(bytes, 8, ZIP_CM_BZIP2, 2);  // in the member's own header
  put_number(bytes, bytes.find("PK\1\2") + 10, ZIP_CM_BZIP2, 2);
  write_bytes(folder / "a", bytes);
  EXPECT_EQ(refusal_of(folder / "a", ErrorCode::unsupported),
            R"(x.npy: zip compression "12": supported are 0 (stored), 8 (deflated))");
}

TEST(Npz, refuses_names_that_come_twice) {
  const TemporaryFolder folder;
  Arrays arrays = two_arrays();
  arrays[0].name = "aa";
  arrays[1].name = "ab";
  write_npz(folder / "a", arrays);
  std::string bytes = read_file(folder / "a");
  for (std::size_t at = bytes.find("ab.npy"); at != std::string::npos; at = bytes.find("ab.npy", at)) {
    bytes[at + 1] = 'a';
  }
  write_bytes(folder / "a", bytes);
  EXPECT_EQ(refusal_of(folder / "a"), "expected a name for each member, got one that comes twice");
}

TEST(Npz, an_array_cannot_be_larger_than_its_archive_can_inflate_to) {
  const TemporaryFolder folder;
  // Says that it holds 2^40 floats, and the directory says the same of its size.
  const std::string header = make_npy_header({i64{1} << 40}, Dtype::f32);
  pack(folder / "a", {{"x.npy", header, ZIP_CM_STORE}});
  EXPECT_EQ(
      refusal_of(folder / "a"),
      "x.npy: expected 4398046511104 bytes of data for f4 of shape (1099511627776,), got 0 (truncated)");
  pack(folder / "a", {{"x.npy", npy_of(Tensor({1000}))}});
  std::string bytes = read_file(folder / "a");
  put_number(bytes, 22, 0x7fffffff, 4);  // in the member's own header
  put_number(bytes, bytes.find("PK\1\2") + 24, 0x7fffffff, 4);
  write_bytes(folder / "a", bytes);
  const std::string refusal = refusal_of(folder / "a");
  EXPECT_TRUE(refusal.starts_with("x.npy: expected at most 1032 times the ")) << refusal;
  EXPECT_TRUE(refusal.ends_with(" compressed bytes, got 2147483647")) << refusal;
}

TEST(Npz, refuses_what_is_no_archive) {
  const TemporaryFolder folder;
  write_bytes(folder / "a", "just some text");
  EXPECT_EQ(refusal_of(folder / "a"),
            "expected an npz file, which is an intact zip archive, got Not a zip archive");
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_npz(folder.path()); }),
            folder.path().string() + ": expected a regular file, got a folder");
  EXPECT_EQ(refusal_of(folder / "absent", ErrorCode::io),
            "expected a file that can be read, got No such file or directory");
}

TEST(Npz, refuses_to_write_names_it_does_not_read) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& first, const std::string& second) {
    Arrays arrays = two_arrays();
    arrays[0].name = first;
    arrays[1].name = second;
    return error_text(ErrorCode::invalid_argument, [&] { write_npz(folder / "a", arrays); });
  };
  EXPECT_EQ(refusal("a", "a"), "npz: expected a name for each array, got \"a\" twice");
  EXPECT_EQ(refusal("a", ""), "npz: expected names of 1 to 65000 bytes, none of them NUL, got an empty one");
  EXPECT_EQ(refusal("a", std::string("b\0", 2)),
            "npz: expected names of 1 to 65000 bytes, none of them NUL, got one of 2");
  EXPECT_FALSE(fs::exists(folder / "a"));
}

}  // namespace

}  // namespace recurra

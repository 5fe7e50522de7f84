#include "recurra/data/npz.h"

#include <algorithm>
#include <memory>

#include <zip.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/data/npy.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;

constexpr i64 most_members = 100'000;
constexpr std::string_view ending = ".npy";

// Deflate's best: 258 bytes for two bits (a length and a distance of one bit each), 1032 : 1.
constexpr zip_uint64_t largest_inflation = 1032;

struct ZipDelete {
  void operator()(zip_t* archive) const noexcept { zip_discard(archive); }

  void operator()(zip_file_t* file) const noexcept { zip_fclose(file); }
};

using Archive = std::unique_ptr<zip_t, ZipDelete>;
using Member = std::unique_ptr<zip_file_t, ZipDelete>;

/// libzip's words for an error number of its own.
std::string reason_of(int zip_code) {
  zip_error_t error;
  zip_error_init_with_code(&error, zip_code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

[[noreturn]] void refuse(const std::string& subject, const std::string& expected, const std::string& actual) {
  throw Error(ErrorCode::format, subject, expected, actual);
}

Archive open_archive(const fs::path& path) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (code == ZIP_ER_EXISTS) refuse(path.string(), "a name for each member", "one that comes twice");
  if (archive == nullptr)
    refuse(path.string(), "an npz file, which is an intact zip archive", reason_of(code));
  const zip_int64_t members = zip_get_num_entries(archive.get(), 0);
  if (members > most_members) {
    refuse(path.string(), "at most 100000 members", std::to_string(members));
  }
  return archive;
}

/// What the directory says of a member, within limits; nothing was inflated yet.
zip_stat_t checked_entry(zip_t* archive, zip_uint64_t index, const std::string& path) {
  zip_stat_t entry;
  if (zip_stat_index(archive, index, ZIP_FL_ENC_RAW, &entry) != 0) {
    refuse(path, "a zip directory that can be read", zip_strerror(archive));
  }
  const std::string_view name(entry.name);
  if (!name.ends_with(ending) || name.size() == ending.size()) {
    refuse(path, "members whose names end in .npy", "\"" + std::string(name) + "\"");
  }
  const std::string subject = path + ": " + entry.name;
  if (entry.encryption_method != ZIP_EM_NONE) refuse(subject, "a member in the clear", "an encrypted one");
  if (entry.comp_method != ZIP_CM_STORE && entry.comp_method != ZIP_CM_DEFLATE) {
    throw Error(ErrorCode::unsupported,
                subject + ": zip compression",
                "0 (stored), 8 (deflated)",
                std::to_string(entry.comp_method));
  }
  // The first comparison keeps the product inside 64 bits.
  if (entry.size / largest_inflation > entry.comp_size) {
    refuse(subject,
           "at most 1032 times the " + std::to_string(entry.comp_size) + " compressed bytes",
           std::to_string(entry.size));
  }
  return entry;
}

/// The member's array. libzip compares length and checksum when it reaches the end.
Tensor read_member(zip_t* archive, const zip_stat_t& entry, const std::string& path) {
  const std::string subject = path + ": " + entry.name;
  const Member member(zip_fopen_index(archive, entry.index, 0));
  if (member == nullptr) refuse(subject, "a member that can be read", zip_strerror(archive));
  const ReadBytes read = [&](std::span<std::byte> bytes) {
    std::size_t filled = 0;
    while (filled < bytes.size()) {
      const zip_int64_t got = zip_fread(member.get(), bytes.data() + filled, bytes.size() - filled);
      if (got < 0) refuse(subject, "intact zip data", zip_file_strerror(member.get()));
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  };
  Tensor tensor = parse_npy(read, static_cast<i64>(entry.size), subject);
  std::byte extra{};
  if (read({&extra, 1}) != 0) {
    refuse(subject, std::to_string(entry.size) + " bytes", "more (trailing bytes)");
  }
  return tensor;
}

/// The array's name; the directory was checked.
std::string array_name(const zip_stat_t& entry) {
  return {entry.name, std::string_view(entry.name).size() - ending.size()};
}

/// The directory of an archive. Members that lie on top of each other would inflate the same bytes again and
/// again: all together have no more than the file's.
std::vector<zip_stat_t> read_directory(zip_t* archive, i64 file_size, const std::string& path) {
  const auto members = static_cast<zip_uint64_t>(zip_get_num_entries(archive, 0));
  std::vector<zip_stat_t> entries;
  auto left = static_cast<zip_uint64_t>(file_size);
  for (zip_uint64_t i = 0; i < members; ++i) {
    entries.push_back(checked_entry(archive, i, path));
    if (entries.back().comp_size > left) {
      refuse(path,
             "members of at most the file's " + std::to_string(file_size) + " bytes together",
             "more (members overlap)");
    }
    left -= entries.back().comp_size;
  }
  return entries;
}

/// An archive and its directory, both checked.
struct OpenArchive {
  explicit OpenArchive(const fs::path& file) : path(file.string()) {
    const InputFile probe(file);  // refuses folders, pipes and devices, which libzip would wait for
    // libzip takes a file of no bytes for an archive of no members.
    if (probe.size() == 0) refuse(path, "an npz file, which is an intact zip archive", "an empty file");
    archive = open_archive(file);
    entries = read_directory(archive.get(), probe.size(), path);
  }

  [[nodiscard]] NamedTensor read(const zip_stat_t& entry) const {
    return {array_name(entry), read_member(archive.get(), entry, path)};
  }

  std::string path;
  Archive archive;
  std::vector<zip_stat_t> entries;
};

}  // namespace

std::vector<NamedTensor> read_npz(const fs::path& path) {
  const OpenArchive archive(path);
  std::vector<NamedTensor> arrays;
  for (const zip_stat_t& entry : archive.entries) arrays.push_back(archive.read(entry));
  return arrays;
}

std::vector<NamedTensor> read_npz(const fs::path& path, std::span<const std::string> names) {
  const OpenArchive archive(path);
  std::vector<NamedTensor> arrays;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(archive.entries, name, array_name);
    if (found == archive.entries.end()) {
      std::string known;
      for (const zip_stat_t& entry : archive.entries) {
        known.append(known.empty() ? "" : ", ").append(array_name(entry));
      }
      throw Error(ErrorCode::invalid_argument, path.string(), "an array among " + known, name);
    }
    arrays.push_back(archive.read(*found));
  }
  return arrays;
}

}  // namespace recurra

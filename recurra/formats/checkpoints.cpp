#include "recurra/formats/checkpoints.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <system_error>
#include <utility>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/formats/safetensors.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t least_digits = 8;  // a folder listing then shows them in order
constexpr const char* ending = ".safetensors";

}  // namespace

Checkpoints::Checkpoints(fs::path prefix, int keep)
    : prefix_(std::move(prefix)), keep_(static_cast<std::size_t>(keep)) {
  constexpr ErrorCode code = ErrorCode::invalid_argument;
  require(prefix_.has_filename(), code, "checkpoints.prefix", "a path that ends in a name", prefix_.string());
  require(keep >= 1, code, "checkpoints.keep", "from 1 up", std::to_string(keep));
}

fs::path Checkpoints::path_for(i64 number) const {
  require(number >= 0, ErrorCode::invalid_argument, "checkpoint number", "from 0 up", std::to_string(number));
  std::string digits = std::to_string(number);
  if (digits.size() < least_digits) digits.insert(0, least_digits - digits.size(), '0');
  fs::path path = prefix_;
  path += std::string("-").append(digits).append(ending);
  return path;
}

fs::path Checkpoints::folder() const {
  return prefix_.has_parent_path() ? prefix_.parent_path() : fs::path(".");
}

/// Only of a name that path_for gives: with other digits, two files would have one number.
std::optional<i64> Checkpoints::number_of(const fs::path& path) const {
  const std::string name = path.filename().string();
  const std::string begin = prefix_.filename().string().append("-");
  if (!name.starts_with(begin)) return {};
  i64 number = 0;
  const auto [stopped, error] =
      std::from_chars(name.data() + begin.size(), name.data() + name.size(), number);
  const bool is_ours = error == std::errc() && number >= 0 && name == path_for(number).filename().string();
  return is_ours ? std::optional(number) : std::nullopt;
}

std::vector<fs::path> Checkpoints::files() const {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry(folder(), error), end; !error && entry != end; entry.increment(error)) {
    paths.push_back(prefix_.parent_path() / entry->path().filename());
  }
  if (!error) return paths;
  throw Error(ErrorCode::io, folder().string(), "a folder that can be read", error.message());
}

std::vector<fs::path> Checkpoints::newest_first() const {
  std::vector<fs::path> paths = files();
  std::erase_if(paths, [&](const fs::path& path) { return !number_of(path); });
  std::ranges::sort(paths, std::greater(), [&](const fs::path& path) { return number_of(path); });
  return paths;
}

i64 Checkpoints::newest_number() const {
  const std::vector<fs::path> paths = newest_first();
  return paths.empty() ? -1 : *number_of(paths.front());
}

WeightTable Checkpoints::load_newest(std::vector<std::string>* skipped) const {
  const std::vector<fs::path> paths = newest_first();
  const std::string all = prefix_.string() + "-*" + ending;
  if (paths.empty()) throw Error(ErrorCode::io, all, "a checkpoint", "none");
  std::string newest;
  for (const fs::path& path : paths) {
    try {
      return read_safetensors(path);
    } catch (const Error& error) {
      if (newest.empty()) newest = error.what();
      if (skipped != nullptr) skipped->emplace_back(error.what());
    }
  }
  const std::string actual = std::to_string(paths.size()) + " damaged, the newest: " + newest;
  throw Error(ErrorCode::format, all, "a checkpoint that can be read", actual);
}

void Checkpoints::prune() const {
  const std::vector<fs::path> paths = newest_first();
  for (std::size_t i = keep_; i < paths.size(); ++i) remove_file(paths[i]);
  for (const fs::path& path : files()) {
    const std::optional<fs::path> target = abandoned_target(path);
    if (target && number_of(*target)) remove_file(path);
  }
}

}  // namespace recurra

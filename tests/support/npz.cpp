#include "tests/support/npz.h"

#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include <zip.h>

namespace recurra::test {

namespace {

/// The text behind 'key': in the header's Python dictionary, up to `end`.
std::string field(const std::string& header, const std::string& key, char end) {
  const std::size_t at = header.find("'" + key + "': ");
  if (at == std::string::npos) throw std::runtime_error("npy: no " + key);
  const std::size_t first = at + key.size() + 4;
  return header.substr(first, header.find(end, first) - first + 1);
}

Shape parse_shape(const std::string& text) {
  std::vector<i64> extents;
  for (std::size_t at = text.find_first_of("0123456789"); at != std::string::npos;) {
    std::size_t used = 0;
    extents.push_back(std::stoll(text.substr(at), &used));
    at = text.find_first_of("0123456789", at + used);
  }
  return Shape(extents);
}

template <class From, class To>
Tensor convert(const char* bytes, const Shape& shape) {
  Tensor tensor(shape, dtype_of<To>);
  for (To& value : tensor.as<To>()) {
    From from;
    std::memcpy(&from, bytes, sizeof(From));
    value = static_cast<To>(from);
    bytes += sizeof(From);
  }
  return tensor;
}

Tensor parse_npy(const std::vector<char>& bytes) {
  if (bytes.size() < 10 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0)
    throw std::runtime_error("npy: magic");
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[8])) +
                      256 * static_cast<std::size_t>(static_cast<unsigned char>(bytes[9]));
  const std::string header(bytes.data() + 10, length);
  const Shape shape = parse_shape(field(header, "shape", ')'));
  const std::string type = field(header, "descr", ',');
  const char* data = bytes.data() + 10 + length;
  if (type.find("<f4") != std::string::npos) return convert<float, float>(data, shape);
  if (type.find("<f8") != std::string::npos) return convert<double, float>(data, shape);
  if (type.find("<i4") != std::string::npos) return convert<std::int32_t, std::int32_t>(data, shape);
  if (type.find("<i8") != std::string::npos) return convert<std::int64_t, std::int32_t>(data, shape);
  throw std::runtime_error("npy: dtype " + type);
}

}  // namespace

std::map<std::string, Tensor> read_npz(const std::filesystem::path& path) {
  const std::unique_ptr<zip_t, int (*)(zip_t*)> archive(zip_open(path.c_str(), ZIP_RDONLY, nullptr),
                                                        zip_close);
  if (archive == nullptr) throw std::runtime_error("npz: cannot open " + path.string());
  std::map<std::string, Tensor> arrays;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    zip_stat_t stat;
    if (zip_stat_index(archive.get(), i, 0, &stat) != 0) throw std::runtime_error("npz: entry");
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(archive.get(), i, 0),
                                                                 zip_fclose);
    std::vector<char> bytes(stat.size);
    if (file == nullptr ||
        zip_fread(file.get(), bytes.data(), stat.size) != static_cast<zip_int64_t>(stat.size)) {
      throw std::runtime_error("npz: cannot read " + std::string(stat.name));
    }
    const std::string name = stat.name;
    arrays.emplace(name.substr(0, name.rfind(".npy")), parse_npy(bytes));
  }
  return arrays;
}

}  // namespace recurra::test

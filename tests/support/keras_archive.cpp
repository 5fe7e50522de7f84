#include "tests/support/keras_archive.h"

#include <cctype>
#include <map>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <zip.h>

#include "recurra/layers/bidirectional.h"
#include "tests/support/hdf5.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

std::string read_member(const std::filesystem::path& path, const char* name) {
  const std::unique_ptr<zip_t, int (*)(zip_t*)> archive(zip_open(path.c_str(), ZIP_RDONLY, nullptr),
                                                        zip_close);
  if (archive == nullptr) throw std::runtime_error("keras: cannot open " + path.string());
  zip_stat_t stat;
  if (zip_stat(archive.get(), name, 0, &stat) != 0)
    throw std::runtime_error("keras: no " + std::string(name));
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(archive.get(), name, 0), zip_fclose);
  std::string text(stat.size, ' ');
  if (file == nullptr || zip_fread(file.get(), text.data(), stat.size) != static_cast<zip_int64_t>(stat.size))
    throw std::runtime_error("keras: cannot read " + std::string(name));
  return text;
}

/// Keras's group of a class: GRU is gru, SimpleRNN simple_rnn, GlobalAveragePooling1D
/// global_average_pooling1d. A word starts at a capital that stands beside a
/// small letter.
std::string snake_case(const std::string& type) {
  std::string text;
  for (std::size_t i = 0; i < type.size(); ++i) {
    const auto is = [&](int (*kind)(int), std::size_t at) {
      return at < type.size() && kind(static_cast<unsigned char>(type[at])) != 0;
    };
    const bool after_small = i > 0 && is(std::islower, i - 1);
    const bool before_small = i > 0 && is(std::islower, i + 1);
    if (is(std::isupper, i) && (after_small || before_small)) text += '_';
    text += static_cast<char>(std::tolower(static_cast<unsigned char>(type[i])));
  }
  return text;
}

/// The groups below a layer's that hold its weights, each an equal share of them, in order.
std::vector<std::string> weight_groups(const Layer& layer) {
  if (dynamic_cast<const Bidirectional*>(&layer) != nullptr)
    return {"forward_layer/cell/vars", "backward_layer/cell/vars"};
  if (dynamic_cast<const Recurrent*>(&layer) != nullptr) return {"cell/vars"};
  if (std::string_view(layer.type()) == "TimeDistributed") return {"layer/vars"};
  return {"vars"};
}

}  // namespace

ModelSpec read_keras_architecture(const std::filesystem::path& archive) {
  return parse_model_json(Json::parse(read_member(archive, "config.json")));
}

void load_keras_weights(const std::filesystem::path& path, const std::vector<Layer*>& layers) {
  const Hdf5File file(path);
  std::map<std::string, int> seen;
  for (Layer* layer : layers) {
    std::string group = "layers/" + snake_case(layer->type());
    if (const int before = seen[layer->type()]++; before > 0)
      group.append("_").append(std::to_string(before));
    const std::vector<Parameter*> parameters = layer->parameters();
    const std::vector<std::string> parts = weight_groups(*layer);
    const std::size_t share = parameters.size() / parts.size();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::string vars = group + "/" + parts[i / share];
      if (file.members(vars) != static_cast<int>(share))
        throw std::runtime_error(vars + " has " + std::to_string(file.members(vars)) + " weights");
      Tensor value = file.read(vars + "/" + std::to_string(i % share));
      if (value.shape() != parameters[i]->value.shape())
        throw std::runtime_error(parameters[i]->name + " has shape " + value.shape().to_string());
      parameters[i]->value = std::move(value);
    }
    layer->parameters_changed();
  }
}

}  // namespace recurra::test

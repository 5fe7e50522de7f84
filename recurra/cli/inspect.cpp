/// recurra inspect: what is in a model file, or in any safetensors file.
#include <array>
#include <bit>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/base/shown.h"
#include "recurra/cli/commands.h"
#include "recurra/cli/tensor_statistics.h"
#include "recurra/formats/safetensors.h"
#include "recurra/layers/json_text.h"
#include "recurra/training/sequential.h"

namespace recurra::cli {

namespace {

using Json = nlohmann::json;

struct InspectOptions {
  std::string file;
  bool json = false;
};

/// Reading compares checksums where there are any; whether there are, only the header's text still tells.
bool has_checksums(const std::string& path) {
  InputFile file{std::filesystem::path(path)};
  std::array<std::byte, sizeof(std::uint64_t)> length{};
  if (file.read(length) != length.size()) return false;
  std::string header(std::bit_cast<std::uint64_t>(length), '\0');
  static_cast<void>(file.read(std::as_writable_bytes(std::span(header))));
  const Json json = parse_json(header, path);
  const Json metadata = json.is_object() ? json.value("__metadata__", Json()) : Json();
  return metadata.is_object() && metadata.contains("header_crc32c");
}

std::string metadata_of(const WeightTable& table, const char* key) {
  const auto found = table.metadata().find(key);
  return found == table.metadata().end() ? std::string() : found->second;
}

bool is_model(const WeightTable& table) {
  return metadata_of(table, "format") == "recurra";
}

/// Metadata that are JSON in a string as JSON.
Json unwrapped(const std::string& file, const std::string& key, const std::string& text) {
  Json json = parse_json(text, std::string(file).append(": ").append(key));
  return json.is_object() || json.is_array() ? json : Json(text);
}

Json tensor_json(const WeightTable::Entry& entry) {
  const TensorStatistics numbers = statistics_of(entry.tensor);
  Json json = {{"name", entry.name},
               {"dtype", std::string(name_of(entry.tensor.dtype()))},
               {"shape", entry.tensor.shape().extents()}};
  if (numbers.finite > 0) {
    json["min"] = numbers.least;
    json["max"] = numbers.most;
    json["mean"] = numbers.mean;
  }
  if (numbers.not_finite > 0) json["not_finite"] = numbers.not_finite;
  return json;
}

void print_json(const std::string& file, const WeightTable& table) {
  Json tensors = Json::array();
  for (const WeightTable::Entry& entry : table.entries()) tensors.push_back(tensor_json(entry));
  Json metadata = Json::object();
  for (const auto& [key, value] : table.metadata()) metadata[key] = unwrapped(file, key, value);
  const Json all = {{"file", file},
                    {"checksums", has_checksums(file) ? "verified" : "none"},
                    {"metadata", std::move(metadata)},
                    {"tensors", std::move(tensors)}};
  fmt::print("{}\n", all.dump(2, ' ', false, Json::error_handler_t::replace));
}

/// Rows of cells as columns, the first three to the left.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line = "  ";
    for (std::size_t i = 0; i < row.size(); ++i)
      line += fmt::format(fmt::runtime(i < 3 ? "{:<{}}  " : "{:>{}}  "), row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

void print_tensors(const WeightTable& table) {
  std::vector<std::vector<std::string>> rows{{"tensor", "type", "shape", "min", "max", "mean"}};
  i64 not_finite = 0;
  for (const WeightTable::Entry& entry : table.entries()) {
    const TensorStatistics numbers = statistics_of(entry.tensor);
    not_finite += numbers.not_finite;
    const auto text = [&](double value) {
      return numbers.finite > 0 ? fmt::format("{:.4g}", value) : std::string("-");
    };
    rows.push_back({shortened(entry.name),
                    std::string(name_of(entry.tensor.dtype())),
                    entry.tensor.shape().to_string(),
                    text(numbers.least),
                    text(numbers.most),
                    text(numbers.mean)});
  }
  fmt::print("\n{} tensors\n", table.size());
  print_table(rows);
  if (not_finite > 0) fmt::print("  {} elements are NaN or infinite\n", not_finite);
}

/// `Adam, learning_rate 0.001, …`: what is set of an optimizer or a loss.
std::string words_for(const Json& object) {
  std::string words = object.value("class_name", "");
  const Json config = object.value("config", Json::object());
  for (const auto& [name, value] : config.items()) {
    if (!value.is_null() && name != "name") words += ", " + name + " " + value.dump();
  }
  return words;
}

/// What training left in a model file.
void print_training(const std::string& file, const WeightTable& table) {
  const Json training = unwrapped(file, "training", metadata_of(table, "training"));
  if (!training.is_object()) return;
  fmt::print("\ntraining    {} epochs, {} updates, seed {}\n",
             training.value("epochs_done", Json(0)).dump(),
             training.value("updates_done", Json(0)).dump(),
             training.value("seed", Json(0)).dump());
  const Json compiled = training.value("compile", Json::object());
  for (const char* part : {"optimizer", "loss"}) {
    const Json object = compiled.value(part, Json::object());
    if (object.contains("class_name")) fmt::print("{:<10}  {}\n", part, words_for(object));
  }
  if (!training.contains("run")) return;
  const Json& run = training["run"];
  fmt::print("stopped in  epoch {}, after batch {}; train --resume goes on\n",
             run.value("epoch", i64{0}) + 1,
             run.value("batch", i64{0}));
}

void print_metadata(const WeightTable& table) {
  if (table.metadata().empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : table.metadata()) rows.push_back({shortened(key), shortened(value)});
  fmt::print("\nmetadata\n");
  print_table(rows);
}

void inspect(const InspectOptions& options) {
  const WeightTable table = read_safetensors(options.file);
  if (options.json) return print_json(options.file, table);
  fmt::print("file        {}, {} bytes\n", options.file, InputFile(options.file).size());
  fmt::print("checksums   {}\n", has_checksums(options.file) ? "verified" : "none");
  if (is_model(table)) {
    fmt::print("format      recurra {}\n\n", metadata_of(table, "format_version"));
    std::fflush(stdout);
    Sequential::load(options.file).summary(std::cout);
    std::cout.flush();
    print_training(options.file, table);
  } else {
    fmt::print("format      safetensors, not written by recurra\n");
  }
  print_tensors(table);
  print_metadata(table);
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto* command = app.add_subcommand("inspect", "What is in a model file, or in any safetensors file");
  auto options = std::make_shared<InspectOptions>();
  command->add_option("file", options->file, "The file; its checksums are compared where it has them")
      ->type_name("FILE")
      ->required();
  command->add_flag("--json", options->json, "One JSON object");
  command->callback([options] { inspect(*options); });
}

}  // namespace recurra::cli

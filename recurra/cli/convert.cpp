/// recurra convert: a model's optimized stacks as layers of their own, or its layers as optimized stacks.
#include <fmt/format.h>

#include "recurra/base/error.h"
#include "recurra/cli/commands.h"
#include "recurra/cli/paths.h"
#include "recurra/training/rnn_stack_conversion.h"

namespace recurra::cli {

namespace {

struct ConvertOptions {
  std::string file;
  std::string to;
  std::string output;
};

void convert(const ConvertOptions& options) {
  const bool to_layers = options.to == "layers";
  if (!to_layers && options.to != "stack")
    throw Error(ErrorCode::unsupported, "--to", "layers, stack", options.to);
  require_output("--output", options.output, {options.file});
  const Sequential model = Sequential::load(options.file);
  const ConvertedModel converted = to_layers ? split_rnn_stacks(model) : join_rnn_stacks(model);
  converted.model.save(options.output);
  for (const std::string& change : converted.changes) fmt::print("{}\n", change);
}

}  // namespace

void add_convert(CLI::App& app) {
  auto* command = app.add_subcommand(
      "convert", "A model's OptimizedRNNStacks as layers of their own, or its layers as such stacks");
  auto options = std::make_shared<ConvertOptions>();
  command->add_option("file", options->file, "File of the model")->type_name("FILE")->required();
  command
      ->add_option(
          "--to",
          options->to,
          "layers: every OptimizedRNNStack becomes LSTM, GRU or SimpleRNN layers; stack: such layers, "
          "where they stand one after the other and are alike, become OptimizedRNNStacks. Outputs "
          "keep their bits; the optimizer begins anew")
      ->type_name("WHAT")
      ->required();
  command->add_option("--output", options->output, "File for the converted model")
      ->type_name("FILE")
      ->required();
  command->callback([options] { convert(*options); });
  command->footer("Prints a line for each stack: what became of what.");
}

}  // namespace recurra::cli

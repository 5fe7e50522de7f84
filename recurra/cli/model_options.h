/// The options that say what is trained: layers, loss, metrics, optimizer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recurra/cli/commands.h"
#include "recurra/cli/data_description.h"
#include "recurra/layers/model_spec.h"
#include "recurra/training/losses.h"
#include "recurra/training/optimizers.h"

namespace recurra::cli {

/// As given; empty: not given.
struct ModelOptions {
  std::string model{};
  std::string loss = "auto";
  std::vector<std::string> metrics{};
  std::string optimizer = "sgd";
  std::optional<double> learning_rate{};
  std::optional<double> momentum{};
  bool nesterov = false;
  std::optional<double> weight_decay{};
  std::optional<double> clipnorm{};
  std::optional<double> global_clipnorm{};
  std::optional<double> clipvalue{};
};

void add_model_options(CLI::App& command, ModelOptions& options);
void add_loss_options(CLI::App& command, ModelOptions& options);
void add_optimizer_options(CLI::App& command, ModelOptions& options);

/// The layers asked for, or some that suit the data. In a short text `outputs` stands for the number of
/// classes or values there are to foretell, `ids` for the number of tokens; where targets stand at each step,
/// the last recurrent layer of a text returns its sequence. Throws Error as parse_model, as
/// parse_model_json, io and format for a file.
[[nodiscard]] ModelSpec make_spec(const ModelOptions& options, const DataDescription& data);

/// Whether the model ends in probabilities: its last activation is softmax or sigmoid.
[[nodiscard]] bool ends_in_probabilities(const ModelSpec& spec);

/// The loss asked for; auto: by what is learned. A crossentropy takes logits unless the model ends in
/// probabilities. Throws Error (unsupported).
[[nodiscard]] std::unique_ptr<Loss> make_loss(const ModelOptions& options,
                                              const DataDescription& data,
                                              const ModelSpec& spec,
                                              i64 outputs);

/// The metrics asked for; else accuracy for classes, none for numbers. `none` asks for none.
[[nodiscard]] std::vector<std::string> metrics_of(const ModelOptions& options, const DataDescription& data);

/// Throws Error (unsupported) for another name, or for an option that optimizer does not have.
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(const ModelOptions& options);

}  // namespace recurra::cli

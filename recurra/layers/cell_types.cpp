#include "recurra/layers/cell_types.h"

#include "recurra/layers/model_spec.h"
#include "recurra/layers/recurrent_cells.h"
#include "recurra/layers/recurrent_types.h"
#include "recurra/layers/rnn.h"
#include "recurra/layers/stacked_rnn_cells.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

// A config is that of the cell's layer, whose name then is the cell's.
template <class Cell>
std::unique_ptr<recurra::Cell> make_recurrent_cell(const char* layer, const char* name, Json config) {
  if (!config.contains("name")) config["name"] = name;
  std::unique_ptr<Layer> made = make_layer({layer, config.dump()});
  return std::make_unique<Cell>(std::unique_ptr<Recurrent>(static_cast<Recurrent*>(made.release())));
}

std::unique_ptr<Cell> make_stack(const Json& config, const std::string& subject) {
  Arguments arguments(subject, config);
  const auto name = arguments.take<std::string>("name", "stacked_rnn_cells");
  const bool trainable = arguments.take<bool>("trainable", true);
  arguments.ignore("dtype");
  const Json list = arguments.take_json("cells");
  arguments.finish();
  if (!list.is_array())
    throw Error(ErrorCode::format, arguments.subject("cells"), "a list", shown_json(list));
  std::vector<std::unique_ptr<Cell>> cells;
  for (const Json& cell : list) cells.push_back(make_cell(cell, arguments.subject("cells")));
  auto stack = std::make_unique<StackedRnnCells>(std::move(cells), name);
  if (!trainable) stack->set_trainable(false);
  return stack;
}

}  // namespace

std::unique_ptr<Cell> make_cell(const Json& json, const std::string& subject) {
  const KerasObject object = read_keras_object(json, subject);
  if (object.name == "LSTMCell") return make_recurrent_cell<LstmCell>("LSTM", "lstm_cell", object.config);
  if (object.name == "GRUCell") return make_recurrent_cell<GruCell>("GRU", "gru_cell", object.config);
  if (object.name == "SimpleRNNCell")
    return make_recurrent_cell<SimpleRnnCell>("SimpleRNN", "simple_rnn_cell", object.config);
  if (object.name == "StackedRNNCells") return make_stack(object.config, subject);
  throw Error(
      ErrorCode::unsupported, subject, "LSTMCell, GRUCell, SimpleRNNCell, StackedRNNCells", object.name);
}

std::unique_ptr<Layer> make_rnn(Arguments& arguments, std::string name) {
  std::unique_ptr<Cell> cell = make_cell(arguments.take_json("cell"), arguments.subject("cell"));
  RnnOptions options;
  options.return_sequences = arguments.take<bool>("return_sequences", options.return_sequences);
  options.return_state = arguments.take<bool>("return_state", options.return_state);
  options.go_backwards = arguments.take<bool>("go_backwards", options.go_backwards);
  options.stateful = arguments.take<bool>("stateful", options.stateful);
  options.zero_output_for_mask = arguments.take<bool>("zero_output_for_mask", options.zero_output_for_mask);
  // How another library computes the same.
  arguments.ignore("unroll");
  return std::make_unique<Rnn>(std::move(cell), options, std::move(name));
}

}  // namespace recurra

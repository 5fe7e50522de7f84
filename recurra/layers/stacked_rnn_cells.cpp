#include "recurra/layers/stacked_rnn_cells.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

StackedRnnCells::StackedRnnCells(std::vector<std::unique_ptr<Cell>> cells, std::string name)
    : Cell(std::move(name)), cells_(std::move(cells)) {
  if (cells_.empty())
    throw Error(ErrorCode::invalid_argument, this->name() + ".cells", "one or more", "none");
  if (std::ranges::any_of(cells_, [](const auto& cell) { return cell == nullptr; }))
    throw Error(ErrorCode::invalid_argument, this->name() + ".cells", "cells", "a null pointer");
}

nlohmann::json StackedRnnCells::config() const {
  nlohmann::json config = Cell::config();
  config["cells"] = nlohmann::json::array();
  for (const auto& cell : cells_)
    config["cells"].push_back({{"class_name", cell->type()}, {"config", cell->config()}});
  return config;
}

std::vector<Shape> StackedRnnCells::state_shapes() const {
  std::vector<Shape> all;
  for (const auto& cell : cells_) {
    for (const Shape& shape : cell->state_shapes()) all.push_back(shape);
  }
  return all;
}

std::vector<Shape> StackedRnnCells::output_shapes() const {
  return cells_.back()->output_shapes();
}

std::vector<Tensor> StackedRnnCells::initial_states(i64 batch) const {
  std::vector<Tensor> all;
  for (const auto& cell : cells_) {
    for (Tensor& state : cell->initial_states(batch)) all.push_back(std::move(state));
  }
  return all;
}

void StackedRnnCells::begin_sequence(i64 batch, const Context& context) {
  Context own = context;
  for (const auto& cell : cells_) {
    cell->begin_sequence(batch, own);
    ++own.dropout.part;
  }
}

std::vector<Parameter*> StackedRnnCells::parameters() {
  std::vector<Parameter*> all;
  for (const auto& cell : cells_) {
    for (Parameter* parameter : cell->parameters()) all.push_back(parameter);
  }
  return all;
}

void StackedRnnCells::parameters_changed() {
  for (const auto& cell : cells_) cell->parameters_changed();
}

void StackedRnnCells::take_gradients() {
  for (const auto& cell : cells_) cell->take_gradients();
}

void StackedRnnCells::set_trainable(bool trainable) {
  Cell::set_trainable(trainable);
  for (const auto& cell : cells_) cell->set_trainable(trainable);
}

// The cell's name; of several of one name the later ones with a number.
std::string StackedRnnCells::place_name(std::size_t place) const {
  const std::string& own = cells_[place]->name();
  const auto before = std::count_if(cells_.begin(),
                                    cells_.begin() + static_cast<std::ptrdiff_t>(place),
                                    [&](const auto& cell) { return cell->name() == own; });
  return before == 0 ? own : own + "_" + std::to_string(before);
}

void StackedRnnCells::run_build(std::span<const Shape> inputs) {
  std::vector<Shape> shapes(inputs.begin(), inputs.end());
  for (std::size_t place = 0; place < cells_.size(); ++place) {
    Cell& cell = *cells_[place];
    cell.build(shapes, random());
    for (Parameter* parameter : cell.parameters())
      parameter->name = place_name(place) + "/" + parameter->name;
    shapes = cell.output_shapes();
  }
}

CellStep StackedRnnCells::run_step(const Variables& inputs, const Variables& states, const Context& context) {
  CellStep all;
  all.outputs = inputs;
  auto next = states.begin();
  for (const auto& cell : cells_) {
    const auto count = static_cast<std::ptrdiff_t>(cell->state_shapes().size());
    CellStep made = cell->step(all.outputs, Variables(next, next + count), context);
    next += count;
    all.outputs = std::move(made.outputs);
    all.states.insert(all.states.end(), made.states.begin(), made.states.end());
  }
  return all;
}

}  // namespace recurra

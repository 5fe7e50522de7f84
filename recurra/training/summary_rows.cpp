#include "recurra/training/summary_rows.h"

#include <array>
#include <cstdio>

namespace recurra {

namespace {

std::string shape_text(const Shape& shape) {
  std::string text = "(None";
  for (const i64 extent : shape.extents())
    text.append(", ").append(extent < 0 ? "None" : std::to_string(extent));
  return text.append(shape.rank() == 0 ? ",)" : ")");
}

/// Whether each call takes what the one before gives, and nothing else.
bool is_chain(const GraphPlan& plan) {
  if (plan.inputs.size() > 1) return false;
  std::size_t first = 0;
  std::size_t count = 1;
  for (const GraphPlan::Call& call : plan.calls) {
    const bool follows = call.inputs.size() == 1 && call.inputs[0] >= first && call.inputs[0] < first + count;
    if (!follows || !call.last || call.number > 0) return false;
    first = call.first;
    count = call.count;
  }
  return true;
}

/// Where a value comes from: name[call][output].
std::string source_of(const GraphPlan& plan, std::size_t value) {
  if (value < plan.inputs.size()) return plan.inputs[value].name + "[0][0]";
  for (const GraphPlan::Call& call : plan.calls) {
    if (value >= call.first + call.count || value < call.first) continue;
    return plan.layers[call.layer]->name() + "[" + std::to_string(call.number) + "][" +
           std::to_string(value - call.first) + "]";
  }
  return {};
}

SummaryRow layer_row(Layer& layer) {
  SummaryRow row{layer.name() + " (" + layer.type() + ")"};
  for (const Parameter* parameter : layer.parameters()) {
    row.parameters += parameter->value.size();
    if (parameter->trainable) row.trainable += parameter->value.size();
  }
  return row;
}

/// Shapes of the last call, as Keras shows them, and what goes into all.
void add_calls(const GraphPlan& plan, std::size_t layer, SummaryRow& row) {
  for (const GraphPlan::Call& call : plan.calls) {
    if (call.layer != layer) continue;
    row.shapes.clear();
    for (std::size_t i = 0; i < call.count; ++i)
      row.shapes.push_back(shape_text(plan.shapes[call.first + i]));
    for (const std::size_t input : call.inputs) row.connections.push_back(source_of(plan, input));
  }
}

}  // namespace

i64 SummaryTable::parameters() const noexcept {
  i64 sum = 0;
  for (const SummaryRow& row : rows) sum += row.parameters;
  return sum;
}

i64 SummaryTable::trainable() const noexcept {
  i64 sum = 0;
  for (const SummaryRow& row : rows) sum += row.trainable;
  return sum;
}

SummaryTable summary_table(const TrainableModel& model, const GraphPlan& plan) {
  SummaryTable table{model.name(), model.built(), is_chain(plan)};
  if (model.optimizer() != nullptr) table.slots_per_parameter = model.optimizer()->slots_per_parameter();
  if (!table.built) {
    for (const auto& layer : model.layers()) table.rows.push_back(layer_row(*layer));
    return table;
  }
  for (const GraphPlan::Row& row : plan.rows) {
    if (row.is_input) {
      const GraphPlan::Input& input = plan.inputs[row.index];
      table.rows.push_back({input.name + " (InputLayer)", {shape_text(input.shape)}, true});
      continue;
    }
    table.rows.push_back(layer_row(*plan.layers[row.index]));
    add_calls(plan, row.index, table.rows.back());
  }
  return table;
}

std::string list_text(const std::vector<std::string>& texts, bool always_a_list) {
  if (texts.size() == 1 && !always_a_list) return texts[0];
  std::string text = "[";
  for (const std::string& one : texts) text.append(text.size() == 1 ? "" : ", ").append(one);
  return text.append("]");
}

std::string size_text(i64 bytes, const char* byte_unit) {
  const std::array units = {byte_unit, "KB", "MB", "GB", "TB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < units.size(); ++unit) size /= 1024;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "(%.2f %s)", size, units[unit]);
  return text.data();
}

void TrainableModel::summary(std::ostream& out, SummaryStyle style) const {
  const SummaryTable table = summary_table(*this, plan());
  style == SummaryStyle::keras3 ? write_keras3(out, table) : write_keras2(out, table);
}

}  // namespace recurra

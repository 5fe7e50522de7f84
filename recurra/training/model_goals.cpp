/// What a model's outputs are trained for: losses and metrics, and what logs say of them.
#include <map>
#include <span>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/training/trainable_model.h"

namespace recurra {

namespace {

/// Says of which output it is, where there are several.
[[noreturn]] void throw_for_output(const Error& error, const std::string& output) {
  throw Error(error.code(), output + ": " + error.subject(), error.expected(), error.actual());
}

}  // namespace

void TrainableModel::check_targets(const BatchView& batch) const {
  std::size_t expected = 0;
  for (const OutputGoal& goal : goals_) expected += goal.loss() != nullptr ? 1 : 0;
  if (batch.more_y.size() + 1 == expected) return;
  throw Error(ErrorCode::invalid_argument,
              "batch.more_y",
              std::to_string(expected - 1) + " further targets",
              std::to_string(batch.more_y.size()));
}

/// function(goal, given) for each output that is trained, with what the last forward and the batch have for
/// it.
template <class Function>
void TrainableModel::for_each_goal(const BatchView& batch,
                                   const std::map<int, double>* class_weight,
                                   Function function) {
  check_targets(batch);
  std::size_t target = 0;
  for (std::size_t i = 0; i < goals_.size(); ++i) {
    if (goals_[i].loss() == nullptr) continue;
    const Tensor& y = target == 0 ? *batch.y : batch.more_y[target - 1];
    ++target;
    const OutputGoal::Given given{*outputs_[i], graph_.output_mask(i), y, batch.sample_weights, class_weight};
    if (goals_.size() == 1) {
      function(goals_[i], given);
      continue;
    }
    try {
      function(goals_[i], given);
    } catch (const Error& error) {
      throw_for_output(error, output_names_[i]);
    }
  }
}

double TrainableModel::compute_loss(const BatchView& batch,
                                    const std::map<int, double>* class_weight,
                                    bool with_gradient) {
  if (class_weight != nullptr && goals_.size() > 1) {
    throw Error(ErrorCode::invalid_argument,
                "class_weight",
                "none for a model of several outputs",
                std::to_string(goals_.size()) + " outputs");
  }
  double loss = 0;
  for_each_goal(batch, class_weight, [&](OutputGoal& goal, const OutputGoal::Given& given) {
    loss += goal.compute(given, with_gradient);
  });
  return loss + graph_.penalty();
}

void TrainableModel::count_metrics(const BatchView& batch) {
  for_each_goal(batch, nullptr, [](OutputGoal& goal, const OutputGoal::Given& given) { goal.count(given); });
}

void TrainableModel::reset_metrics() noexcept {
  for (OutputGoal& goal : goals_) goal.reset();
}

Logs TrainableModel::logs_of(const MetricState& loss) const {
  Logs logs{{"loss", loss.count > 0.0 ? loss.sum / loss.count : 0.0}};
  if (goals_.size() == 1) {
    goals_[0].metrics().add_to(logs);
    return logs;
  }
  for (std::size_t i = 0; i < goals_.size(); ++i) {
    if (goals_[i].loss() == nullptr) continue;
    const std::string prefix = output_names_[i] + "_";
    Logs own;
    goals_[i].metrics().add_to(own);
    for (const auto& [name, value] : own) logs[prefix + name] = value;
    logs[prefix + "loss"] = goals_[i].mean_loss();
  }
  return logs;
}

/// Of each output's metrics, and, where there are several outputs, its loss.
std::vector<MetricState> TrainableModel::metric_states() const {
  std::vector<MetricState> states;
  for (const OutputGoal& goal : goals_) {
    const std::vector<MetricState> own = goal.metrics().states();
    states.insert(states.end(), own.begin(), own.end());
    if (goals_.size() > 1) states.push_back(goal.loss_state());
  }
  return states;
}

void TrainableModel::set_metric_states(std::span<const MetricState> states) {
  if (goals_.size() == 1) {
    goals_[0].metrics().set_states(states);
    return;
  }
  const std::size_t expected = metric_states().size();
  if (states.size() != expected) {
    throw Error(ErrorCode::invalid_argument,
                "metrics",
                std::to_string(expected) + " states",
                std::to_string(states.size()));
  }
  for (OutputGoal& goal : goals_) {
    const std::size_t own = goal.metrics().states().size();
    goal.metrics().set_states(states.first(own));
    goal.set_loss_state(states[own]);
    states = states.subspan(own + 1);
  }
}

void TrainableModel::add_loss_settings(nlohmann::json& settings) const {
  if (goals_.size() == 1) {
    settings["loss"] = goals_[0].loss()->config();
    settings["metrics"] = goals_[0].metrics().names();
    settings["weighted_metrics"] = goals_[0].metrics().weighted_names();
    return;
  }
  for (std::size_t i = 0; i < goals_.size(); ++i) {
    const OutputGoal& goal = goals_[i];
    if (goal.loss() == nullptr) continue;
    settings["outputs"][output_names_[i]] = {{"loss", goal.loss()->config()},
                                             {"metrics", goal.metrics().names()},
                                             {"weighted_metrics", goal.metrics().weighted_names()},
                                             {"weight", goal.weight()}};
  }
}

}  // namespace recurra

/// A model made of another one's parts.
#include <nlohmann/json.hpp>

#include "recurra/training/sequential.h"

namespace recurra {

Sequential Sequential::rebuilt(const ModelSpec& spec, const std::vector<Tensor>& weights) const {
  require_built("rebuilt");
  Sequential model(spec);
  model.build(input_shape(), seed_);
  model.set_weights(weights);
  model.metadata_ = metadata_;
  model.epochs_done_ = epochs_done_;
  model.updates_done_ = updates_done_;
  model.execution_ = execution_;
  if (optimizer_ == nullptr || loss_ == nullptr) return model;
  model.compile(make_optimizer_from_config(optimizer_in_use()->config()),
                make_loss_from_config(loss_->config()),
                metrics_.names(),
                metrics_.weighted_names());
  return model;
}

}  // namespace recurra

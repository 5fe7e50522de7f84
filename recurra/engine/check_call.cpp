#include "recurra/engine/check_call.h"

#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/attention.h"
#include "recurra/engine/schedule.h"

namespace recurra {

namespace {

std::string text_of(const Room& room) {
  std::string text = std::to_string(room.steps) + " steps and " + std::to_string(room.batch) + " rows";
  text += room.training ? " for training" : " for inference";
  if (room.masks) text += " with masks";
  if (room.dropout) text += " with dropout";
  if (room.states) text += " with states";
  if (room.zoneout) text += " with zoneout";
  if (room.zoneout_states) text += " with zoneout of states";
  return text;
}

}  // namespace

void check_lengths(const int* lengths, i64 steps, i64 batch) {
  for (i64 row = 0; lengths != nullptr && row < batch; ++row) {
    if (lengths[row] < 0 || lengths[row] > steps) {
      throw Error(ErrorCode::invalid_argument,
                  "lengths[" + std::to_string(row) + "]",
                  "0 to " + std::to_string(steps),
                  std::to_string(lengths[row]));
    }
  }
}

void check_call(
    const Plan& plan, const Call& call, const Execution& execution, bool training, const Memory& m) {
  check_execution(execution);
  const bool masks = call.mask != nullptr || (call.lengths != nullptr && call.fill == Fill::repeat);
  Room room{call.steps, call.batch, training, masks, call.x_dropout != nullptr || call.h_dropout != nullptr};
  room.takes_y = true;
  room.keep = m.room.keep;
  room.states = takes_states(call);
  room.zoneout = has_zoneout(call);
  room.zoneout_states = has_zoneout_states(call);
  if (m.plan != plan || !contains(m.room, room)) {
    throw Error(ErrorCode::invalid_argument,
                "workspace",
                "one prepared for this plan, " + text_of(room),
                m.plan == plan ? text_of(m.room) : "one that is not");
  }
  if (call.steps < 0 || call.batch < 0) {
    throw Error(ErrorCode::invalid_argument,
                "call",
                "steps and batch from 0 up",
                std::to_string(call.steps) + " and " + std::to_string(call.batch));
  }
  if (m.room.takes_y && call.y.data == nullptr && call.steps > 0 && call.batch > 0) {
    throw Error(
        ErrorCode::invalid_argument, "y", "a sequence, since the workspace has no memory for one", "null");
  }
  if (call.x.data == nullptr && call.steps > 0 && call.batch > 0) {
    throw Error(ErrorCode::invalid_argument, "x", "a sequence", "null");
  }
  if (call.mask != nullptr && call.lengths != nullptr) {
    throw Error(ErrorCode::invalid_argument, "mask", "none beside lengths", "both");
  }
  if (call.h_dropout != nullptr && (plan.projected() || !plan.cell().dense)) {
    throw Error(ErrorCode::unsupported,
                "h_dropout",
                "cells with a recurrent product and no projection",
                plan.recurrence().cell + (plan.projected() ? " with a projection" : ""));
  }
  check_attention(plan, call);
  check_extras(plan, call);
  check_lengths(call.lengths, call.steps, call.batch);
}

}  // namespace recurra

#include "recurra/engine/mark.h"

#include <bit>
#include <cstdint>
#include <string_view>

#include "recurra/base/error.h"
#include "recurra/engine/row_tables.h"

namespace recurra {

namespace {

/// FNV-1a.
class Hash {
 public:
  void add(std::string_view bytes) noexcept {
    for (const char c : bytes) add_byte(static_cast<unsigned char>(c));
  }

  void add(i64 number) noexcept {
    for (int byte = 0; byte < 8; ++byte, number >>= 8) add_byte(static_cast<unsigned char>(number & 255));
  }

  void add(float number) noexcept { add(i64{std::bit_cast<std::int32_t>(number)}); }

  void add_byte(unsigned char byte) noexcept { hash_ = (hash_ ^ byte) * 1'099'511'628'211U; }

  [[nodiscard]] i64 value() const noexcept { return static_cast<i64>(hash_); }

 private:
  std::uint64_t hash_ = 14'695'981'039'346'656'037U;
};

/// Tells apart what a training forward left for other plans or rooms.
i64 fingerprint(const Plan& plan, const Room& room) noexcept {
  Hash hash;
  const Recurrence& r = plan.recurrence();
  hash.add(r.cell);
  hash.add(plan.target().name);
  for (const i64 number : {r.input, r.units, r.projection, i64{r.reverse}, i64{plan.chosen()}})
    hash.add(number);
  hash.add(r.clip);
  hash.add(r.projection_clip);
  for (const Activation& activation : r.activations) {
    hash.add(i64{static_cast<int>(activation.kind)});
    hash.add(activation.alpha);
    hash.add(activation.beta);
  }
  for (const i64 number : {room.steps, room.batch, i64{static_cast<int>(room.keep)}}) hash.add(number);
  for (const bool flag :
       {room.masks, room.dropout, room.takes_y, room.states, room.zoneout, room.zoneout_states})
    hash.add(i64{flag});
  return hash.value();
}

i64 hash_of_lengths(const Call& call) noexcept {
  Hash hash;
  for (i64 row = 0; call.lengths != nullptr && row < call.batch; ++row) hash.add(i64{call.lengths[row]});
  return hash.value();
}

i64 hash_of_mask(const Call& call) noexcept {
  Hash hash;
  for (i64 i = 0; call.mask != nullptr && i < call.batch * call.steps; ++i) hash.add_byte(call.mask[i] != 0);
  return hash.value();
}

/// Calls visit(name, whether the call has it) for all it may have or not that its way back reads too.
template <class Visit>
void for_each_part(const Call& call, Visit visit) {
  visit("y", call.y.data != nullptr);
  visit("lengths", call.lengths != nullptr);
  visit("mask", call.mask != nullptr);
  visit("Fill::repeat", repeats_outputs(call));
  visit("x_dropout", call.x_dropout != nullptr);
  visit("h_dropout", call.h_dropout != nullptr);
  visit("initial[0]", call.initial[0] != nullptr);
  visit("zoneout[0]", call.zoneout[0].data != nullptr);
  visit("zoneout[1]", call.zoneout[1].data != nullptr);
  visit("zoneout[2]", call.zoneout[2].data != nullptr);
}

// Places in the mark.
constexpr std::size_t of_plan = 0, of_steps = 1, of_batch = 2, of_lengths = 3, of_mask = 4, of_parts = 5;

}  // namespace

void mark_filled(const Plan& plan, const Call& call, Memory& m) noexcept {
  m.mark[of_plan] = fingerprint(plan, m.room);
  m.mark[of_steps] = call.steps;
  m.mark[of_batch] = call.batch;
  m.mark[of_lengths] = hash_of_lengths(call);
  m.mark[of_mask] = hash_of_mask(call);
  i64 parts = 0;
  i64 bit = 1;
  for_each_part(call, [&](const char*, bool has) {
    parts += has ? bit : 0;
    bit *= 2;
  });
  m.mark[of_parts] = parts;
}

void clear_mark(Memory& m) noexcept {
  if (!m.mark.empty()) m.mark[of_plan] = 0;
}

void check_filled(const Plan& plan, const Call& call, const Memory& m) {
  const bool filled = m.plan == plan && m.room.training && m.mark[of_plan] == fingerprint(plan, m.room);
  if (filled && m.mark[of_steps] == call.steps && m.mark[of_batch] == call.batch) return;
  throw Error(ErrorCode::invalid_argument,
              "workspace",
              "one filled by a training forward of this call, unused",
              filled ? "one of another call" : "none");
}

void check_same_call(const Call& call, const Memory& m) {
  i64 parts = m.mark[of_parts];
  for_each_part(call, [&](const char* name, bool has) {
    const bool had = (parts & 1) != 0;
    parts /= 2;
    if (has == had) return;
    throw Error(ErrorCode::invalid_argument,
                name,
                had ? "some, as in the training forward" : "none, as in the training forward",
                has ? "some" : "none");
  });
  if (m.mark[of_lengths] != hash_of_lengths(call))
    throw Error(ErrorCode::invalid_argument, "lengths", "those of the training forward", "others");
  if (m.mark[of_mask] != hash_of_mask(call))
    throw Error(ErrorCode::invalid_argument, "mask", "that of the training forward", "another");
}

}  // namespace recurra

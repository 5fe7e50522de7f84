#include "recurra/engine/input_ahead.h"

#include <algorithm>

#include "recurra/base/cpu.h"
#include "recurra/engine/row_pieces.h"

namespace recurra {

bool InputAhead::goes_beside(Range rows, Range blocks) const noexcept {
  // A product goes beside two panels.
  if (rows.count() != 1 || blocks.count() < 2 || !plan_.cell().dense || plan_.finishes_rows()) return false;
  // What is larger than this comes from too far away, in steps of a row of a panel: at 512 units all of it
  // lies within and an eighth of the time is saved; at 1024 it costs up to six tenths more.
  const i64 share = std::max(plan_.recurrent_work(), plan_.input_work()) * blocks.count() / plan_.blocks();
  return share * static_cast<i64>(sizeof(float)) <= 7 * second_level_cache();
}

void InputAhead::start(Steps chunk, Range rows, Range blocks) noexcept {
  steps_ = {};
  row_ = rows;
  blocks_ = blocks;
  if (!goes_beside(rows, blocks)) return products_.input(chunk, rows, blocks);
  // Whole groups go beside; what is not one comes first too, while the weights are there.
  const i64 last = std::min<i64>(chunk.last, m_.length[static_cast<std::size_t>(rows.first)]);
  const i64 groups = std::max<i64>(last - chunk.first, 0) / group_;
  if (groups < 2) return products_.input(chunk, rows, blocks);
  steps_ = {last - (groups - 1) * group_, last};
  products_.input({chunk.first, steps_.first}, rows, blocks);
  begin_group();
}

void InputAhead::reach(i64 t) noexcept {
  while (steps_.first < steps_.last && (t >= steps_.first || !any())) {
    finish_group();
    steps_.first += group_;
    if (steps_.first < steps_.last) begin_group();
  }
}

void InputAhead::begin_group() noexcept {
  product_ = products_.input_args(blocks_);
  const Steps steps{steps_.first, steps_.first + group_};
  for_each_piece(m_, {steps, row_.first, row_.last}, group_, [&](const RowPiece& piece) {
    piece.list_inputs(m_, x_);
    piece.list(gates_, [&](i64 t) { return m_.gates_at(t); });
  });
  product_.a = x_;
  product_.out = gates_;
  product_.last_row = product_.product_rows = group_;
  beside_ = {&product_, 0, blocks_.count() * product_.vectors};
}

/// Makes what is left of the group. Of its first panel some may be there already: it gets the same bits
/// again.
void InputAhead::finish_group() noexcept {
  if (!any()) return;
  product_.first_panel += beside_.next / product_.vectors;
  products_.run(product_);
  beside_ = {};
}

}  // namespace recurra

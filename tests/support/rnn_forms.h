/// The forms of stacks that the RNN primitive has.
#pragma once

#include "recurra/primitive/rnn_desc.h"

namespace recurra::test {

/// Calls visit(desc) for every direction and stacking, of one layer and of three.
template <class Visit>
void for_each_form(primitive::RnnDesc desc, Visit visit) {
  using primitive::Direction;
  for (const auto direction : {Direction::left2right,
                               Direction::right2left,
                               Direction::bidirectional_concat,
                               Direction::bidirectional_sum}) {
    for (const auto stacking : {Stacking::independent, Stacking::cross_fed}) {
      for (const i64 layers : {1, 3}) {
        desc.direction = direction;
        desc.stacking = stacking;
        desc.layers = layers;
        visit(desc);
      }
    }
  }
}

}  // namespace recurra::test

#include "recurra/engine/step_products.h"

#include "recurra/engine/row_pieces.h"
#include "recurra/engine/step_args.h"

namespace recurra {

ProductArgs StepProducts::input_args(Range blocks) const noexcept {
  ProductArgs p{};
  p.first_panel = blocks.first;
  p.last_panel = blocks.last;
  p.vectors = cell_.input.count * cell_.vectors;
  p.segments = 1;
  p.segment = plan_.input();
  p.w = weights_.in.data();
  p.w_panel = i64{plan_.input()} * cell_.input.count * plan_.run();
  p.lead = weights_.bias.data();
  p.lead_panel = i64{cell_.input.count} * plan_.run();
  p.lead_vectors = p.vectors;
  p.out_offset = i64{cell_.input.first} * plan_.run();
  p.out_panel = m_.gate_block;
  p.columns = plan_.blocks() * cell_.input.count * plan_.run();
  return p;
}

void StepProducts::input(Steps steps, Range rows, Range blocks) const noexcept {
  ProductArgs p = input_args(blocks);
  for_each_piece(m_, {steps, rows.first, rows.last}, piece_rows, [&](const RowPiece& piece) {
    const float* x[piece_rows];
    float* gates[piece_rows];
    piece.list_inputs(m_, x);
    piece.list(gates, [&](i64 t) { return m_.gates_at(t); });
    p.a = x;
    p.out = gates;
    p.last_row = p.product_rows = piece.count;
    run(p);
  });
}

void StepProducts::recurrent(
    const StepArgs& s, i64 t, int phase, Range rows, Range blocks, BesideProduct* beside) const noexcept {
  const Window window = cell_.phase[phase];
  ProductArgs p{};
  set_rows(m_, rows, t, p);
  p.first_panel = blocks.first;
  p.last_panel = blocks.last;
  p.descending = (t & 1) != 0;
  p.beside = beside;
  p.vectors = window.count * cell_.vectors;
  if (cell_.dense) {
    recurrent_operand(t, phase, p);
    p.segments = 1;
    p.segment = plan_.operand(phase);
    p.w = weights_.state[phase].data();
    p.w_panel = i64{plan_.operand(phase)} * window.count * plan_.run();
  }
  // No initial state, no product: the sum starts and ends with the input part.
  if (!cell_.dense || (t == 0 && phase == 0 && !m_.initial_output)) p.product_rows = 0;
  if (phase == 0 && cell_.separate > 0) {
    p.lead = weights_.params.data();
    p.lead_panel = i64{plan_.packed_params()} * plan_.run();
    p.lead_vectors = cell_.separate * cell_.vectors;
  }
  p.init = m_.gate.at.data();
  p.init_offset = s.gates_offset + i64{window.first} * plan_.run();
  p.init_panel = m_.gate_block;
  if (plan_.finishes_rows()) {
    p.init = nullptr;
    p.out = m_.gate.at.data();
    p.out_offset = p.init_offset;
    p.out_panel = m_.gate_block;
    p.columns = plan_.padded() * window.count;
  } else {
    p.epilogue = cell_.forward[plan_.chosen()][phase];
    p.context = &s;
  }
  run(p);
}

void StepProducts::recurrent_operand(i64 t, int phase, ProductArgs& p) const noexcept {
  if (phase > 0) {
    p.a = m_.operand[phase - 1].at.data();
    p.a_offset = m_.operand_offset(t, phase - 1);
  } else {
    const StepRows<const float> h = m_.operand_at(t);
    p.a = h.at;
    p.a_offset = h.offset;
  }
}

void StepProducts::run(ProductArgs& p) const noexcept {
  if (p.first_row >= p.last_row) return;
  if (crew_.index() == 0) p.executed = &m_.report.target;
  plan_.target().product(p);
}

}  // namespace recurra

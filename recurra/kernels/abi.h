/// What crosses the border between the engine, compiled once, and the kernels, compiled per target: plain
/// structs without member functions, so that no symbol is shared.
///
/// Packed panel: `[panel][k][vector][lane]`, zero padded; a panel is `vectors` vectors wide.
#pragma once

#include "recurra/base/activation.h"
#include "recurra/base/platform.h"

namespace recurra {

/// Takes a tile of results while it lies in L1: `scratch` is `[row][vectors * width]`, for rows
/// `first_row .. first_row + rows` of the call and panel `panel`.
using Epilogue = void (*)(const void* context, int panel, int first_row, int rows, const float* scratch);

/// Widest panel in vectors.
inline constexpr int widest_panel = 6;

/// Most rows of a tile beside another product.
inline constexpr int most_beside_rows = 8;

struct ProductArgs;

/// Another product, made beside one of a single row: the weights of one row come more slowly from the cache
/// than they are multiplied. A tile is one vector of Target::beside_rows rows; the kernel makes as many as it
/// has room for.
struct BesideProduct {
  // Of one segment; `beside_rows` rows from 0, all multiplied; a lead of whole panels, columns of whole
  // vectors.
  const ProductArgs* of;
  int next, count;  // number of the next tile, panel by panel, and of all
};

/// result[row][panel] = start + sum over k of a[row][k] * w[panel][k], k ascending, one chain of
/// multiply-adds.
struct ProductArgs {
  int first_row, last_row;
  int product_rows;  // rows from here on get the start value alone
  int first_panel, last_panel;
  bool descending;  // panels from last to first: what the cache still holds of the previous call comes first
  int vectors;      // width of a panel: 1, 2, 3, 4 or 6

  // Operand: k runs over `segments` pieces of `segment` floats, `segment_stride` apart, from a[row] +
  // a_offset.
  const float* const* a;
  i64 a_offset;
  int segments, segment;
  i64 segment_stride;

  const float* w;
  i64 w_panel;

  // Start value: the panel's first `lead_vectors` vectors from lead + panel * lead_panel, the rest from
  // init[row] + init_offset + panel * init_panel; zero where init is null.
  const float* lead;
  i64 lead_panel;
  int lead_vectors;
  const float* const* init;
  i64 init_offset, init_panel;

  // Result: to `epilogue`, or where that is null to out[row] + out_offset + panel * out_panel, of which
  // the last panel has only the columns up to `columns` (counted over all panels).
  Epilogue epilogue;
  const void* context;
  float* const* out;
  i64 out_offset, out_panel;
  int columns;

  BesideProduct* beside;  // where not null: what a product of one row may make besides

  const char** executed;  // where not null, the kernel writes its target's name here: the proof of what ran
};

/// sum[panel][m][vector][lane] = sum over k of a[k][m] * g[k][panel], k ascending over [first_k, last_k), one
/// chain of multiply-adds.
struct GradientArgs {
  i64 first_k, last_k;
  const float* const* a;  // a[k] + a_offset: the operand's columns; null: all ones (a bias), one row
  i64 a_offset;
  int first_row, last_row;  // of the sum, columns of a
  const float* const* g;    // g[k] + g_offset + panel * g_panel: `vectors` vectors
  i64 g_offset, g_panel;
  int vectors;
  int first_panel, last_panel;
  bool add;  // the chain goes on from what `sum` holds
  float* sum;
  i64 sum_panel;  // rows of the sum * vectors * width

  // Where not null, the chain ends here instead of in `sum`: vector n of a row at out + row * out_row + panel
  // * out_panel + out_vector[n], of which there are out_columns - panel * out_panel - out_column[n] floats.
  float* out;
  i64 out_row;
  int out_panel;
  i64 out_vector[widest_panel];
  int out_column[widest_panel];
  int out_columns;
  bool out_add;  // to what is there
};

/// dx[i] = dy[i] * slope of the activation at x[i], where its value is y[i].
struct PointwiseGradientArgs {
  const Activation* activation;
  const float* x;
  const float* y;
  const float* dy;
  float* dx;
  i64 count;
};

}  // namespace recurra

/// Batches out of npy files that need not fit into memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "recurra/base/file.h"
#include "recurra/data/batch_source.h"
#include "recurra/data/examples_source.h"
#include "recurra/data/npy_header.h"

namespace recurra {

/// Two npy files with an example a row, read a batch at a time by seeking: memory holds one batch, and four
/// bytes a block for the order.
///
/// Rows are shuffled in blocks of `block_rows` neighbours that stay together, in order. With 1 the batches
/// are those an ExamplesSource of the whole files would give, bit for bit, at a read a row; larger blocks are
/// for rows below some kB on slow disks.
class RECURRA_API NpySource final : public BatchSource {
 public:
  /// Throws as read_npy for either file, and Error: shape (fewer than two axes in x; other counts of rows),
  /// dtype (x neither f32 nor i32 once read, y the same), unsupported (Fortran order), invalid_argument (a
  /// batch size or `block_rows` below 1, more than 2^31 - 1 blocks).
  NpySource(const std::filesystem::path& x,
            const std::filesystem::path& y,
            const BatchOptions& options = {},
            i64 block_rows = 1);

  void begin_epoch(i64 epoch) override;

  /// Throws Error (io), also where a file has become shorter (format).
  bool next(Batch& batch) override;
  [[nodiscard]] i64 batches() const override;
  void skip(i64 count) override;

  /// Shapes of all examples, the first extent their count.
  [[nodiscard]] const Shape& x_shape() const noexcept { return x_.header.shape; }

  [[nodiscard]] const Shape& y_shape() const noexcept { return y_.header.shape; }

 private:
  struct File {
    explicit File(const std::filesystem::path& path);

    /// Rows `first` to `first + count` of the file as rows from `to` of `batch`.
    void read(i64 first, i64 count, Tensor& batch, i64 to);

    InputFile input;
    NpyHeader header;
    std::vector<std::byte> raw;  // what is to be converted
  };

  [[nodiscard]] i64 rows() const noexcept { return x_.header.shape[0]; }

  /// The file's row at place `position` of the epoch, and how many from it on follow in the file too.
  [[nodiscard]] i64 row_at(i64 position) const noexcept;
  [[nodiscard]] i64 run_at(i64 position, i64 most) const noexcept;

  File x_;
  File y_;
  BatchOptions options_;
  i64 block_rows_;
  std::vector<int> order_;  // of blocks
  i64 short_place_ = 0;     // where in the order the last block stands, which may be short
  i64 position_ = 0;        // in rows of the epoch
};

}  // namespace recurra

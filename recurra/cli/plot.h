/// Curves as lines of text.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace recurra::cli {

/// A curve and the letter it is drawn with.
struct Curve {
  std::string name;
  char mark;
  std::vector<double> values;  ///< an epoch each
};

/// The curves over the epochs, 10 lines high and at most 70 columns wide, with their least and largest value
/// at the side and the epochs below. Where two meet there is a `#`. Values that are not finite are left out;
/// empty where fewer than two epochs are left.
[[nodiscard]] std::string draw_curves(std::span<const Curve> curves);

}  // namespace recurra::cli

#include "recurra/layers/initializers.h"

#include <algorithm>
#include <cmath>

#include <Eigen/QR>

namespace recurra {

void glorot_uniform(Tensor& tensor, Random& random) {
  const float limit = std::sqrt(6.0F / static_cast<float>(tensor.shape()[0] + tensor.shape()[1]));
  for (float& value : tensor.as<float>()) value = random.uniform(-limit, limit);
}

void orthogonal(Tensor& tensor, Random& random) {
  const i64 rows = tensor.shape()[0];
  const i64 columns = tensor.shape()[1];
  Eigen::MatrixXd normal(std::max(rows, columns), std::min(rows, columns));
  for (Eigen::Index i = 0; i < normal.rows(); ++i) {
    for (Eigen::Index j = 0; j < normal.cols(); ++j) normal(i, j) = random.normal();
  }
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(normal);
  Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(normal.rows(), normal.cols());
  for (Eigen::Index j = 0; j < q.cols(); ++j) {
    if (qr.matrixQR()(j, j) < 0) q.col(j) *= -1;
  }
  float* to = tensor.data();
  for (i64 i = 0; i < rows; ++i) {
    for (i64 j = 0; j < columns; ++j) *to++ = static_cast<float>(rows < columns ? q(j, i) : q(i, j));
  }
}

void constant(Tensor& tensor, float value) {
  std::ranges::fill(tensor.as<float>(), value);
}

}  // namespace recurra

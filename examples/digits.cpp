#include <iostream>

#include "recurra/recurra.h"

int main() {
  recurra::Mnist mnist = recurra::read_mnist("data/mnist");
  recurra::Sequential model(recurra::parse_model("lstm:64,batch_norm,dense:10"));
  model.compile(
      recurra::make_optimizer("sgd"), recurra::make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  recurra::FitOptions options;
  options.batch_size = 64;
  options.progress = &std::cout;
  model.fit({std::move(mnist.train.images), std::move(mnist.train.labels), {}}, options);
  model.save("digits.safetensors");
}

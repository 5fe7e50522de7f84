/// Filters two channels of sound through one model, chunk by chunk, as a sound card asks for them.
#include <array>
#include <cmath>
#include <iostream>
#include <numbers>
#include <vector>

#include "recurra/recurra.h"

int main() {
  // An untrained model of a sample in and a sample out; a trained one comes from Sequential::load.
  recurra::ModelSpec spec = recurra::parse_model("lstm:40,dense:1");
  recurra::return_sequences(spec);
  recurra::Sequential model(spec);
  model.build({recurra::any_extent, 1});

  constexpr std::size_t channels = 2;
  constexpr std::size_t samples = 64;  // of a chunk
  recurra::ModelStream stream = model.stream({.batch = channels, .chunk = samples});
  std::vector<float> in(channels * samples);
  std::vector<float> out(channels * samples);
  for (std::size_t chunk = 0; chunk < 100; ++chunk) {
    for (std::size_t channel = 0; channel < channels; ++channel) {
      for (std::size_t i = 0; i < samples; ++i) {
        const double time = static_cast<double>(chunk * samples + i) / 48000.0;
        in[channel * samples + i] = static_cast<float>(
            std::sin(2 * std::numbers::pi * 440.0 * static_cast<double>(channel + 1) * time));
      }
    }
    stream.run(samples, in, out);  // allocates nothing: at home in a sound card's thread
  }
  std::cout << "last samples: " << out[samples - 1] << " and " << out[2 * samples - 1] << "\n";

  // Another note on the second channel; the first goes on.
  stream.reset(1);
  // One sample at a time gives the same bits.
  const std::array<float, channels> next = {0.25F, -0.25F};
  stream.step(next);
  std::cout << "one more: " << stream.output()[0] << " and " << stream.output()[1] << "\n";
}

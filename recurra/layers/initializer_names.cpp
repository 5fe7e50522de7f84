/// Initializers as Keras names and writes them.
#include <array>

#include "recurra/layers/arguments.h"
#include "recurra/layers/initializers.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

constexpr const char* module = "keras.initializers";
constexpr std::array fan_modes = {"fan_in", "fan_out", "fan_avg"};
constexpr std::array distributions = {"uniform", "truncated_normal", "untruncated_normal"};

/// The place of the argument's text in `names`.
template <class Enum, std::size_t count>
Enum take_enum(Arguments& arguments,
               const char* argument,
               const std::array<const char*, count>& names,
               Enum fallback) {
  const std::string text = arguments.take<std::string>(argument, names[static_cast<std::size_t>(fallback)]);
  std::string all;
  for (std::size_t i = 0; i < count; ++i) {
    if (text == names[i]) return static_cast<Enum>(i);
    all.append(all.empty() ? "" : ", ").append(names[i]);
  }
  throw Error(ErrorCode::unsupported, arguments.subject(argument), all, text);
}

Initializer read_zeros(Arguments&) {
  return Constant{0};
}

Initializer read_ones(Arguments&) {
  return Constant{1};
}

Initializer read_constant(Arguments& arguments) {
  return Constant{arguments.take<double>("value", 0)};
}

template <class Normal>
Initializer read_normal(Arguments& arguments) {
  Normal normal;
  normal.mean = arguments.take<double>("mean", normal.mean);
  normal.stddev = arguments.take<double>("stddev", normal.stddev);
  normal.seed = arguments.take_optional<i64>("seed");
  return normal;
}

Initializer read_uniform(Arguments& arguments) {
  RandomUniform uniform;
  uniform.minval = arguments.take<double>("minval", uniform.minval);
  uniform.maxval = arguments.take<double>("maxval", uniform.maxval);
  uniform.seed = arguments.take_optional<i64>("seed");
  return uniform;
}

Initializer read_variance_scaling(Arguments& arguments) {
  VarianceScaling scaling;
  scaling.scale = arguments.take<double>("scale", scaling.scale);
  scaling.mode = take_enum(arguments, "mode", fan_modes, scaling.mode);
  scaling.distribution = take_enum(arguments, "distribution", distributions, scaling.distribution);
  scaling.seed = arguments.take_optional<i64>("seed");
  return scaling;
}

template <int scale, FanMode mode, Distribution distribution>
Initializer read_scaling(Arguments& arguments) {
  return VarianceScaling{scale, mode, distribution, arguments.take_optional<i64>("seed")};
}

Initializer read_orthogonal(Arguments& arguments) {
  return Orthogonal{arguments.take<double>("gain", 1), arguments.take_optional<i64>("seed")};
}

Initializer read_identity(Arguments& arguments) {
  return Identity{arguments.take<double>("gain", 1)};
}

struct Name {
  const char* text;
  const char* class_name;
  Initializer (*read)(Arguments&);
};

using enum FanMode;
using enum Distribution;

// Of several names of one kind the first is its own.
constexpr Name names[] = {
    {"zeros", "Zeros", read_zeros},
    {"ones", "Ones", read_ones},
    {"constant", "Constant", read_constant},
    {"random_normal", "RandomNormal", read_normal<RandomNormal>},
    {"random_uniform", "RandomUniform", read_uniform},
    {"truncated_normal", "TruncatedNormal", read_normal<TruncatedNormal>},
    {"glorot_uniform", "GlorotUniform", read_scaling<1, fan_avg, Distribution::uniform>},
    {"glorot_normal", "GlorotNormal", read_scaling<1, fan_avg, Distribution::truncated_normal>},
    {"he_uniform", "HeUniform", read_scaling<2, fan_in, Distribution::uniform>},
    {"he_normal", "HeNormal", read_scaling<2, fan_in, Distribution::truncated_normal>},
    {"lecun_uniform", "LecunUniform", read_scaling<1, fan_in, Distribution::uniform>},
    {"lecun_normal", "LecunNormal", read_scaling<1, fan_in, Distribution::truncated_normal>},
    {"variance_scaling", "VarianceScaling", read_variance_scaling},
    {"orthogonal", "Orthogonal", read_orthogonal},
    {"identity", "Identity", read_identity},
    {"uniform", "RandomUniform", read_uniform},
    {"normal", "RandomNormal", read_normal<RandomNormal>},
    {"orthogonal", "OrthogonalInitializer", read_orthogonal},
    {"identity", "IdentityInitializer", read_identity},
};

Json seed_json(const std::optional<i64>& seed) {
  return seed ? Json(*seed) : Json();
}

Json write(const Constant& constant) {
  if (constant.value == 0) return write_keras_object(module, "Zeros", Json::object());
  if (constant.value == 1) return write_keras_object(module, "Ones", Json::object());
  return write_keras_object(module, "Constant", {{"value", constant.value}});
}

template <class Normal>
Json write_normal(const char* class_name, const Normal& normal) {
  return write_keras_object(
      module,
      class_name,
      {{"seed", seed_json(normal.seed)}, {"mean", normal.mean}, {"stddev", normal.stddev}});
}

Json write(const RandomNormal& normal) {
  return write_normal("RandomNormal", normal);
}

Json write(const TruncatedNormal& normal) {
  return write_normal("TruncatedNormal", normal);
}

Json write(const RandomUniform& uniform) {
  return write_keras_object(
      module,
      "RandomUniform",
      {{"seed", seed_json(uniform.seed)}, {"minval", uniform.minval}, {"maxval", uniform.maxval}});
}

Json write(const VarianceScaling& scaling) {
  for (const Name& name : names) {
    if (name.read == read_variance_scaling) break;  // those before it have a name for their numbers
    Arguments none(name.class_name, Json::object());
    const Initializer named = name.read(none);
    const auto* own = std::get_if<VarianceScaling>(&named);
    if (own == nullptr || own->scale != scaling.scale || own->mode != scaling.mode ||
        own->distribution != scaling.distribution)
      continue;
    return write_keras_object(module, name.class_name, {{"seed", seed_json(scaling.seed)}});
  }
  return write_keras_object(
      module,
      "VarianceScaling",
      {{"seed", seed_json(scaling.seed)},
       {"scale", scaling.scale},
       {"mode", fan_modes[static_cast<std::size_t>(scaling.mode)]},
       {"distribution", distributions[static_cast<std::size_t>(scaling.distribution)]}});
}

Json write(const Orthogonal& orthogonal) {
  return write_keras_object(
      module, "Orthogonal", {{"seed", seed_json(orthogonal.seed)}, {"gain", orthogonal.gain}});
}

Json write(const Identity& identity) {
  return write_keras_object(module, "Identity", {{"gain", identity.gain}});
}

}  // namespace

Initializer make_initializer(const Json& json, const std::string& subject) {
  const KerasObject object = read_keras_object(json, subject);
  std::string all;
  for (const Name& name : names) {
    if (object.name == name.text || object.name == name.class_name) {
      Arguments arguments(std::string(subject).append(" ").append(name.class_name), object.config);
      const Initializer initializer = name.read(arguments);
      // Newer Keras says which axes count as inputs; null: as here.
      arguments.ignore("input_axes", {nullptr});
      arguments.ignore("output_axes", {nullptr});
      arguments.ignore("dtype", {nullptr, "float32"});
      arguments.finish();
      check_initializer(initializer, arguments.type());
      return initializer;
    }
    if (all.find(name.text) == all.npos) all.append(all.empty() ? "" : ", ").append(name.text);
  }
  throw Error(ErrorCode::unsupported, subject, all, object.name);
}

Json config_of(const Initializer& initializer) {
  return std::visit([](const auto& own) { return write(own); }, initializer);
}

}  // namespace recurra

/// The operations give the numbers of ND4J's own tests, on every target.
#include <cmath>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "recurra/ops/bidirectional_rnn_layer.h"
#include "recurra/ops/gru.h"
#include "recurra/ops/lstm_block.h"
#include "recurra/ops/lstm_layer_cell.h"
#include "recurra/ops/lstm_projection.h"
#include "recurra/ops/sru.h"
#include "tests/support/nd4j_case.h"

namespace recurra::test {

namespace {

using namespace ops;

SequenceFormat format_of(const Nd4jCase& c) {
  const std::string name = c.option<std::string>("dataFormat", "TNS");
  for (const auto format :
       {SequenceFormat::tns, SequenceFormat::nst, SequenceFormat::nts, SequenceFormat::t2ns}) {
    if (name == name_of(format)) return format;
  }
  throw std::runtime_error("format " + name);
}

DirectionMode direction_of(const Nd4jCase& c) {
  const std::map<std::string, DirectionMode> modes = {{"FWD", DirectionMode::fwd},
                                                      {"BWD", DirectionMode::bwd},
                                                      {"BIDIR_SUM", DirectionMode::bidir_sum},
                                                      {"BIDIR_CONCAT", DirectionMode::bidir_concat},
                                                      {"BIDIR_EXTRA_DIM", DirectionMode::bidir_extra_dim}};
  return modes.at(c.option<std::string>("directionMode", "FWD"));
}

LstmLayerConfig layer_config(const Nd4jCase& c) {
  const auto activation = [&](const char* key, const char* usual) {
    return parse_rnn_activation(c.option<std::string>(key, usual), key);
  };
  const auto number = [&](const char* key) {
    return c.config.contains(key) ? std::optional(c.config.at(key).get<float>()) : std::nullopt;
  };
  LstmLayerConfig config{.format = format_of(c), .direction = direction_of(c)};
  config.gate_activation = activation("gateAct", "SIGMOID");
  config.cell_activation = activation("cellAct", "TANH");
  config.out_activation = activation("outAct", "TANH");
  config.return_last_h = config.return_last_c = true;
  config.cell_clip = c.option("cellClip", 0.0F);
  config.gate_alpha = number("gateAlpha");
  config.gate_beta = number("gateBeta");
  config.cell_alpha = number("cellAlpha");
  config.cell_beta = number("cellBeta");
  config.out_alpha = number("outAlpha");
  config.out_beta = number("outBeta");
  config.right_aligned_bwd = c.option<std::string>("bwdSeqLenAlign", "end") == "end";
  config.zero_states_of_empty_rows = true;
  return config;
}

LstmLayerWeights layer_weights(const Nd4jCase& c) {
  return {c["Wx"], c["Wr"], c["b"], c["Wp"]};
}

LstmStart layer_start(const Nd4jCase& c) {
  return {.c_last = c.find("cI"), .y_last = c.find("hI"), .max_ts_length = c.find("seqLen")};
}

void run_lstm_layer(Nd4jCase& c, const OpOptions& options) {
  const LstmLayerOutputs y = lstm_layer(c["x"], layer_weights(c), layer_config(c), layer_start(c), options);
  c.check("h", y.h);
  c.check("hL", y.h_last);
  c.check("cL", y.c_last);
}

void run_lstm_layer_cell(Nd4jCase& c, const OpOptions& options) {
  const LstmLayerCellOutputs y =
      lstm_layer_cell(c["x"], layer_weights(c), layer_config(c), layer_start(c), options);
  c.check("h", y.h);
  c.check("c", y.c);
}

void run_lstm_layer_gradient(Nd4jCase& c, const OpOptions& options) {
  const LstmLayerGradients d = lstm_layer_gradient(c["x"],
                                                   layer_weights(c),
                                                   layer_config(c),
                                                   layer_start(c),
                                                   {c["dL_h"], c["dL_hL"], c["dL_cL"]},
                                                   options);
  c.check("d_x", d.x);
  c.check("d_Wx", d.weights.input_weights);
  c.check("d_Wr", d.weights.recurrent_weights);
  c.check("d_b", d.weights.biases);
  c.check("d_Wp", d.weights.peephole_weights);
  c.check("d_hI", d.y_last);
  c.check("d_cI", d.c_last);
}

LstmConfiguration block_configuration(const Nd4jCase& c) {
  return {.format = format_of(c),
          .peephole = c.option("peephole", false),
          .forget_bias = c.option("forgetBias", 0.0F),
          .clipping_cell_value = std::max(0.0F, c.option("cellClip", 0.0F)),
          .ignore_max_ts_length = !c.option("honourMaxTSLength", false)};
}

/// A case has the peepholes even where they do not count.
LstmWeights block_weights(const Nd4jCase& c) {
  LstmWeights weights{c["W"], c["b"]};
  if (!c.option("peephole", false)) return weights;
  weights.input_peephole = c["Wci"];
  weights.forget_peephole = c["Wcf"];
  weights.output_peephole = c["Wco"];
  return weights;
}

void run_lstm_block(Nd4jCase& c, const OpOptions& options) {
  const LstmStart start{
      .c_last = c.find("cLast"), .y_last = c.find("yLast"), .max_ts_length = c.find("maxTSLength")};
  const LstmConfiguration configuration = block_configuration(c);
  const LstmBlockOutputs y = c.op == "lstmBlock"
                                 ? lstm_block(c["x"], block_weights(c), configuration, start, options)
                                 : lstm_cell(c["x"], block_weights(c), configuration, start, options);
  c.check("i", y.i);
  c.check("c", y.c);
  c.check("f", y.f);
  c.check("o", y.o);
  c.check("z", y.z);
  c.check("h", y.h);
  c.check("y", y.y);
}

void run_gru(Nd4jCase& c, const OpOptions& options) {
  const GruOutputs y = gru(c["x"], c["hLast"], {c["Wru"], c["Wc"], c["bru"], c["bc"]}, options);
  c.check("r", y.r);
  c.check("u", y.u);
  c.check("c", y.c);
  c.check("h", y.h);
}

GruLayerConfig gru_config(const Nd4jCase& c) {
  const bool before = c.option<std::string>("resetMode", "after") == "before";
  return {format_of(c), before ? ResetMode::before : ResetMode::after};
}

void run_gru_layer(Nd4jCase& c, const OpOptions& options) {
  c.check("h", gru_layer(c["x"], {c["Wx"], c["Wh"], c["b"]}, gru_config(c), {c.find("hI")}, options).h);
}

void run_gru_layer_gradient(Nd4jCase& c, const OpOptions& options) {
  const GruLayerGradients d = gru_layer_gradient(
      c["x"], {c["Wx"], c["Wh"], c["b"]}, gru_config(c), {c.find("hI")}, {c["dL_h"], {}}, options);
  c.check("d_x", d.x);
  c.check("d_hI", d.h_last);
  c.check("d_Wx", d.weights.input_weights);
  c.check("d_Wh", d.weights.recurrent_weights);
  c.check("d_b", d.weights.biases);
}

void run_rnn_layer(Nd4jCase& c, const OpOptions& options) {
  const OutputStart start{c.find("h0"), c.find("seqLen")};
  const Outputs y = rnn_layer(c["x"], {c["Wx"], c["Wh"], c["b"]}, format_of(c), start, options);
  c.check("h", y.h);
  c.check("hFinal", y.h_last);
}

void run_rnn_cell(Nd4jCase& c, const OpOptions& options) {
  c.check("h", rnn_cell(c["x"], c["hLast"], {c["Wx"], c["Wh"], c["b"]}, options));
}

void run_bidirectional_rnn(Nd4jCase& c, const OpOptions& options) {
  const bool concat = c.option("concat", true);
  const BidirectionalRnnOutputs y =
      bidirectional_rnn_layer(c["x"],
                              {{c["WxFW"], c["WhFW"], c["bFW"]}, {c["WxBW"], c["WhBW"], c["bBW"]}},
                              {format_of(c), concat ? RnnMerge::concat : RnnMerge::apart},
                              {.max_ts_length = c.find("seqLen")},
                              options);
  c.check(concat ? "h" : "hFW", y.h);
  c.check("hBW", y.backward_h);
  c.check("hFWFinal", y.forward_h_last);
  c.check("hBWFinal", y.backward_h_last);
}

void run_sru(Nd4jCase& c, const OpOptions& options) {
  const SruOutputs y = sru(c["x"], {c["w"], c["b"]}, {}, {c.find("c0"), c.find("mask")}, options);
  c.check("h", y.h);
  c.check("c", y.c);
}

void run_sru_cell(Nd4jCase& c, const OpOptions& options) {
  const SruOutputs y = sru_cell(c["x"], c["cLast"], {c["w"], c["b"]}, SruLayout::gate_columns, options);
  c.check("h", y.h);
  c.check("c", y.c);
}

/// libnd4j wants all weights whether they count or not, and ignores a clip of no projection.
void run_lstm_projection_cell(Nd4jCase& c, const OpOptions& options) {
  LstmProjectionWeights weights{c["Wx"], c["Wr"], c["b"]};
  if (c.option("peephole", false)) weights.peephole_weights = c["Wc"];
  LstmProjectionConfig config{.forget_bias = c.option("forgetBias", 0.0F),
                              .cell_clip = c.option("cellClip", 0.0F)};
  if (c.option("projection", false)) {
    weights.projection = c["Wp"];
    config.projection_clip = c.option("projClip", 0.0F);
  }
  const LstmProjectionOutputs y = lstm_projection_cell(c["x"], weights, config, layer_start(c), options);
  c.check("h", y.h);
  c.check("c", y.c);
}

using Runner = void (*)(Nd4jCase&, const OpOptions&);

const std::map<std::string, Runner> runners = {{"lstmLayer", run_lstm_layer},
                                               {"lstmLayerCell", run_lstm_layer_cell},
                                               {"gru", run_gru_layer},
                                               {"gruCell", run_gru},
                                               {"grad gru", run_gru_layer_gradient},
                                               {"rnn", run_rnn_layer},
                                               {"rnnCell", run_rnn_cell},
                                               {"rnn_bidir", run_bidirectional_rnn},
                                               {"lstmCell", run_lstm_projection_cell},
                                               {"sru", run_sru},
                                               {"sruCell", run_sru_cell},
                                               {"lstmBlock", run_lstm_block},
                                               {"lstmBlockCell", run_lstm_block},
                                               {"grad lstmLayer", run_lstm_layer_gradient}};

TEST(OpsGolden, are_those_of_the_cases) {
  std::ifstream stream(RECURRA_SOURCE_DIR "/tests/data/nd4j_cases.json");
  const nlohmann::json parsed = nlohmann::json::parse(stream);
  std::size_t ran = 0;
  for (const nlohmann::json& json : parsed.at("cases")) {
    for (const Target* target : supported_targets()) {
      Nd4jCase c(json);
      SCOPED_TRACE(c.name + " on " + target->name);
      const std::string op = c.op == "grad" ? "grad " + c.option<std::string>("forwardOp", "") : c.op;
      std::vector<Report> reports;
      EXPECT_NO_THROW(runners.at(op)(c, {.target = target, .reports = &reports}));
      EXPECT_EQ(c.checked, c.expected.size());
      EXPECT_FALSE(reports.empty()) << "nothing ran on the engine";
      for (const Report& report : reports) {
        EXPECT_STREQ(report.target, target->name);
        EXPECT_GT(report.steps, 0);
      }
      ++ran;
    }
  }
  EXPECT_EQ(ran, 53 * supported_targets().size());
}

}  // namespace

}  // namespace recurra::test

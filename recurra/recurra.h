/// Everything a user of the library needs.
#pragma once

#include "recurra/base/error.h"
#include "recurra/base/tensor.h"
#include "recurra/data/idx.h"
#include "recurra/data/mnist.h"
#include "recurra/engine/engine.h"
#include "recurra/formats/safetensors.h"
#include "recurra/layers/activation_layer.h"
#include "recurra/layers/batch_normalization.h"
#include "recurra/layers/dense.h"
#include "recurra/layers/dropout.h"
#include "recurra/layers/embedding.h"
#include "recurra/layers/flatten.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/masking.h"
#include "recurra/layers/model_spec.h"
#include "recurra/training/sequential.h"

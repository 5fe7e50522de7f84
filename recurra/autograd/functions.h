/// All functions of variables.
#pragma once

#include "recurra/autograd/arithmetic.h"
#include "recurra/autograd/join.h"
#include "recurra/autograd/losses.h"
#include "recurra/autograd/math.h"
#include "recurra/autograd/matmul.h"
#include "recurra/autograd/operation.h"
#include "recurra/autograd/reduce.h"
#include "recurra/autograd/scope.h"
#include "recurra/autograd/select.h"
#include "recurra/autograd/shapes.h"
#include "recurra/autograd/variable.h"

/// The structs that cell_list.inc names.
#pragma once

#include "recurra/cells/gru/gru.h"
#include "recurra/cells/gru_reset_after/gru_reset_after.h"
#include "recurra/cells/lstm/lstm.h"
#include "recurra/cells/vanilla/vanilla.h"
